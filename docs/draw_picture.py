"""Draws `docs/sample.jpg`, the picture in README, from the films of a finished run: nothing in it is made up.

    .venv/bin/python docs/draw_picture.py out/Halvora-spring

Each frame is read back from a delivered file at a stated second; rows of frames are brought to one width. Another
choice of frames is another `STRIP`.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from generation.errors import BadMedia
from generation.layers.fonts import FAMILIES
from generation.media.poster import write_poster

PICTURE = Path(__file__).resolve().parent / "sample.jpg"
#: A README on a page of 830 px, at twice its density.
WIDTH_PX, MARGIN_PX, LABEL_PX, TYPE_PX = 1640, 20, 64, 22
LIMIT_BYTES = 300_000
QUALITIES = (90, 85, 80, 75, 70)
PAPER, INK, QUIET = "#ffffff", "#1f2328", "#6a737d"


@dataclass(frozen=True, slots=True)
class Pick:
    """One frame of one delivery."""

    creative: str
    placement: str
    at_seconds: float


STRIP = (
    (
        Pick("alba_en-US_question", "tiktok_infeed", 1.3),
        Pick("alba_es-MX_offer", "instagram_feed_4x5", 3.6),
        Pick("vela_de-DE_question", "linkedin_square", 3.6),
        Pick("alba_de-DE_offer", "instagram_reels", 5.6),
    ),
    (
        Pick("vela_en-US_question", "youtube_instream", 1.8),
        Pick("vela_es-MX_offer", "tiktok_infeed", 3.6),
        Pick("vela_de-DE_offer", "instagram_reels", 1.6),
    ),
)


def draw(run: Path) -> Image.Image:
    """The whole picture.

    Raises: OSError for a missing delivery; BadMedia for one that cannot be read at its second.
    """
    rows = [_row([(pick, _frame(run, pick)) for pick in picks]) for picks in STRIP]
    height = sum(row.height for row in rows) + MARGIN_PX * (len(rows) - 1)
    page = Image.new("RGB", (WIDTH_PX, height), PAPER)
    y = 0
    for row in rows:
        page.paste(row, (0, y))
        y += row.height + MARGIN_PX
    return page


def _frame(run: Path, pick: Pick) -> Image.Image:
    film = run / pick.creative / f"{pick.placement}.mp4"
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / "still.jpg"
        write_poster(film, pick.at_seconds, still)
        return Image.open(still).convert("RGB")


def _row(frames: list[tuple[Pick, Image.Image]]) -> Image.Image:
    """Frames of any aspect side by side at one height, as wide as the page, each with its name below."""
    room = WIDTH_PX - MARGIN_PX * (len(frames) - 1)
    height = round(room / sum(frame.width / frame.height for _, frame in frames))
    row = Image.new("RGB", (WIDTH_PX, height + LABEL_PX), PAPER)
    pen, x = ImageDraw.Draw(row), 0.0
    for pick, frame in frames:
        width = height * frame.width / frame.height
        left, right = round(x), round(x + width)
        row.paste(frame.resize((right - left, height), Image.Resampling.LANCZOS), (left, 0))
        name = pick.creative.replace("_", "  ")
        pen.text((left, height + 6), name, INK, _type(600))
        pen.text((left, height + 34), f"{pick.placement}, {pick.at_seconds:g} s", QUIET, _type(400))
        x += width + MARGIN_PX
    return row


def _type(weight: int) -> ImageFont.FreeTypeFont:
    package, _, files = FAMILIES["manrope"]
    face = next(path for folder in import_module(package).__path__ for path in Path(folder).rglob(files[weight]))
    return ImageFont.truetype(face, TYPE_PX)


def save(picture: Image.Image, path: Path) -> None:
    """Write the best JPEG within the limit.

    Raises: BadMedia when none fits.
    """
    for quality in QUALITIES:
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=quality, optimize=True, progressive=True)
        if data.tell() <= LIMIT_BYTES:
            path.write_bytes(data.getvalue())
            return
    raise BadMedia(f"no acceptable quality of the picture fits {LIMIT_BYTES} bytes")


def main() -> None:
    """Draw the picture and say where it is."""
    parser = argparse.ArgumentParser(description="Draw docs/sample.jpg.")
    parser.add_argument("run", type=Path, help="OUT/<campaign> of a finished run of the sample campaign")
    try:
        save(draw(parser.parse_args().run), PICTURE)
    except (OSError, BadMedia) as error:
        sys.exit(f"{error}. Run `make demo` first and name the folder that it wrote to")
    sys.stdout.write(f"{PICTURE} {PICTURE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
