"""What can go wrong while pictures are made, as one small tree.

GenerationError            base; its text is a sentence for the user
├── BadShot                the request cannot be met (size, length, picture): never retried as it is
├── BadMedia               a file is not what it should be (truncated, wrong codec, not a picture)
├── TextDoesNotFit         a text is too long for its place; says how many characters would fit
├── MissingGlyphs          no font at hand draws these characters
├── Refused                the engine declined the content: never the same again
├── Transient              may succeed when tried again (a server's 503, a dropped connection)
├── OutOfMemory            may succeed when made smaller
├── ToolFailed             ffmpeg or another program ended badly; carries the end of its stderr
│   └── ToolTimedOut       it did not end before its deadline and was killed with its group
└── NotAvailable           an engine, font or library is not installed; names the way out
"""

from __future__ import annotations


class GenerationError(Exception):
    """Base of every error that `generation` raises on purpose."""

    #: Stable code for results.csv.
    code = "generation_failed"


class BadShot(GenerationError):
    """The request cannot be met as it is."""

    code = "bad_shot"


class BadMedia(GenerationError):
    """A media file is not what it should be."""

    code = "bad_media"


class TextDoesNotFit(GenerationError):
    """A text is longer than its place allows, at the smallest permitted size."""

    code = "text_too_long"

    def __init__(self, message: str, *, fits_characters: int) -> None:
        super().__init__(message)
        self.fits_characters = fits_characters

    def __reduce__(self) -> tuple[object, ...]:
        return (_text_does_not_fit, (str(self), self.fits_characters))


def _text_does_not_fit(message: str, fits_characters: int) -> TextDoesNotFit:
    """Rebuild after pickling: keyword-only arguments are not restored by the default."""
    return TextDoesNotFit(message, fits_characters=fits_characters)


class MissingGlyphs(GenerationError):
    """No font at hand draws these characters."""

    code = "missing_glyphs"


class Refused(GenerationError):
    """The engine declined the content."""

    code = "refused"


class Transient(GenerationError):
    """A fault that may pass."""

    code = "transient"


class OutOfMemory(GenerationError):
    """The machine's or the device's memory did not suffice."""

    code = "out_of_memory"


class ToolFailed(GenerationError):
    """A child program ended with an error."""

    code = "tool_failed"


class ToolKilled(ToolFailed):
    """A child program was ended by a signal that we did not send."""

    code = "tool_killed"


class ToolTimedOut(ToolFailed):
    """A child program did not end before its deadline."""

    code = "tool_timed_out"


class NotAvailable(GenerationError):
    """Something optional is not installed."""

    code = "not_available"
