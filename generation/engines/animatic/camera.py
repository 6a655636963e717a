"""Where the camera is at every frame: slow, eased, sub-pixel. Pure arithmetic; knows no layers and no pixels' colours.

A layer at depth 0 is at the horizon and hardly moves, one at depth 1 is nearest and moves most: parallax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from generation.spec import Size

MOVES = ("push", "pull", "pan_left", "pan_right", "rise", "sink", "orbit", "static", "handheld")

#: Share of the frame that the nearest layer travels: per second, and at most in one shot.
_SPEED_PER_SECOND = 0.018
_MOST_TRAVEL = 0.085
_FAR_PARALLAX = 0.12


class Affine(NamedTuple):
    """Stage to frame for one layer: x' = scale * x + dx, y' = scale * y + dy, in pixels."""

    scale: float
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Camera:
    """One move over one shot. `travel` is what the nearest layer travels, as a share of the frame."""

    move: str
    size: Size
    frames: int
    travel: float
    #: The point that zooms hold still, in pixels.
    focus: tuple[float, float]
    #: Phase of the hand-held sway, so that two shots do not sway alike.
    phase: float = 0.0

    def at(self, frame: int, depth: float, *, seconds: float = 0.0) -> Affine:
        """How a layer at `depth` is seen at `frame`."""
        # Centred on zero, so that what was composed at rest is met in the middle of the shot.
        way = _eased(frame / max(1, self.frames - 1)) - 0.5
        near = _FAR_PARALLAX + (1 - _FAR_PARALLAX) * depth
        zoom, dx, dy = self._offsets(way, near, seconds)
        return Affine(
            zoom,
            self.focus[0] * (1 - zoom) + dx * self.size.width_px,
            self.focus[1] * (1 - zoom) + dy * self.size.height_px,
        )

    def _offsets(self, way: float, near: float, seconds: float) -> tuple[float, float, float]:
        """Zoom, and the shift in shares of the frame."""
        travel = self.travel * way * near
        rest = 1.0 + 0.5 * self.travel * 1.6 * near  # zooms swing around this, never below 1
        if self.move in ("push", "pull"):
            sign = 1 if self.move == "push" else -1
            return rest + sign * travel * 1.6, 0.18 * travel, 0.0
        if self.move == "orbit":
            return 1.02, travel * (1 if near > 0.5 else -0.6), 0.0
        if self.move == "handheld":
            sway = 0.004 * near
            return 1.02 + 0.3 * travel, sway * _wander(seconds, self.phase), sway * _wander(seconds, self.phase + 4.1)
        shifts = {"pan_left": (1, 0), "pan_right": (-1, 0), "rise": (0, 1), "sink": (0, -1)}
        right, down = shifts.get(self.move, (0, 0))
        return 1.0, right * travel, down * travel * 0.8

    def margin_px(self, depth: float) -> tuple[int, int]:
        """How far a layer at `depth` must reach beyond the frame on each side, in pixels."""
        near = _FAR_PARALLAX + (1 - _FAR_PARALLAX) * depth
        # Zooms only ever enlarge, but about a focus off the centre a pan of theirs still uncovers a little.
        share = 0.5 * self.travel * near + (0.006 if self.move == "handheld" else 0.0)
        return math.ceil(share * self.size.width_px) + 3, math.ceil(share * self.size.height_px) + 3


def choose_camera(
    move: str, size: Size, frames: int, seconds: float, *, motion: float, focus: tuple[float, float], phase: float
) -> Camera:
    """The camera for a shot; `motion` scales its travel (0 holds it still, 1 is the usual slow move)."""
    travel = 0.0 if move == "static" else min(_MOST_TRAVEL, _SPEED_PER_SECOND * max(1.5, seconds)) * motion
    if move in ("push", "pull"):
        travel *= 1.25
    return Camera(move, size, frames, travel, focus, phase)


def _eased(share: float) -> float:
    """Mostly even, soft at both ends: a shot that is cut to another one must not stand still at the cut."""
    soft = share * share * share * (share * (share * 6 - 15) + 10)
    return 0.72 * share + 0.28 * soft


def _wander(seconds: float, phase: float) -> float:
    """A smooth aimless sway within about -1..1, from incommensurate slow sines."""
    return (
        math.sin(1.3 * seconds + phase) + 0.6 * math.sin(2.17 * seconds + 1.7 * phase) + 0.3 * math.sin(3.9 * seconds)
    ) / 1.9
