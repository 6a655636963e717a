"""The values that cross the boundary of `audio`: utterances, speech, words, cues, loudness targets.

Knows sound and spoken language. Does not know pictures, campaigns, placements, Prefect or Ray.
All times are seconds from the start of the track.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Every track inside Spotmill, mono or stereo, has this rate.
SAMPLE_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a voice is asked to say."""

    text: str
    #: BCP 47 tag of the language the text is written in.
    locale: str
    #: Speaking speed over the voice's natural speed (1.0).
    speed: float = 1.0
    #: Voice options, already validated by the voice's own `Options` model.
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Word:
    """A written word of the text and when it is heard. `offset` is its first character in the text."""

    text: str
    offset: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken text: a mono 48 kHz 16-bit WAV file, trimmed at both ends, and its word times."""

    path: Path
    seconds: float
    words: tuple[Word, ...]
    #: Total speed-up against the voice's natural speed (engine rate and time stretch together).
    speed: float = 1.0
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stem:
    """A film's own sound in the track: a sound file of any rate, heard from `at_seconds` on for `seconds`."""

    path: Path
    at_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: at most two lines, shown from `start_seconds` until `end_seconds`."""

    start_seconds: float
    end_seconds: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loudness:
    """A delivery target: integrated loudness (LUFS, BS.1770) and the highest true peak (dBTP)."""

    integrated_lufs: float = -14.0
    true_peak_dbtp: float = -1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a finished track measures. `integrated_lufs` is -inf for silence."""

    integrated_lufs: float
    true_peak_dbtp: float
    seconds: float
