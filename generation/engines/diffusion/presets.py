"""Presets as records: which checkpoint, under which licence, at which sizes, on which schedule, in how much memory.

The records are filled by `preset_file.py` from `presets.toml` and from a user's own file named by SPOTMILL_PRESETS
(same tables; a name that is taken is refused). Every complaint names file, table and key. Imports nothing heavy: a plan
reads these facts. A new checkpoint of a known family is one table in either file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

from generation.errors import NotAvailable
from generation.spec import Size

#: Names a file with further presets.
VARIABLE = "SPOTMILL_PRESETS"
#: How a shot may begin. `image` is the row's picture, made into a first frame or a reference by the family.
WAYS = ("text", "image", "first_frame", "last_frame", "video", "references", "loras")
SPEEDS = ("exact", "balanced", "fast")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder of weights in diffusers' layout: on the hub at a pinned commit, or at `folder` on this machine."""

    hub_id: str = ""
    #: Commit of the hub repository, 40 hex digits. "" is not pinned yet: `spotmill models pull` takes the newest one,
    #: writes it into the lock file beside the weights, and from then on the lock counts.
    revision: str = ""
    #: Size of the download in GiB.
    download_gib: float = 0.0
    #: A local folder instead of the hub; absolute.
    folder: str = ""
    #: Needs an account that has accepted the licence on the hub (token in HF_TOKEN).
    gated: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA that belongs to a preset, such as a step distillation."""

    hub_id: str
    revision: str
    file: str
    #: Component that it is merged into: transformer or transformer_2.
    component: str = "transformer"
    weight: float = 1.0
    #: Belongs to `image_checkpoint`; the others belong to `checkpoint`.
    for_image: bool = False
    #: Size of the download in GiB.
    download_gib: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which noise levels are visited. `sigmas` are exact and bypass the scheduler's own shifting."""

    #: Scheduler class of diffusers; "" keeps the checkpoint's own.
    scheduler: str = ""
    #: Changes to the scheduler's configuration.
    config: Mapping[str, object] = field(default_factory=dict)
    steps: int = 50
    #: Noise levels from 1 downwards, `steps` of them; () lets the scheduler work them out.
    sigmas: tuple[float, ...] = ()
    #: Timesteps that must come out (rounded to whole numbers), where the publisher states them; checked at load.
    timesteps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Speed:
    """What one level of `speed` switches on. The defaults change no pixel."""

    #: none, step (ours, any family), first_block or mag (diffusers').
    cache: str = "none"
    #: Relative change below which a model call is skipped.
    threshold: float = 0.0
    #: Magnitude ratios of this checkpoint, for `mag` alone; they are measured on it and fit no other.
    mag_ratios: tuple[float, ...] = ()
    #: Part of the steps, from the first, that classifier-free guidance is applied in.
    guided_part: float = 1.0
    #: Compile the repeated blocks; once for each shape.
    compile: bool = False
    #: Storage of the denoiser's weights between layers: native or fp8.
    storage: str = "native"
    #: Attention back end: native, or the best verified one of `Preset.attention` with auto.
    attention: str = "native"


@dataclass(frozen=True, slots=True)
class Preset:
    """One engine of this folder."""

    name: str
    title: str
    #: Module of `families/`.
    family: str
    checkpoint: Checkpoint
    licence: str
    licence_url: str
    #: yes, no, conditional
    commercial_use: str
    fps: Fraction
    #: Native sizes, every aspect of its own.
    sizes: tuple[Size, ...]
    size_multiple_px: int
    #: Valid frame counts are `frames_step` * n + `frames_offset`.
    frames_step: int
    frames_offset: int
    min_frames: int
    max_frames: int
    schedule: Schedule
    guidance: float
    #: Guidance of the second expert; None is the same.
    guidance_2: float | None = None
    #: A sister checkpoint for shots that begin with a picture; None uses the same weights.
    image_checkpoint: Checkpoint | None = None
    adapters: tuple[Adapter, ...] = ()
    #: Of WAYS, beside "text".
    ways: frozenset[str] = frozenset()
    makes_audio: bool = False
    #: Further arguments of the family's pipeline, such as `stg_scale = 0.0`.
    call: Mapping[str, object] = field(default_factory=dict)
    excluded_territories: frozenset[str] = frozenset()
    revenue_cap_usd: int = 0
    #: Why it must be asked for by name and with `engine_options: {accept: true}`; "" for the others.
    opt_in: str = ""
    #: Runs on a CPU in reasonable time; only `tiny` does.
    needs_gpu: bool = True
    #: GPU memory in GiB by precision (bf16, fp8, offload): the least card that each has room on.
    memory_gib: Mapping[str, float] = field(default_factory=dict)
    #: Attention back ends known good, best first.
    attention: tuple[str, ...] = ("native",)
    #: By level: exact, balanced, fast.
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    #: What is asked of the model in every prompt's negative, before template and look add theirs.
    negative_prompt: str = ""
    #: From best to worst for `auto`; 0 is never chosen.
    rank: int = 0
    source: str = ""
    checked: str = ""


def load_presets() -> Mapping[str, Preset]:
    """Every preset by name: Spotmill's own in the order of the file, then those of the file SPOTMILL_PRESETS.

    Raises: NotAvailable for a file that cannot be used, naming table and key.
    """
    return _loaded(os.environ.get(VARIABLE, ""))


@cache
def _loaded(own_file: str) -> Mapping[str, Preset]:
    from generation.engines.diffusion.preset_file import SHIPPED, read_presets

    presets = read_presets(SHIPPED)
    return {**presets, **read_presets(Path(own_file).expanduser(), presets)} if own_file else presets


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises: NotAvailable, with the nearest name.
    """
    presets = load_presets()
    if name not in presets:
        near = difflib.get_close_matches(name, presets, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(presets)}"
        raise NotAvailable(f"there is no preset {name!r}; {hint}")
    return presets[name]
