"""What this machine has for a model to run on, asked without loading one: its GPUs, and what fits them.

Asks `nvidia-smi`, which comes with the driver. The caller may hand in what it answered, so that a plan can be made for
another machine. Knows presets' memory figures; does not know torch, nor how a precision is reached (`memory.py` does).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from generation.engines.diffusion.presets import Preset

#: From the least change of the model to the greatest: all in memory as it is, weights in 8 bits, weights fetched block
#: by block from the machine's own memory.
PRECISIONS = ("bf16", "fp8", "offload")
#: Libraries that a preset runs on, and the command that installs them.
LIBRARIES = ("torch", "diffusers", "transformers")
INSTALL = "make diffusion"
#: A driver that does not answer within this time is a driver that does not work.
DEADLINE_SECONDS = 10.0

_QUERY = ("nvidia-smi", "--query-gpu=uuid,name,memory.total,compute_cap", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU that programs started here may use."""

    name: str
    #: As the driver counts it: a card sold as 24 GB has 23.99, one sold as 80 GB has 79.6.
    memory_gib: float
    #: CUDA compute capability: (9, 0) is a Hopper.
    capability: tuple[int, int]


def gpus(visible: str | None = None, ask: Callable[[], str] | None = None) -> tuple[Gpu, ...]:
    """The GPUs that are visible here, in the driver's order; () when there is none or the driver does not answer.

    Args:
        visible: what CUDA_VISIBLE_DEVICES says; None reads the environment. "" and NoDevFiles hide every GPU.
        ask: gives nvidia-smi's answer; None runs it, once in this process.
    """
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES") if visible is None else visible
    if wanted is not None and wanted.strip() in ("", "-1", "NoDevFiles"):
        return ()
    found = [(uuid, gpu) for line in (ask or _nvidia_smi)().splitlines() for uuid, gpu in _read(line)]
    return tuple(gpu for _, gpu in found) if wanted is None else _chosen(wanted, found)


def _read(line: str) -> list[tuple[str, Gpu]]:
    """One line of the answer; [] for one that is no GPU ("No devices were found")."""
    try:
        uuid, name, memory_mib, capability = (part.strip() for part in line.split(","))
        major, _, minor = capability.partition(".")
        return [(uuid, Gpu(name, float(memory_mib) / 1024, (int(major), int(minor or 0))))]
    except ValueError:
        return []


def _chosen(wanted: str, found: Sequence[tuple[str, Gpu]]) -> tuple[Gpu, ...]:
    """As CUDA reads the variable: numbers or beginnings of UUIDs; the first that is unknown ends the list."""
    chosen: list[Gpu] = []
    for entry in (part.strip() for part in wanted.split(",")):
        by_number = [found[int(entry)][1]] if entry.isdecimal() and int(entry) < len(found) else []
        match = by_number or [gpu for uuid, gpu in found if entry and uuid.startswith(entry)]
        if not match:
            break
        chosen.append(match[0])
    return tuple(chosen)


@cache
def _nvidia_smi() -> str:
    try:
        done = subprocess.run(_QUERY, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def fitting(preset: Preset, memory_gib: float) -> str:
    """How `preset` runs on a GPU of that size: the first of PRECISIONS that it has room for, or "" for none."""
    for precision in PRECISIONS:
        needed = preset.memory_gib.get(precision)
        if needed is not None and memory_gib >= needed:
            return precision
    return ""


def least_gib(preset: Preset) -> float:
    """The least GPU memory that `preset` runs in at all; 0 when it needs no GPU."""
    return min(preset.memory_gib.values(), default=0.0) if preset.needs_gpu else 0.0


def largest(cards: Sequence[Gpu]) -> Gpu | None:
    """The GPU with most memory."""
    return max(cards, key=lambda gpu: gpu.memory_gib, default=None)


def missing_libraries() -> tuple[str, ...]:
    """Those of LIBRARIES that are not installed; nothing is imported for it."""
    return tuple(name for name in LIBRARIES if find_spec(name) is None)
