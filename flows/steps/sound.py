"""Steps that make sound: voice, bed, mix, track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from flows.revision import revision_of
from flows.steps.footage import FootageStep
from flows.steps.keys import key_of, with_key

#: Silence before the first word and after the last one, in seconds.
LEAD_IN_SECONDS = 0.3
TAIL_SECONDS = 0.5


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
        return with_key(self, {"revision": revision_of("voice")})


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
        return with_key(self, {"revision": revision_of("bed")})


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
            "voice": key_of(self.voice),
            "bed": key_of(self.bed),
            "stems": [[stem.footage.key, stem.at_seconds, stem.seconds] for stem in self.stems],
            "revision": revision_of("mix"),
        }
        return with_key(self, facts)


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
        return with_key(self, {"mix": self.mix.key, "revision": revision_of("track")})
