"""The steps of a creative as values: what each needs, and its key. Nothing is made here.

A step is a pure function of what its record holds: the key is a hash of the record, of the keys of the steps it builds
on, and of the revision of the code that does the work (`revision.py`) or of the engine or voice. So the key of a
delivery is known before any footage exists, and a changed price changes exactly the keys that depend on it.

    prompt ── footage ┬─ conform ─ plate ─┐
      voice ─┬────────│───────────────────┴─ master ─┐
             └────────┴─ mix ── track ───────────────┴─ delivery
      bed ───────────────┘

A prompt is a step only where the engine encodes texts apart, conform only where it renders at a rate of its own, and
footage enters a mix only where it has a sound of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Asset:
    """A file of the user's that goes into a step: it counts by its bytes, not by its name."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class LoraAsset:
    """Weights added to a model, and how strongly they count."""

    path: Path
    sha256: str
    weight: float


@dataclass(frozen=True, slots=True)
class PromptStep:
    """One text encoded for an engine, so that its text encoder need not stay in memory."""

    kind: ClassVar[str] = "prompt"
    engine: str
    engine_revision: str
    text: str
    key: str = ""

    def keyed(self) -> PromptStep:
        """The same step with its key."""
        return _with_key(self, {})


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
    picture: Asset | None = None
    last_picture: Asset | None = None
    #: A film to restyle, and how much of it may change; the strength counts only with it.
    clip: Asset | None = None
    strength: float = 0.0
    references: tuple[Asset, ...] = ()
    loras: tuple[LoraAsset, ...] = ()
    #: The shot that this one goes on from, and which of its frames (from 0) is the first one here.
    before: FootageStep | None = None
    before_frame: int = 0
    #: Options that change no pixel.
    neutral_options: Mapping[str, object] = field(default_factory=dict)
    #: Prompt and negative prompt as steps of their own; () where the engine encodes them while it renders.
    encoded: tuple[PromptStep, ...] = ()
    key: str = ""

    def keyed(self) -> FootageStep:
        """The same step with its key. Files count by their bytes; how a text was encoded is the engine's revision."""
        facts = {
            "picture": _sha256(self.picture),
            "last_picture": _sha256(self.last_picture),
            "clip": _sha256(self.clip),
            "references": [asset.sha256 for asset in self.references],
            "loras": [[lora.sha256, lora.weight] for lora in self.loras],
            "before": _key(self.before),
            "neutral_options": None,
            "encoded": None,
        }
        return _with_key(self, facts)

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return float(self.frames / self.fps)


@dataclass(frozen=True, slots=True)
class ConformStep:
    """Footage brought from its model's frame rate to the rate that is delivered, steadied, enlarged, measured."""

    kind: ClassVar[str] = "conform"
    footage: FootageStep
    fps: Fraction
    frames: int
    #: motion, blend, nearest or learned.
    interpolation: str = "motion"
    deflicker: float = 0.0
    interpolation_model: Asset | None = None
    upscale_model: Asset | None = None
    key: str = ""

    def keyed(self) -> ConformStep:
        """The same step with its key."""
        facts = {
            "footage": self.footage.key,
            "interpolation_model": _sha256(self.interpolation_model),
            "upscale_model": _sha256(self.upscale_model),
            "revision": revision_of("conform"),
        }
        return _with_key(self, facts)


@dataclass(frozen=True, slots=True)
class PlateStep:
    """The shots of a creative joined, reframed and graded for one size and length."""

    kind: ClassVar[str] = "plate"
    footage: tuple[FootageStep, ...]
    size: Pixels
    fps: Fraction
    frames: int
    look: str
    #: How neighbouring shots are joined: cut or dissolve, everywhere or join by join.
    transition: str | tuple[str, ...]
    seed: int
    #: The shots at the plate's rate, one for each; () joins the footage as it is.
    conformed: tuple[ConformStep, ...] = ()
    key: str = ""

    @property
    def clips(self) -> tuple[FootageStep | ConformStep, ...]:
        """What is joined."""
        return self.conformed or self.footage

    def keyed(self) -> PlateStep:
        """The same step with its key."""
        facts = {
            "footage": [step.key for step in self.footage],
            "conformed": [step.key for step in self.conformed],
            "revision": revision_of("plate"),
        }
        return _with_key(self, facts)


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
class StemPart:
    """The own sound of a shot: where it begins in the film, and how long it is heard."""

    footage: FootageStep
    at_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class MixStep:
    """Voice over ducked music and the film's own sound, before loudness."""

    kind: ClassVar[str] = "mix"
    voice: VoiceStep | None
    bed: BedStep | None
    seconds: float
    #: Only from engines that make sound: without, all films of a length share one mix.
    stems: tuple[StemPart, ...] = ()
    key: str = ""

    def keyed(self) -> MixStep:
        """The same step with its key."""
        facts = {
            "voice": _key(self.voice),
            "bed": _key(self.bed),
            "stems": [[stem.footage.key, stem.at_seconds, stem.seconds] for stem in self.stems],
            "revision": revision_of("mix"),
        }
        return _with_key(self, facts)


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


Step = (
    PromptStep
    | FootageStep
    | ConformStep
    | PlateStep
    | VoiceStep
    | BedStep
    | MixStep
    | TrackStep
    | MasterStep
    | DeliveryStep
)
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


def _sha256(asset: Asset | None) -> str | None:
    return asset.sha256 if asset else None
