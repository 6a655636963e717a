"""A poster in the size that a platform wants for its covers. The numbers are those of placements.toml.

A poster that fits already goes out byte for byte. Knows pictures; not what is on them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

#: Tried in this order until the file is small enough.
QUALITIES = (92, 85, 75, 60)
#: Our own posters have at most the size of a master; anything larger is not one.
_LIMIT_PIXELS = 4096 * 4096
#: Where a platform names no limit.
_LIMIT_BYTES = 30_000_000


class BadPoster(Exception):
    """The poster is no picture that can be read, or cannot be made small enough."""


def cover(poster: Path, wanted: Mapping[str, object]) -> bytes:
    """The bytes of a JPEG that meets `wanted` (width, height, min_width, max_bytes); nothing wanted changes nothing.

    Raises: BadPoster.
    """
    from PIL import Image, UnidentifiedImageError

    data = poster.read_bytes()
    most = _number(wanted, "max_bytes") or _LIMIT_BYTES
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > _LIMIT_PIXELS:
                raise BadPoster(f"{poster.name} has {picture.width}x{picture.height} pixels")
            size = _size(picture.size, wanted)
            if size == picture.size and len(data) <= most:
                return data
            return _encoded(_fitted(picture.convert("RGB"), size), most, poster.name)
    except (UnidentifiedImageError, OSError) as error:
        raise BadPoster(f"{poster.name} is no picture that can be read") from error


def readable(poster: Path) -> bool:
    """Whether a file is a whole picture of a size that ours have."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(poster, formats=("JPEG", "PNG")) as picture:
            picture.load()
            return picture.width * picture.height <= _LIMIT_PIXELS
    except (UnidentifiedImageError, OSError):
        return False


def _size(size: tuple[int, int], wanted: Mapping[str, object]) -> tuple[int, int]:
    """The size to make: the one that is named, or the poster's own, enlarged where it is too narrow."""
    width, height = _number(wanted, "width"), _number(wanted, "height")
    if width and height:
        return width, height
    narrow = max(_number(wanted, "min_width"), size[0])
    return narrow, round(size[1] * narrow / size[0])


def _fitted(picture: object, size: tuple[int, int]) -> object:
    """The whole poster inside the size, on a blurred copy of itself: nothing of a title is cut off."""
    from PIL import Image, ImageFilter, ImageOps

    assert isinstance(picture, Image.Image)
    whole = ImageOps.contain(picture, size, Image.Resampling.LANCZOS)
    if whole.size == size:
        return whole
    ground = ImageOps.fit(picture, size, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(size[1] / 24))
    ground.paste(whole, ((size[0] - whole.width) // 2, (size[1] - whole.height) // 2))
    return ground


def _encoded(picture: object, most: int, name: str) -> bytes:
    from PIL import Image

    assert isinstance(picture, Image.Image)
    for quality in QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= most:
            return stream.getvalue()
    raise BadPoster(f"{name} cannot be made smaller than {most:,} bytes")


def _number(wanted: Mapping[str, object], key: str) -> int:
    value = wanted.get(key)
    return value if isinstance(value, int) else 0
