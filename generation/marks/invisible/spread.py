"""Spotmill's own mark: a faint pattern over the whole picture, found again after scaling, cropping, turning, encoding.

Drawn by `writer.py`, looked for by `search.py`, read by `code.py`. An unmarked film passes for a marked one only where
the finders agree by chance AND a check of 24 bits holds by chance. For a key by chance, whatever the film shows, the
first has a probability of at most exp(-score^2 / 2) for each place tried and the second 2^-24. A full reading tries at
most `TRIES` places, so with `THRESHOLD` the sum stays below `false_positive_bound`. What is measured is told in
benchmarks/trust.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.errors import ToolTimedOut
from generation.marks.invisible.bars import inner_box
from generation.marks.invisible.code import CHECK_BITS, decode, encode
from generation.marks.invisible.contract import Effort, InvisibleMark, MarkWriter, Reading
from generation.marks.invisible.pattern import soft_signs, waves_of
from generation.marks.invisible.residue import MOMENTS, SHORT_SIDE_PX, Residue
from generation.marks.invisible.search import CELLS, Finder, Geometry, Sighting
from generation.marks.invisible.writer import ID, REVISION, SpreadWriter
from generation.media.frames import Plane
from generation.media.luma import luma_frames
from generation.spec import Size

#: Upper bound of the places that one full reading tries: geometries (a settling tries 72) by cells of a tile.
GEOMETRIES = 60_000
TRIES = GEOMETRIES * CELLS * CELLS
THRESHOLD = math.sqrt(2 * math.log(TRIES * 2.0**-CHECK_BITS / 5e-7))
#: A delivered film lies as it was drawn, one place at two sets of frames: far less is asked.
QUICK_THRESHOLD = 4.5
#: A long film is looked at in its first seconds; they hold eight groups.
_LOOKED_AT_SECONDS = 16.5
#: Frames by which bars are found.
_BAR_FRAMES = 9
_STEP = 0.02


class SpreadMark(InvisibleMark):
    """Spread over the picture as some hundred waves."""

    id = ID
    revision = REVISION
    title = "Spotmill's spread-spectrum mark"
    licence = "Apache-2.0"
    false_positive_bound = 1e-6
    default_strength = 1.0

    def writer(
        self, size: Size, fps: Fraction, payload: bytes, *, key: bytes = b"", strength: float | None = None
    ) -> MarkWriter:
        """A writer; strength 1 is what cannot be seen, 1.5 what is hard to see."""
        return SpreadWriter(size, fps, payload, key, self.default_strength if strength is None else strength)

    def read(self, path: Path, *, key: bytes = b"", effort: Effort, deadline_seconds: float) -> Reading:
        """Look for the pattern as it was drawn, and with full effort wherever else it may be by now."""
        reader = _Reader(path, key, time.monotonic() + deadline_seconds)
        return reader.quick() if effort == "quick" else reader.full()


class _Reader:
    """Reads one film."""

    def __init__(self, path: Path, key: bytes, until: float) -> None:
        self._path, self._waves, self._until = path, waves_of(key), until
        self._best = Reading(None, 0.0, QUICK_THRESHOLD, 0.0, 0, "")

    def quick(self) -> Reading:
        """Key frames only, and where they do not suffice all frames, at the one place where the mark was drawn."""
        for key_frames in (True, False):
            frames = self._frames(key_frames=key_frames)
            residue = Residue(frames)
            self._best = replace(self._best, frames=len(frames))
            finder = Finder(residue.turned_at(0), residue.film_size, self._waves)
            if self._read(finder.look(Geometry(), place=(0.0, 0.0)), ""):
                break
        return self._best

    def full(self) -> Reading:
        """Go through the pictures that may be meant, in stages, until something is read."""
        frames = self._frames(key_frames=False)
        self._best = replace(self._best, frames=len(frames), threshold=THRESHOLD)
        inside = self._inside(frames)
        for moments, pairs, turns, count in _stages():
            # A picture that nothing was done to may have even borders of its own.
            for residue, told in inside if len(pairs) > 1 else inside[::-1]:
                for moment in moments:
                    finder = Finder(residue.turned_at(moment), residue.film_size, self._waves)
                    # Where nothing was done to the picture, nothing shall be told of it.
                    plain = [finder.look(Geometry())] if len(pairs) == 1 else []
                    for sighting in (*plain, *finder.best(turns, pairs, count)):
                        if self._read(sighting, told):
                            return self._best
                    if time.monotonic() > self._until:
                        raise ToolTimedOut(f"{self._path.name}: looking for the invisible mark took too long")
        return self._best

    def _frames(self, *, key_frames: bool) -> list[tuple[float, Plane]]:
        """The frames that are looked at; large ones are kept at half the size."""
        kept: list[tuple[float, Plane]] = []
        for seconds, luma in luma_frames(self._path, key_frames=key_frames):
            if seconds > _LOOKED_AT_SECONDS and not key_frames:
                break
            if time.monotonic() > self._until:
                raise ToolTimedOut(f"{self._path.name}: looking for the invisible mark took too long")
            half = (luma.shape[1] // 2, luma.shape[0] // 2)
            large = min(half) >= 3 * SHORT_SIDE_PX // 2
            small = np.asarray(cv2.resize(luma, half, interpolation=cv2.INTER_AREA), np.uint8) if large else luma.copy()
            kept.append((seconds, small))
        return kept

    def _inside(self, frames: list[tuple[float, Plane]]) -> list[tuple[Residue, str]]:
        """The residue of the picture inside bars, where there are any, then of the whole."""
        pictures = [(Residue(frames), "")]
        box = inner_box([frame for _, frame in frames[:: max(1, len(frames) // _BAR_FRAMES)]])
        if box is not None:
            inner = [(seconds, frame[box.y : box.bottom, box.x : box.right]) for seconds, frame in frames]
            pictures.insert(0, (Residue(inner), "bars"))
        return pictures

    def _read(self, sighting: Sighting, told: str) -> bool:
        self._best = replace(self._best, score=max(self._best.score, sighting.score))
        if sighting.score < self._best.threshold:
            return False
        soft = soft_signs(self._waves, sighting.values)
        payload, whole = decode(soft)
        if not whole:
            return False
        agreement = float(np.mean(np.sign(soft) == encode(payload)))
        change = ", ".join(word for word in (told, sighting.geometry.words()) if word) or "as delivered"
        self._best = replace(self._best, payload=payload, score=sighting.score, agreement=agreement, change=change)
        return True


Stage = tuple[list[int], NDArray[np.float64], list[float], int]


def _stages() -> Iterator[Stage]:
    """What is supposed, the likeliest first: moments at which a group begins, pairs of scales, turns, how many to read.

    A film from its beginning first, then one that begins anywhere; a group's sign makes no difference to a score's
    size, yet to its sense, so all moments of both halves are tried.
    """
    begun, anywhere, finely = [0], list(range(0, MOMENTS, 4)), list(range(MOMENTS))
    as_it_is, around = _pairs(1.0, 1.0, 0.0), _pairs(0.86, 1.17, 0.0)
    yield begun, as_it_is, [0.0], 2
    yield finely, as_it_is, [0.0], 1
    yield begun, around, [0.0], 3
    yield begun, _pairs(0.4, 2.0, 0.1), [0.0], 4
    yield begun, _pairs(0.88, 1.14, 0.1), [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], 4
    yield anywhere, around, [0.0], 2
    yield anywhere, _pairs(0.4, 2.0, 0.0), [-2.0, -1.0, 0.0, 1.0, 2.0], 2


def _pairs(least: float, most: float, stretch: float) -> NDArray[np.float64]:
    """Scales along x and y in even steps; they differ by at most `stretch`."""
    steps = np.exp(np.arange(math.log(least), math.log(most) + 1e-9, _STEP)) if most > least else np.array([least])
    reach = round(stretch / _STEP)
    pairs = [(steps[i], steps[j]) for i in range(len(steps)) for j in range(len(steps)) if abs(i - j) <= reach]
    return np.array(pairs)
