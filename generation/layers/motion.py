"""How things come, stay and go: pure functions of the frame.

Entrances decelerate and are over in half a second, exits are short and plain: motion should draw the eye once and then
leave the words alone. Times are seconds at the edge and frames inside. A new motion is a function and a line in
`MOTIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from generation.spec import Box

#: An end card takes the picture in this time.
WIPE_SECONDS = 0.5
_ENTRANCE_SECONDS, _POP_SECONDS, _FADE_SECONDS, _CAPTION_SECONDS = 0.5, 0.42, 0.3, 0.1
_EXIT_SECONDS = 0.24
#: How far things rise, in units of the page.
RISE = 36
#: The button breathes once in this time, for this long, by this much.
_PULSE_EVERY_SECONDS, _PULSE_SECONDS, _PULSE = 1.9, 0.7, 0.035


@dataclass(frozen=True, slots=True)
class Pose:
    """Opacity, scale, and distance below the final place in units of the page."""

    opacity: float = 1.0
    scale: float = 1.0
    drop: float = 0.0


HIDDEN, AT_REST = Pose(opacity=0.0), Pose()


def frames_of(seconds: float, fps: Fraction) -> int:
    """Whole frames of a length of time, at least one."""
    return max(1, round(Fraction(seconds).limit_denominator(1000) * fps))


def ease_out(t: float) -> float:
    """0 to 1, fast at first, ending without a jerk (quartic)."""
    return 1 - (1 - min(max(t, 0.0), 1.0)) ** 4


def ease(t: float) -> float:
    """0 to 1, slow at both ends (smoothstep)."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _part(frame: int, seconds: float, fps: Fraction) -> float:
    """How much of an entrance is done at a frame; the first frame already shows something."""
    return min(1.0, (frame + 1) / (frames_of(seconds, fps) + 1))


def _rise(frame: int, fps: Fraction) -> Pose:
    t = _part(frame, _ENTRANCE_SECONDS, fps)
    return AT_REST if t >= 1 else Pose(ease(min(1.0, 1.7 * t)), 1.0, RISE * (1 - ease_out(t)))


def _pop(frame: int, fps: Fraction) -> Pose:
    t = _part(frame, _POP_SECONDS, fps)
    if t >= 1:
        return AT_REST
    # A damped swing: passes its size by 2 % once and comes back.
    swing = 1 - math.exp(-3.2 * t) * math.cos(1.7 * math.pi * t)
    return Pose(ease(min(1.0, 2.5 * t)), 0.80 + 0.20 * (swing + t**6 * (1 - swing)))


def _fade(frame: int, fps: Fraction) -> Pose:
    t = _part(frame, _FADE_SECONDS, fps)
    return AT_REST if t >= 1 else Pose(ease(t))


def _caption(frame: int, fps: Fraction) -> Pose:
    t = _part(frame, _CAPTION_SECONDS, fps)
    return AT_REST if t >= 1 else Pose(ease(t))


def _button(frame: int, fps: Fraction) -> Pose:
    entrance = frames_of(_POP_SECONDS, fps)
    if frame < entrance:
        return _pop(frame, fps)
    within = (frame - entrance) % frames_of(_PULSE_EVERY_SECONDS, fps)
    start = frames_of(_PULSE_EVERY_SECONDS - _PULSE_SECONDS, fps)
    if within < start:
        return AT_REST
    t = (within - start) / frames_of(_PULSE_SECONDS, fps)
    return Pose(scale=1 + _PULSE * math.sin(math.pi * min(t, 1.0)) ** 2)


def _still(_frame: int, _fps: Fraction) -> Pose:
    return AT_REST


MOTIONS: Mapping[str, Callable[[int, Fraction], Pose]] = MappingProxyType(
    {"rise": _rise, "pop": _pop, "fade": _fade, "caption": _caption, "button": _button, "still": _still}
)


def pose(motion: str, frame: int, left: int, fps: Fraction, *, leaves: bool = True) -> Pose:
    """Where a thing is `frame` frames after its entrance began, with `left` frames to go, this one included."""
    if frame < 0 or left <= 0:
        return HIDDEN
    entering = MOTIONS[motion](frame, fps)
    if not leaves or motion == "still":
        return entering
    exit_frames = frames_of(_CAPTION_SECONDS if motion == "caption" else _EXIT_SECONDS, fps)
    remains = ease(left / (exit_frames + 1))
    return entering if remains >= 1 else replace(entering, opacity=entering.opacity * remains)


@dataclass(frozen=True, slots=True)
class Leeway:
    """What a thing may do without leaving the safe box: the point it grows from, how large, how far below its place."""

    x: float
    y: float
    largest: float
    lowest_px: float


def leeway(box: Box, safe: Box) -> Leeway:
    """A thing at an edge of the safe box grows away from it; one in the open grows from its middle."""
    x, across = _anchor(box.x - safe.x, safe.right - box.right, box.width)
    y, down = _anchor(box.y - safe.y, safe.bottom - box.bottom, box.height)
    lowest = max(0.0, float(safe.bottom - box.bottom))
    return Leeway(box.x + x * box.width, box.y + y * box.height, min(across, down), lowest)


def _anchor(before: int, after: int, length: int) -> tuple[float, float]:
    """Place of the fixed point (0 is the near edge, 1 the far one) and the largest scale about it."""
    if min(before, after) >= 0.03 * length:
        return 0.5, 1 + 2 * min(before, after) / length
    return (0.0, 1 + max(0, after) / length) if before <= after else (1.0, 1 + max(0, before) / length)


def wipe(frame: int, fps: Fraction) -> float:
    """Part of the picture, from below, that an end card has taken `frame` frames after it began."""
    return ease_out(_part(frame, WIPE_SECONDS, fps))


def drift(disc: int, frame: int, fps: Fraction) -> tuple[float, float]:
    """Shift to the right and downwards of one of an end card's discs, in parts of the picture's long side.

    Each goes round an ellipse of its own: bounded, and never at rest (3 to 5 % of the long side in a second).
    """
    angle = (0.50 + 0.07 * disc) * float(frame / fps) + 2.1 * disc
    return 0.085 * math.cos(angle), 0.075 * math.sin(angle)
