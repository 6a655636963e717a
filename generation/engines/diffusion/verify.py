"""Whether a folder of weights is whole and safe to load, from names, sizes and headers alone: no library, no hash.

Safe means: safetensors only (a pickle can run anything when it is opened), and no code of its own (`auto_map`, Python
files, a pipeline class from elsewhere). Knows diffusers' layout: `model_index.json` and one folder for each component.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Files that are pickles, or may be. They are never opened; where only they are there, the weights are missing.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
#: Components that have settings and vocabularies, and no weights.
_WITHOUT_WEIGHTS = re.compile("Tokenizer|Scheduler|Processor|Extractor")
_SHARD = re.compile(r"(.+)-\d{5}-of-(\d{5})\.safetensors")


def faults(folder: Path) -> tuple[str, ...]:
    """What is wrong with a folder of weights in diffusers' layout, each a sentence's end; () when nothing is."""
    index = _json(folder / "model_index.json")
    if index is None:
        return ("model_index.json is missing or broken, so it is no model in diffusers' layout",)
    return (*_own_code(folder, index), *_components(folder, index))


def safetensors_fault(path: Path) -> str:
    """Why `path` is no whole safetensors file; "" when it is one. Reads the header only."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(size, 100_000_000):  # the format's own limit for a header
                return f"{path.name} is no safetensors file"
            header = json.loads(file.read(length))
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    except FileNotFoundError:
        return f"{path.name} is missing"
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return f"{path.name} is no safetensors file"
    return "" if size == 8 + length + end else f"{path.name} is {size} bytes instead of {8 + length + end}: cut short"


def _own_code(folder: Path, index: dict[str, Any]) -> Iterator[str]:
    """Every sign that loading it would run code that came with it."""
    if not isinstance(index.get("_class_name"), str):
        yield "model_index.json names a pipeline class from elsewhere; code that comes with weights is never run"
    for path in sorted(folder.rglob("*.py")):
        yield f"{path.relative_to(folder)} is code; code that comes with weights is never run, so remove it"
    for path in sorted(folder.rglob("*.json")):
        if path.name.endswith("config.json") and "auto_map" in (_json(path) or {}):
            yield f"{path.relative_to(folder)} asks for code of its own (auto_map), which is never run"


def _components(folder: Path, index: dict[str, Any]) -> Iterator[str]:
    for name, entry in index.items():
        if name.startswith("_") or not isinstance(entry, list) or len(entry) != 2 or None in entry:
            continue  # settings of the pipeline, and components that this checkpoint goes without
        part = folder / name
        if not part.is_dir():
            yield f"the folder {name} is missing"
        elif not _WITHOUT_WEIGHTS.search(str(entry[1])):
            yield from (f"{name}: {fault}" for fault in _weights(part))


def _weights(part: Path) -> Iterator[str]:
    """What is wrong with the weights of one component."""
    files = {path.name for path in part.glob("*.safetensors")}
    expected = set(files)
    for shard in filter(None, map(_SHARD.fullmatch, files)):
        count = int(shard[2])
        expected |= {f"{shard[1]}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)}
    for index in part.glob("*.safetensors.index.json"):
        listed = (_json(index) or {}).get("weight_map")
        if not isinstance(listed, dict):
            yield f"{index.name} is broken"
            continue
        # Only a name beside the index: a path would lead out of the folder.
        expected |= {Path(str(name)).name for name in listed.values()}
    if not expected:
        pickles = sorted(path.name for path in part.iterdir() if path.suffix in PICKLES)
        yield f"no safetensors, only {pickles[0]}, a pickle, which is never opened" if pickles else "no safetensors"
    yield from filter(None, (safetensors_fault(part / name) for name in sorted(expected)))


def _json(path: Path) -> dict[str, Any] | None:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
