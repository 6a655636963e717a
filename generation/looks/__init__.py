"""Looks: styles as data (`looks.toml`) and, in the neighbouring modules, the code that applies them to planes.

This room reads the table and refuses what it does not know; it imports nothing heavy, so that listing the looks is
instant. `grader.py` applies a look to frames, `grade.py` works out its colours, `grain.py`, `light.py` and `ink.py`
draw grain, vignette and glow, and ink lines. Knows no engine and no campaign. A new look is one table in `looks.toml`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from generation.errors import NotAvailable

#: Raised whenever the code beside this file turns the same numbers into other pixels.
CODE_REVISION = 1

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class HueBand:
    """Colours around one hue, changed on their own. Degrees on the vectorscope: 0 is +Cb, 90 is +Cr (skin is 123)."""

    hue_degrees: float
    width_degrees: float
    shift_degrees: float = 0.0
    saturation: float = 1.0
    #: Added to luma at full saturation, as a part of the range.
    luma: float = 0.0


@dataclass(frozen=True, slots=True)
class Grade:
    """Numbers of a colour grade, applied in this order; the defaults change nothing."""

    exposure_stops: float = 0.0
    #: -1 (blue) to 1 (amber), and -1 (green) to 1 (magenta).
    temperature: float = 0.0
    tint: float = 0.0
    lift: Triple = (0.0, 0.0, 0.0)
    gamma: Triple = (1.0, 1.0, 1.0)
    gain: Triple = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    #: The tone that contrast leaves where it is, 0 to 1.
    pivot: float = 0.45
    #: Where black and white end up: 0.06 and 0.96 are a faded print.
    black: float = 0.0
    white: float = 1.0
    saturation: float = 1.0
    #: Saturation added to dull colours only; skin and vivid colours keep theirs.
    vibrance: float = 0.0
    #: Weights of R, G and B in a black-and-white picture; () keeps colour.
    mono: tuple[float, ...] = ()
    hues: tuple[HueBand, ...] = ()
    #: Split toning: `#rrggbb` mixed into shadows and highlights, and how much; pure white stays white.
    shadows: str = "#808080"
    shadows_amount: float = 0.0
    highlights: str = "#808080"
    highlights_amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Grain:
    """Film grain: standard deviation in mid-grey, in 8-bit luma levels, and grain size in pixels at 1080."""

    levels: float = 0.0
    size_px: float = 1.0


@dataclass(frozen=True, slots=True)
class Vignette:
    """Darkening towards the corners: the part of the light lost there, and where it begins (0 centre, 1 corner)."""

    loss: float = 0.0
    start: float = 0.35


@dataclass(frozen=True, slots=True)
class Glow:
    """Highlights that bleed into what is around them: how much, from which luma (0 to 1), how wide at 1080."""

    amount: float = 0.0
    threshold: float = 0.7
    radius_px: float = 60.0


@dataclass(frozen=True, slots=True)
class Ink:
    """Drawing instead of photographing: how many tones (0 draws nothing), how hard they meet, ink depth and width."""

    tones: int = 0
    hardness: float = 4.0
    lines: float = 0.0
    line_px: float = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """A style: what is asked of the engine, and what is done to its footage."""

    name: str
    title: str
    description: str
    #: Added to the request, with `light`, `lens` and `camera`; see `prompt_words`.
    prompt: str = ""
    negative_prompt: str = ""
    light: str = ""
    #: Lens and angle: what belongs to the style whichever way the camera moves.
    lens: str = ""
    #: How the camera moves, where the shot does not say it.
    camera: str = ""
    grade: Grade = Grade()
    grain: Grain = Grain()
    vignette: Vignette = Vignette()
    glow: Glow = Glow()
    ink: Ink = Ink()

    @property
    def prompt_words(self) -> str:
        """Everything that the look adds to a prompt, comma separated."""
        return ", ".join(words for words in (self.prompt, self.light, self.lens, self.camera) if words)

    @property
    def revision(self) -> str:
        """Changes whenever the look gives other pixels; its words are not part of it, they are part of the prompt."""
        numbers = {key: value for key, value in asdict(self).items() if isinstance(value, dict)}
        text = json.dumps([CODE_REVISION, numbers], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def is_neutral(self) -> bool:
        """True when applying the look only keeps the levels legal."""
        return (self.grade, self.grain, self.vignette, self.glow, self.ink) == (
            Grade(), Grain(), Vignette(), Glow(), Ink(),
        )  # fmt: skip


def look_names() -> tuple[str, ...]:
    """Every look, in the order of the file."""
    return tuple(_table())


def get_look(name: str) -> Look:
    """The look of that name.

    Raises: NotAvailable, with the nearest name.
    """
    table = _table()
    if name not in table:
        near = difflib.get_close_matches(name.lower(), table, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(table)}."
        raise NotAvailable(f"there is no look {name!r}. {hint}")
    return table[name]


def style_words(look: str, *, with_camera: bool = True) -> tuple[str, str]:
    """What a look adds to a prompt, and to the negative prompt.

    `with_camera=False` leaves the look's own camera move out, for a shot that names another: "steady camera" behind
    "handheld camera" asks a model for both. Lens and angle stay.

    Raises: NotAvailable, with the nearest name.
    """
    style = get_look(look)
    return (style if with_camera else replace(style, camera="")).prompt_words, style.negative_prompt


@cache
def _table() -> Mapping[str, Look]:
    text = Path(__file__).with_name("looks.toml").read_text(encoding="utf-8")
    return {name: read_look(name, entry) for name, entry in tomllib.loads(text).items()}


def read_look(name: str, entry: Mapping[str, Any]) -> Look:
    """One table of `looks.toml` as a record.

    Raises: ValueError for a key that does not exist.
    """
    parts = {"grade": Grade, "grain": Grain, "vignette": Vignette, "glow": Glow, "ink": Ink}
    values = dict(entry)
    for key in parts.keys() & values.keys():
        values[key] = _record(parts[key], values[key], f"{name}.{key}")
    look = _record(Look, {"name": name, **values}, name)
    assert isinstance(look, Look)
    return look


def _record(kind: type, values: Mapping[str, Any], where: str) -> object:
    assert is_dataclass(kind)
    known = [field.name for field in fields(kind)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ValueError(f"{where}: unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if "hues" in frozen:
        frozen["hues"] = tuple(_record(HueBand, band, f"{where}.hues") for band in frozen["hues"])
    return kind(**frozen)
