"""LoRAs that rows and looks name: `loras/alba.safetensors:0.8`, a file inside the campaign's folder and its weight.

Only safetensors: other formats of weights may run code when they are opened. A file's header is read by hand and held
against the file's length, which also finds a download that ended early. Knows no model: whether a LoRA fits the one
that is used turns out where it is loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flows.model import LoraBrief
from flows.pictures import inside
from flows.problems import Problems

SUFFIX = ".safetensors"
#: Beyond twice its own strength a LoRA only breaks the picture; below zero it takes its style away.
LEAST_WEIGHT, MOST_WEIGHT = -2.0, 2.0
#: Three or four are usual at once; more is a mistake sooner than a style.
LIMIT_LORAS = 8
#: Headers of LoRAs of the largest video models take some 200 KiB; the format allows 100 MB.
LIMIT_HEADER_BYTES = 8 * 2**20
_WEIGHT = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")

Complaint = tuple[str, str, str]


def parts(cell: str) -> tuple[str, ...]:
    """The LoRAs of a cell, parted by semicolons: a file's name may hold spaces and commas."""
    return tuple(part for part in map(str.strip, cell.split(";")) if part)


def read_loras(
    folder: Path, texts: Iterable[str], problems: Problems, *, column: str, row: int | None = None
) -> tuple[LoraBrief, ...]:
    """Files and weights of `file.safetensors:weight`, or of the file alone; what cannot be used is complained of."""
    found: dict[Path, LoraBrief] = {}

    def complain(message: str, fix: str, value: str) -> None:
        problems.add("bad_lora", message, fix, value=value, row=row, column=column)

    for text in texts:
        name, colon, written = text.partition(f"{SUFFIX}:")
        name = name.strip() + SUFFIX if colon else text
        weight = float(written) if colon and _WEIGHT.fullmatch(written.strip()) else 1.0
        if not name.endswith(SUFFIX):
            complain("not a safetensors file", f"Name a file of that format, like loras/alba{SUFFIX}:0.8", text)
        elif colon and not _WEIGHT.fullmatch(written.strip()):
            complain("what stands after the colon is no weight", f"Write a number, like {name}:0.8", text)
        elif not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            complain("out of range", f"Write a weight from {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}", text)
        elif (path := inside(folder, name, problems, column=column, row=row)) is not None:
            if path in found:
                complain("the same file stands here twice", "Write it once, with the weight it shall have", text)
            found[path] = LoraBrief(path, weight)
    if len(found) > LIMIT_LORAS:
        complain(f"{len(found)} LoRAs at once", f"Use at most {LIMIT_LORAS}, or merge some into one file", "")
    return tuple(found.values())


def read_look_loras(
    folder: Path, given: Mapping[str, Iterable[str]], problems: Problems
) -> dict[str, tuple[LoraBrief, ...]]:
    """`look_loras:` of campaign.yaml: the LoRAs of each look that has any."""
    return {look: read_loras(folder, texts, problems, column="look_loras") for look, texts in given.items()}


def together(row: tuple[LoraBrief, ...], look: tuple[LoraBrief, ...]) -> tuple[LoraBrief, ...]:
    """A row's LoRAs and its look's; of a file that both name, the row's weight counts."""
    named = {lora.path for lora in row}
    return (*row, *(lora for lora in look if lora.path not in named))


def check_lora(path: Path) -> Complaint | None:
    """What is wrong with a LoRA's file as code, sentence and fix; None when it can be read. Reads the header only."""
    size = path.stat().st_size
    again = "Download or export it again"
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or not 2 <= length <= LIMIT_HEADER_BYTES:
            return ("not_safetensors", "the file does not begin like a safetensors file", f"{again} as safetensors")
        header = _header(stream.read(length))
    if header is None:
        return ("not_safetensors", "the header of the file cannot be read", f"{again} as safetensors")
    ends = [end for name, entry in header.items() if name != "__metadata__" and (end := _end(entry)) is not None]
    if not ends or len(ends) < len(header.keys() - {"__metadata__"}):
        return ("not_safetensors", "the header of the file names no tensors, or not where they lie", again)
    if size != 8 + length + max(ends):
        message = f"the file has {size:,} bytes and its header promises {8 + length + max(ends):,}"
        return ("lora_truncated", message, f"{again}; it may have ended early")
    return None


def _header(data: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _end(entry: object) -> int | None:
    """Where a tensor's bytes end, counted from the end of the header; None for an entry that does not say it."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        return None
    start, end = offsets
    return end if 0 <= start <= end else None
