"""Files that a campaign names: inside its folder, there, and really pictures or films.

A name is data: no address, no way out of the folder, no link that leads out. Pictures are opened by three decoders
only, measured before they are decoded, and read to their end; of films the first picture is decoded and the rest
counted. Knows no row and no template.
"""

from __future__ import annotations

import stat
import warnings
from pathlib import Path, PurePosixPath, PureWindowsPath

from flows.problems import Problems

#: 40 megapixels are 8,000 by 5,000: beyond any delivery, and 120 MB decoded.
LIMIT_PIXELS = 40_000_000
LIMIT_BYTES = 64 * 1024 * 1024
#: Below this a hero picture is a smear on a 1080 pixel wide film.
LEAST_SIDE_PX = 64
#: Longer strips fill no frame: 64 × 130,000 pixels are few, and enlarged until they cover a film they are gigabytes.
LIMIT_ASPECT = 30
FORMATS = ("PNG", "JPEG", "WEBP")
#: A minute of 4K from a phone. A shot takes seconds of it.
LIMIT_CLIP_BYTES = 512 * 1024 * 1024


def inside(
    folder: Path, name: str, problems: Problems, *, column: str | None = None, row: int | None = None
) -> Path | None:
    """The file of that name in the campaign's folder; None after a complaint."""

    def refuse(code: str, message: str, fix: str) -> None:
        problems.add(code, message, fix, value=name, row=row, column=column)

    rule = "Name a file inside the campaign's folder, like assets/bottle.png"
    if "://" in name or name.startswith(("//", "\\\\", "data:")):
        refuse("file_address", "an address, not a file", "Download it into the campaign's folder and name it there")
        return None
    path = PurePosixPath(name)
    if PureWindowsPath(name).drive or path.is_absolute() or ".." in path.parts or "\\" in name or len(name) > 400:
        refuse("file_outside", "not a plain path inside the campaign's folder", rule)
        return None
    try:
        root, found = folder.resolve(), (folder / name).resolve()
        status = found.stat()
    except (FileNotFoundError, NotADirectoryError):
        refuse("file_missing", "the file does not exist", f"Put it at {name} in the campaign's folder")
    except (OSError, ValueError, RuntimeError) as error:
        refuse("file_unreadable", f"the file cannot be reached ({error})", rule)
    else:
        if not found.is_relative_to(root):
            refuse("file_outside", "a link that leads out of the campaign's folder", "Put the file itself there")
        elif not stat.S_ISREG(status.st_mode):
            refuse("not_a_file", "not a regular file", rule)
        else:
            return found
    return None


def check_picture(path: Path) -> tuple[str, str, str] | None:
    """What is wrong with a picture as code, sentence and fix; None when it can be used. Reads the whole file."""
    from PIL import Image, UnidentifiedImageError

    if path.stat().st_size > LIMIT_BYTES:
        return ("picture_too_large", f"the file is larger than {LIMIT_BYTES // 2**20} MiB", "Export it smaller")
    save = "Save it as PNG, JPEG or WebP"
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a picture bomb below twice its limit; our own limit is lower and strict. It also
            # warns of damaged facts about the camera, which no ad shows.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > LIMIT_PIXELS:
                    size = f"{width} × {height} pixels are more than {LIMIT_PIXELS // 1_000_000} million"
                    return ("picture_too_large", size, "Scale it down to 4,000 pixels on the long side")
                if min(width, height) < LEAST_SIDE_PX:
                    fix = f"Use one of at least {LEAST_SIDE_PX} pixels; 1,000 and more look good"
                    return ("picture_too_small", f"{width} × {height} pixels are too few", fix)
                if max(width, height) > LIMIT_ASPECT * min(width, height):
                    size = f"{width} × {height} pixels are a strip more than {LIMIT_ASPECT} times as long as wide"
                    return ("picture_too_narrow", size, "Crop it to what shall be seen")
                if getattr(picture, "n_frames", 1) > 1:
                    return ("picture_animated", "the picture is animated", "Save one frame of it")
                picture.draft(None, (width // 8, height // 8))  # a JPEG is read to its end at an eighth of the size
                picture.load()
    except UnidentifiedImageError:
        return ("not_a_picture", "the file is not a PNG, JPEG or WebP picture", save)
    except Image.DecompressionBombError:
        return ("picture_too_large", "the picture has far too many pixels", "Scale it down to 4,000 pixels")
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        return ("picture_broken", f"the picture cannot be read to its end ({error})", f"{save} again")
    return None


def check_clip(path: Path, least_seconds: float = 0.0) -> tuple[str, str, str] | None:
    """What is wrong with a film as code, sentence and fix; None when an engine can make a shot of that length of it."""
    if path.stat().st_size > LIMIT_CLIP_BYTES:
        return ("clip_too_large", f"the file is larger than {LIMIT_CLIP_BYTES // 2**20} MiB", "Cut it to some seconds")
    # Late: the library behind it is needed by campaigns that name a film, and by no other plan.
    from generation.errors import BadMedia
    from generation.media.clip import read_clip

    try:
        clip = read_clip(path)
    except BadMedia as error:
        return ("not_a_film", f"the film cannot be used ({error})", "Save it as MP4 (H.264), MOV or WebM")
    if min(clip.size.width_px, clip.size.height_px) < LEAST_SIDE_PX:
        return ("clip_too_small", f"{clip.size} pixels are too few", f"Use one of at least {LEAST_SIDE_PX} pixels")
    if clip.seconds < least_seconds:
        message = f"the film lasts {clip.seconds:.1f} s and the shot needs {least_seconds:.1f} s of it"
        return ("clip_too_short", message, "Use a longer film, or give the shot a smaller share")
    return None
