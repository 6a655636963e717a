"""A clip's light over time: its path, the smooth course it would take without pumping, and what lies between.

Diffusion models decode a few frames at a time (Wan four, LTX eight) and the light pumps with them: two to six times a
second, by a few percent. The course keeps what a film does on purpose: fades, flashes, cuts, a cloud before the sun.
Numbers in, numbers out; knows no pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from generation.conform.survey import DARK_LEVELS, Survey

Path = NDArray[np.float64]

#: The course is fitted over this long. Measured: of pumping at 4 Hz a tenth passes, at 2 Hz a quarter; slower is light.
COURSE_SECONDS = 0.75
#: Fits are weighed by what they leave over, squared, above this floor in levels.
FIT_FLOOR_LEVELS = 0.05
#: A fade (change of the course, of itself, in a second) and a flash (of one frame from its course) are meant.
FADE_PER_SECOND, FLASH_PART = 0.4, 0.15
#: The same for the colour planes, in levels.
COLOUR_FADE_LEVELS, COLOUR_FLASH_LEVELS = 24.0, 8.0


@dataclass(frozen=True, slots=True)
class Pumping:
    """How far each frame lies from its course: of luma as a factor that puts it right, of colour in levels to add."""

    #: 1.0 where nothing is wrong.
    factors: tuple[float, ...]
    colours: tuple[tuple[float, float], ...]
    #: The same of luma in 8-bit levels of the frame's mean.
    levels: tuple[float, ...]


def pumping(survey: Survey, fps: float) -> Pumping:
    """What of a clip's light is pumping, for each frame; fades, flashes and cuts are not."""
    count = survey.frames
    luma, blue, red = np.zeros(count), np.zeros(count), np.zeros(count)
    factors = np.ones(count)
    edges = [0, *sorted(survey.cuts), count]
    for start, end in pairwise(edges):
        part = slice(start, end)
        path = _luma_path(survey, start, end)
        course = smooth(path, fps)
        kept = _meant(path, course, fps, relative=True)
        colours = [
            np.cumsum([0.0, *(step[plane] for step in survey.colour_steps[start + 1 : end])]) for plane in (0, 1)
        ]
        courses = [smooth(colour, fps) for colour in colours]
        luma[part] = (course - path) * kept
        factors[part] = (path + luma[part] + DARK_LEVELS) / (path + DARK_LEVELS)
        for wrong, colour, wanted in zip((blue, red), colours, courses, strict=True):
            wrong[part] = (wanted - colour) * kept * _meant(colour, wanted, fps, relative=False)
    pairs = tuple(zip(blue.tolist(), red.tolist(), strict=True))
    return Pumping(tuple(factors.tolist()), pairs, tuple(luma.tolist()))


def _luma_path(survey: Survey, start: int, end: int) -> Path:
    """Luma above black as exposure alone would have moved it from frame to frame; in levels: there a fade is a line."""
    path = [survey.levels[start]]
    for step in survey.exposure_steps[start + 1 : end]:
        path.append(max(0.0, (path[-1] + DARK_LEVELS) * math.exp(step) - DARK_LEVELS))
    return np.asarray(path)


def smooth(path: Path, fps: float) -> Path:
    """The course of a path: every stretch of COURSE_SECONDS is fitted with a parabola; each frame takes the mean of the
    fits that it lies in, those that fit best counting most. A fade that begins keeps its corner that way."""
    span = min(len(path), max(5, round(COURSE_SECONDS * fps)))
    if span < 5:
        return path.copy()
    powers = np.vander(np.linspace(-1, 1, span), 3)
    windows = np.lib.stride_tricks.sliding_window_view(path, span)
    fits = windows @ (powers @ np.linalg.pinv(powers)).T
    left = ((windows - fits) ** 2).mean(axis=1)
    weights = 1 / (left + FIT_FLOOR_LEVELS**2) ** 2
    total, weight = np.zeros(len(path)), np.zeros(len(path))
    for place in range(span):
        at = slice(place, place + len(windows))
        total[at] += weights * fits[:, place]
        weight[at] += weights
    course: Path = total / weight
    return course


def _meant(path: Path, course: Path, fps: float, *, relative: bool) -> Path:
    """Towards 0 where the film means its change: on and around a fade, and on a flash; 1 elsewhere."""
    if len(path) < 2:
        return np.ones(len(path))
    scale = course.clip(0) + DARK_LEVELS if relative else np.ones(len(path))
    fade, flash = (FADE_PER_SECOND, FLASH_PART) if relative else (COLOUR_FADE_LEVELS, COLOUR_FLASH_LEVELS)
    slope = np.abs(np.gradient(course)) * fps / scale / fade
    reach = round(COURSE_SECONDS * fps / 2)
    padded = np.pad(slope, reach, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    off = np.abs(path - course) / scale / flash
    kept: Path = 1 / (1 + near**4) / (1 + off**4)
    return kept
