"""A scene on its way to becoming a film: size, light, camera, and the elements painted so far, back to front.

Places paint through this; it keeps the depth order, the ground line, and the record of which concepts were drawn.
Knows no particular place or thing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from generation.engines.animatic.camera import Camera
from generation.engines.animatic.canvas import Canvas
from generation.engines.animatic.palette import Palette, Rgb, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.scene import Scene
from generation.engines.animatic.sheets import Element, Path, Sheet, _still
from generation.engines.animatic.things import TABLE
from generation.spec import Size


class Stage:
    """What places paint on."""

    def __init__(
        self, scene: Scene, palette: Palette, camera: Camera, size: Size, *, fps: float, seconds: float, hero: bool
    ) -> None:
        self.scene, self.palette, self.camera, self.size = scene, palette, camera, size
        self.fps, self.seconds, self.hero = fps, seconds, hero
        self.width, self.height = float(size.width_px), float(size.height_px)
        #: One length for the sizes of things in any aspect: the side of a square as large as the frame, or less.
        self.span = min(math.sqrt(self.width * self.height), 1.08 * self.height)
        #: The light comes from the left (-1) or from the right (1).
        self.light_side = -1 if scene.rng("light").random() < 0.5 else 1
        self.elements: list[Element] = []
        self.drawn: set[str] = set()
        #: The thing that the row's picture stands for, which is therefore not drawn a second time; "" for none.
        self.pictured = next((name for name in scene.things if hero and name in TABLE), "")

    @property
    def horizon(self) -> float:
        """Height of the horizon in stage pixels: lower when the camera looks up, higher when it looks down."""
        share = {"low": 0.68, "high": 0.40}.get(self.scene.angle, 0.56)
        if self.scene.angle:
            self.drawn.add(self.scene.angle)
        return self.height * (share if self.height >= self.width else share + 0.03)

    def fit(self, heights: float) -> None:
        """Make everything that follows smaller where the frame is low: the span is at most `heights` frame heights."""
        self.span = min(self.span, heights * self.height)

    def wants(self, *concepts: str) -> bool:
        """Whether the prompt names one of these things, animals or weathers; the ones it names count as drawn."""
        named = {*self.scene.things, *self.scene.animals, self.scene.weather, self.scene.season} & set(concepts)
        self.drawn |= named
        return bool(named)

    def colour_of(self, concept: str, otherwise: Rgb | str) -> Rgb:
        """The colour the prompt gives to a thing, else `otherwise`."""
        code = self.scene.colour_of.get(concept, otherwise)
        if concept in self.scene.colour_of:
            self.drawn.add(self.scene.colour_of[concept])
        return rgb(code) if isinstance(code, str) else code

    def canvas(self, depth: float, *, top: float = 0.0, bottom: float | None = None, extra: float = 0.0) -> Canvas:
        """A canvas over the whole frame (or from stage row `top` down) with the margin that this depth's moves need."""
        mx, my = self.camera.margin_px(depth)
        mx, my = mx + math.ceil(extra), my + math.ceil(min(extra, 0.05 * self.height))
        low = max(-my, top - 2)
        high = self.height + my if bottom is None else min(self.height + my, bottom)
        return Canvas(-mx, low, self.width + 2 * mx, max(4, high - math.floor(low)))

    def pen(self, canvas: Canvas, x: float, y: float, scale: float, *, depth: float, flip: bool = False) -> Pen:
        """A pen on a canvas of this stage."""
        return Pen(canvas, self.palette, x, y, scale, depth=depth, flip=flip)

    def add(self, element: Element) -> None:
        """Put an element in front of all others so far."""
        self.elements.append(element)

    def add_layer(self, canvas: Canvas, depth: float, *, path: Path = _still) -> None:
        """A painted layer; where it is solid down to the bottom, what lies behind is not even drawn."""
        self.add(Sheet([canvas], depth, path=path, backdrop=True))

    def add_figure(
        self,
        paint: Callable[[Pen, float], None],
        *,
        at: tuple[float, float],
        scale: float,
        depth: float,
        reach: tuple[float, float, float, float] = (-0.6, -0.1, 0.6, 1.15),
        path: Path = _still,
        cycle_seconds: float = 0.0,
        phase: float = 0.0,
        flip: bool = False,
        seen_at: float | None = None,
    ) -> None:
        """A figure with its feet at stage pixel `at`: `paint(pen, share of the cycle)` draws each phase once.

        `reach` is the box in units that the painting stays in: left, low, right, high. `seen_at` is the depth whose
        light and haze it has, where that is not its own.
        """
        # Slow cycles are small motions: half the phases are enough for them.
        count = max(1, min(40 if cycle_seconds < 2 else 24, round(cycle_seconds * self.fps)))
        canvases = []
        left, right = (-reach[2], -reach[0]) if flip else (reach[0], reach[2])
        for index in range(count):
            canvas = Canvas(
                at[0] + left * scale,
                at[1] - reach[3] * scale,
                (right - left) * scale,
                (reach[3] - reach[1]) * scale,
                # Large figures are fine enough as they are, and four times cheaper.
                fine=2 if (right - left) * (reach[3] - reach[1]) * scale**2 < 150_000 else 1,
            )
            light = depth if seen_at is None else seen_at
            paint(self.pen(canvas, at[0], at[1], scale, depth=light, flip=flip), index / count)
            canvases.append(canvas)
        rate = count / cycle_seconds if cycle_seconds else 0.0
        # A cycle of a whole number of frames: a phase for each frame, so that steps are even.
        rate = self.fps if rate and abs(rate - self.fps) / self.fps < 0.1 else rate
        self.add(Sheet(canvases, depth, path=path, phases_per_second=rate, phase=phase * count))


def travelling(speed_px: float, seconds: float, start: float = 0.0) -> Path:
    """A path along x that is at `start` in the middle of the shot, moving at `speed_px` per second."""
    return lambda at: (start + speed_px * (at - seconds / 2), 0.0)


def rising(speed_px: float, seconds: float) -> Path:
    """A path along y, negative upwards, that is at its composed place in the middle of the shot."""
    return lambda at: (0.0, speed_px * (at - seconds / 2))


def swaying(x_px: float, y_px: float, period_seconds: float, phase: float = 0.0) -> Path:
    """A slow to and fro."""
    turn = 2 * math.pi / period_seconds
    return lambda at: (x_px * math.sin(turn * at + phase), y_px * math.sin(turn * at * 0.83 + phase + 1.0))


def together(*paths: Path) -> Path:
    """Several motions at once."""

    def path(at: float) -> tuple[float, float]:
        steps = [one(at) for one in paths]
        return (sum(step[0] for step in steps), sum(step[1] for step in steps))

    return path


def spread(chance: np.random.Generator, count: int, low: float, high: float) -> Sequence[float]:
    """`count` places between low and high that keep their distance, unevenly."""
    if count <= 0:
        return ()
    width = (high - low) / count
    return [low + width * (index + float(chance.uniform(0.25, 0.75))) for index in range(count)]
