"""What can go wrong while sound is made, as one small tree.

AudioError                 base; its text is a sentence for the user
├── VoiceTooLong           the text cannot be spoken in the time; says how many characters to cut
├── NoVoice                no voice at hand speaks this locale
├── BadAudio               a file is not sound, or not the sound it should be
├── VoiceFailed            the voice's process ended badly; carries the end of its stderr
└── NotAvailable           a voice or library is not installed; names the way out
"""

from __future__ import annotations


class AudioError(Exception):
    """Base of every error that `audio` raises on purpose."""

    #: Stable code for results.csv.
    code = "audio_failed"


class VoiceTooLong(AudioError):
    """The text cannot be spoken in the time there is."""

    code = "voice_too_long"

    def __init__(self, message: str, *, needs_seconds: float, has_seconds: float, cut_characters: int) -> None:
        super().__init__(message)
        self.needs_seconds = needs_seconds
        self.has_seconds = has_seconds
        self.cut_characters = cut_characters

    def __reduce__(self) -> tuple[object, ...]:
        return (_voice_too_long, (str(self), self.needs_seconds, self.has_seconds, self.cut_characters))


def _voice_too_long(message: str, needs: float, has: float, cut: int) -> VoiceTooLong:
    """Rebuild after pickling: keyword-only arguments are not restored by the default."""
    return VoiceTooLong(message, needs_seconds=needs, has_seconds=has, cut_characters=cut)


class NoVoice(AudioError):
    """No voice at hand speaks this locale."""

    code = "no_voice"


class BadAudio(AudioError):
    """A sound file is not what it should be."""

    code = "bad_audio"


class VoiceFailed(AudioError):
    """The voice's process ended badly."""

    code = "voice_failed"


class NotAvailable(AudioError):
    """Something optional is not installed."""

    code = "not_available"
