"""Finished steps of a ledger on a store, for machines that share no disk.

A step is brought whole or not at all, by the ledger's own rename. It is stored files first, marker last: files lie
under their hash, so that two machines that have made the same step with other bytes do not mix them, and the marker is
put conditionally. Whose marker comes first has made the step; the other machine takes that one for its own, so that all
have the same bytes. Takes none of the locks under which steps are made. Knows keys and files, not what a step means.

    steps/<kind>/<first two of key>/<key>/done.json                          the ledger's marker, with hashes
    steps/<kind>/<first two of key>/<key>/<32 digits of sha256>/<file>
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flows.files import sha256_file
from flows.ledger import MARKER, Finished, Ledger
from flows.stores.contract import Conflict, Corrupt, NotThere, Store, is_name

HASH_DIGITS = 32
#: A marker whose files are gone is replaced; if it happens again and again, somebody is deleting while we write.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a step as the marker on the store tells it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step as its marker on the store tells it."""

    files: Mapping[str, StoredFile]
    facts: Mapping[str, object]
    seconds: float
    cpu_seconds: float

    @classmethod
    def of(cls, found: Finished) -> StoredStep:
        """A step of the ledger, its files hashed."""
        names = json.loads(found.file(MARKER).read_text("utf-8"))["files"]
        files = {name: StoredFile(found.file(name).stat().st_size, sha256_file(found.file(name))) for name in names}
        return cls(files, found.facts, found.seconds, found.cpu_seconds)

    @classmethod
    def read(cls, content: bytes) -> StoredStep | None:
        """A marker's content; None for what is none."""
        try:
            value = json.loads(content)
            files = {
                str(name): StoredFile(int(one["size"]), str(one["sha256"])) for name, one in value["files"].items()
            }
            made = cls(files, dict(value["facts"]), float(value["seconds"]), float(value["cpu_seconds"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        plain = all("/" not in name and is_name(name) and name != MARKER for name in files)
        return made if plain and all(is_name(one.sha256) for one in files.values()) else None

    def content(self) -> bytes:
        """The marker."""
        files = {name: {"size": one.size, "sha256": one.sha256} for name, one in self.files.items()}
        value = {"files": files, "facts": self.facts, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class LedgerMirror:
    """A ledger on this machine and the store that it shares with others. All methods raise errors of the store.

    `shared.py` makes one ledger of the two.
    """

    ledger: Ledger
    store: Store

    def keys(self, kind: str) -> set[str]:
        """Keys of the steps of a kind that are on the store, from the names alone."""
        names = self.store.names(f"steps/{kind}")
        return {name.split("/")[-2] for name in names if name.endswith(f"/{MARKER}")}

    def fetch(self, kind: str, key: str) -> bool:
        """Bring a step into the ledger unless it is there. False when the store does not have it whole."""
        if self.ledger.find(kind, key):
            return True
        stored = self.stored(kind, key)
        return stored is not None and self._bring(kind, key, stored, instead=False)

    def push(self, kind: str, key: str) -> bool:
        """Store a finished step of the ledger. False when another machine's was there first: that one is now ours."""
        found = self.ledger.find(kind, key)
        if found is None:
            raise NotThere(f"{kind} {key}: is not in the ledger, so it cannot be stored")
        ours = StoredStep.of(found)
        for _ in range(_TRIES):
            theirs = self.stored(kind, key)
            if theirs is None:
                self._put(kind, key, ours, found)
                try:
                    self.store.write(_home(kind, key) + MARKER, ours.content(), if_absent=True)
                    return True
                except Conflict:
                    continue
            if theirs.content() == ours.content():
                return True
            if self._bring(kind, key, theirs, instead=True):
                self._withdraw(kind, key, ours, theirs)
                return False
            # A marker whose files are gone or damaged is as good as none: ours takes its place.
            self.store.delete(_home(kind, key) + MARKER)
        raise Corrupt(f"{kind} {key}: its marker on the store changes faster than it can be read")

    def stored(self, kind: str, key: str) -> StoredStep | None:
        """What the store says of a step; a damaged marker counts as none and is removed."""
        name = _home(kind, key) + MARKER
        content = self.store.read(name)
        stored = StoredStep.read(content) if content is not None else None
        if content is not None and stored is None:
            self.store.delete(name)
        return stored

    def _put(self, kind: str, key: str, step: StoredStep, found: Finished) -> None:
        for name, file in step.files.items():
            self.store.put(_file(kind, key, name, file), found.file(name), if_absent=True)

    def _bring(self, kind: str, key: str, stored: StoredStep, *, instead: bool) -> bool:
        """Bring a step's files, then move them into the ledger. False when they are not whole on the store."""
        with self.ledger.bringing(key) as space:
            try:
                for name, file in stored.files.items():
                    got = self.store.get(_file(kind, key, name, file), space.file(name))
                    if (got.size, got.sha256) != (file.size, file.sha256):
                        return False
            except (NotThere, Corrupt):
                return False
            space.facts |= stored.facts
            self.ledger.put(kind, key, space, (stored.seconds, stored.cpu_seconds), instead=instead)
        return True

    def _withdraw(self, kind: str, key: str, ours: StoredStep, theirs: StoredStep) -> None:
        """Remove the files that we had put and that the marker does not name."""
        kept = {_file(kind, key, name, file) for name, file in theirs.files.items()}
        for name, file in ours.files.items():
            if _file(kind, key, name, file) not in kept:
                self.store.delete(_file(kind, key, name, file))


def marked(content: bytes, home: str) -> set[str]:
    """Names of the objects that a marker names, itself excepted. `home` ends in a slash."""
    stored = StoredStep.read(content)
    return {_named(home, name, file) for name, file in stored.files.items()} if stored else set()


def _home(kind: str, key: str) -> str:
    return f"steps/{kind}/{key[:2]}/{key}/"


def _file(kind: str, key: str, name: str, file: StoredFile) -> str:
    return _named(_home(kind, key), name, file)


def _named(home: str, name: str, file: StoredFile) -> str:
    return f"{home}{file.sha256[:HASH_DIGITS]}/{name}"
