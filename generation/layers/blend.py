"""Sprites onto frames: in place, faded, moved by parts of a pixel or scaled.

At rest a sprite costs one multiplication and one addition of bytes per pixel of its box (0.3 ms for a million pixels);
moving ones are resampled first. Works on views of the encoder's own frame. Knows no time and no layers.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from generation.layers.canvas import Sprite
from generation.layers.motion import Leeway, Pose
from generation.media.frames import Plane, Planes


def blend(planes: Planes, sprite: Sprite, pose: Pose, unit: float, room: Leeway) -> None:
    """Draw a sprite over a frame; `unit` turns the pose's drop into pixels, `room` keeps it inside the safe box.

    What lies outside the frame is cut off.
    """
    if pose.opacity <= 0:
        return
    scale, drop = min(pose.scale, room.largest), min(pose.drop * unit, room.lowest_px)
    if scale != 1 or drop:
        sprite = _resampled(sprite, scale, drop, room)
    if pose.opacity < 1:
        sprite = _faded(sprite, pose.opacity)
    _lay(planes.y, sprite.planes[0], sprite.keep, sprite.x, sprite.y)
    for plane, ink in zip(planes[1:], sprite.planes[1:], strict=True):
        _lay(plane, ink, sprite.keep_chroma, sprite.x // 2, sprite.y // 2)


def _lay(plane: Plane, ink: Plane, keep: Plane, x: int, y: int) -> None:
    """plane = plane * keep / 255 + ink, within the plane."""
    top, left = max(0, -y), max(0, -x)
    bottom, right = min(ink.shape[0], plane.shape[0] - y), min(ink.shape[1], plane.shape[1] - x)
    if bottom > top and right > left:
        under = plane[y + top : y + bottom, x + left : x + right]
        cv2.multiply(under, keep[top:bottom, left:right], dst=under, scale=1 / 255)
        cv2.add(under, ink[top:bottom, left:right], dst=under)


def _faded(sprite: Sprite, opacity: float) -> Sprite:
    def times(plane: Plane, kept: float = 0.0) -> Plane:
        return np.asarray(cv2.convertScaleAbs(plane, alpha=opacity, beta=kept), np.uint8)

    y, u, v = sprite.planes
    rest = 255 * (1 - opacity)
    keeps = times(sprite.keep, rest), times(sprite.keep_chroma, rest)
    return Sprite(sprite.x, sprite.y, (times(y), times(u), times(v)), *keeps)


def _resampled(sprite: Sprite, scale: float, drop_px: float, room: Leeway) -> Sprite:
    """The sprite scaled about the point it grows from and lowered, bilinear, on an even grid of its own."""
    middle_x = room.x + scale * (sprite.x + sprite.width / 2 - room.x)
    middle_y = room.y + scale * (sprite.y + sprite.height / 2 - room.y) + drop_px
    half_width, half_height = sprite.width * scale / 2, sprite.height * scale / 2
    left, top = (2 * math.floor((edge - 1) / 2) for edge in (middle_x - half_width, middle_y - half_height))
    right, bottom = (2 * math.ceil((edge + 1) / 2) for edge in (middle_x + half_width, middle_y + half_height))

    def moved(plane: Plane, shrink: int, border: int) -> Plane:
        # Pixel centres lie at half coordinates; chroma planes see everything at half size.
        dx = (middle_x - left) / shrink - 0.5 + scale * (0.5 - plane.shape[1] / 2)
        dy = (middle_y - top) / shrink - 0.5 + scale * (0.5 - plane.shape[0] / 2)
        matrix = np.array([[scale, 0, dx], [0, scale, dy]], np.float64)
        size = ((right - left) // shrink, (bottom - top) // shrink)
        result = cv2.warpAffine(
            plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
        )
        return np.asarray(result, np.uint8)

    y, u, v = sprite.planes
    planes = (moved(y, 1, 0), moved(u, 2, 0), moved(v, 2, 0))
    return Sprite(left, top, planes, moved(sprite.keep, 1, 255), moved(sprite.keep_chroma, 2, 255))
