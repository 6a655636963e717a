"""No voice: for campaigns without voiceover. Says nothing, so there are no captions either."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from audio.spec import Speech, Utterance
from audio.voices.contract import Voice
from audio.waveform import write_wav


class SilentVoice(Voice):
    """Writes an empty file in every language."""

    id: ClassVar[str] = "none"
    title: ClassVar[str] = "no voiceover"
    revision: ClassVar[str] = "1"
    licence: ClassVar[str] = "not applicable"
    quality: ClassVar[str] = "none"

    def speaks(self, locale: str) -> bool:
        """Silence is the same everywhere."""
        return True

    def speak(self, utterance: Utterance, path: Path) -> Speech:
        """An empty WAV file, no seconds, no words."""
        self.Options.model_validate(dict(utterance.options))
        write_wav(path, np.zeros(0, np.float32))
        return Speech(path=path, seconds=0.0, words=(), speed=utterance.speed)
