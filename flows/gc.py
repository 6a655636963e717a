"""Removes finished steps that nothing refers to any more: by reachability first, then by age.

Reachable is what the JSON beside a delivered film names, and each delivery that the registry remembers. Decisions and
the registry are kept for good. Steps that no JSON names (prompt, bed, mix, survival) have done their work when what is
built on them is there: age decides alone, and they are made again if somebody needs them. Nothing is removed while a
run is going on. What cannot be read is never taken for nothing. Knows kinds and keys, not what a step means.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.ledger import MARKER, Ledger
from flows.model import BadInput, Problem
from flows.outputs import OutputFolder
from flows.registry import Registry
from flows.status import RESULTS
from flows.stores.sweeping import Collected, Named, sweep_store

if TYPE_CHECKING:
    from flows.settings import Settings
    from flows.stores.contract import Store

_KEY = re.compile(r"[0-9a-f]{8,64}")
#: Other machines' runs hold no lock that we can see: on a store nothing is removed that is younger.
LEAST_SECONDS_ON_STORE = 24 * 3600


def clean(
    settings: Settings, outs: Sequence[Path], *, older_seconds: int, on_store: bool = False, dry_run: bool = False
) -> Collected:
    """What `spotmill gc` does: which ledger and which results are meant, then `collect` or `collect_store`.

    Raises: BadInput.
    """
    ledger = Ledger(settings.ledger_folder)
    if settings.ledger and not outs:
        fix = "Name every results' folder that uses it, each with --out"
        raise _bad(ledger.root, "shared_ledger", "this ledger is not that of one results' folder", fix)
    if not settings.ledger and len(outs) > 1:
        fix = "Name one at a time, or set `ledger` if they share one"
        raise _bad(outs[1], "several_ledgers", "each of these folders has a ledger of its own", fix)
    chosen = outs or (settings.out,)
    if not on_store:
        return collect(ledger, chosen, older_seconds=older_seconds, dry_run=dry_run)
    if not settings.store:
        raise _bad(Path("--store"), "no_store", "the settings name no store", "Set `store`, as in s3://bucket/prefix")
    from flows.stores.contract import StoreError
    from flows.stores.opening import explained, open_store

    store = open_store(settings.store, state_folder=ledger.root, endpoint=settings.s3_endpoint)
    try:
        return collect_store(store, ledger, chosen, older_seconds=older_seconds, dry_run=dry_run)
    except StoreError as error:
        raise explained(error, store.address) from error


def collect(ledger: Ledger, outs: Iterable[Path], *, older_seconds: int, dry_run: bool = False) -> Collected:
    """Remove the ledger's steps that are older and that none of the results' folders refers to.

    Raises: BadInput when a run is going on, a folder holds no results, or what it holds cannot be read.
    """
    done = Collected(dry_run=dry_run)
    with ExitStack() as stack:
        kept = _hold(ledger, outs, stack)
        before = datetime.now(UTC).timestamp() - older_seconds
        for kind, key in _steps(ledger):
            folder = ledger.home(kind, key)
            if (kind, key) in kept:
                done.referred += 1
            elif _made(folder) >= before:
                done.young += 1
            else:
                size = _bytes(folder)
                if dry_run or ledger.remove(kind, key):
                    done.take(kind, size)
                else:
                    done.busy += 1
        if not dry_run:
            ledger.sweep()
            _forget_uploads(ledger, before)
    return done


def collect_store(
    store: Store, ledger: Ledger, outs: Iterable[Path], *, older_seconds: int, dry_run: bool = False
) -> Collected:
    """The same on a store: markers first, so that a step is whole or not there. Ends uploads that nobody goes on with.

    Raises: as `collect`; BadInput for an age below a day; errors of the store.
    """
    if older_seconds < LEAST_SECONDS_ON_STORE:
        fix = "Runs of other machines cannot be seen from here. Say 1d or more"
        raise BadInput((Problem("--older-than", None, None, "too_young", "", "a store keeps a day at least", fix),))
    done = Collected(dry_run=dry_run)
    with ExitStack() as stack:
        kept = _hold(ledger, outs, stack)
        before = datetime.fromtimestamp(datetime.now(UTC).timestamp() - older_seconds, UTC)
        sweep_store(store, kept, before, done)
    return done


@contextmanager
def using(ledger: Ledger) -> Iterator[None]:
    """For runs: while this is held nothing is collected. Waits for a collection that is going on."""
    with _lock(ledger).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


def _lock(ledger: Ledger) -> Path:
    ledger.root.mkdir(parents=True, exist_ok=True)
    return ledger.root / "gc.lock"


# --- what stays -----------------------------------------------------------------------------------------------------


def _hold(ledger: Ledger, outs: Iterable[Path], stack: ExitStack) -> set[Named]:
    """Hold the ledger and all campaigns against runs, and say what they refer to. Raises: BadInput."""
    campaigns = [campaign for out in outs for campaign in _campaigns(out)]
    handle = stack.enter_context(_lock(ledger).open("w"))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _bad(ledger.root, "in_use", "a run is going on here", "Wait for it to end") from error
    kept = {("delivery", entry.delivery) for entry in Registry(ledger.root).entries()}
    for campaign in campaigns:
        output = OutputFolder(campaign)
        output.open()
        stack.callback(output.close)
        kept |= set(_referred(campaign))
    if ledger.busy():
        raise _bad(ledger.root, "in_use", "steps are being made here", "Wait for the run to end")
    return kept


def _campaigns(out: Path) -> list[Path]:
    """The campaigns of a results' folder. Raises: BadInput where there are none: a typo must not cost everything."""
    campaigns = sorted({path.parent for name in (RESULTS, ".lock") for path in out.glob(f"*/{name}")})
    if not campaigns:
        message = "no results are here, so everything would count as not referred to"
        raise _bad(out, "no_results", message, "Name the folder that runs write to, as in --out out")
    return campaigns


def _referred(campaign: Path) -> Iterator[Named]:
    """The steps that the JSON files below a campaign's results name."""
    for path in sorted(campaign.rglob("*.json")):
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            message = f"{path.name} cannot be read, so it is not known what it refers to"
            fix = "Run the campaign again, or remove the file"
            raise _bad(path, "unreadable", message, fix) from error
        steps = found.get("steps") if isinstance(found, dict) else None
        for kind, keys in steps.items() if isinstance(steps, dict) else ():
            for key in keys if isinstance(keys, list) else [keys]:
                if isinstance(key, str) and _KEY.fullmatch(key):
                    yield kind, key


def _bad(place: Path, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(str(place), None, None, code, "", message, fix),))


# --- on this machine ------------------------------------------------------------------------------------------------


def _steps(ledger: Ledger) -> Iterator[Named]:
    """All steps of the ledger, damaged ones too."""
    home = ledger.root / "steps"
    for kind in sorted(path.name for path in home.iterdir() if path.is_dir()) if home.is_dir() else ():
        for key in sorted(filter(_KEY.fullmatch, ledger.keys(kind))):
            yield kind, key


def _made(folder: Path) -> float:
    """When a step was finished; of a damaged one, when its folder was changed last."""
    marker = folder / MARKER
    return (marker if marker.is_file() else folder).stat().st_mtime


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _forget_uploads(ledger: Ledger, before: float) -> None:
    """Remove notes of uploads that nobody has gone on with."""
    for note in (ledger.root / "uploads").rglob("*.json"):
        if note.stat().st_mtime < before:
            note.unlink(missing_ok=True)
