"""A plate: the shots of a film joined, in the master's size, rate and look, with nothing written on it yet.

Shared by every locale and variant of a creative. Frames stream: decoder, reframe, rate, join, look, encoder; at no
moment are more than a handful in memory. Geometry is `reframe.py`'s, time is `cut.py`'s, style is `looks/`'s; this file
moves the pixels. Knows no prompt, no text and no sound. A fast path that copies the file where size, rate, length and
a neutral look all agree is left out: a plate promises the `intermediate` encode and legal levels, a clip does not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.cut import Sample, covers, lengths, overlaps, rate_method, sample
from generation.errors import BadMedia
from generation.looks import Look, get_look
from generation.looks.grader import Grader
from generation.looks.light import dither
from generation.media.frames import Plane, Planes, VideoWriter, new_frame, read_frames
from generation.reframe import Reframe, filling_crop, plan_reframe
from generation.spec import Box, Footage, Size

cv2.setNumThreads(1)

#: The blurred filling: how much smaller it is worked out, how wide the blur is there, how dark and how dull it gets.
FILL_SHRINK, FILL_BLUR, FILL_LIGHT, FILL_COLOUR = 16, 3.0, 0.6, 0.8
#: Width (at 1080) and depth of the shadow that the picture casts on its filling.
SHADOW_PX, SHADOW_DEPTH = 36, 0.45


@dataclass(frozen=True, slots=True)
class Plate:
    """A finished plate."""

    path: Path
    size: Size
    frames: int
    fps: Fraction
    #: JSON values: look, transition, and for each shot how it was reframed and timed; `blur_padded` asks for a review.
    notes: Mapping[str, object] = field(default_factory=dict)


def make_plate(
    clips: Sequence[Footage],
    path: Path,
    *,
    size: Size,
    fps: Fraction,
    frames: int,
    look: Look | str,
    seed: int,
    transition: str | Sequence[str] = "cut",
    focus: tuple[float, float] = (0.5, 0.5),
) -> Plate:
    """Join `clips` into the MP4 file `path`: exactly `frames` frames of `size` at `fps`, in `look`.

    `seed` decides the grain. `transition` is `cut` or `dissolve`, for all joins or one for each; a dissolve needs
    `cut.shot_frames` of footage.

    Raises: BadMedia (too little footage, a clip that is not what it says), NotAvailable (no such look).
    """
    if not clips or frames < 1:
        raise ValueError(f"a plate needs a clip and a frame; got {len(clips)} clips and {frames} frames")
    style = get_look(look) if isinstance(look, str) else look
    parts = lengths([covers(clip.frames, clip.fps, fps) for clip in clips], frames, transition)
    frame_plans = [plan_reframe(clip.size, size, focus=focus) for clip in clips]
    shots = [_shot(*shot, fps) for shot in zip(clips, parts, frame_plans, strict=True)]
    grader = Grader(style, size, seed)
    with VideoWriter(path, size, fps, "intermediate") as writer:
        frame, target = new_frame(size)
        for index, planes in enumerate(_joined(shots, parts, overlaps(transition, len(clips)))):
            grader.apply(planes, index, into=target)
            writer.write_frame(frame)
    notes = _notes(style, transition, [_shot_notes(*shot, fps) for shot in zip(clips, parts, frame_plans, strict=True)])
    return Plate(path, size, frames, fps, notes)


def _joined(
    shots: Sequence[Generator[Planes, None, None]], parts: Sequence[int], overlap: Sequence[int]
) -> Iterator[Planes]:
    """The frames of all shots in order; neighbours share `overlap` frames, mixed with rising weight."""
    begun = 0
    for number, (shot, part, shared) in enumerate(zip(shots, parts, (*overlap, 0), strict=True)):
        yield from islice(shot, part - begun - shared)
        for step in range(shared):
            yield mixed(next(shot), next(shots[number + 1]), round(256 * (step + 1) / (shared + 1)))
        begun = shared
        shot.close()


def _shot(clip: Footage, frames: int, plan: Reframe, fps: Fraction) -> Generator[Planes, None, None]:
    """`frames` frames of one clip at the target's size and rate."""
    wanted = [sample(index, clip.frames, clip.fps, fps) for index in range(frames)]
    painter = None if plan.untouched else Painter(plan)
    with closing(_sources(clip, painter, wanted)) as sources:
        yield from sources


def _sources(clip: Footage, painter: Painter | None, wanted: Sequence[Sample]) -> Generator[Planes, None, None]:
    """Decode no further than needed; a source frame is repainted once, however many frames are made of it."""
    # Where frames are mixed, one outlives the decoder's next: it is kept as a copy.
    keep = any(one.weight for one in wanted)
    at, before, now = -1, None, None
    with closing(_decoded(clip)) as decoder:
        for one in wanted:
            while at < one.first + (one.weight > 0):
                at += 1
                decoded = _next(decoder, clip, at)
                if at >= one.first:
                    fresh = painter.paint(decoded) if painter else _copied(decoded) if keep else decoded
                    before, now = now, fresh
            assert now is not None
            if one.weight:
                assert before is not None
                yield mixed(before, now, one.weight)
            else:
                yield now


def _decoded(clip: Footage) -> Generator[Planes, None, None]:
    for planes in read_frames(clip.path):
        height, width = planes.y.shape
        if (width, height) != (clip.size.width_px, clip.size.height_px):
            raise BadMedia(f"{clip.path.name}: said to be {clip.size}, is {width}x{height}")
        yield planes


def _next(decoder: Iterator[Planes], clip: Footage, at: int) -> Planes:
    planes = next(decoder, None)
    if planes is None:
        raise BadMedia(f"{clip.path.name}: ended after {at} frames, {clip.frames} were promised")
    return planes


def _copied(planes: Planes) -> Planes:
    return Planes(*(plane.copy() for plane in planes))


def mixed(first: Planes, second: Planes, weight: int) -> Planes:
    """`weight`/256 of `second` over `first`."""
    part = weight / 256
    pairs = zip(first, second, strict=True)
    return Planes(*(np.asarray(cv2.addWeighted(a, 1 - part, b, part, 0), np.uint8) for a, b in pairs))


class Painter:
    """Paints frames of one size into another, as a `Reframe` says."""

    def __init__(self, plan: Reframe) -> None:
        self._plan = plan
        larger = plan.place.width >= plan.crop.width
        self._interpolation = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
        if plan.mode == "pad":
            self._fill_from = filling_crop(plan.source, plan.target)
            self._dither = dither(plan.target)
            self._shade = _shadow(plan.target, plan.place) * np.float32(FILL_LIGHT)

    def paint(self, planes: Planes) -> Planes:
        """The frame in the target's size; new planes."""
        return Planes(self._plane(planes.y, 1), self._plane(planes.u, 2), self._plane(planes.v, 2))

    def _plane(self, plane: Plane, shrink: int) -> Plane:
        box, place = _shrunk(self._plan.crop, shrink), _shrunk(self._plan.place, shrink)
        picture = cv2.resize(_cut(plane, box), (place.width, place.height), interpolation=self._interpolation)
        if self._plan.mode != "pad":
            return np.asarray(picture, np.uint8)
        filled = self._filling(plane, shrink)
        filled[place.y : place.bottom, place.x : place.right] = picture
        return filled

    def _filling(self, plane: Plane, shrink: int) -> Plane:
        """The picture itself, far out of focus and darkened; dithered, for so soft a picture shows every level."""
        width, height = self._plan.target.width_px // shrink, self._plan.target.height_px // shrink
        small = (max(2, width * shrink // FILL_SHRINK), max(2, height * shrink // FILL_SHRINK))
        soft = cv2.resize(_cut(plane, _shrunk(self._fill_from, shrink)), small, interpolation=cv2.INTER_AREA)
        zero = np.float32(16 if shrink == 1 else 128)
        soft = cv2.GaussianBlur(soft.astype(np.float32) - zero, (0, 0), FILL_BLUR)
        wide = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
        if shrink == 2:
            wide *= np.float32(FILL_COLOUR)
        wide *= self._shade[::shrink, ::shrink]
        wide += self._dither[:height, :width]
        wide += zero
        # Luma and chroma codes are positive: the "abs" only rounds.
        return np.asarray(cv2.convertScaleAbs(wide), np.uint8)


def _cut(plane: Plane, box: Box) -> Plane:
    return plane[box.y : box.bottom, box.x : box.right]


def _shrunk(box: Box, by: int) -> Box:
    return Box(box.x // by, box.y // by, box.width // by, box.height // by)


def _shadow(size: Size, place: Box) -> NDArray[np.float32]:
    """(height, width): 1 far from the picture, darker where the filling meets it."""
    x, y = np.arange(size.width_px), np.arange(size.height_px)
    across = np.maximum(np.maximum(place.x - x, x - place.right + 1), 0)[None, :]
    down = np.maximum(np.maximum(place.y - y, y - place.bottom + 1), 0)[:, None]
    reach = SHADOW_PX * min(size.width_px, size.height_px) / 1080
    return np.asarray(1 - SHADOW_DEPTH * np.exp(-np.hypot(across, down) / reach), np.float32)


def _notes(look: Look, transition: str | Sequence[str], shots: list[dict[str, object]]) -> dict[str, object]:
    padded = [number for number, shot in enumerate(shots, start=1) if shot["reframe"] == "pad"]
    return {
        "look": look.name, "look_revision": look.revision,
        "transition": transition if isinstance(transition, str) else list(transition),
        "shots": shots, "blur_padded": padded,
    }  # fmt: skip


def _shot_notes(clip: Footage, frames: int, plan: Reframe, fps: Fraction) -> dict[str, object]:
    return {
        "source": str(clip.size), "source_fps": str(clip.fps), "frames": frames, "rate": rate_method(clip.fps, fps),
        "reframe": plan.mode, "lost": round(plan.lost, 4), "padded": round(plan.padded, 4),
        "stretch": round(float(plan.stretch), 5),
    }  # fmt: skip
