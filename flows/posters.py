"""Small pictures for the contact sheet: posters shrunk to thumbnails, equal ones kept once.

Knows JPEG files; does not know what is on them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

#: Longer side in pixels and JPEG quality, by how many different posters there are: the page stays under some 25 MB.
_SIZES = ((300, 480, 74), (10**9, 320, 68))
#: Our own posters have at most the size of a master; anything larger is not one.
_LIMIT_PIXELS = 4096 * 4096


class Posters:
    """The thumbnails of the posters that can be read; several films often share one picture."""

    def __init__(self, files: Sequence[Path]) -> None:
        hashes = {file: _hash(file) for file in files}
        different = {key: file for file, key in hashes.items() if key}
        side, quality = next((side, quality) for most, side, quality in _SIZES if len(different) <= most)
        numbers: dict[str, int] = {}
        self.jpegs: list[bytes] = []
        for key, file in different.items():
            jpeg = _shrink(file, side, quality)
            if jpeg:
                numbers[key] = len(self.jpegs)
                self.jpegs.append(jpeg)
        self._numbers = {file: numbers.get(key, -1) for file, key in hashes.items()}

    def number(self, file: Path) -> int:
        """Index of the poster's thumbnail in `jpegs`, -1 when there is none."""
        return self._numbers.get(file, -1)


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _shrink(file: Path, side: int, quality: int) -> bytes:
    """The picture as a small JPEG, b"" when it is not a readable one: a film without a poster can still be played."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=["JPEG"]) as picture:
            if picture.width * picture.height > _LIMIT_PIXELS:
                return b""
            picture.draft("RGB", (side, side))  # the decoder itself shrinks by 2, 4 or 8: a tenth of the time
            small = picture.convert("RGB")
            small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
            target = io.BytesIO()
            small.save(target, "JPEG", quality=quality, optimize=True)
            return target.getvalue()
    except (OSError, UnidentifiedImageError, ValueError):
        return b""
