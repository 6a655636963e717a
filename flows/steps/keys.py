"""How a step gets its key: a hash of its record, of the steps it builds on and of the code that does the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from flows.ledger import digest

Pixels = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the user's that goes into a step: it counts by its bytes, not by its name."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A file that only the machines of the user have: it counts by its hash, and is never sent anywhere."""

    path: Path
    sha256: str


class Keyed(Protocol):
    """What has a kind and a key."""

    kind: ClassVar[str]

    @property
    def key(self) -> str:
        """32 hex digits."""


Some = TypeVar("Some", bound=Any)


def with_key(step: Some, facts: Mapping[str, object]) -> Some:
    """Hash the step's own fields, with those in `facts` standing in for paths and for the steps it builds on."""
    own = {name: getattr(step, name) for name in step.__slots__ if name not in facts and name != "key"}
    # The record is new and nobody else has it yet: setting the field is five times faster than `replace`, and a plan
    # of 60,000 ads sets a million of them.
    object.__setattr__(step, "key", digest({"step": step.kind, **own, **facts}))
    return step


def key_of(step: Keyed | None) -> str | None:
    """The key of a step that may be missing."""
    return step.key if step else None


def sha256_of(asset: Asset | Secret | None) -> str | None:
    """The bytes of a file that may be missing, as their hash."""
    return asset.sha256 if asset else None
