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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path

from flows.files import sync

MARKER = "done.json"
#: Locks are shared by keys with the same first digits: 4096 of them are enough, and their files stay few.
LOCK_DIGITS = 3
#: Beginning of the work spaces of steps that are brought from elsewhere, and their lock: no key begins so.
BRINGING = "get"


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

    def home(self, kind: str, key: str) -> Path:
        """Where a finished step lies."""
        return self.root / "steps" / kind / key[:2] / key

    def find(self, kind: str, key: str) -> Finished | None:
        """The finished step with its files, or None."""
        return self.find_here(kind, key)

    def look(self, kind: str, key: str) -> Finished | None:
        """The finished step with its facts, or None. Where machines share a store its files may not be here."""
        return self.find_here(kind, key)

    def learn(self, kind: str, key: str) -> None:
        """Somebody says that a step has been finished. Here the disk says so itself."""

    def find_here(self, kind: str, key: str) -> Finished | None:
        """The finished step on this machine's disk. A marker whose files are gone or have another size counts as not
        finished."""
        folder = self.home(kind, key)
        try:
            marker = json.loads((folder / MARKER).read_text("utf-8"))
            whole = all((folder / name).stat().st_size == size for name, size in marker["files"].items())
            found = Finished(key, folder, marker["facts"], marker["seconds"], marker["cpu_seconds"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # JSON, but no marker, counts as none too
            return None
        return found if whole else None

    def make(self, kind: str, key: str, work: Callable[[Workspace], None]) -> Finished:
        """The finished step; runs `work` if it is not there yet. An exception from `work` leaves nothing behind."""
        found = self.find(kind, key)
        if found:
            return found
        with self.making(kind, [key]) as making:
            space = making.spaces.get(key)
            if space:
                work(space)
                return making.finish(key)
        found = self.find_here(kind, key)  # another process finished it while we waited
        assert found, f"{kind} {key} was there a moment ago"
        return found

    @contextmanager
    def making(self, kind: str, keys: Sequence[str]) -> Iterator[Making]:
        """Work spaces for those of `keys` that are missing and that nobody else is making right now.

        Where all of them are being made elsewhere, waits for the first; so somebody who asks again for what is left
        gets it all, and two runs that want the same steps never wait for each other, for whoever waits holds nothing.
        Each space is finished by `Making.finish`; what has not been finished at the end is thrown away.
        """
        with ExitStack() as stack:
            held: dict[str, ExitStack] = {}
            for key in keys:
                if key[:LOCK_DIGITS] not in held:
                    self._hold(key, held, stack, wait=False)
            if keys and not held:
                self._hold(keys[0], held, stack, wait=True)
            making = Making(self, kind, held)
            stack.callback(making.throw_away)
            for key in dict.fromkeys(keys):
                if key[:LOCK_DIGITS] in held and not self.find_here(kind, key):
                    making.begin(key)
            yield making

    def _hold(self, key: str, held: dict[str, ExitStack], stack: ExitStack, *, wait: bool) -> None:
        """Take the lock of a key's prefix into `held`, if it is to be had."""
        lock = stack.enter_context(ExitStack())
        if lock.enter_context(self._lock(key, wait=wait)):
            held[key[:LOCK_DIGITS]] = lock

    def put(self, kind: str, key: str, space: Workspace, spent: tuple[float, float], *, instead: bool = False) -> None:
        """Write the marker last, force all to disk, then move the folder into place in one rename.

        A whole step that has come there meanwhile stays, unless this one is to be there `instead`.
        """
        files = {path.name: path.stat().st_size for path in sorted(space.folder.iterdir())}
        marker = {"kind": kind, "files": files, "facts": space.facts, "seconds": spent[0], "cpu_seconds": spent[1]}
        text = json.dumps(marker, ensure_ascii=False, sort_keys=True, allow_nan=False)
        (space.folder / MARKER).write_text(text, "utf-8")
        for path in space.folder.iterdir():
            sync(path)
        home = self.home(kind, key)
        home.parent.mkdir(parents=True, exist_ok=True)
        # Nobody who holds this lock waits for another one: it can be taken whatever else is held.
        with self._lock("_placing"):
            if self.find_here(kind, key) and not instead:
                return
            shutil.rmtree(home, ignore_errors=True)
            os.rename(space.folder, home)  # noqa: PTH104 - the one call whose atomicity everything rests on
        # The folder above is not forced to the disk: a rename that goes with the power is a step made once more, and
        # an ad has fifteen steps.

    @contextmanager
    def bringing(self, key: str) -> Iterator[Workspace]:
        """A work space for a step that is brought from elsewhere; gone afterwards, unless `put` has moved it.

        Holds none of the locks under which steps are made, so that it can be asked for while one is.
        """
        folder = self.root / "work" / f"{BRINGING}-{key}-{uuid.uuid4().hex[:8]}"
        with self._lock(BRINGING, share=True):
            folder.mkdir(parents=True)
            try:
                yield Workspace(folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _lock(self, key: str, *, wait: bool = True, share: bool = False) -> Iterator[bool]:
        """Hold the lock of the key's prefix; the kernel frees it when the holder dies, however it dies.

        Yields False when somebody else has it and we are not to wait.
        """
        path = self.root / "locks" / key[:LOCK_DIGITS]
        path.parent.mkdir(parents=True, exist_ok=True)
        how = fcntl.LOCK_SH if share else fcntl.LOCK_EX
        with path.open("w") as handle:
            try:
                fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
            except OSError as error:
                if wait or error.errno not in (errno.EACCES, errno.EAGAIN):
                    raise
                yield False
                return
            yield True

    def sweep(self) -> int:
        """Remove work folders whose maker is dead (its lock is free). Returns how many; safe beside other runs."""
        removed = 0
        for folder in sorted((self.root / "work").glob("*-*")):
            with self._lock(folder.name, wait=False) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
        return removed

    def remove(self, kind: str, key: str) -> bool:
        """Take a finished step away, by one rename, then its bytes. False when somebody holds its lock right now."""
        with self._lock(key, wait=False) as free:
            if not free:
                return False
            away = self.root / "work" / f"{key}-{uuid.uuid4().hex[:8]}"
            away.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                os.rename(self.home(kind, key), away)  # noqa: PTH104 - whole or not there, as when it came
            shutil.rmtree(away, ignore_errors=True)
            return True

    def busy(self) -> bool:
        """Whether somebody is making a step right now."""
        for lock in sorted((self.root / "locks").glob("?" * LOCK_DIGITS)):
            with self._lock(lock.name, wait=False) as free:
                if not free:
                    return True
        return False

    def keys(self, kind: str) -> set[str]:
        """Keys of all finished steps of a kind, from the folder names alone: a plan asks for hundreds of thousands."""
        home = self.root / "steps" / kind
        if not home.is_dir():
            return set()
        return {entry.name for part in os.scandir(home) if part.is_dir() for entry in os.scandir(part)}

    def samples(self, kind: str, most: int = 200, **facts: object) -> Iterator[Finished]:
        """Some finished steps of a kind that have these facts, for estimates; at most `most`, in key order."""
        home = self.root / "steps" / kind
        for marker in sorted(home.glob(f"*/*/{MARKER}")):
            if most == 0:
                return
            found = self.find_here(kind, marker.parent.name)
            if found and all(found.facts.get(name) == value for name, value in facts.items()):
                most -= 1
                yield found


class Making:
    """Steps being made side by side, each finished on its own. Made by `Ledger.making`."""

    def __init__(self, ledger: Ledger, kind: str, held: Mapping[str, ExitStack]) -> None:
        self.spaces: dict[str, Workspace] = {}
        self._ledger, self._kind, self._held = ledger, kind, held
        self._clock = _clock()

    def begin(self, key: str) -> None:
        """Open the work space of a step whose lock is held."""
        space = Workspace(self._ledger.root / "work" / f"{key}-{uuid.uuid4().hex[:8]}")
        space.folder.mkdir(parents=True)
        self.spaces[key] = space

    def finish(self, key: str) -> Finished:
        """Move a step into the ledger. It took the time since the one before was finished, so that all add up."""
        return self.finish_together([key])[0]

    def finish_together(self, keys: Sequence[str]) -> list[Finished]:
        """Move steps into the ledger that were made as one; each took its part of the time."""
        now = _clock()
        spent = ((now[0] - self._clock[0]) / len(keys), (now[1] - self._clock[1]) / len(keys))
        self._clock = now
        return [self._finish(key, spent) for key in keys]

    def _finish(self, key: str, spent: tuple[float, float]) -> Finished:
        space = self.spaces[key]
        self._ledger.put(self._kind, key, space, spent)
        self._leave(key)
        made = self._ledger.find_here(self._kind, key)
        assert made, f"{self._kind} {key} was put a moment ago"
        return replace(made, cached=False)

    def _leave(self, key: str) -> None:
        """Let go of a work space, and of its lock when no other space needs it."""
        shutil.rmtree(self.spaces.pop(key).folder, ignore_errors=True)
        prefix = key[:LOCK_DIGITS]
        if not any(other.startswith(prefix) for other in self.spaces):
            self._held[prefix].close()

    def throw_away(self) -> None:
        """Remove the work spaces that were not finished."""
        for key in list(self.spaces):
            self._leave(key)


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


def _clock() -> tuple[float, float]:
    """Wall time, and CPU time of this process and its finished children."""
    spent = os.times()
    return time.perf_counter(), spent.user + spent.system + spent.children_user + spent.children_system
