"""A folder with a transformers model: whole, with weights in safetensors only, without code of its own.

Loads nothing and imports neither torch nor transformers: `check` asks this of every campaign.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from generation.errors import NotAvailable

CONFIG, PROCESSOR, INDEX = "config.json", "preprocessor_config.json", "model.safetensors.index.json"
WEIGHTS = ".safetensors"
#: Formats that run code when they are read, or that nobody here reads.
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5"}
#: The header of a safetensors file is JSON of at most this length (the format's own limit).
_LIMIT_HEADER = 100_000_000
_LIMIT_JSON = 20_000_000


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model that may be loaded."""

    folder: Path
    #: Of everything in the folder that decides what the model says.
    sha256: str
    #: What it can say, as its config names it.
    labels: tuple[str, ...]

    def label(self, wanted: str) -> str:
        """The model's own spelling of a label.

        Raises: NotAvailable with those that it has.
        """
        by_key = {label.casefold(): label for label in self.labels}
        if wanted.casefold() not in by_key:
            some = ", ".join(self.labels[:12]) + (" ..." if len(self.labels) > 12 else "")
            raise NotAvailable(f"{self.folder.name} has no label {wanted!r}; it has {some}")
        return by_key[wanted.casefold()]


def read_folder(folder: Path) -> ModelFolder:
    """Examine a model's folder.

    Raises: NotAvailable when something is missing, is a pickle, or wants to bring code of its own.
    """
    if not folder.is_dir():
        raise NotAvailable(f"{folder.name}: there is no such folder with a model")
    config, processor = _json(folder, CONFIG), _json(folder, PROCESSOR)
    for name, content in ((CONFIG, config), (PROCESSOR, processor)):
        if "auto_map" in content:
            raise NotAvailable(f"{folder.name}/{name} asks for code from the folder (auto_map), which is never run")
    weights = _weights(folder)
    labels = config.get("id2label")
    if not isinstance(labels, dict) or not labels:
        raise NotAvailable(f"{folder.name}/{CONFIG} names no labels (id2label): it is no classifier and no detector")
    files = [file for name in (CONFIG, PROCESSOR, INDEX) if (file := folder / name).is_file()]
    stamps = tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in (*files, *weights))
    return ModelFolder(folder, _sha256(stamps), tuple(map(str, labels.values())))


def _json(folder: Path, name: str) -> dict[str, object]:
    path = folder / name
    if not path.is_file():
        raise NotAvailable(f"{folder.name} lacks {name}: it is no whole transformers model")
    try:
        if path.stat().st_size > _LIMIT_JSON:
            raise ValueError("too large")  # noqa: TRY301 - one sentence for every way of being unreadable
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotAvailable(f"{folder.name}/{name} cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise NotAvailable(f"{folder.name}/{name} is no JSON object")
    return content


def _weights(folder: Path) -> tuple[Path, ...]:
    """The safetensors files, each really one."""
    files = tuple(sorted(file for file in folder.iterdir() if file.suffix == WEIGHTS and file.is_file()))
    if not files:
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        if pickles:
            raise NotAvailable(
                f"{folder.name} has its weights as {pickles[0]} only, a format that can run code;"
                " save the model with safe_serialization"
            )
        raise NotAvailable(f"{folder.name} has no {WEIGHTS} file")
    for file in files:
        if not _is_safetensors(file):
            raise NotAvailable(f"{folder.name}/{file.name} is no safetensors file")
    if not (folder / "model.safetensors").is_file() and not (folder / INDEX).is_file():
        raise NotAvailable(f"{folder.name} has neither model.safetensors nor {INDEX}")
    return files


def _is_safetensors(file: Path) -> bool:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(_LIMIT_HEADER, file.stat().st_size - 8):
            return False
        try:
            return isinstance(json.loads(stream.read(length)), dict)
        except (ValueError, RecursionError):
            return False


@lru_cache(maxsize=32)
def _sha256(stamps: tuple[tuple[Path, int, int], ...]) -> str:
    """Of names and contents. Remembered by size and time: weights of 300 MB take a second to read."""
    state = hashlib.sha256()
    for file, _, _ in stamps:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        state.update(f"{file.name} {digest}\n".encode())
    return state.hexdigest()
