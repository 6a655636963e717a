"""The port for speech: what a voice states about itself, and the one method it has.

A voice is facts as class attributes, a typed options model that refuses unknown keys, and `speak`. A new voice is
one file here and one row in `audio/voices/__init__.py`; it is tested by adding its name to
`tests/audio/test_voice_contract.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from audio.spec import Speech, Utterance


class VoiceOptions(BaseModel):
    """Base of every voice's options: unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Voice(ABC):
    """Speaks text."""

    id: ClassVar[str]
    title: ClassVar[str]
    #: Changes whenever the same utterance would give other samples; part of every voice key.
    revision: ClassVar[str]
    licence: ClassVar[str]
    commercial_use: ClassVar[str] = "yes"
    attribution: ClassVar[str] = ""
    #: `draft` voices are for previews and tests; the report says so.
    quality: ClassVar[str] = "draft"
    needs: ClassVar[str] = ""
    Options: ClassVar[type[VoiceOptions]] = VoiceOptions

    @abstractmethod
    def speaks(self, locale: str) -> bool:
        """Whether this voice has a voice for the BCP 47 tag; False also when its library is not installed."""

    @abstractmethod
    def speak(self, utterance: Utterance, path: Path) -> Speech:
        """Speak into the WAV file `path` (mono, 48 kHz, 16 bit) and return it with its word times.

        The same utterance gives the same samples. Word starts never go backwards.

        Raises: NoVoice, VoiceFailed, NotAvailable (see `audio.errors`).
        """
