"""What `titles.py` decides and `compose.py` draws: things with a place, a time, and the marks that make them up.

Places are pixels of the master, floats inside a thing (sub-pixel type), whole numbers around it. Knows no fonts' files
and no frames of a film.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from generation.layers.fonts import Typeface
from generation.layers.shaping import shape
from generation.spec import Box


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels with fractions."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Where it ends on the right."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Where it ends below."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text. `x` is the left edge of its ink: type aligned by ink, not by side bearings, looks aligned."""

    text: str
    typeface: Typeface
    size_px: float
    x: float
    baseline: float
    colour: str
    opacity: float = 1.0
    #: A soft edge, dark about light text and light about dark text, as a part of the size; 0 for text on a plate.
    halo: float = 0.0


@dataclass(frozen=True, slots=True)
class Plate:
    """A rounded rectangle under something."""

    area: Rect
    radius: float
    colour: str
    opacity: float = 1.0
    #: Reach of a soft shadow in pixels.
    shadow_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points, with round ends."""

    points: tuple[tuple[float, float], ...]
    thickness: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file scaled into a rectangle."""

    path: Path
    area: Rect


Mark = Words | Plate | Stroke | Picture


@dataclass(frozen=True, slots=True)
class Element:
    """Marks with the rectangle that they fill (shadows aside)."""

    marks: tuple[Mark, ...]
    area: Rect


@dataclass(frozen=True, slots=True)
class Part:
    """Marks that move together: `motion` is a name in `motion.py`, `delay_frames` after the thing's first frame."""

    marks: tuple[Mark, ...]
    motion: str
    delay_frames: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """One thing on the picture: its kind, text, the box of its ink or plate, and its frames (end excluded)."""

    kind: str
    text: str
    box: Box
    start_frame: int
    end_frame: int
    parts: tuple[Part, ...]
    #: Written straight on the footage: needs the shade, which darkens only as much as the footage asks for.
    shaded: bool = False
    #: Colour of the text that the shade must carry.
    colour: str = ""
    #: Contrast that it must keep against the shaded footage.
    contrast: float = 4.8
    #: Ends because an end card slides over it, not by leaving.
    covered: bool = False
    #: Full-frame colour of an end card; "" for everything else.
    backdrop: str = ""


def whole_box(area: Rect) -> Box:
    """The whole pixels that an area touches, as far as antialiasing is concerned."""
    left, top = math.floor(area.x + 0.01), math.floor(area.y + 0.01)
    return Box(left, top, math.ceil(area.right - 0.01) - left, math.ceil(area.bottom - 0.01) - top)


def moved(element: Element, dx: float, dy: float) -> Element:
    """The element somewhere else."""
    area = element.area
    return Element(
        tuple(_moved(mark, dx, dy) for mark in element.marks), Rect(area.x + dx, area.y + dy, area.width, area.height)
    )


def _moved(mark: Mark, dx: float, dy: float) -> Mark:
    if isinstance(mark, Words):
        return replace(mark, x=mark.x + dx, baseline=mark.baseline + dy)
    if isinstance(mark, Stroke):
        return replace(mark, points=tuple((x + dx, y + dy) for x, y in mark.points))
    area = mark.area
    return replace(mark, area=Rect(area.x + dx, area.y + dy, area.width, area.height))


def mirrored(mark: Mark, axis: float) -> Mark:
    """The mark on the other side of a vertical axis; text and pictures are moved, not turned."""
    if isinstance(mark, Words):
        line = shape(mark.text, mark.typeface)
        return replace(mark, x=2 * axis - mark.x - (line.right_em - line.left_em) * mark.size_px)
    if isinstance(mark, Stroke):
        return replace(mark, points=tuple((2 * axis - x, y) for x, y in mark.points))
    area = mark.area
    return replace(mark, area=Rect(2 * axis - area.right, area.y, area.width, area.height))


def scaled(element: Element, factor: float) -> Element:
    """The element larger or smaller, about (0, 0)."""
    return Element(tuple(_scaled(mark, factor) for mark in element.marks), _scaled_area(element.area, factor))


def _scaled_area(area: Rect, factor: float) -> Rect:
    return Rect(area.x * factor, area.y * factor, area.width * factor, area.height * factor)


def _scaled(mark: Mark, factor: float) -> Mark:
    if isinstance(mark, Words):
        return replace(mark, x=mark.x * factor, baseline=mark.baseline * factor, size_px=mark.size_px * factor)
    if isinstance(mark, Stroke):
        points = tuple((x * factor, y * factor) for x, y in mark.points)
        return replace(mark, points=points, thickness=mark.thickness * factor)
    area = _scaled_area(mark.area, factor)
    if isinstance(mark, Plate):
        return replace(mark, area=area, radius=mark.radius * factor, shadow_px=mark.shadow_px * factor)
    return replace(mark, area=area)
