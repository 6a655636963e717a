"""What has been done, by content: a folder of finished steps that any run, on any day, can use again.

A step's output is made in a private work folder and moved into place by one rename, its marker `done.json` inside it:
a step is either whole or not there. A process killed at any instant leaves a work folder that nobody reads and a file
lock that the system frees; the next run sweeps the folder away. Two runs at once share the work: the second waits for
the first one's step and uses it. The ledger knows keys and files, not what a step means.

    LEDGER/steps/<kind>/<first two of key>/<key>/done.json + files
    LEDGER/work/<key>-<random>/          a step being made
    LEDGER/locks/<first three of key>    held while a step with that prefix is made
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from fractions import Fraction
from pathlib import Path

from flows.files import sync

MARKER = "done.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished step: its folder, its facts (JSON values) and what it cost when it was made."""

    key: str
    folder: Path
    facts: Mapping[str, object]
    seconds: float
    cpu_seconds: float
    #: False when this call made it, True when it was found.
    cached: bool = True

    def file(self, name: str) -> Path:
        """Path of one of the step's files."""
        return self.folder / name


@dataclass(slots=True)
class Workspace:
    """Where a step writes: `folder` is private until the step is finished; `facts` go into the marker."""

    folder: Path
    facts: dict[str, object] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """Path to write one of the step's files to."""
        return self.folder / name


@dataclass(frozen=True, slots=True)
class Ledger:
    """A content-addressed store of finished steps below `root`."""

    root: Path

    def _home(self, kind: str, key: str) -> Path:
        return self.root / "steps" / kind / key[:2] / key

    def find(self, kind: str, key: str) -> Finished | None:
        """The finished step, or None. A marker whose files are gone or have another size counts as not finished."""
        folder = self._home(kind, key)
        try:
            marker = json.loads((folder / MARKER).read_text("utf-8"))
            whole = all((folder / name).stat().st_size == size for name, size in marker["files"].items())
        except (OSError, ValueError, KeyError):
            return None
        if not whole:
            return None
        return Finished(key, folder, marker["facts"], marker["seconds"], marker["cpu_seconds"])

    def make(self, kind: str, key: str, work: Callable[[Workspace], None]) -> Finished:
        """The finished step; runs `work` if it is not there yet. An exception from `work` leaves nothing behind."""
        found = self.find(kind, key)
        if found:
            return found
        with self._lock(key):
            found = self.find(kind, key)  # another process may have finished it while we waited
            return found or self._make_now(kind, key, work)

    def _make_now(self, kind: str, key: str, work: Callable[[Workspace], None]) -> Finished:
        space = Workspace(self.root / "work" / f"{key}-{uuid.uuid4().hex[:8]}")
        space.folder.mkdir(parents=True)
        try:
            wall, cpu = time.perf_counter(), _cpu_seconds()
            work(space)
            spent = (time.perf_counter() - wall, _cpu_seconds() - cpu)
            self._finish(kind, key, space, spent)
        finally:
            shutil.rmtree(space.folder, ignore_errors=True)
        return Finished(key, self._home(kind, key), dict(space.facts), *spent, cached=False)

    def _finish(self, kind: str, key: str, space: Workspace, spent: tuple[float, float]) -> None:
        """Write the marker last, force all to disk, then move the folder into place in one rename."""
        files = {path.name: path.stat().st_size for path in sorted(space.folder.iterdir())}
        marker = {"kind": kind, "files": files, "facts": space.facts, "seconds": spent[0], "cpu_seconds": spent[1]}
        text = json.dumps(marker, ensure_ascii=False, sort_keys=True, allow_nan=False)
        (space.folder / MARKER).write_text(text, "utf-8")
        for path in space.folder.iterdir():
            sync(path)
        home = self._home(kind, key)
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)  # only ever a damaged step: `find` said so under the lock
        os.rename(space.folder, home)  # noqa: PTH104 - the one call whose atomicity everything rests on
        sync(home.parent)

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        """Hold the lock of the key's prefix; the kernel frees it when the holder dies, however it dies."""
        path = self.root / "locks" / key[:3]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def sweep(self) -> int:
        """Remove work folders whose maker is dead (its lock is free). Returns how many; safe beside other runs."""
        removed = 0
        for folder in sorted((self.root / "work").glob("*-*")):
            path = self.root / "locks" / folder.name[:3]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if error.errno in (errno.EACCES, errno.EAGAIN):
                        continue
                    raise
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed

    def keys(self, kind: str) -> set[str]:
        """Keys of all finished steps of a kind, from the folder names alone: a plan asks for hundreds of thousands."""
        home = self.root / "steps" / kind
        if not home.is_dir():
            return set()
        return {entry.name for part in os.scandir(home) if part.is_dir() for entry in os.scandir(part)}

    def samples(self, kind: str, most: int = 200) -> Iterator[Finished]:
        """Some finished steps of a kind, for estimates; at most `most`, in key order."""
        home = self.root / "steps" / kind
        for number, marker in enumerate(sorted(home.glob(f"*/*/{MARKER}"))):
            if number == most:
                return
            found = self.find(kind, marker.parent.name)
            if found:
                yield found


def digest(value: object) -> str:
    """Key of a value: 32 hex digits of the SHA-256 of its canonical JSON. A plan of 60,000 ads takes a million keys,
    so the C encoder walks the value and only exact rates and records come back here."""
    text = _CANONICAL.encode(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _as_json(value: object) -> object:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    raise TypeError(f"{type(value).__name__} has no place in a step's key")


_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_as_json
)


def _cpu_seconds() -> float:
    """CPU time of this process and its finished children."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
