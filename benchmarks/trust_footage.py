"""Footage whose kinds are hard for a mark in different ways, made here: textured, empty, noisy, a test card, an ad.

`product` has fractal noise, a pan with a zoom, something that moves and grain; `flat` is a gradient with a white disc,
where every level shows and x264 spends next to nothing; `mandelbrot` is texture like noise; `testsrc2` is ffmpeg's test
card; `animatic` is what Spotmill itself draws, with a look's grade and grain.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.engines import get_engine
from generation.media.ffmpeg import find_ffmpeg
from generation.media.frames import Planes, read_frames
from generation.plate import make_plate
from generation.spec import DELIVERY_FPS, Footage, Shot, Size

KINDS = ("product", "flat", "mandelbrot", "testsrc2", "animatic")

Floats = NDArray[np.float32]


def footage(kind: str, size: Size, frames: int, folder: Path) -> Iterator[Planes]:
    """The frames of one kind; each is the caller's own and may be drawn into."""
    if kind == "product":
        yield from _product(size, frames)
    elif kind == "flat":
        yield from _flat(size, frames)
    elif kind == "animatic":
        yield from _animatic(size, frames, folder)
    elif kind in ("mandelbrot", "testsrc2"):
        yield from _of_ffmpeg(kind, size, frames)
    else:
        raise ValueError(f"there is no footage {kind!r}; kinds: {', '.join(KINDS)}")


def _fractal(width: int, height: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(7):
        cells = 3 * 2**octave
        small = random.standard_normal((cells * height // width + 2, cells)).astype(np.float32)
        total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    return np.asarray(120 + 45 * total / total.std(), np.float32)


def _product(size: Size, frames: int) -> Iterator[Planes]:
    width, height = size.width_px, size.height_px
    scene, thing = _fractal(width * 3 // 2, height * 3 // 2, 5), _fractal(width // 3, width // 3, 6) * 0.5 + 90
    grain = np.random.default_rng(7).standard_normal((height + 64, width + 64)).astype(np.float32) * 1.2
    roll = np.random.default_rng(8)
    half = np.full((height // 2, width // 2), 124, np.uint8)
    for index in range(frames):
        zoom, pan = 1 + 0.0008 * index, 0.6 * index * width / 720
        way = np.array([[1 / zoom, 0, width * 0.1 + pan], [0, 1 / zoom, height * 0.1 + pan * 0.4]], np.float32)
        picture = cv2.warpAffine(scene, way, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        side = thing.shape[0]
        x = int((width - side) * (0.5 + 0.4 * np.sin(index / 40)))
        y = int((height - side) * (0.5 + 0.3 * np.cos(index / 55)))
        picture[y : y + side, x : x + side] = thing
        dx, dy = roll.integers(0, 64, 2)
        picture = picture + grain[dy : dy + height, dx : dx + width]
        yield Planes(np.rint(picture.clip(16, 235)).astype(np.uint8), half.copy(), half.copy() + 8)


def _flat(size: Size, frames: int) -> Iterator[Planes]:
    width, height = size.width_px, size.height_px
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    ground = 60 + 90 * rows / height + 25 * columns / width
    half = np.full((height // 2, width // 2), 140, np.uint8)
    for index in range(frames):
        x, y = width * (0.5 + 0.2 * np.sin(index / 30)), height * 0.42
        cover = np.clip(width * 0.22 + 0.5 - np.hypot(columns - x, rows - y), 0, 1)
        yield Planes(np.rint(ground * (1 - cover) + 228 * cover).astype(np.uint8), half.copy(), half.copy() - 20)


def _animatic(size: Size, frames: int, folder: Path) -> Iterator[Planes]:
    """A drawn scene through the plate's look, as a campaign has it."""
    engine, clip, plate = get_engine("animatic"), folder / "clip.mp4", folder / "plate.mp4"
    prompt = "A woman walks along a sunny beach with a dog, umbrella, palm"
    shot = Shot(prompt, size, frames, DELIVERY_FPS, seed=7)
    made = [event for event in engine.render([shot], [clip]) if isinstance(event, Footage)]
    make_plate(made, plate, size=size, fps=DELIVERY_FPS, frames=frames, look="documentary", seed=7)
    for planes in read_frames(plate):
        yield Planes(*(plane.copy() for plane in planes))


def _of_ffmpeg(kind: str, size: Size, frames: int) -> Iterator[Planes]:
    """A source that ffmpeg draws, as raw planes through a pipe."""
    rate: Fraction = DELIVERY_FPS
    argv = [
        str(find_ffmpeg()), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", f"{kind}=size={size}:rate={rate}",
        "-frames:v", str(frames), "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-f", "rawvideo", "-",
    ]  # fmt: skip
    width, height = size.width_px, size.height_px
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(frames):
            raw = np.frombuffer(process.stdout.read(width * height * 3 // 2), np.uint8).copy()
            y, u, v = np.split(raw, [width * height, width * height * 5 // 4])
            half = (height // 2, width // 2)
            yield Planes(y.reshape(height, width), u.reshape(half), v.reshape(half))
