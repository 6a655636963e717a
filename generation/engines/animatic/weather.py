"""What falls, drifts or shines in the air before a scene: rain, snow, fog, leaves, petals, bubbles, lightning.

Added last, nearest to the eye. Tiles are painted once and moved; only the luma is touched where light is added.
"""

from __future__ import annotations

import math
from functools import partial

import cv2
import numpy as np

from generation.engines.animatic.canvas import Pixels, u8
from generation.engines.animatic.palette import Rgb, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import oval, spline
from generation.engines.animatic.sheets import WHITE_LUMA, Moment, Path, Veil
from generation.engines.animatic.stage import Stage, swaying, together
from generation.media.frames import Planes


def add_weather(stage: Stage) -> None:
    """Everything in the air that the prompt asks for."""
    if not stage.scene.indoors:
        if stage.wants("rain", "storm"):
            _add_rain(stage)
        if stage.wants("storm"):
            stage.add(Lightning(stage.scene.rng("lightning"), stage.seconds))
        if stage.wants("snow"):
            _add_snow(stage)
        if stage.wants("fog"):
            _add_fog(stage)
    if stage.wants("autumn"):
        _add_falling(stage, ("#d9822b", "#c8553d", "#e0a33a"), "leaf", 13)
    if stage.wants("petals", "spring"):
        _add_falling(stage, ("#f7c6d4", "#f3a9c0", "#fbe3ea"), "petal", 18)
    if stage.wants("confetti"):
        _add_falling(stage, ("#ef476f", "#ffd166", "#06a77d", "#118ab2", "#ffffff"), "paper", 34)
    if stage.wants("bubble"):
        _add_falling(stage, ("#ffffff",), "bubble", 14)


def _add_rain(stage: Stage) -> None:
    """Two depths of streaks, the near ones longer and faster."""
    for layer, (count, long, light, speed) in enumerate(((90, 0.030, 26, 1.1), (46, 0.060, 40, 1.7))):
        chance = stage.scene.rng(f"rain {layer}")
        rows, columns = int(stage.span * 0.9), int(stage.span * 0.7)
        tile = np.zeros((rows, columns), np.uint8)
        for _ in range(count):
            x, y = float(chance.uniform(0, columns)), float(chance.uniform(0, rows))
            length = stage.span * long * float(chance.uniform(0.6, 1.2))
            for dx in (0, -columns, columns):
                for dy in (0, -rows):
                    _streak(tile, x + dx, y + dy, length, stage.span / 1440, int(light * chance.uniform(0.6, 1.0)))
        fall = stage.span * speed
        stage.add(Veil(tile, (int(stage.width), int(stage.height)), (0.14 * fall, fall), depth=0.5))


def _streak(tile: Pixels, x: float, y: float, length: float, width: float, light: int) -> None:
    half = 0.9 * width
    outline = np.array(
        [(x - half, y), (x + half, y), (x + 0.14 * length + half, y + length), (x + 0.14 * length - half, y + length)]
    )
    cv2.fillPoly(tile, [np.rint(outline * 16).astype(np.int32)], light, cv2.LINE_AA, 4)


def _add_snow(stage: Stage) -> None:
    """Three depths of flakes: small and slow far away, soft and large near the eye."""
    for layer, (count, radius, light, speed) in enumerate(
        ((110, 0.0016, 90, 0.030), (60, 0.0028, 120, 0.052), (16, 0.0065, 84, 0.095))
    ):
        chance = stage.scene.rng(f"snow {layer}")
        rows, columns = int(stage.span * 0.8), int(stage.span * 0.64)
        tile = np.zeros((rows, columns), np.uint8)
        for _ in range(count):
            reach = stage.span * radius * float(chance.uniform(0.7, 1.3))
            # Kept off the tile's edges, so that its repetition needs no wrapping.
            x, y = chance.uniform(3 * reach, columns - 3 * reach), chance.uniform(3 * reach, rows - 3 * reach)
            cv2.circle(tile, (int(x * 16), int(y * 16)), max(12, int(reach * 16)), int(light), -1, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(tile, (0, 0), max(0.4, stage.span * radius * 0.30))
        fall = stage.span * speed
        stage.add(
            Veil(
                u8(soft),
                (int(stage.width), int(stage.height)),
                (0.3 * fall * stage.light_side, fall),
                depth=0.4 + 0.2 * layer,
            )
        )


def _add_fog(stage: Stage) -> None:
    """Two banks of fog that drift apart."""
    for bank, (height, reach) in enumerate(((0.50, 0.16), (0.74, 0.22))):
        extra = 0.06 * stage.width
        middle, half = stage.height * height, stage.height * reach
        canvas = stage.canvas(0.4 + 0.4 * bank, top=middle - half, bottom=middle + half, extra=extra)
        pale = mix(
            stage.palette.lit(stage.palette.haze, 0.0), stage.palette.sun, 0.35 if not stage.palette.dark else 0.1
        )
        strip = oval(stage.width * (0.35 + 0.3 * bank), middle, stage.width * 0.75, half * 0.24)
        canvas.soft(strip, pale, half * 0.36, 0.42)
        stage.add_layer(canvas, 0.4 + 0.4 * bank, path=swaying(extra * (1 - 2 * bank), 0.0, 16.0))


def _add_falling(stage: Stage, colours: tuple[str, ...], kind: str, count: int) -> None:
    """Small things that turn as they fall (bubbles rise), spread over the frame and the shot."""
    chance = stage.scene.rng(kind)
    for _ in range(count):
        colour = rgb(str(chance.choice(colours)))
        size = stage.span * float(chance.uniform(0.010, 0.022)) * (1.5 if kind == "bubble" else 1.0)
        speed = stage.span * float(chance.uniform(0.05, 0.10)) * (-0.6 if kind == "bubble" else 1.0)
        x, start = float(chance.uniform(0, stage.width)), float(chance.uniform(0, stage.height + 4 * size))
        period = stage.height + 4 * size
        fall = _falling(start, speed, period, size)
        stage.add_figure(
            partial(_paint_falling, colour, kind),
            at=(x, 0.0),
            scale=size,
            depth=float(chance.uniform(0.6, 0.95)),
            reach=(-1.2, -1.2, 1.2, 1.2),
            cycle_seconds=float(chance.uniform(2.0, 3.6)) if kind != "bubble" else 0.0,
            phase=float(chance.random()),
            path=together(fall, swaying(size * 2.2, 0.0, float(chance.uniform(2.5, 4.5)), float(chance.uniform(0, 6)))),
        )


def _falling(start: float, speed: float, period: float, size: float) -> Path:
    """Down (or up) through the frame, and again from the other edge."""
    return lambda at: (0.0, (start + speed * at) % period - 2 * size)


def _paint_falling(colour: Rgb, kind: str, pen: Pen, share: float) -> None:
    turn = 2 * math.pi * share
    if kind == "bubble":
        pen.canvas.fill(pen.place(oval(0, 0, 0.95, 0.95)), colour, 0.20)
        pen.canvas.fill(pen.place(oval(-0.35, 0.38, 0.20, 0.26)), colour, 0.75)
        return
    flat = 0.25 + 0.75 * abs(math.cos(turn))
    knots = [(-0.9, 0.0), (-0.2, 0.5 * flat), (0.9, 0.0), (-0.2, -0.5 * flat)]
    if kind == "paper":
        knots = [(-0.55, 0.35 * flat), (0.55, 0.35 * flat), (0.55, -0.35 * flat), (-0.55, -0.35 * flat)]
    outline = np.array(knots) if kind == "paper" else spline(knots, steps=6)
    cos, sin = math.cos(turn), math.sin(turn)
    pen.poly(outline @ np.array([[cos, sin], [-sin, cos]]), mix(colour, (255.0, 250.0, 240.0), 0.25 * (1 - flat)))


class Lightning:
    """Two short flashes in a shot: light added to the luma of the whole frame."""

    def __init__(self, chance: np.random.Generator, seconds: float) -> None:
        self._moments = sorted(float(chance.uniform(0.12, 0.88)) * seconds for _ in range(2))

    def solid_from(self, moment: Moment) -> int:
        """It hides nothing."""
        return 1 << 30

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """See `Element`."""
        light = sum(math.exp(-(moment.seconds - start) * 7) * 70 for start in self._moments if moment.seconds >= start)
        if light >= 1:
            cv2.add(planes.y, np.full_like(planes.y, round(light)), dst=planes.y)
            np.minimum(planes.y, WHITE_LUMA, out=planes.y)
