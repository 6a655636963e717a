"""The light of a scene: sky, ambient light, haze and accents, from its time of day, weather, moods and colours.

Every colour that is painted passes through `Palette.lit`, so that all layers stand in the same light and the same
air. Colours are RGB floats 0-255. Does not know shapes, sizes or words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generation.engines.animatic.scene import Scene

Rgb = tuple[float, float, float]


def rgb(code: str) -> Rgb:
    """`#rrggbb` as floats."""
    return (float(int(code[1:3], 16)), float(int(code[3:5], 16)), float(int(code[5:7], 16)))


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """`a` with `share` (0-1) of `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def luma(colour: Rgb) -> float:
    """BT.709 luma, 0-255."""
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def brighten(colour: Rgb, factor: float) -> Rgb:
    """Lighter (factor above 1: towards white) or darker (below 1: towards black, a little cooler)."""
    if factor >= 1:
        return mix(colour, (255.0, 253.0, 248.0), min(1.0, factor - 1))
    return (colour[0] * factor, colour[1] * (factor * 0.97 + 0.03), min(255.0, colour[2] * (factor * 0.9 + 0.1)))


def tinted(colour: Rgb, accent: Rgb, share: float) -> Rgb:
    """`colour` moved towards the hue of `accent` at about its own lightness."""
    target = luma(colour)
    own = max(1.0, luma(accent))
    scaled = (accent[0] * target / own, accent[1] * target / own, accent[2] * target / own)
    peak = max(scaled)
    if peak > 255:  # too light for this hue: add white instead of clipping, which would turn the hue
        pure = (scaled[0] * 255 / peak, scaled[1] * 255 / peak, scaled[2] * 255 / peak)
        white = (target - luma(pure)) / max(1.0, 255 - luma(pure))
        scaled = mix(pure, (255.0, 255.0, 255.0), min(1.0, max(0.0, white)))
    return mix(colour, scaled, share)


def _saturated(colour: Rgb, factor: float) -> Rgb:
    grey = luma(colour)
    made = (grey + (channel - grey) * factor for channel in colour)
    first, second, third = (min(255.0, max(0.0, channel)) for channel in made)
    return (first, second, third)


@dataclass(frozen=True, slots=True)
class Light:
    """The light of one time of day."""

    #: Four stops from the zenith to the horizon.
    sky: tuple[Rgb, Rgb, Rgb, Rgb]
    sun: Rgb
    ambient: Rgb
    haze: Rgb


def _light(stops: str, sun: str, ambient: Rgb, haze: str) -> Light:
    first, second, third, fourth = (rgb(code) for code in stops.split())
    return Light((first, second, third, fourth), rgb(sun), ambient, rgb(haze))


#: Chosen by eye; ambient is a factor per channel on every painted colour.
TIMES = {
    "dawn": _light("#5a6ca6 #a797c6 #f1b3a6 #ffe0b6", "#fff1d2", (1.0, 0.86, 0.85), "#f0c3b6"),
    "morning": _light("#57a4dd #93caec #cfe9f1 #fdf0d6", "#fff7e0", (1.02, 0.99, 0.94), "#dbe9ec"),
    "day": _light("#3a8fdb #6fb4ec #aed8f4 #e4f3f9", "#fffbe8", (1.0, 1.0, 1.0), "#cde4f2"),
    "golden": _light("#6d84b4 #d3a891 #f7bd7a #ffdf9f", "#fff2c8", (1.03, 0.87, 0.70), "#f4c993"),
    "dusk": _light("#2a2a62 #6b3f86 #d5637d #ffa678", "#ffd9a2", (0.78, 0.60, 0.68), "#b7617f"),
    "night": _light("#070d26 #0f1c45 #1d3365 #34508b", "#eef2ff", (0.38, 0.45, 0.68), "#213769"),
}

_ACCENTS = (
    ("#e4572e", "#17bebb", "#ffc914", "#2e4057", "#f4ead5"),
    ("#ef476f", "#ffd166", "#06a77d", "#118ab2", "#fff3e2"),
    ("#d1495b", "#edae49", "#66a182", "#2e4057", "#f6efe3"),
    ("#f28f3b", "#588b8b", "#c8553d", "#2d3047", "#ffe8d1"),
    ("#5b5f97", "#ff6b6c", "#ffc145", "#3a7d6b", "#fffbf2"),
    ("#3d5a80", "#ee6c4d", "#98c1d9", "#293241", "#f5efe6"),
)

_SATURATION = {"calm": 0.82, "lively": 1.18, "dramatic": 0.95, "luxury": 0.96, "vintage": 0.62, "mono": 0.0}
_TINTS = {
    "luxury": (rgb("#c9a24a"), 0.10), "cosy": (rgb("#e39a52"), 0.20), "future": (rgb("#9a3bd6"), 0.34),
    "vintage": (rgb("#c79a62"), 0.30), "calm": (rgb("#e8dfe6"), 0.06),
}  # fmt: skip
_LIFT = {"calm": 1.14, "lively": 1.03, "dramatic": 0.78, "luxury": 0.78, "future": 0.80, "mono": 0.9}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scene."""

    sky: tuple[Rgb, Rgb, Rgb, Rgb]
    sun: Rgb
    ambient: Rgb
    haze: Rgb
    accents: tuple[Rgb, ...]
    #: How much air lies between the eye and the farthest layer, 0-1.
    air: float
    #: Night, or a time at which lamps are lit.
    dark: bool
    lamps: bool
    tone: Callable[[Rgb], Rgb]

    def lit(self, colour: Rgb, depth: float = 1.0) -> Rgb:
        """A thing's own colour as it is seen at `depth` (1 nearest, 0 at the horizon) in this light."""
        seen = (colour[0] * self.ambient[0], colour[1] * self.ambient[1], colour[2] * self.ambient[2])
        far = (1 - min(1.0, max(0.0, depth))) ** 1.25
        first, second, third = self.tone(mix(seen, self.haze, far * self.air))
        return (min(255.0, first), min(255.0, second), min(255.0, third))

    def accent(self, index: int) -> Rgb:
        """An accent before the light falls on it."""
        return self.accents[index % len(self.accents)]


def choose_palette(scene: Scene) -> Palette:
    """The palette of a scene; its seed chooses among accents and turns the hues a little."""
    chance = scene.rng("palette")
    light = TIMES[scene.time]
    tone = _tone(scene)
    colours = [rgb(code) for code in scene.colours]
    accents = (*colours, *(rgb(code) for code in _ACCENTS[int(chance.integers(len(_ACCENTS)))]))
    hint = colours[0] if colours else accents[int(chance.integers(3))]
    share = (
        (0.62 if scene.indoors or scene.place in ("abstract", "space") else 0.46)
        if colours
        else (0.45 if scene.place == "abstract" else 0.05)
    )
    sky = [tinted(_weathered(stop, scene), hint, share) for stop in light.sky]
    if len(colours) > 1:
        sky[2:] = [tinted(stop, colours[1], 0.5) for stop in sky[2:]]
    ambient = _weathered_ambient(light.ambient, scene)
    if scene.indoors and scene.time in ("dusk", "night"):
        # Somebody has switched the lamps on.
        ambient = mix(ambient, (0.98, 0.88, 0.78), 0.62 if scene.place == "studio" else 0.42)
    if colours:
        ambient = _stain(ambient, colours[0], 0.28 if scene.indoors else 0.18)
    return Palette(
        sky=(tone(sky[0]), tone(sky[1]), tone(sky[2]), tone(sky[3])),
        sun=tone(light.sun),
        ambient=ambient,
        haze=tinted(_weathered(light.haze, scene), hint, share * 0.8),
        accents=accents,
        air={"fog": 0.92, "rain": 0.86, "snow": 0.88, "storm": 0.82}.get(scene.weather, 0.78),
        dark=scene.time == "night",
        lamps=scene.time in ("night", "dusk"),
        tone=tone,
    )


def _stain(ambient: Rgb, colour: Rgb, share: float) -> Rgb:
    """Light that has passed through the prompt's colour."""
    grey = max(40.0, luma(colour))
    stained = (colour[0] / grey, colour[1] / grey, colour[2] / grey)
    tempered = tuple(min(1.25, max(0.72, 1 + (part - 1) * share)) for part in stained)
    return (ambient[0] * tempered[0], ambient[1] * tempered[1], ambient[2] * tempered[2])


def _weathered(colour: Rgb, scene: Scene) -> Rgb:
    grey = luma(colour)
    cool: Rgb = (grey * 0.92, grey * 0.97, grey * 1.04)
    if scene.weather in ("rain", "cloudy"):
        return mix(colour, (cool[0] * 0.86, cool[1] * 0.88, cool[2] * 0.92), 0.62)
    if scene.weather == "storm":
        return mix(colour, (cool[0] * 0.55, cool[1] * 0.58, cool[2] * 0.66), 0.75)
    if scene.weather == "snow":
        return mix(colour, (cool[0] * 0.95, cool[1] * 0.98, cool[2] * 1.03), 0.5)
    if scene.weather == "fog":
        pale = mix(colour, (238.0, 238.0, 236.0), 0.0 if scene.time == "night" else 0.62)
        return mix(colour, pale, 0.8)
    return colour


def _weathered_ambient(ambient: Rgb, scene: Scene) -> Rgb:
    grey = luma(ambient)
    dull = {"rain": 0.82, "cloudy": 0.9, "storm": 0.62, "fog": 0.94, "snow": 0.97}.get(scene.weather)
    if dull is None:
        return ambient
    return _scaled(mix(ambient, (grey * 0.97, grey, grey * 1.05), 0.3 if scene.weather == "fog" else 0.55), dull)


def _scaled(ambient: Rgb, factor: float) -> Rgb:
    return (ambient[0] * factor, ambient[1] * factor, ambient[2] * factor)


def _tone(scene: Scene) -> Callable[[Rgb], Rgb]:
    """One function for all moods together; the identity where the prompt names none."""
    moods = scene.moods

    def tone(colour: Rgb) -> Rgb:
        for mood in moods:
            colour = _saturated(colour, _SATURATION.get(mood, 1.0))
            if mood in _TINTS:
                colour = tinted(colour, *_TINTS[mood])
            colour = brighten(colour, _LIFT.get(mood, 1.0))
        return colour

    return tone


def hue_turned(colour: Rgb, degrees: float) -> Rgb:
    """The colour with its hue turned around the grey axis."""
    angle = np.deg2rad(degrees)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    one, root = (1 - cos) / 3, sin / 3**0.5
    r, g, b = colour
    turned = (
        r * (cos + one) + g * (one - root) + b * (one + root),
        r * (one + root) + g * (cos + one) + b * (one - root),
        r * (one - root) + g * (one + root) + b * (cos + one),
    )
    first, second, third = (min(255.0, max(0.0, part)) for part in turned)
    return (first, second, third)
