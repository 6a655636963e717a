"""A road that runs to the horizon, its markings streaming towards the eye; a car ahead, hills and trees beside it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from generation.engines.animatic.canvas import Gradient
from generation.engines.animatic.cast import add_ground, add_vehicles
from generation.engines.animatic.nature import cactus, foliage, grass, pine, tree
from generation.engines.animatic.palette import Rgb, brighten, luma, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.places.open_air import add_far, add_foreground_grass, add_hills, paint_sky, ridge
from generation.engines.animatic.shapes import box, points
from generation.engines.animatic.sheets import Moment
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.walkers import add_people
from generation.media.frames import Planes


def paint_road(stage: Stage) -> None:
    """A straight road through hills, seen from the middle of the lane."""
    horizon = stage.horizon
    stage.drawn.add("road")
    paint_sky(stage, horizon)
    add_far(stage, horizon)
    near_hills = ((0.12, 4), (0.06, 3)) if not {"sea", "beach", "lake"} & set(stage.scene.beyond) else ()
    for index, (relief, knots) in enumerate(near_hills):
        depth = 0.12 + 0.1 * index
        line = ridge(
            stage,
            f"hills {index}",
            horizon + 0.012 * stage.span,
            relief * stage.span,
            knots=knots,
            octaves=4 - 2 * index,
            depth=depth,
        )
        stage.add_layer(
            add_hills(stage, line, ((118.0, 134.0, 158.0), (108.0, 140.0, 112.0))[index], depth=depth), depth
        )
    _ground(stage, horizon)
    _verge_trees(stage, horizon)
    if any(name in stage.scene.things for name in ("bus", "van")) or stage.scene.people:
        add_vehicles(stage, stage.height - 0.12 * stage.span, depth=0.86, tall=0.25 * stage.span)
        add_people(stage, stage.height - 0.07 * stage.span, depth=0.9, tall=0.26 * stage.span, pose="run")
    elif not stage.hero:
        _car_ahead(stage, horizon)
    add_ground(stage, horizon + 0.16 * stage.span, depth=0.5, tall=0.16 * stage.span)
    if "desert" not in stage.scene.beyond:
        add_foreground_grass(
            stage, grass(stage.scene), base=stage.height + 0.02 * stage.span, flowers=stage.wants("flower")
        )


def _receding(stage: Stage, horizon: float, own: Rgb, near_light: float) -> Gradient:
    """A surface that runs to the horizon: hazy there, darker towards the eye."""
    palette = stage.palette
    far = mix(palette.lit(own, 0.3), palette.haze, 0.32)
    return Gradient(
        (
            (horizon, far),
            (horizon + 0.28 * stage.span, palette.lit(own, 0.82)),
            (stage.height, palette.lit(brighten(own, near_light), 1.0)),
        )
    )


def _ground(stage: Stage, horizon: float) -> None:
    """Land on both sides, a sandy verge, the carriageway and its edge lines."""
    palette, depth, low = stage.palette, 0.34, stage.height * 1.25
    canvas = stage.canvas(depth, top=horizon)
    land = rgb("#e0a96b") if "desert" in stage.scene.beyond else grass(stage.scene)
    asphalt = rgb("#6a6f7a") if stage.scene.weather != "snow" else rgb("#9aa3ae")
    verge = mix(palette.lit(brighten(land, 0.85), 0.8), (200.0, 180.0, 140.0), 0.25)
    canvas.fill(box(-stage.width, horizon, 2 * stage.width, low), _receding(stage, horizon, land, 0.8))
    vanish = stage.width / 2
    half = 0.40 * stage.span * (low - horizon) / (stage.height - horizon)
    for wide, fill in ((1.16, verge), (1.0, _receding(stage, horizon, asphalt, 0.74))):
        far, near = 2 * wide, half * wide
        canvas.fill(
            points((vanish - far, horizon), (vanish + far, horizon), (vanish + near, low), (vanish - near, low)), fill
        )
    for side in (-0.92, 0.92):
        foot = vanish + side * half
        edge = points((vanish + side * 2, horizon), (foot - 0.02 * half, low), (foot + 0.02 * half, low))
        canvas.fill(edge, palette.lit(rgb("#f6f0df"), 0.9), 0.85)
    stage.add_layer(canvas, depth)
    stage.add(Markings(stage, horizon, palette.lit(rgb("#fbf4df"), 0.95), depth))


class Markings:
    """The dashes of the middle line, projected for every frame: nearer ones larger and faster."""

    def __init__(self, stage: Stage, horizon: float, colour: Rgb, depth: float) -> None:
        self._horizon, self._depth = horizon, depth
        self._middle, self._reach, self._half = stage.width / 2, stage.height - horizon, 0.011 * stage.span
        self._speed = 1.15 if stage.scene.pose in ("run", "ride") or "car" in stage.scene.things else 0.8
        red, green, blue = colour
        y = 16 + luma(colour) * 219 / 255
        self._yuv = (y, 128 + (-0.114572 * red - 0.385428 * green + 0.5 * blue) * 224 / 255,
                     128 + (0.5 * red - 0.454153 * green - 0.045847 * blue) * 224 / 255)  # fmt: skip

    def solid_from(self, moment: Moment) -> int:
        """It hides nothing."""
        return 1 << 30

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """See `Element`."""
        view = moment.view(self._depth)
        shift = (moment.seconds * self._speed) % 1.0
        for dash in range(14):
            near, far = dash + 0.55 - shift, dash + 1.0 - shift
            if near < 0.12:
                continue
            # A flat road: a place `z` ahead appears at 1/z below the horizon.
            rows = [self._horizon + self._reach * 0.62 / (0.42 + z) for z in (near, far)]
            sizes = [self._half / (0.42 + z) for z in (near, far)]
            quad = np.array(
                [
                    (self._middle - sizes[0], rows[0]),
                    (self._middle + sizes[0], rows[0]),
                    (self._middle + sizes[1], rows[1]),
                    (self._middle - sizes[1], rows[1]),
                ]
            )
            quad = quad * view.scale + (view.dx, view.dy)
            for plane, level, shrink in zip(planes, self._yuv, (1, 2, 2), strict=True):
                corners = np.rint((quad / shrink) * 16).astype(np.int32)
                rows_drawn = plane[: until // shrink]
                cv2.fillPoly(rows_drawn, [corners], round(level), cv2.LINE_AA, 4)


def _verge_trees(stage: Stage, horizon: float) -> None:
    """Trees on both sides that grow towards the eye."""
    chance = stage.scene.rng("verge")
    snow = stage.scene.weather == "snow"
    conifer = snow or stage.wants("pine") or bool(chance.random() < 0.4)
    for index, share in enumerate((0.05, 0.12, 0.24, 0.46)):
        depth = 0.36 + 0.5 * share
        y = horizon + (stage.height - horizon) * share
        canvas = stage.canvas(depth, top=y - 0.5 * stage.span, bottom=y + 0.03 * stage.span)
        for side in (-1, 1):
            x = stage.width / 2 + side * stage.span * (0.10 + 0.80 * share + 0.05 * float(chance.random()))
            pen = stage.pen(canvas, x, y + 0.006 * stage.span, stage.span * (0.06 + 0.62 * share), depth=depth)
            leaf = foliage(stage.scene, chance)
            if "desert" in stage.scene.beyond:
                cactus(pen, chance, rgb("#4f8a63"))
            elif conifer:
                pine(pen, chance, mix(leaf, rgb("#3f7a64"), 0.5), snow=snow)
            else:
                tree(pen, chance, leaf)
        stage.add_layer(canvas, depth)
        if index == 0:
            stage.wants("cactus" if "desert" in stage.scene.beyond else "tree")


def _car_ahead(stage: Stage, horizon: float) -> None:
    """The car seen from behind, riding softly on its springs."""
    asked = stage.wants("car")
    colour = stage.colour_of("car", stage.palette.accent(0))
    unwanted = "car" in stage.scene.reading.banned or stage.scene.rng("car").random() < 0.35
    if unwanted and not asked:
        return
    scale, y = 0.30 * stage.span, horizon + 0.60 * (stage.height - horizon)

    def paint(pen: Pen, share: float) -> None:
        pen.shadow(0.0, 0.02, 0.56, 0.05, 0.45)
        for x in (-0.33, 0.33):
            pen.box(x - 0.10, 0.0, x + 0.10, 0.22, "#1f2228", radius=0.04)
        lift = 0.006 * math.sin(2 * math.pi * share)
        pen.fade(box(-0.40, 0.42 + lift, 0.40, 0.86 + lift, 0.16), mix(colour, (255.0, 255.0, 255.0), 0.22), colour)
        pen.fade(box(-0.325, 0.52 + lift, 0.325, 0.80 + lift, 0.09), "#cfe4ee", "#7f9db0")
        pen.fade(
            box(-0.50, 0.10 + lift, 0.50, 0.56 + lift, 0.12),
            mix(colour, (255.0, 255.0, 255.0), 0.08),
            mix(colour, (20.0, 16.0, 34.0), 0.25),
        )
        pen.box(-0.44, 0.12 + lift, 0.44, 0.20 + lift, "#2a2d34", radius=0.03)
        pen.box(-0.11, 0.24 + lift, 0.11, 0.33 + lift, "#f3f0e6", radius=0.012)
        for side in (-1, 1):
            pen.box(0.33 * side - 0.10, 0.38 + lift, 0.33 * side + 0.10, 0.46 + lift, "#e5483d", radius=0.03)
            if stage.palette.lamps:
                pen.glow(0.33 * side, 0.42, 0.26, (255.0, 70.0, 60.0), 0.6)

    stage.add_figure(
        paint,
        at=(stage.width / 2 + 0.14 * stage.span, y),
        scale=scale,
        depth=0.7,
        reach=(-0.8, -0.1, 0.8, 1.0),
        cycle_seconds=0.9,
        path=swaying(0.006 * stage.span, 0.0, 4.0),
    )
