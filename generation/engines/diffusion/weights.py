"""Where weights lie on this machine: in SPOTMILL_MODELS, one folder for each repository, or in a folder of the user's.

    ~/.cache/spotmill/models/Wan-AI--Wan2.1-T2V-1.3B-Diffusers/    diffusers' layout, and weights.lock.json
    ~/.cache/spotmill/models/tiny/                                 built here at its first use

Finding never fetches: what is missing is a sentence with the one command that gets it (`pull.py` does that). The lock
says which commit lies there and what each file's SHA-256 was. Knows no network and no model.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from generation.engines.diffusion.preset_file import BUILT_HERE
from generation.engines.diffusion.presets import Adapter, Checkpoint, Preset
from generation.engines.diffusion.verify import faults, safetensors_fault
from generation.errors import NotAvailable

#: Names the folder that models are kept in.
VARIABLE = "SPOTMILL_MODELS"
LOCK = "weights.lock.json"
#: Ways of a shot that begin with a picture, and so run on `image_checkpoint` where a preset has one.
PICTURE_WAYS = frozenset({"image", "first_frame", "last_frame"})
#: Bytes that are hashed at a file's beginning, middle and end where no lock says what is in it.
_SAMPLE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Lock:
    """What lies in a folder of weights: commit of the repository, and each file's facts."""

    commit: str
    files: Mapping[str, Mapping[str, object]]


def home() -> Path:
    """The folder that models are kept in."""
    given = os.environ.get(VARIABLE, "").strip()
    return Path(given).expanduser().absolute() if given else Path.home() / ".cache" / "spotmill" / "models"


def folder_of(checkpoint: Checkpoint, name: str = "") -> Path:
    """Where a checkpoint of the preset `name` lies, or would lie."""
    if checkpoint.folder:
        return Path(checkpoint.folder)
    return home() / (checkpoint.hub_id.replace("/", "--") or name or BUILT_HERE)


def checkpoints(preset: Preset) -> tuple[Checkpoint, ...]:
    """The checkpoints that a preset's ways of making a shot need."""
    image = preset.image_checkpoint if preset.ways & PICTURE_WAYS else None
    return (preset.checkpoint, image) if image else (preset.checkpoint,)


def adapters(preset: Preset) -> tuple[Adapter, ...]:
    """The LoRAs of a preset that go with `checkpoints`."""
    return tuple(one for one in preset.adapters if not one.for_image or len(checkpoints(preset)) > 1)


def download_gib(preset: Preset) -> float:
    """What `spotmill models pull` fetches for a preset when nothing of it is here."""
    parts: tuple[Checkpoint | Adapter, ...] = (*checkpoints(preset), *adapters(preset))
    return sum(part.download_gib for part in parts if part.hub_id)


def find(checkpoint: Checkpoint, name: str = "") -> Path:
    """The whole and safe folder of a checkpoint; the tiny model is built if it is not there.

    Raises: NotAvailable, with what is wrong and the one command that helps.
    """
    folder = folder_of(checkpoint, name)
    if not (checkpoint.hub_id or checkpoint.folder):
        return built(folder)
    way_out = f"fetch them ({checkpoint.download_gib:.1f} GiB): spotmill models pull {name}"
    if checkpoint.folder:
        way_out = "correct `folder` in the preset, or save the model there in diffusers' layout with safetensors"
    if not folder.is_dir():
        what = f"the weights of {checkpoint.hub_id} are not here" if checkpoint.hub_id else f"{folder} is no folder"
        raise NotAvailable(f"{what}; {way_out}")
    lock = read_lock(folder)
    if lock and checkpoint.revision and lock.commit != checkpoint.revision:
        raise NotAvailable(
            f"{folder} holds commit {lock.commit[:12]}, the preset wants {checkpoint.revision[:12]}; {way_out}"
        )
    for fault in faults(folder):
        raise NotAvailable(f"{folder} cannot be used: {fault}; {way_out}")
    return folder


def adapter_path(adapter: Adapter, name: str = "") -> Path:
    """The whole file of a preset's own LoRA. Raises: NotAvailable."""
    path = home() / adapter.hub_id.replace("/", "--") / adapter.file
    fault = safetensors_fault(path) or _other_commit(adapter)
    if fault:
        raise NotAvailable(f"a LoRA of {adapter.hub_id}: {fault}; fetch it: spotmill models pull {name or 'NAME'}")
    return path


def _other_commit(adapter: Adapter) -> str:
    lock = read_lock(home() / adapter.hub_id.replace("/", "--"))
    held = str(lock.files.get(adapter.file, {}).get("commit", "")) if lock else ""
    return f"commit {held[:12]} lies here" if adapter.revision and held and held != adapter.revision else ""


def lacking(preset: Preset) -> tuple[str, ...]:
    """What of a preset's weights is not here, each a sentence with the way out; nothing is built or fetched."""
    calls: list[Callable[[], object]] = [
        partial(find, one, preset.name) for one in checkpoints(preset) if one.hub_id or one.folder
    ]
    calls += [partial(adapter_path, one, preset.name) for one in adapters(preset)]
    found = [sentence for call in calls if (sentence := _refusal(call))]
    if not found or not preset.checkpoint.hub_id:
        return tuple(found)
    # One command fetches everything, so one sentence is enough.
    whole = download_gib(preset)
    total = "" if whole == preset.checkpoint.download_gib else f", {whole:.1f} GiB with all that {preset.name} needs"
    return (f"{found[0]} (licence: {preset.licence}{total})",)


def _refusal(call: Callable[[], object]) -> str:
    """The sentence with which a call refuses; "" when it does not."""
    try:
        call()
    except NotAvailable as error:
        return str(error)
    return ""


def identity(checkpoint: Checkpoint, name: str = "") -> str:
    """What the weights are, for footage keys: a commit, or a digest of what lies in the folder."""
    if checkpoint.hub_id:
        lock = None if checkpoint.revision else read_lock(folder_of(checkpoint))
        return checkpoint.revision or (lock.commit if lock else "not pinned")
    return _fingerprint(Path(checkpoint.folder)) if checkpoint.folder else _recipe()


def _fingerprint(folder: Path) -> str:
    """A digest of names, sizes and samples of the model's files: 30 GB in whole would take a plan a minute.

    Files beside model_index.json are about the model (lock, card, measured figures), not of it.
    """
    digest = hashlib.sha256()
    for path in (folder / "model_index.json", *sorted(folder.glob("*/*"))):
        if path.suffix in (".safetensors", ".json", ".txt", ".model") and path.is_file():
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder)}\0{size}\0".encode())
            with path.open("rb") as file:
                for start in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
                    file.seek(start)
                    digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def _recipe() -> str:
    """The tiny model is what its source builds."""
    return hashlib.sha256(Path(__file__).with_name("tiny.py").read_bytes()).hexdigest()[:16]


def built(folder: Path) -> Path:
    """The tiny model, built unless the one that lies there is from the same source. Takes about a second."""
    lock = read_lock(folder)
    if lock and lock.commit == _recipe() and not faults(folder):
        return folder
    from generation.engines.diffusion.tiny import build

    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    build(part)
    write_lock(part, Lock(_recipe(), facts_of(part)))
    move(part, folder)
    return folder


def read_lock(folder: Path) -> Lock | None:
    """The lock of a folder; None where there is none that can be read."""
    try:
        read = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        return Lock(str(read["commit"]), dict(read["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_lock(folder: Path, lock: Lock) -> None:
    """Write the lock beside and rename it: a reader sees the old one or the new one."""
    text = json.dumps({"commit": lock.commit, "files": dict(lock.files)}, indent=1, sort_keys=True)
    part = folder / f"{LOCK}.part-{os.getpid()}"
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(folder / LOCK)


def facts_of(folder: Path) -> dict[str, dict[str, object]]:
    """Size of every file of a folder, and the SHA-256 of its weights."""
    facts: dict[str, dict[str, object]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(LOCK):
            facts[path.relative_to(folder).as_posix()] = file_facts(path)
    return facts


def file_facts(path: Path) -> dict[str, object]:
    """Size of a file, and its SHA-256 where it holds weights."""
    facts: dict[str, object] = {"bytes": path.stat().st_size}
    if path.suffix == ".safetensors":
        with path.open("rb") as file:
            facts["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return facts


def move(part: Path, final: Path) -> None:
    """Put a finished folder in its place; one that lies there leaves. Two processes may do it at once."""
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    with suppress(FileNotFoundError):
        final.rename(old)
    try:
        part.rename(final)
    except OSError:  # the other process was quicker, with the same content
        shutil.rmtree(part, ignore_errors=True)
        if not final.is_dir():
            raise
    shutil.rmtree(old, ignore_errors=True)
