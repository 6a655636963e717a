"""What can go wrong while pictures are made, as one small tree.

GenerationError            base; its text is a sentence for the user
├── BadShot                the request cannot be met (size, length, picture): never retried as it is
├── BadMedia               a file is not what it should be (truncated, wrong codec, not a picture)
├── TextDoesNotFit         a text is too long for its place; says how many characters would fit
├── MissingGlyphs          no font at hand draws these characters
├── Refused                the engine declined the content: never the same again
├── ContentRefused         a model that looks at footage found what may not be shown: never the same seed again
├── Transient              may succeed when tried again (a server's 503, a dropped connection)
│   ├── TimestampFailed    the time stamp authority did not answer as it should: never ship without its stamp
│   └── SignerUnreachable  the key service behind a signing function is not there at the moment
├── OutOfMemory            may succeed when made smaller
├── SigningFailed          a film could not be signed; nothing was written
│   ├── CallbackFailed     the user's signing function raised, or what it returned is no signature by the key
│   ├── BadCertificate     the certificate or its key cannot sign; says what is wrong with it
│   └── SignerExpired      the certificate does not hold yet, or not any more
├── ToolFailed             ffmpeg or another program ended badly; carries the end of its stderr
│   └── ToolTimedOut       it showed no sign of life, or missed its deadline, and was killed with its group
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


class ContentRefused(GenerationError):
    """Footage shows what may not be shown."""

    code = "content_refused"


class Transient(GenerationError):
    """A fault that may pass."""

    code = "transient"


class OutOfMemory(GenerationError):
    """The machine's or the device's memory did not suffice."""

    code = "out_of_memory"


class TimestampFailed(Transient):
    """The time stamp authority gave no time stamp."""


class SignerUnreachable(Transient):
    """The key service behind a signing function cannot be reached at the moment."""


class SigningFailed(GenerationError):
    """A film could not be signed."""

    code = "signing_failed"


class CallbackFailed(SigningFailed):
    """The user's signing function did not give a signature by the certificate's key."""


class BadCertificate(SigningFailed):
    """A certificate chain or its private key cannot be used to sign."""

    code = "bad_certificate"


class SignerExpired(SigningFailed):
    """The certificate does not hold at this time."""

    code = "signer_expired"


class ToolFailed(GenerationError):
    """A child program ended with an error."""

    code = "tool_failed"


class ToolKilled(ToolFailed):
    """A child program was ended by a signal that we did not send."""

    code = "tool_killed"


class ToolTimedOut(ToolFailed):
    """A child program showed no sign of life for too long, or did not end before its deadline."""

    code = "tool_timed_out"


class NotAvailable(GenerationError):
    """Something optional is not installed."""

    code = "not_available"
