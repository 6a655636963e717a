"""Outlines as arrays of points: ovals, boxes, limbs, splines, hills, waves. Pure geometry, any unit, no colours.

Every function returns float64 points of shape (N, 2) in drawing order; y grows downwards or upwards as the caller's
own coordinates do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def points(*pairs: tuple[float, float]) -> Points:
    """The given corners."""
    return np.array(pairs, np.float64)


def oval(x: float, y: float, rx: float, ry: float, *, start: float = 0.0, end: float = 1.0) -> Points:
    """An ellipse around (x, y); `start` and `end` are shares of the turn, for an arc closed by its chord."""
    angle = np.linspace(2 * np.pi * start, 2 * np.pi * end, 65)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Points:
    """A rectangle between two corners, rounded by `radius`."""
    left, right, low, high = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    radius = min(radius, (right - left) / 2, (high - low) / 2)
    if radius <= 0:
        return points((left, low), (right, low), (right, high), (left, high))
    quarter = np.linspace(0, np.pi / 2, 9)
    corners = ((right - radius, high - radius, 0), (left + radius, high - radius, 1),
               (left + radius, low + radius, 2), (right - radius, low + radius, 3))  # fmt: skip
    arcs = [
        np.stack([x + radius * np.cos(quarter + turn * np.pi / 2), y + radius * np.sin(quarter + turn * np.pi / 2)], 1)
        for x, y, turn in corners
    ]
    return np.concatenate(arcs)


def limb(a: ArrayLike, b: ArrayLike, width_a: float, width_b: float) -> Points:
    """A tapered stroke with round ends from `a` to `b`; widths are diameters."""
    start, end = np.asarray(a, np.float64), np.asarray(b, np.float64)
    way = end - start
    angle = float(np.arctan2(way[1], way[0]))
    half = np.linspace(np.pi / 2, 3 * np.pi / 2, 13) + angle
    back = start + width_a / 2 * np.stack([np.cos(half), np.sin(half)], 1)
    front = end + width_b / 2 * np.stack([np.cos(half + np.pi), np.sin(half + np.pi)], 1)
    return np.concatenate([back, front])


def spline(knots: ArrayLike, *, closed: bool = True, steps: int = 10) -> Points:
    """A smooth curve through all knots (Catmull-Rom)."""
    given = np.asarray(knots, np.float64)
    padded = np.concatenate([given[-1:], given, given[:2]]) if closed else np.concatenate(
        [2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]]
    )  # fmt: skip
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (padded[k : len(padded) - 3 + k][:, None, :] for k in range(4))
    curve: Points = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat: Points = curve.reshape(-1, 2)
    if closed:
        return flat
    open_end: Points = np.concatenate([flat, given[-1:]])
    return open_end


def stroke(line: ArrayLike, width: float | Sequence[float]) -> Points:
    """A line made as broad as `width`, one width for all points or one per point."""
    way = np.asarray(line, np.float64)
    direction = np.gradient(way, axis=0)
    length = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)[:, None]
    normal = np.stack([-direction[:, 1], direction[:, 0]], 1) / length
    half = (np.broadcast_to(np.asarray(width, np.float64), len(way)) / 2)[:, None]
    outline: Points = np.concatenate([way + normal * half, (way - normal * half)[::-1]])
    return outline


def noise_line(chance: np.random.Generator, count: int, *, knots: int, octaves: int = 1, fall: float = 0.5) -> Points:
    """Heights in about -1..1 at `count` places: smooth value noise, rougher with more octaves; shape (count,)."""
    total = np.zeros(count)
    for octave in range(octaves):
        pieces = knots * 2**octave
        values = chance.uniform(-1, 1, pieces + 3)
        place = np.linspace(0, pieces, count)
        index = np.minimum(place.astype(int), pieces - 1 if pieces > 1 else 0)
        share = place - index
        share = share * share * (3 - 2 * share)
        total += fall**octave * (values[index] * (1 - share) + values[index + 1] * share)
    return total


def land(line: Points, bottom: float) -> Points:
    """The ground under a line: the line, closed along `bottom`."""
    closed: Points = np.concatenate([line, points((line[-1, 0], bottom), (line[0, 0], bottom))])
    return closed


def moved(outline: Points, dx: float, dy: float) -> Points:
    """The outline at another place."""
    made: Points = outline + np.array([dx, dy])
    return made


def turned(outline: Points, radians: float, about: tuple[float, float] = (0.0, 0.0)) -> Points:
    """The outline turned about a point."""
    cos, sin = np.cos(radians), np.sin(radians)
    centre = np.array(about)
    made: Points = (outline - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
    return made
