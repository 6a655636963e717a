"""The steps of a creative as values: what each needs, and its key. Nothing is made here.

A step is a pure function of what its record holds: the key is a hash of the record, of the keys of the steps it builds
on, and of the revision of the code that does the work (`revision.py`) or of the engine or voice. So the key of a
delivery is known before any footage exists, and a changed price changes exactly the keys that depend on it.

    footage ─ plate ─┐
    voice ─┬─────────┼─ master ─┐
           └─ mix ── track ─────┴─ delivery
    bed ──────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, TypeVar

from flows.ledger import digest
from flows.model import LayerBrief
from flows.revision import revision_of

#: Silence before the first word and after the last one, in seconds.
LEAD_IN_SECONDS = 0.3
TAIL_SECONDS = 0.5

Pixels = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FootageStep:
    """One shot rendered by an engine."""

    kind: ClassVar[str] = "footage"
    engine: str
    engine_revision: str
    options: Mapping[str, object]
    prompt: str
    negative_prompt: str
    size: Pixels
    frames: int
    fps: Fraction
    seed: int
    picture: Path | None
    picture_sha256: str
    key: str = ""

    def keyed(self) -> FootageStep:
        """The same step with its key. The picture counts by its bytes, not by its name."""
        return _with_key(self, {"picture": None})


@dataclass(frozen=True, slots=True)
class PlateStep:
    """The shots of a creative joined, reframed and graded for one size and length."""

    kind: ClassVar[str] = "plate"
    footage: tuple[FootageStep, ...]
    size: Pixels
    fps: Fraction
    frames: int
    look: str
    #: How neighbouring shots are joined: cut or dissolve.
    transition: str
    seed: int
    key: str = ""

    def keyed(self) -> PlateStep:
        """The same step with its key."""
        return _with_key(self, {"footage": [step.key for step in self.footage], "revision": revision_of("plate")})


@dataclass(frozen=True, slots=True)
class VoiceStep:
    """A text spoken within a time."""

    kind: ClassVar[str] = "voice"
    voice: str
    voice_revision: str
    options: Mapping[str, object]
    text: str
    locale: str
    available_seconds: float
    key: str = ""

    def keyed(self) -> VoiceStep:
        """The same step with its key."""
        return _with_key(self, {"revision": revision_of("voice")})


@dataclass(frozen=True, slots=True)
class BedStep:
    """Music of one mood and length."""

    kind: ClassVar[str] = "bed"
    mood: str
    seconds: float
    seed: int
    key: str = ""

    def keyed(self) -> BedStep:
        """The same step with its key."""
        return _with_key(self, {"revision": revision_of("bed")})


@dataclass(frozen=True, slots=True)
class MixStep:
    """Voice over ducked music, before loudness."""

    kind: ClassVar[str] = "mix"
    voice: VoiceStep | None
    bed: BedStep | None
    seconds: float
    key: str = ""

    def keyed(self) -> MixStep:
        """The same step with its key."""
        return _with_key(self, {"voice": _key(self.voice), "bed": _key(self.bed), "revision": revision_of("mix")})


@dataclass(frozen=True, slots=True)
class TrackStep:
    """A mix brought to a loudness and encoded."""

    kind: ClassVar[str] = "track"
    mix: MixStep
    integrated_lufs: float
    true_peak_dbtp: float
    kbps: int
    key: str = ""

    def keyed(self) -> TrackStep:
        """The same step with its key."""
        return _with_key(self, {"mix": self.mix.key, "revision": revision_of("track")})


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """What of the brand is drawn; files count by their bytes."""

    name: str
    primary: str
    accent: str
    ink: str
    paper: str
    logo: Path | None
    logo_sha256: str
    fonts: tuple[Path, ...]
    fonts_sha256: tuple[str, ...]
    font_family: str

    def identity(self) -> dict[str, object]:
        """The facts that decide pixels, as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("logo", "fonts")}


@dataclass(frozen=True, slots=True)
class MasterStep:
    """Layers and captions drawn over a plate and encoded: one film for one aspect and length."""

    kind: ClassVar[str] = "master"
    plate: PlateStep
    voice: VoiceStep | None
    layers: tuple[LayerBrief, ...]
    locale: str
    brand: BrandFacts
    #: x, y, width, height of the box that text and logos stay in.
    safe: tuple[int, int, int, int]
    caption_characters: int
    disclosure_label: str
    watermark: str
    quality: str
    key: str = ""

    def keyed(self, layers_key: str = "", brand_key: str = "") -> MasterStep:
        """The same step with its key. The digests of layers and brand are the same for all films of a creative."""
        facts = {
            "plate": self.plate.key,
            "voice": _key(self.voice),
            "brand": brand_key or digest(self.brand.identity()),
            "layers": layers_key or digest(self.layers),
            "revision": revision_of("master"),
        }
        return _with_key(self, facts)


@dataclass(frozen=True, slots=True)
class DeliveryStep:
    """The file for one placement: master and track joined, poster, captions, checked."""

    kind: ClassVar[str] = "delivery"
    master: MasterStep
    track: TrackStep | None
    placement: str
    #: The placement's limits that the check holds the file against, as JSON values.
    limits: Mapping[str, object]
    title: str
    key: str = ""

    def keyed(self) -> DeliveryStep:
        """The same step with its key."""
        facts = {"master": self.master.key, "track": _key(self.track), "revision": revision_of("delivery")}
        return _with_key(self, facts)


Step = FootageStep | PlateStep | VoiceStep | BedStep | MixStep | TrackStep | MasterStep | DeliveryStep
Some = TypeVar("Some", bound=Step)


def _with_key(step: Some, facts: Mapping[str, object]) -> Some:
    """Hash the step's own fields, with those in `facts` standing in for paths and for the steps it builds on."""
    own = {name: getattr(step, name) for name in step.__slots__ if name not in facts and name != "key"}
    # The record is new and nobody else has it yet: setting the field is five times faster than `replace`, and a plan
    # of 60,000 ads sets a million of them.
    object.__setattr__(step, "key", digest({"step": step.kind, **own, **facts}))
    return step


def _key(step: Step | None) -> str | None:
    return step.key if step else None
