"""Rows of towers against the sky, with windows that are lit when lamps are."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient
from generation.engines.animatic.palette import brighten, mix
from generation.engines.animatic.shapes import Points, box
from generation.engines.animatic.stage import Stage


def paint_skyline(
    stage: Stage, base: float, *, depth: float, tall: float, name: str = "skyline", windows: bool = True
) -> Canvas:
    """A row of towers standing on stage row `base`, up to `tall` spans high, lit windows by dusk and night."""
    chance, palette = stage.scene.rng(f"{name} {depth}"), stage.palette
    canvas = stage.canvas(depth, top=base - tall * stage.span * 1.15)
    mx, _ = stage.camera.margin_px(depth)
    x = -mx - 4.0
    body = palette.lit((92.0, 104.0, 138.0) if not palette.dark else (112.0, 122.0, 156.0), depth)
    foot = mix(body, palette.haze, 0.55)
    lights: list[Points] = []
    while x < stage.width + mx:
        wide = stage.span * float(chance.uniform(0.035, 0.085))
        # Towers rise towards the sides: the middle stays open for the sky.
        open_middle = 0.45 + 0.55 * min(1.0, abs((x + wide / 2) / stage.width - 0.5) * 2.2)
        high = stage.span * tall * float(chance.uniform(0.28, 1.0)) * open_middle
        tone = mix(body, palette.lit(palette.accent(int(chance.integers(5))), depth), 0.16)
        top = base - high
        canvas.fill(_tower(chance, x, top, wide, base), Gradient(((top, tone), (base, mix(tone, foot, 0.75)))))
        canvas.fill(box(x + wide * 0.66, top + 2, x + wide, base), brighten(tone, 0.88), 0.45)
        if windows:
            lights.extend(_windows(chance, x, top, wide, base, stage.span))
        x += wide * float(chance.uniform(0.86, 1.18))
    if lights:
        glow = (
            palette.tone((255.0, 214.0, 140.0))
            if palette.lamps
            else brighten(palette.lit((214.0, 232.0, 244.0), depth), 1.05)
        )
        canvas.fill(lights, glow, (0.85 if palette.lamps else 0.30) * (0.55 + 0.45 * depth))
    canvas.fill(box(-mx - 8, base - 1, stage.width + mx + 8, stage.height * 1.3), foot)
    return canvas


def _tower(chance: np.random.Generator, x: float, top: float, wide: float, base: float) -> list[Points]:
    parts = [box(x, top, x + wide, base + 4)]
    kind = int(chance.integers(5))
    if kind == 0:
        parts.append(box(x + wide * 0.18, top - wide * 0.35, x + wide * 0.82, top + 2))
        parts.append(box(x + wide * 0.48, top - wide * 0.95, x + wide * 0.52, top))
    elif kind == 1:
        parts.append(np.array([(x, top + 1), (x + wide, top + 1), (x + wide, top - wide * 0.42)]))
    elif kind == 2:
        parts.append(box(x + wide * 0.25, top - wide * 0.20, x + wide * 0.75, top + 2))
    return parts


def _windows(chance: np.random.Generator, x: float, top: float, wide: float, base: float, span: float) -> list[Points]:
    lights = []
    step = span * 0.0135
    columns = max(2, int(wide / step))
    for row in range(int((base - top) / (step * 1.25)) - 1):
        for column in range(columns - 1):
            if chance.random() < 0.36:
                left, y = x + (column + 0.75) * wide / columns, top + (row + 0.8) * step * 1.25
                lights.append(box(left, y, left + step * 0.42, y + step * 0.58))
    return lights
