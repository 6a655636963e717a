"""Fetching a preset's weights: what is missing of it, beside, checked, then into its place with a lock.

A download goes into a folder of its own that keeps what has arrived, so that the same command goes on where it was
stopped. Only settings, vocabularies and safetensors are fetched: no pickle and no code ever reaches the disk. The hub
is an argument (`hub.Hub` by default), so that tests and mirrors bring their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from generation.engines.diffusion.hub import Hub, HubFile, Listing
from generation.engines.diffusion.presets import Adapter, Checkpoint, Preset
from generation.engines.diffusion.verify import faults, safetensors_fault
from generation.engines.diffusion.weights import (
    LOCK,
    VARIABLE,
    Lock,
    adapter_path,
    adapters,
    built,
    checkpoints,
    file_facts,
    find,
    folder_of,
    home,
    move,
    read_lock,
    write_lock,
)
from generation.errors import NotAvailable

#: Kinds of files that a model is loaded from.
WANTED = (".json", ".safetensors", ".txt", ".model", ".jinja")
#: Left free on the disk beside what is fetched.
SPARE_BYTES = 2**30
_EVERY_SECONDS = 0.5

#: Called with what is being fetched, and bytes: how many are here, of how many.
OnProgress = Callable[[str, int, int], None]


def pull(preset: Preset, on_progress: OnProgress | None = None, *, hub: Hub | None = None) -> tuple[Path, ...]:
    """Fetch everything of `preset` that is not here whole, and return where all of it lies.

    Raises: NotAvailable (no such commit, licence not accepted, disk full, not a whole or safe model), Transient.
    """
    source, told = hub or Hub(), on_progress or (lambda what, done, total: None)
    folders = [_checkpoint(checkpoint, preset.name, source, told) for checkpoint in checkpoints(preset)]
    return (*folders, *(_adapter(adapter, preset.name, source, told) for adapter in adapters(preset)))


def _checkpoint(checkpoint: Checkpoint, name: str, hub: Hub, told: OnProgress) -> Path:
    folder = folder_of(checkpoint, name)
    if not checkpoint.hub_id:
        return find(checkpoint, name) if checkpoint.folder else built(folder)
    try:
        return find(checkpoint, name)
    except NotAvailable:
        pass  # that is what we are here for
    listing = hub.listing(checkpoint.hub_id, checkpoint.revision or _locked(folder))
    files = {path: facts for path, facts in listing.files.items() if _wanted(path)}
    part = folder.with_name(f"{folder.name}.part")
    _fetch(hub, checkpoint.hub_id, Listing(listing.commit, files), part, told)
    for fault in faults(part):
        raise NotAvailable(f"{checkpoint.hub_id} at {listing.commit[:12]} cannot be used: {fault}")
    lock = Lock(listing.commit, _checked(part, checkpoint.hub_id, files, told))
    shutil.rmtree(part / ".cache", ignore_errors=True)  # the library's own notes for going on
    write_lock(part, lock)
    move(part, folder)
    return folder


def _locked(folder: Path) -> str:
    """A repository that no preset pins is fetched again at the commit it was first fetched at."""
    lock = read_lock(folder)
    return lock.commit if lock else ""


def _wanted(path: str) -> bool:
    """Weights beside model_index.json are left out: they are the same ones in another layout."""
    return path.endswith(WANTED) and ("/" in path or ".safetensors" not in path)


def _adapter(adapter: Adapter, name: str, hub: Hub, told: OnProgress) -> Path:
    try:
        return adapter_path(adapter, name)
    except NotAvailable:
        pass  # that is what we are here for
    listing = hub.listing(adapter.hub_id, adapter.revision)
    if adapter.file not in listing.files:
        raise NotAvailable(f"{adapter.hub_id} has no file {adapter.file!r} at {listing.commit[:12]}")
    files = {adapter.file: listing.files[adapter.file]}
    folder = home() / adapter.hub_id.replace("/", "--")
    part = folder.with_name(f"{folder.name}.part")
    _fetch(hub, adapter.hub_id, Listing(listing.commit, files), part, told)
    if fault := safetensors_fault(part / adapter.file):
        raise NotAvailable(f"{adapter.hub_id} cannot be used: {fault}")
    checked = _checked(part, adapter.hub_id, files, told)
    facts = {path: {**one, "commit": listing.commit} for path, one in checked.items()}
    (folder / adapter.file).parent.mkdir(parents=True, exist_ok=True)
    (part / adapter.file).replace(folder / adapter.file)
    before = read_lock(folder)
    write_lock(folder, Lock(listing.commit, {**(before.files if before else {}), **facts}))
    shutil.rmtree(part)
    return folder / adapter.file


def _fetch(hub: Hub, hub_id: str, listing: Listing, part: Path, told: OnProgress) -> None:
    """Bring all files of `listing` into `part`, if the disk has room for what is still to come."""
    part.mkdir(parents=True, exist_ok=True)
    total = sum(facts.bytes for facts in listing.files.values())
    missing, free = total - _size(part), shutil.disk_usage(part).free
    if missing + SPARE_BYTES > free:
        raise NotAvailable(
            f"{hub_id} needs {missing / 2**30:.1f} GiB more and {part.parent} has {free / 2**30:.1f} GiB free; "
            f"make room, or name a folder on another disk in {VARIABLE}"
        )
    with _watched(hub_id, part, total, told):
        hub.download(hub_id, listing.commit, part, tuple(listing.files))


def _checked(part: Path, hub_id: str, files: Mapping[str, HubFile], told: OnProgress) -> dict[str, dict[str, object]]:
    """Facts of the files that arrived. Raises: NotAvailable when one is not what the hub says it is.

    100 GB take minutes to hash, so it is told too.
    """
    facts: dict[str, dict[str, object]] = {}
    done, total = 0, sum(promised.bytes for promised in files.values())
    for path, promised in files.items():
        if not (part / path).is_file():
            raise NotAvailable(f"{hub_id}: {path} did not arrive; run the command again, it goes on")
        facts[path] = file_facts(part / path)
        sha256 = facts[path].get("sha256", promised.sha256)
        if facts[path]["bytes"] != promised.bytes or (promised.sha256 and sha256 != promised.sha256):
            (part / path).unlink()
            raise NotAvailable(f"{hub_id}: {path} arrived damaged and was removed; run the command again, it goes on")
        done += promised.bytes
        told(f"checking {hub_id}", done, total)
    return facts


@contextmanager
def _watched(what: str, part: Path, total: int, told: OnProgress) -> Iterator[None]:
    """Tell how much has arrived, twice a second and at the end, from the sizes on the disk."""
    over = Event()

    def watch() -> None:
        while not over.wait(_EVERY_SECONDS):
            told(what, min(_size(part), total), total)

    thread = Thread(target=watch, name="spotmill-pull", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    told(what, total, total)


def _size(folder: Path) -> int:
    """Bytes of a folder's files, of half fetched ones too; files may come and go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() and path.name != LOCK else 0
        except OSError:  # it got its final name just now
            continue
    return total
