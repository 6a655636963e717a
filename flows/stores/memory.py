"""A store in this process's memory, for tests and dry runs: gone with the process, the same rules as the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from flows.files import write_whole
from flows.stores.contract import (
    LIMIT_READ_BYTES,
    Link,
    Listed,
    Store,
    Stored,
    check_name,
    check_prefix,
    check_seconds,
    conflict,
    corrupt,
    not_there,
    sha256_of,
    too_large,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes
    sha256: str
    modified: datetime


class MemoryStore(Store):
    """Objects in a dict."""

    def __init__(self, address: str = "memory://") -> None:
        self.address = address
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def put(self, name: str, source: Path, *, if_absent: bool = False) -> Stored:
        """As the contract says."""
        content = source.read_bytes()
        new = _Kept(content, sha256_of(content), datetime.now(UTC))
        with self._lock:
            old = self._kept.get(check_name(name))
            if old and if_absent:
                if old.content != content:
                    raise conflict(name)
            else:
                self._kept[name] = new
        return Stored(name, len(content), new.sha256)

    def get(self, name: str, target: Path) -> Stored:
        """As the contract says."""
        content = self.read(name)
        if content is None:
            raise not_there(name)
        write_whole(target, content)
        return Stored(name, len(content), sha256_of(content))

    def read(self, name: str) -> bytes | None:
        """As the contract says."""
        kept = self._kept.get(check_name(name))
        if kept is None:
            return None
        if len(kept.content) > LIMIT_READ_BYTES:
            raise too_large(name, len(kept.content))
        if sha256_of(kept.content) != kept.sha256:
            raise corrupt(name)
        return kept.content

    def head(self, name: str) -> Stored | None:
        """As the contract says."""
        kept = self._kept.get(check_name(name))
        return Stored(name, len(kept.content), kept.sha256) if kept else None

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """As the contract says."""
        folder = check_prefix(prefix)
        with self._lock:
            kept = sorted(self._kept.items())
        for name, one in kept:
            if name.startswith(folder):
                yield Listed(name, len(one.content), one.modified)

    def delete(self, name: str) -> None:
        """As the contract says."""
        with self._lock:
            self._kept.pop(check_name(name), None)

    def link(self, name: str, seconds: int) -> Link:
        """An address that nothing opens: what is in memory is nowhere else."""
        check_seconds(seconds)
        return Link(f"{self.address.rstrip('/')}/{check_name(name)}", None)

    def check(self) -> None:
        """Memory has no rights that could be missing."""
