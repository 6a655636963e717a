"""One batch at one level of speed: everything a level switches on, applied to a loaded pipeline and taken off again.

    with accelerated(pipe, denoisers, preset, speed, steps, device, shape) as handle:
        pipe(..., callback_on_step_end=...)      # which calls handle.on_step(...) after each step
    handle.notes                                 # {"calls": 100, "skipped": 41, ...} for the shot's footage

A level's cost is measured by `measure.py`. Knows presets and modules; knows no shots and no files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from generation.engines.diffusion.accelerate import Shape, compile_blocks, storage_of, store_fp8, uncompile
from generation.engines.diffusion.attention import attention, choose
from generation.engines.diffusion.guidance import PartlyGuided
from generation.engines.diffusion.presets import Preset, Speed
from generation.engines.diffusion.step_cache import Cache, largest_batch
from generation.errors import NotAvailable

#: torch builds the launchers of its kernels with one of these.
COMPILERS = ("cc", "gcc", "clang")

__all__ = ["Handle", "accelerated", "largest_batch"]


class Handle:
    """What the step callback talks to, and what is reported afterwards."""

    def __init__(self, pipe: Any, speed: Speed, steps: int) -> None:
        self._pipe, self._steps = pipe, steps
        self._cache = Cache(speed, steps)
        self._guided = PartlyGuided(pipe, speed.guided_part)
        self._facts: dict[str, object] = {}
        self._warnings: list[str] = []

    def on_step(self, pipe: Any, index: int, timestep: Any, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Call at the end of each step, in the pipeline's own loop; fits `callback_on_step_end`."""
        # A film to restyle is denoised in a part of the steps: the loop's own count is the true one.
        steps = getattr(pipe, "num_timesteps", None) or self._steps
        self._cache.on_step(index, steps)
        self._guided.on_step(index, steps)
        return {}

    @property
    def notes(self) -> dict[str, object]:
        """JSON values only; `warnings` is there when something had no effect or could not be used."""
        facts = dict(self._facts)
        if self._cache.speed.cache != "none":
            facts |= {"cache": self._cache.speed.cache}
            facts |= {"calls": self._cache.report.calls, "skipped": self._cache.report.skipped}
        if self._guided.part < 1:
            facts["unguided_steps"] = self._guided.unguided_steps
        warnings = [*self._warnings, self._cache.warning()]
        return facts | ({"warnings": [text for text in warnings if text]} if any(warnings) else {})


@contextmanager
def accelerated(
    pipe: Any,
    denoisers: Sequence[str],
    preset: Preset,
    speed: Speed,
    steps: int,
    device: str,
    shape: Shape | None = None,
) -> Iterator[Handle]:
    """Apply `speed` to the named denoisers of `pipe` for one batch. The defaults of Speed touch nothing.

    `shape` (width, height, frames, shots) is needed where the level compiles.
    Raises: NotAvailable when the level cannot be had with this pipeline, in a sentence with the way out.
    """
    modules = [part for part in (getattr(pipe, name, None) for name in denoisers) if part is not None]
    handle = Handle(pipe, speed, steps)
    _weights(modules, speed)
    handle._warnings.extend(_compiled(modules, speed, shape))
    name = "native"
    if speed.attention != "native":
        chosen = choose(preset, device, speed.attention, _head_size(modules[0]), modules[0].dtype)
        name = handle._facts["attention"] = chosen.name
        handle._warnings.extend(chosen.notes)
    with attention(modules, name), handle._cache.on(modules):
        yield handle


def _weights(modules: Sequence[Any], speed: Speed) -> None:
    if speed.storage not in ("native", "fp8"):
        raise NotAvailable(f"there is no storage {speed.storage!r}; there are native and fp8")
    for module in modules:
        if speed.storage == "fp8":
            store_fp8(module)
        elif storage_of(module) == "fp8":
            raise NotAvailable("the weights in memory were rounded to fp8 by another level; load the model again")


def _compiled(modules: Sequence[Any], speed: Speed, shape: Shape | None) -> Iterator[str]:
    if speed.compile and not any(map(shutil.which, COMPILERS)):
        # The film is the same without it, so that a machine without one works, only slower.
        yield f"not compiled, because no C compiler is installed ({', '.join(COMPILERS)}): shots take longer"
        return
    if speed.compile and any(storage_of(module) == "fp8" for module in modules):
        # Casting to and fro breaks every block into a dozen small graphs: minutes of compiling for next to nothing.
        yield "not compiled, because the weights are kept in 8 bits: shots take longer"
        return
    for module in modules:
        if not speed.compile:
            uncompile(module)
        elif shape is None:
            raise NotAvailable("a level with compile = true needs the shape of the batch")
        else:
            yield from compile_blocks(module, shape)


def _head_size(denoiser: Any) -> int:
    """From the configuration, under the name that diffusers' video models use; 128 is what nearly all of them have."""
    return int(denoiser.config.get("attention_head_dim", 128))
