"""The port for invisible marks: facts, a writer for the frames of one film, and a reader of finished files.

A payload is 48 bits, an id that means something to the caller only. Whoever knows the key can read the mark; the empty
key is public, so that anybody who has Spotmill can tell its films. A secret key gives another pattern, which keeps
strangers from reading it and from copying it by name; it does not keep somebody from removing it who averages many
films with the same mark, or who has the film unmarked. No mark is claimed to be beyond removal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from generation.media.frames import Planes
from generation.spec import Size

PAYLOAD_BYTES = 6
#: quick: a film as it was delivered; full: one that came back from anywhere.
Effort = Literal["quick", "full"]


class MarkWriter(Protocol):
    """Marks one film."""

    @property
    def facts(self) -> Mapping[str, object]:
        """JSON values for the report: id, revision, strength."""

    def apply(self, planes: Planes) -> None:
        """Mark a frame in place; every frame of the film, in order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a film."""

    #: None when there is no mark of this key, or not enough is left of it.
    payload: bytes | None
    #: How well what must be there agrees with what was found; below `threshold` nothing is read.
    score: float
    threshold: float
    #: Part of the payload's signs that were read right before correction; 0 without a payload.
    agreement: float
    frames: int
    #: What was done to the picture since, in words: "as delivered", "bars, mirrored"; "" without a payload.
    change: str


class InvisibleMark(ABC):
    """One kind of mark."""

    id: ClassVar[str]
    #: Raised by hand whenever the same payload would be drawn or read otherwise.
    revision: str
    title: ClassVar[str]
    licence: ClassVar[str]
    #: Chance that an unmarked film is read as a marked one, for one reading with full effort.
    false_positive_bound: ClassVar[float]
    default_strength: ClassVar[float] = 1.0

    @abstractmethod
    def writer(
        self, size: Size, fps: Fraction, payload: bytes, *, key: bytes = b"", strength: float | None = None
    ) -> MarkWriter:
        """A writer for a film of that size and rate. Raises: ValueError for a payload of another length."""

    @abstractmethod
    def read(self, path: Path, *, key: bytes = b"", effort: Effort, deadline_seconds: float) -> Reading:
        """Look for a mark of this key. Raises: BadMedia when the file cannot be read; ToolTimedOut."""
