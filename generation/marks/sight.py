"""The disclosure label drawn anew, and how one frame of a film compares with it.

What is compared is the shape of the letters without what changes slowly: footage that shines through the plate, and
what compression does to it, count for little; another letter, a box or a crop for much. Knows frames, not films.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.layers.canvas import sprite
from generation.layers.placed import Plate, Words
from generation.layers.spec import BrandStyle, TitleSheet
from generation.layers.titles import lay_out
from generation.spec import Box, Size

Floats = NDArray[np.float32]

#: How alike the letters must be as a whole, and in the least alike stretch of them (1 is the same, 0 is unrelated).
#: Measured: 0.89 and 0.77 at the least after x264 crf 28 at half size, 0.39 at most for another text of that length.
LEAST_ALIKE, LEAST_PIECE = 0.75, 0.60
#: A frame is compared within so many pixels of the place, of a 1080 px wide film: scaling moves things by parts of one.
_SLACK = 4
#: Mean square of fine detail, in code values, below which an area is flat.
_FLAT = 4.0
#: Places are rounded to these pixels, so that the usual scales (1/2, 2/3) meet whole pixels.
_ROUND = 12


@dataclass(frozen=True, slots=True)
class ExpectedLabel:
    """What was drawn, and where it may stand. Pixels are those of the master."""

    text: str
    locale: str
    brand: BrandStyle
    size: Size
    #: The box that the title sheet was laid out in, and the box that the placement leaves free.
    sheet_safe: Box
    safe: Box
    #: Frames that show it (end excluded), and their rate.
    frames: tuple[int, int]
    fps: Fraction
    #: Its box as the master's notes have it; None takes the layout's.
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The label drawn anew: how much of each pixel of its plate the letters cover, at the scale of a film."""

    ink: Floats
    #: Of the plate, in pixels of the film.
    box: Box
    #: Pixels of the film for one of the master.
    scale: float
    type_size: float


@dataclass(frozen=True, slots=True)
class Sight:
    """The label as one frame shows it."""

    moment: float
    box: Box
    alike: float
    #: Likeness of the least alike stretch, and where that is: a part of the label's width.
    piece: float
    piece_at: float
    contrast: float

    @property
    def whole(self) -> bool:
        """Whether all of its letters are there."""
        return self.alike >= LEAST_ALIKE and self.piece >= LEAST_PIECE


# --- what must be there -------------------------------------------------------------------------------------------


def draw_label(expected: ExpectedLabel, film: Size) -> Drawn:
    """Lay the label out and draw its letters, by the same code as the master, at the scale of the film."""
    until = expected.frames[1]
    sheet = TitleSheet(
        expected.size, expected.sheet_safe, until, expected.fps, expected.locale, expected.brand,
        disclosure_label=expected.text,
    )  # fmt: skip
    (placed,) = (thing for thing in lay_out(sheet) if thing.kind == "disclosure")
    if expected.box is not None and expected.box != placed.box:
        raise AssertionError(f"the label was drawn at {expected.box} and the layout puts it at {placed.box}")
    marks = [mark for part in placed.parts for mark in part.marks]
    words = [mark for mark in marks if isinstance(mark, Words)]
    plate = next(mark for mark in marks if isinstance(mark, Plate)).area
    letters = sprite(words)
    left, top = _ROUND * int(plate.x // _ROUND), _ROUND * int(plate.y // _ROUND)
    right, bottom = _ROUND * -int(-plate.right // _ROUND), _ROUND * -int(-plate.bottom // _ROUND)
    canvas = np.zeros((bottom - top, right - left), np.float32)
    down, across = letters.y - top, letters.x - left
    canvas[down : down + letters.height, across : across + letters.width] = (
        255 - letters.keep.astype(np.float32)
    ) / 255
    scale = film.width_px / expected.size.width_px
    if scale != 1:
        shape = (round(canvas.shape[1] * scale), round(canvas.shape[0] * scale))
        canvas = np.asarray(cv2.resize(canvas, shape, interpolation=cv2.INTER_AREA), np.float32)
    x, y = round((plate.x - left) * scale), round((plate.y - top) * scale)
    width, height = round(plate.width * scale), round(plate.height * scale)
    box = Box(round(left * scale) + x, round(top * scale) + y, width, height)
    size_px = min(word.size_px for word in words)
    short = min(expected.size.width_px, expected.size.height_px)
    return Drawn(np.ascontiguousarray(canvas[y : y + height, x : x + width]), box, scale, size_px / short)


def same_shape(film: Size, master: Size) -> bool:
    """Whether a film is the master at another scale, by a pixel or two."""
    return abs(film.width_px * master.height_px - film.height_px * master.width_px) <= 2 * max(
        master.width_px, master.height_px
    )


# --- what is there ------------------------------------------------------------------------------------------------


def look(luma: NDArray[np.uint8], drawn: Drawn, moment: float) -> Sight:
    """The label at its place; where it is not there, where it stands instead."""
    slack = max(2, round(_SLACK * min(luma.shape) / 1080))
    box = drawn.box
    around = Box(box.x - slack, box.y - slack, box.width + 2 * slack, box.height + 2 * slack)
    sight = _sight(luma, drawn, _best(luma, drawn.ink, around), moment)
    if sight.whole:
        return sight
    elsewhere = _sight(luma, drawn, _anywhere(luma, drawn.ink), moment)
    return elsewhere if elsewhere.whole else sight


def _best(luma: NDArray[np.uint8], ink: Floats, around: Box) -> tuple[int, int]:
    """Where within a box of the frame the letters fit best: column and row of their upper left corner."""
    left, top = max(0, around.x), max(0, around.y)
    part = luma[top : max(0, around.bottom), left : max(0, around.right)]
    if part.shape[0] < ink.shape[0] or part.shape[1] < ink.shape[1]:
        return around.x, around.y
    fine = _fine(part)
    found = cv2.matchTemplate(fine, _fine(ink), cv2.TM_CCOEFF_NORMED)
    # On flat areas the quotient is noise over nothing, and would win.
    energy = cv2.boxFilter(fine * fine, -1, (ink.shape[1], ink.shape[0]), anchor=(0, 0))
    found[energy[: found.shape[0], : found.shape[1]] < _FLAT] = 0
    row, column = np.unravel_index(int(np.argmax(found)), found.shape)
    return left + int(column), top + int(row)


def _anywhere(luma: NDArray[np.uint8], ink: Floats) -> tuple[int, int]:
    """Where on the whole frame the letters fit best: roughly at half the scale, then exactly."""
    half = (luma.shape[1] // 2, luma.shape[0] // 2), (ink.shape[1] // 2, ink.shape[0] // 2)
    small = np.asarray(cv2.resize(luma, half[0], interpolation=cv2.INTER_AREA), np.uint8)
    mark = np.asarray(cv2.resize(ink, half[1], interpolation=cv2.INTER_AREA), np.float32)
    x, y = _best(small, mark, Box(0, 0, *half[0]))
    return _best(luma, ink, Box(2 * x - 4, 2 * y - 4, ink.shape[1] + 8, ink.shape[0] + 8))


def _sight(luma: NDArray[np.uint8], drawn: Drawn, at: tuple[int, int], moment: float) -> Sight:
    """How alike frame and letters are at a place."""
    (x, y), (height, width) = at, drawn.ink.shape
    box = Box(x, y, width, height)
    if min(x, y) < 0 or box.right > luma.shape[1] or box.bottom > luma.shape[0]:
        return Sight(moment, box, 0.0, 0.0, 0.0, 1.0)
    seen = luma[y : y + height, x : x + width].astype(np.float32)
    fine, letters = _fine(seen), _fine(drawn.ink)
    pieces = [(_alike(fine[:, part], letters[:, part]), part.start / width) for part in _pieces(drawn.ink)]
    piece, piece_at = min(pieces)
    return Sight(moment, box, _alike(fine, letters), piece, piece_at, _contrast(seen, drawn.ink))


def _pieces(ink: Floats) -> Iterator[slice]:
    """Stretches of the label as wide as it is high that hold letters: each has to be there."""
    height, width = ink.shape
    count = max(1, round(width / height))
    edges = [width * index // count for index in range(count + 1)]
    whole = float(ink.mean())
    for left, right in pairwise(edges):
        if ink[:, left:right].mean() > 0.4 * whole:
            yield slice(left, right)


def _fine(plane: NDArray[np.uint8] | Floats) -> Floats:
    """The plane without what changes slowly: strokes stay, footage that shines through the plate goes."""
    floats = np.asarray(plane, np.float32)
    return floats - cv2.GaussianBlur(floats, (0, 0), max(2.0, 0.2 * min(floats.shape[0], 48)))


def _alike(seen: Floats, letters: Floats) -> float:
    """Correlation of two planes, -1 to 1; 0 where one of them is flat."""
    a, b = seen - seen.mean(), letters - letters.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-3 else 0.0


def _contrast(seen: Floats, ink: Floats) -> float:
    """Contrast of the letters and the lighter parts of their ground, by WCAG 2.

    The letters' level is what a straight line through all pixels gives at full cover: strokes of two pixels never reach
    it, and are read all the same.
    """
    reach = max(2, ink.shape[0] // 8)
    letters = np.asarray(ink > 0.1, np.uint8)
    # Around the letters, not under their soft edges, nor where the plate's corners let the footage through.
    near = cv2.dilate(letters, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    ground = float(np.percentile(seen[(near > 0) & (cv2.dilate(letters, np.ones((3, 3), np.uint8)) == 0)], 75))
    cover = ink - ink.mean()
    slope = float((cover * seen).sum() / max(1e-6, float((cover * cover).sum())))
    level = float(seen.mean()) + slope * (1 - float(ink.mean()))
    high, low = _luminance(max(level, ground)), _luminance(min(level, ground))
    return (high + 0.05) / (low + 0.05)


def _luminance(code: float) -> float:
    """Relative luminance of a grey with this code value of BT.709 limited range (sRGB's curve, as WCAG takes it)."""
    part = min(1.0, max(0.0, (code - 16) / 219))
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
