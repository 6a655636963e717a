"""What is to be written on a picture, before anybody knows where: the title sheet of one master.

A layer says which text, as which kind, from which frame until which frame; `titles.py` turns the kinds into places
inside the safe box, `compose.py` draws them over a plate. Knows no campaign, row or placement name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from generation.spec import Box, Size

#: The kinds a layer can be. Each has one home in `titles.py`.
KINDS = ("headline", "subline", "price", "badge", "cta", "logo", "end_card")


@dataclass(frozen=True, slots=True)
class BrandStyle:
    """How the brand looks. Colours are `#rrggbb`."""

    name: str
    primary: str
    accent: str
    ink: str
    paper: str
    logo: Path | None = None
    #: Font files, most wanted first; a character is drawn by the first font that has it.
    fonts: tuple[Path, ...] = ()
    #: Packaged family used when `fonts` is empty and for what `fonts` lacks: manrope, hanken-grotesk, source-sans.
    family: str = "manrope"


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing written or shown, for frames `start_frame` (first) until `end_frame` (first without it)."""

    kind: str
    text: str
    start_frame: int
    end_frame: int
    #: Further texts by role: price: `old_price`, `note`; end_card: `cta`, `url`, `legal`, `price`.
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaptionSpan:
    """One burned-in caption."""

    start_frame: int
    end_frame: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TitleSheet:
    """All that is drawn over one plate."""

    size: Size
    #: Nothing that must be read or recognised leaves this box.
    safe: Box
    frames: int
    fps: Fraction
    #: BCP 47: decides the direction and the line breaking of the texts.
    locale: str
    brand: BrandStyle
    layers: tuple[Layer, ...] = ()
    captions: tuple[CaptionSpan, ...] = ()
    #: AI disclosure shown on the picture, in the locale's language; "" shows none.
    disclosure_label: str = ""
    #: Visible brand watermark; "" shows none.
    watermark: str = ""
    #: The first frame without the disclosure; None shows it until the end.
    disclosure_until: int | None = None
