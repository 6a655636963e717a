"""The shade behind text on footage: as strong as this footage asks for, no stronger, and never late.

Light text stands on darkened footage, dark text on lightened footage; which of the two a film gets is what needs less
shade. From the plate's luminance follows the opacity at which the words keep their contrast; a limiter turns it into a
level that glides and is never below the need of its own frame. The shade lies about the words and runs out slowly, so
that the picture keeps its light. Knows footage and places; not text, fonts or encoders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.layers.colour import grey_of, luminance, yuv
from generation.layers.light import Light
from generation.layers.placed import Placed
from generation.media.frames import Plane, Planes
from generation.spec import Size

Floats = NDArray[np.float32]

#: Frames that a level looks to either side when it takes the largest need, and again when it is smoothed.
REACH = 6
#: Even footage that needs no darkening gets this much: the look of a film must not jump between its scenes.
LEAST_DARK, LEAST_LIGHT = 0.10, 0.06
#: Dark text must need this much less shade before it is preferred: light text is what people expect over film.
_WORTH_CHANGING = 0.12
#: Footage lightened by more than this looks milky, while darkened footage still looks like evening.
_MOST_WASH = 0.38
#: Levels move in steps of this size, so that footage at rest costs nothing.
_STEP = 1 / 96
#: Full strength lies this far around a thing, in units; from there the shade runs out over a third of an upright page.
_AROUND, _TEXT_REACH, _LOGO_REACH = 22, 380, 300
#: Towards the edges of the picture that a thing stands at, distances count by this factor.
_NEAR = 0.35


def needs(thing: Placed, light: Light, text: str, shade: str) -> Floats:
    """Opacity of the shade, per frame of the plate, from which on a thing has the contrast it asks for; 0 for none."""
    darkest, lightest = light.range(thing.box)
    on_dark = luminance(text) > luminance(shade)
    floor = grey_of(luminance(shade))
    if on_dark:
        worst, wanted = lightest, (luminance(text) + 0.05) / thing.contrast - 0.05
    else:
        worst, wanted = darkest, (luminance(text) + 0.05) * thing.contrast - 0.05
    codes = np.array([grey_of(float(value)) for value in worst], np.float32)
    # Opacity mixes code values; a grey of the same luminance mixes like the pixel it stands for.
    gap = np.maximum(codes - floor, 1e-3) if on_dark else np.minimum(codes - floor, -1e-3)
    return np.asarray(np.clip((codes - grey_of(wanted)) / gap, 0.0, 1.0), np.float32)


def prefers_dark_text(
    things: Sequence[Placed], light: Light, light_pair: tuple[str, str], dark_pair: tuple[str, str]
) -> bool:
    """Whether dark text needs clearly less shade than light text, and little on any frame; pairs are (text, shade)."""
    shown = [slice(thing.start_frame, thing.end_frame) for thing in things]
    both = [
        np.concatenate([needs(thing, light, *pair)[frames] for thing, frames in zip(things, shown, strict=True)])
        for pair in (light_pair, dark_pair)
        if things
    ]
    if not both or not both[1].size:
        return False
    on_dark, on_light = both
    return bool(on_dark.mean() - on_light.mean() > _WORTH_CHANGING and on_light.max() <= _MOST_WASH)


class Shade:
    """The shade of one film under the things that stand on its footage."""

    def __init__(self, size: Size, things: Sequence[Placed], light: Light, colour: str, unit: float) -> None:
        self._colour = yuv(colour)
        least = LEAST_DARK if all(luminance(thing.colour) > luminance(colour) for thing in things) else LEAST_LIGHT
        self._levels = [
            np.maximum(_limited(needs(thing, light, thing.colour, colour)), np.float32(least)) for thing in things
        ]
        self._fields = _fields(things, size, unit)
        self._shown = [slice(thing.start_frame, thing.end_frame) for thing in things]
        self._drawn: tuple[tuple[int, ...], tuple[Plane, Plane, Plane, Plane, Plane]] | None = None

    @property
    def deepest(self) -> float:
        """The strongest level that is shown."""
        pairs = zip(self._levels, self._shown, strict=True)
        return max((float(level[shown].max(initial=0.0)) for level, shown in pairs), default=0.0)

    def draw(self, frame: int, planes: Planes, opacities: Mapping[int, float]) -> None:
        """Shade a frame; `opacities` says how present each thing (by its index) is."""
        steps = tuple(
            int(np.ceil(float(level[frame]) * opacities.get(index, 0.0) / _STEP))
            for index, level in enumerate(self._levels)
        )
        if not any(steps):
            return
        if self._drawn is None or self._drawn[0] != steps:
            self._drawn = steps, self._overlay(steps)
        keep, keep_chroma, *inks = self._drawn[1]
        for plane, factor, ink in zip(planes, (keep, keep_chroma, keep_chroma), inks, strict=True):
            target = plane[: factor.shape[0]]
            cv2.multiply(target, factor, dst=target, scale=1 / 255)
            cv2.add(target, ink, dst=target)

    def _overlay(self, steps: tuple[int, ...]) -> tuple[Plane, Plane, Plane, Plane, Plane]:
        """Keep and ink planes for these levels: the strongest of the shades at each pixel."""
        used = [(field, step * _STEP) for field, step in zip(self._fields, steps, strict=True) if step]
        rows, columns = max(field.shape[0] for field, _ in used), used[0][0].shape[1]
        alpha = np.zeros((rows, columns), np.uint8)
        for field, level in used:
            part = alpha[: field.shape[0]]
            cv2.max(part, cv2.convertScaleAbs(field, alpha=level), dst=part)
        small = cv2.resize(alpha, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
        y, u, v = (
            cv2.convertScaleAbs(plane, alpha=value / 255)
            for plane, value in zip((alpha, small, small), self._colour, strict=True)
        )
        keep, keep_chroma = cv2.bitwise_not(alpha), cv2.bitwise_not(small)
        return _plane(keep), _plane(keep_chroma), _plane(y), _plane(u), _plane(v)


def _plane(values: NDArray[np.generic]) -> Plane:
    """The same array, typed as what OpenCV returns for bytes."""
    return np.asarray(values, np.uint8)


def _limited(wanted: Floats) -> Floats:
    """The largest need within `REACH` frames, then the mean of that: smooth, and nowhere below the need itself."""
    if not wanted.size:
        return wanted
    padded = np.pad(wanted, 2 * REACH, mode="edge")
    width = 2 * REACH + 1
    highest = np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=1)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(highest, width).mean(axis=1), np.float32)


def _fields(things: Sequence[Placed], size: Size, unit: float) -> list[Plane]:
    """Where the shade of each thing lies: 255 under it and a little around, then falling to 0.

    Towards the picture's middle it runs out over a third of an upright page; towards the top and the near side much
    slower, so that it reads as light falling off into the corner and not as a patch behind the words. Rows below its
    reach are left out.
    """
    across, down = (np.arange(length, dtype=np.float32) + np.float32(0.5) for length in (size.width_px, size.height_px))
    fields = []
    for thing in things:
        box, around = thing.box, _AROUND * unit
        reach = (_LOGO_REACH if thing.kind == "logo" else _TEXT_REACH) * unit
        on_right = box.x + box.width / 2 > size.width_px / 2
        left, right = (1.0, _NEAR) if on_right else (_NEAR, 1.0)
        aside = np.maximum(np.maximum(left * (box.x - around - across), right * (across - box.right - around)), 0)
        below = np.maximum(np.maximum(_NEAR * (box.y - around - down), down - box.bottom - around), 0)
        rows = 2 * ((int(np.flatnonzero(below < reach)[-1]) + 2) // 2)
        t = np.clip(np.hypot(below[:rows, None], aside[None, :]) / np.float32(reach), 0, 1)
        fields.append(np.asarray(np.rint(255 * (1 - t * t * t * (t * (6 * t - 15) + 10))), np.uint8)[: size.height_px])
    return fields
