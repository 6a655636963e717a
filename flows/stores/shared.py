"""A ledger whose finished steps are on a store, so that machines without a common disk work on one campaign.

Each machine has a folder of its own; a step that it lacks comes from the store, and what it makes goes there before
anybody hears of it. So what a run has been told is finished outlives the machine that made it. A worker asks the store
for each step, because others make steps meanwhile; the driver lists a kind once and hears of the rest from its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flows.ledger import Finished, Ledger, Making, Workspace
from flows.stores.mirror import LedgerMirror
from flows.stores.opening import open_store

if TYPE_CHECKING:
    from flows.settings import Settings

#: The driver has no other machine to go on with: its requests are tried for about a minute.
PATIENT_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a ledger is: the folder on this machine, and the store that it is shared by; "" for none."""

    root: Path
    store: str = ""
    endpoint: str = ""
    #: Whether the user's files come over the store, too: for machines that do not see the campaign's folder.
    brings_files: bool = False


def place_of(settings: Settings) -> LedgerPlace:
    """Where the ledger of the settings is."""
    return LedgerPlace(settings.ledger_folder, settings.store, settings.s3_endpoint)


def open_ledger(place: LedgerPlace, *, driver: bool = False) -> Ledger:
    """The ledger at a place, for a worker or for the driver of a run.

    Raises: BadInput for a store that cannot be opened from this machine.
    """
    if not place.store:
        return Ledger(place.root)
    attempts = PATIENT_ATTEMPTS if driver else 0
    store = open_store(place.store, state_folder=place.root, endpoint=place.endpoint, attempts=attempts)
    return SharedLedger(place.root, LedgerMirror(Ledger(place.root), store), lists=driver)


@dataclass(frozen=True, slots=True)
class SharedLedger(Ledger):
    """A ledger in front of one on a store. All methods raise errors of the store beside their own."""

    mirror: LedgerMirror
    #: Whether a kind is listed once, and a step that is not in the list counts as missing; else each is asked for.
    lists: bool = False
    #: Keys that are on the store, by kind, as far as we know.
    known: dict[str, set[str]] = field(default_factory=dict)

    def find(self, kind: str, key: str) -> Finished | None:
        """The finished step with its files, brought from the store where this machine lacks them."""
        here = self.find_here(kind, key)
        if not self._is_stored(kind, key):
            return self._shared(kind, key) if here else None
        if here or self.mirror.fetch(kind, key):
            return self.find_here(kind, key)
        self._keys(kind).discard(key)
        return None

    def look(self, kind: str, key: str) -> Finished | None:
        """The finished step with its facts; brings no files."""
        here = self.find_here(kind, key)
        if not self._is_stored(kind, key):
            return self._shared(kind, key) if here else None
        if here:
            return here
        stored = self.mirror.stored(kind, key)
        if stored is None:
            self._keys(kind).discard(key)
            return None
        return Finished(key, self.home(kind, key), stored.facts, stored.seconds, stored.cpu_seconds)

    def learn(self, kind: str, key: str) -> None:
        """A worker says that a step has been finished, and so is on the store."""
        self._keys(kind).add(key)

    def keys(self, kind: str) -> set[str]:
        """Keys of all finished steps of a kind, here and on the store."""
        return Ledger.keys(self, kind) | self._keys(kind)

    def put(self, kind: str, key: str, space: Workspace, spent: tuple[float, float], *, instead: bool = False) -> None:
        """Finish a step here, then on the store. When another machine's is there first, that one is now ours."""
        Ledger.put(self, kind, key, space, spent, instead=instead)
        self._shared(kind, key)

    @contextmanager
    def making(self, kind: str, keys: Sequence[str]) -> Iterator[Making]:
        """As on one machine, after bringing what others have finished."""
        for key in keys:
            self.find(kind, key)
        with Ledger.making(self, kind, keys) as making:
            yield making

    def make(self, kind: str, key: str, work: Callable[[Workspace], None]) -> Finished:
        """The finished step: from this machine, else from the store, else made here and stored for the others."""
        made = Ledger.make(self, kind, key, work)
        # Another process of this machine may have finished it while we waited, and died before it was stored.
        return made if key in self._keys(kind) else self.find(kind, key) or made

    def _shared(self, kind: str, key: str) -> Finished | None:
        self.mirror.push(kind, key)
        self.learn(kind, key)
        return self.find_here(kind, key)

    def _is_stored(self, kind: str, key: str) -> bool:
        if key in self._keys(kind):
            return True
        if self.lists or self.mirror.stored(kind, key) is None:
            return False
        self.learn(kind, key)
        return True

    def _keys(self, kind: str) -> set[str]:
        if kind not in self.known:
            self.known[kind] = self.mirror.keys(kind) if self.lists else set()
        return self.known[kind]
