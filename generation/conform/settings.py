"""What may be asked of conform, as plain values that a plan can hash and print. Imports nothing heavy.

A learned model is an ONNX file of the user's own; `learned.py` says what it has to look like. None is ever fetched.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from generation.errors import BadShot, NotAvailable

#: Ways of making a frame between two: follow what moves, mix the two, take the nearer one.
INTERPOLATIONS = ("motion", "blend", "nearest")
#: The plate's own resampler enlarges; nothing is done here.
NO_UPSCALE = "none"
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class ConformSettings:
    """How footage is conformed. Raises BadShot for a value that does not exist, NotAvailable for a missing model."""

    #: Of INTERPOLATIONS, or the path of a learned model (.onnx).
    interpolation: str = "motion"
    #: "none", or the path of a learned model (.onnx).
    upscale: str = NO_UPSCALE
    #: How much of the exposure's pumping is taken out: 0 nothing, 1 all that is found.
    deflicker: float = 0.0
    #: Where torch and the models run; "auto" is the GPU where there is one.
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.deflicker <= 1:
            raise BadShot(f"conform: deflicker {self.deflicker:g} is outside 0..1; 0 is off, 1 is all of it")
        if self.device not in DEVICES:
            raise BadShot(f"conform: there is no device {self.device!r}; there are {', '.join(DEVICES)}")
        _check("interpolation", self.interpolation, INTERPOLATIONS)
        _check("upscale", self.upscale, (NO_UPSCALE,))

    @property
    def interpolation_model(self) -> Path | None:
        """The learned model that makes frames in between, if one was named."""
        return None if self.interpolation in INTERPOLATIONS else Path(self.interpolation)

    @property
    def upscale_model(self) -> Path | None:
        """The learned model that enlarges, if one was named."""
        return None if self.upscale == NO_UPSCALE else Path(self.upscale)


def _check(what: str, value: str, names: tuple[str, ...]) -> None:
    if value in names:
        return
    if not value.endswith(".onnx"):
        near = difflib.get_close_matches(value, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it is {', '.join(names)} or the path of an .onnx file"
        raise BadShot(f"conform: there is no {what} {value!r}; {hint}")
    if not Path(value).is_file():
        raise NotAvailable(
            f"conform: the {what} model {value} is not there; put the file in place or choose {names[0]!r}"
        )
