"""Steps that make pictures without words: prompt, footage, conform, plate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

from flows.revision import revision_of
from flows.steps.keys import Asset, Pixels, key_of, sha256_of, with_key


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
        return with_key(self, {})


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
            "picture": sha256_of(self.picture),
            "last_picture": sha256_of(self.last_picture),
            "clip": sha256_of(self.clip),
            "references": [asset.sha256 for asset in self.references],
            "loras": [[lora.sha256, lora.weight] for lora in self.loras],
            "before": key_of(self.before),
            "neutral_options": None,
            "encoded": None,
        }
        return with_key(self, facts)

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
            "interpolation_model": sha256_of(self.interpolation_model),
            "upscale_model": sha256_of(self.upscale_model),
            "revision": revision_of("conform"),
        }
        return with_key(self, facts)


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
        return with_key(self, facts)
