"""Removes the steps of a store that nobody refers to and that are old, what beaten machines left beside others, and
uploads that nobody goes on with. Markers go first, so that a step is whole or not there. Knows names and times; who
refers to what is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from flows.ledger import MARKER
from flows.stores.assets import ASSETS

if TYPE_CHECKING:
    from flows.stores.contract import Listed, Store

#: A step by its kind and key.
Named = tuple[str, str]


@dataclass(slots=True)
class Collected:
    """What was removed, or would be."""

    #: Kind -> steps and bytes.
    removed: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Steps that stay: referred to, or too young, or made or needed right now.
    referred: int = 0
    young: int = 0
    busy: int = 0
    #: Uploads that were ended.
    uploads: int = 0
    dry_run: bool = False

    @property
    def total_bytes(self) -> int:
        """Of all that was removed."""
        return sum(size for _, size in self.removed.values())

    def take(self, kind: str, size: int, steps: int = 1) -> None:
        """Count a step that goes, or bytes of one that stays."""
        before = self.removed.get(kind, (0, 0))
        self.removed[kind] = (before[0] + steps, before[1] + size)


def sweep_store(store: Store, kept: set[Named], before: datetime, done: Collected) -> None:
    """Remove what was stored before a time and is not kept. Raises: errors of the store."""
    for home, items in groupby(store.listing("steps"), key=lambda item: item.name.split("/")[:4]):
        _sweep_home(store, home, list(items), kept, before, done)
    # Copies of the user's files, brought there for machines that do not see them: a run that needs one sends it again.
    for item in store.listing(ASSETS):
        if item.modified < before:
            _remove(store, item, done)
            done.take("asset", size=0)
    if not done.dry_run:
        done.uploads = store.sweep_uploads(before)


def _sweep_home(
    store: Store, home: list[str], items: list[Listed], kept: set[Named], before: datetime, done: Collected
) -> None:
    """Remove one step, or what lies beside its files: those of a machine that came second."""
    if len(home) != 4 or home[2] != home[3][:2]:
        return  # nothing of ours
    kind, key = home[1], home[3]
    marker = next((item for item in items if item.name.endswith(f"/{key}/{MARKER}")), None)
    old = [item for item in items if item.modified < before]
    if (kind, key) in kept:
        done.referred += 1
        gone = _unnamed(store, marker, items, old)
    elif marker and marker not in old:
        done.young += 1
        gone = _unnamed(store, marker, items, old)
    else:
        # The marker goes first: without it the step is not there, whatever files are left.
        gone = sorted(old, key=lambda item: item is not marker)
        if gone:
            done.take(kind, size=0)
    for item in gone:
        _remove(store, item, done, kind)


def _remove(store: Store, item: Listed, done: Collected, kind: str = "asset") -> None:
    if not done.dry_run:
        store.delete(item.name)
    done.take(kind, item.size, steps=0)


def _unnamed(store: Store, marker: Listed | None, items: list[Listed], old: list[Listed]) -> list[Listed]:
    """Old files of a step that its marker does not name. Only then asked of the store when there are two of a name."""
    from flows.stores.mirror import marked

    names = [item.name.rsplit("/", 1)[1] for item in items]
    if marker is None or len(set(names)) == len(names):
        return []
    content = store.read(marker.name)
    named = marked(content, marker.name.removesuffix(MARKER)) if content is not None else set()
    return [item for item in old if named and item is not marker and item.name not in named]
