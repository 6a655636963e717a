"""Clips whose every moment is known: textures that pan, discs that turn in front of them; the truth for conform."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import Footage, Size

#: The luma of a scene at a time in seconds, limited range, as floats.
Scene = Callable[[float], NDArray[np.float32]]

SIZE = Size(208, 120)


@cache
def texture(seed: int, width: int = 640, height: int = 320) -> NDArray[np.float32]:
    """Grain at four scales around middle grey."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for scale, part in ((2, 0.15), (4, 0.25), (8, 0.3), (24, 0.5)):
        small = random.standard_normal((height // scale + 2, width // scale + 2)).astype(np.float32)
        total += part * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(120 + 80 * total, 20, 230)


def pan(time: float, speed_px: float = 45.0, seed: int = 1) -> NDArray[np.float32]:
    """A texture that moves to the left."""
    moved = np.array([[1, 0, -100 - speed_px * time], [0, 1, -80]], np.float32)
    return np.asarray(cv2.warpAffine(texture(seed), moved, (SIZE.width_px, SIZE.height_px)), np.float32)


def disc(time: float) -> NDArray[np.float32]:
    """A textured disc that turns and passes in front of a slow pan."""
    x, y, radius = 40 + 110 * time, 60 + 10 * np.sin(3 * time), 28
    turned = cv2.getRotationMatrix2D((100, 100), 60 * time, 1.0)
    turned[:, 2] += (x - 100, y - 100)
    front = cv2.warpAffine(texture(9), turned, (SIZE.width_px, SIZE.height_px)) * 0.6 + 80
    rows, columns = np.mgrid[: SIZE.height_px, : SIZE.width_px]
    cover = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1)
    return np.asarray(pan(time, 10) * (1 - cover) + front * cover, np.float32)


def picture(scene: Scene, time: float) -> Planes:
    """One moment as planes, without colour."""
    half = np.full((SIZE.height_px // 2, SIZE.width_px // 2), 128, np.uint8)
    return Planes(np.rint(scene(time)).clip(16, 235).astype(np.uint8), half, half)


def film(path: Path, scene: Scene, fps: Fraction, frames: int, blue: Callable[[int], float] = lambda _: 0.0) -> Footage:
    """`frames` moments of a scene as a clip; `blue` is added to the blue plane of each."""
    with VideoWriter(path, SIZE, fps, "intermediate") as writer:
        for index in range(frames):
            planes = picture(scene, float(index / fps))
            u = np.rint(planes.u + blue(index)).clip(16, 240).astype(np.uint8)
            writer.write(planes._replace(u=u))
    return Footage(path, SIZE, frames, fps, {"drawn": ["texture"]})


def lit(scene: Scene, light: Callable[[float], float]) -> Scene:
    """The scene with luma above black times `light` of the time."""
    return lambda time: np.asarray(16 + (scene(time) - 16) * light(time), np.float32)


def lumas(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a file, re-opened."""
    return [planes.y.copy() for planes in read_frames(path)]


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal to noise, in dB."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))
