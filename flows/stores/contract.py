"""The port of stores: objects by name below a root, each with the SHA-256 that it had when it was put.

A name is there whole or not at all. A conditional put is won by one writer; whoever comes with the same bytes has won
too, whoever comes with others gets `Conflict`. What arrives is hashed by ourselves and compared with what was sent,
whatever the store says of it. Knows no campaigns, no ledger and no cloud.

    StoreError ─┬─ NotThere        no object has this name
                ├─ Conflict        the name is taken by other bytes
                ├─ Corrupt         the bytes are not those that were put
                ├─ StoreFailed     may pass: try again later (code "transient")
                └─ StoreRefused    does not pass by itself: rights, credentials, a bucket that is not there
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

#: Bytes that are in memory at a time.
BLOCK_BYTES = 1 << 20
#: Most of what `read` takes: markers, manifests, lists.
LIMIT_READ_BYTES = 64 << 20
#: S3 takes 1,024 bytes for a key, root included.
LIMIT_NAME_CHARACTERS = 800
#: What SigV4 signs for at most: seven days.
LIMIT_LINK_SECONDS = 7 * 24 * 3600
#: No part begins with a dot: the stores' own files do.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class StoreError(Exception):
    """What a store cannot do, as one sentence without secrets."""

    code: ClassVar[str] = "store"


class NotThere(StoreError):
    """No object has this name."""

    code = "not_there"


class Conflict(StoreError):
    """The name is taken by other bytes; they are as they were."""

    code = "conflict"


class Corrupt(StoreError):
    """What lies there or arrived has other bytes than were put. Nothing of it was kept."""

    code = "corrupt"


class StoreFailed(StoreError):
    """A fault that may pass: 5xx, throttling, resets, timeouts, after the client's own tries."""

    code = "transient"


class StoreRefused(StoreError):
    """A fault that stays until somebody mends it. It was asked once."""

    code = "store_refused"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it lies in a store."""

    name: str
    size: int
    #: Of the bytes that were put; "" for an object that others have put there and whose bytes nobody has hashed.
    sha256: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells it."""

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """An address that opens one object for whoever has it: a secret until it expires. Never printed by accident."""

    url: str = field(repr=False)
    #: UTC; None never expires. A link that temporary credentials have signed ends with them if that is sooner.
    expires_at: datetime | None
    #: Whether temporary credentials have signed it.
    temporary: bool = False


class Store(ABC):
    """Objects by name below a root. All methods raise `StoreFailed` and `StoreRefused` beside what they name."""

    #: As the user wrote it; holds no secrets.
    address: str

    @abstractmethod
    def put(self, name: str, source: Path, *, if_absent: bool = False) -> Stored:
        """Store a file's bytes under a name. With `if_absent` the same bytes there already are as good as put.

        Raises: Conflict when other bytes are there and `if_absent`; Corrupt when the store does not keep what is sent.
        """

    @abstractmethod
    def get(self, name: str, target: Path) -> Stored:
        """Bring an object; `target` holds all of it or what it held before. Raises: NotThere, Corrupt."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """The bytes of a small object, None where there is none. Raises: Corrupt."""

    @abstractmethod
    def head(self, name: str) -> Stored | None:
        """What is known of an object without fetching it."""

    @abstractmethod
    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """Objects below a folder ("" is the root), in the order of their names. Names that no store of ours gives are
        left out."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an object. One that is not there is as good as removed."""

    @abstractmethod
    def link(self, name: str, seconds: int) -> Link:
        """An address that opens the object by a plain GET for so long. Does not look whether it is there."""

    @abstractmethod
    def check(self) -> None:
        """Try every right that is needed, on a tiny object that is removed again. Raises: StoreRefused with the first
        that is missing."""

    def sweep_uploads(self, before: datetime) -> int:
        """End uploads begun before a time whose makers are gone. Returns how many; a store that has none says 0."""
        check_moment(before)
        return 0

    def names(self, prefix: str = "") -> Iterator[str]:
        """Names below a folder, sorted."""
        return (listed.name for listed in self.listing(prefix))

    def write(self, name: str, content: bytes, *, if_absent: bool = False) -> Stored:
        """Store a few bytes under a name; as `put`."""
        with tempfile.TemporaryDirectory(prefix="spotmill-put-") as folder:
            source = Path(folder) / "content"
            source.write_bytes(content)
            return self.put(name, source, if_absent=if_absent)


def check_name(name: str) -> str:
    """The name, when it is one that every store, file system and address takes as it is.

    Raises: ValueError. Letters, digits, `.`, `_` and `-` of ASCII, so that no two spellings (NFC, NFD) mean one name.
    """
    parts = name.split("/")
    good = all(_PART.fullmatch(part) and ".." not in part and not part.endswith(".") for part in parts)
    if not good or len(name) > LIMIT_NAME_CHARACTERS or any(_DEVICE.match(part) for part in parts):
        raise ValueError(f"{name[:60]!r} is no name for an object: use letters, digits, '.', '_', '-' between slashes")
    return name


def is_name(name: str) -> bool:
    """Whether an object may be called so."""
    try:
        return bool(check_name(name))
    except ValueError:
        return False


def check_prefix(prefix: str) -> str:
    """A folder's name with a slash at its end, or "". Raises: ValueError."""
    return f"{check_name(prefix.rstrip('/'))}/" if prefix else ""


def check_seconds(seconds: int) -> int:
    """How long a link may live. Raises: ValueError."""
    if not 1 <= seconds <= LIMIT_LINK_SECONDS:
        raise ValueError(f"a link lives 1 second to 7 days, not {seconds} seconds")
    return seconds


def check_moment(moment: datetime) -> datetime:
    """A time that says its zone. Raises: ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def sha256_of(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def conflict(name: str) -> Conflict:
    """Somebody else's bytes have this name."""
    return Conflict(f"{name}: other bytes have this name already")


def not_there(name: str) -> NotThere:
    """There is no such object."""
    return NotThere(f"{name}: is not in the store")


def corrupt(name: str) -> Corrupt:
    """The hashes differ."""
    return Corrupt(f"{name}: the bytes are not those that were stored (SHA-256 differs); nothing of it was kept")


def too_large(name: str, size: int) -> StoreRefused:
    """`read` is for small objects."""
    return StoreRefused(f"{name}: {size:,} bytes are too many to be read into memory")
