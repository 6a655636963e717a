"""Which models are in memory, and where: text encoders and denoisers take turns, LoRAs are merged and taken out.

Only one checkpoint's denoisers are loaded at a time. What is placed how (whole on the device, 8-bit storage, offloaded
block by block, two experts taking turns) follows the memory that is there. Does not run anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from generation.engines.diffusion.accelerate import offload_groups, store_fp8, swapped
from generation.engines.diffusion.families.contract import Family
from generation.engines.diffusion.hardware import fitting
from generation.engines.diffusion.loading import as_pipeline, best_device, free, load_pipeline
from generation.engines.diffusion.lora import Merge, Merged, merge
from generation.engines.diffusion.presets import Checkpoint, Preset
from generation.engines.diffusion.weights import adapter_path, adapters, find
from generation.spec import Lora, Shot

#: bf16, fp8, or offload (bf16 weights that stay in the machine's memory).
Placement = str


@dataclass(slots=True)
class _Open:
    """Denoisers and decoders of one checkpoint, placed."""

    checkpoint: Checkpoint
    precision: str
    offload: bool
    pipe: Any
    pipes: dict[str, Any] = field(default_factory=dict)
    loras: tuple[Lora, ...] = ()
    merged: Merged | None = None
    #: Holds what moves experts in and out while the models are open.
    stack: ExitStack = field(default_factory=ExitStack)


class Models:
    """The models of one preset in this process."""

    def __init__(self, preset: Preset, family: Family, device: str = "") -> None:
        self.preset, self.family = preset, family
        self.device = device or best_device()
        #: Whether text encoder and denoisers may be in memory at once: on a GPU they rarely fit.
        self.together = self.device == "cpu"
        self._text: Any = None
        self._open: _Open | None = None

    @property
    def precision(self) -> str:
        """How the open denoisers are kept: fp32, bf16 or fp8."""
        return self._open.precision if self._open else ""

    @property
    def storage(self) -> str:
        """The same in the words of `Speed.storage`."""
        return "fp8" if self.precision == "fp8" else "native"

    def text(self, offload: bool = False) -> Any:
        """A pipeline that can encode texts; denoisers leave for it. Layer by layer where it does not fit as a whole."""
        if self._text is None:
            if not self.together:
                self.close()
            folder = find(self.preset.checkpoint, self.preset.name)
            pipe = load_pipeline(
                folder, self.family.pipelines["text"],
                without=(*self.family.denoisers, *self.family.decoders, *self.family.unused_parts),
                precision=self.compute("auto"),
            )  # fmt: skip
            if offload or (self.device != "cpu" and not _fits(pipe)):
                for part in pipe.components.values():
                    if hasattr(part, "parameters"):
                        offload_groups(part, self.device, leaves=True)
            else:
                pipe.to(self.device)
            # Only now: after an error, the next call must not find a model that is half on the device.
            self._text = executing_on(pipe, self.device)
        return self._text

    def without_text(self) -> None:
        """Give the text encoder's memory back."""
        if self._text is not None and not self.together:
            pipe, self._text = self._text, None
            free(pipe)

    def compute(self, precision: str) -> str:
        """What tensors are computed in: bf16 on a GPU, fp32 on a CPU, unless asked otherwise."""
        if precision in ("fp32", "bf16"):
            return precision
        return "fp32" if self.device == "cpu" else "bf16"

    def placement(self, precision: str) -> Placement:
        """How the denoisers are kept: as asked for, or what fits into the GPU."""
        if precision != "auto" or self.device == "cpu":
            return "bf16" if precision == "auto" else precision
        import torch

        total_gib = torch.cuda.get_device_properties(0).total_memory / 2**30
        return fitting(self.preset, total_gib) or "offload"

    def pipeline(self, shot: Shot, precision: str, storage: str, offload: bool) -> Any:
        """The pipeline for a shot, with its LoRAs merged and everything in place.

        Raises: NotAvailable (weights), BadShot (a LoRA of another model), OutOfMemory.
        """
        way = self.family.way(shot)
        checkpoint = self._checkpoint(way)
        placement = self.placement(precision)
        kept = "fp8" if "fp8" in (storage, placement) else self.compute(precision)
        outside = offload or placement == "offload"
        self._want(checkpoint, kept, outside, shot.loras)
        assert self._open
        name = self.family.pipelines[way]
        if name not in self._open.pipes:
            self._open.pipes[name] = executing_on(as_pipeline(self._open.pipe, name), self.device)
        return self._open.pipes[name]

    def _checkpoint(self, way: str) -> Checkpoint:
        begins_with_picture = way in ("image", "first_last")
        return (self.preset.image_checkpoint if begins_with_picture else None) or self.preset.checkpoint

    def _want(self, checkpoint: Checkpoint, precision: str, offload: bool, loras: tuple[Lora, ...]) -> None:
        """Open what is wanted, unless it is open; LoRAs change in place where the weights allow it."""
        opened = self._open
        same = opened and (opened.checkpoint, opened.precision, opened.offload) == (checkpoint, precision, offload)
        if opened and same and opened.loras == loras:
            return
        # Nothing can be added to rounded or offloaded weights: those are loaded anew.
        if opened and same and precision != "fp8" and not offload:
            if opened.merged:
                opened.merged.undo()
            opened.merged, opened.loras = None, ()
            opened.merged = merge(opened.pipe, _shots_own(loras), self.family.denoisers)
            opened.loras = loras
            return
        self.close()
        self._load(checkpoint, precision, offload, loras)

    def _load(self, checkpoint: Checkpoint, precision: str, offload: bool, loras: tuple[Lora, ...]) -> None:
        self.without_text()
        folder = find(checkpoint, self.preset.name)
        name = self.family.pipelines["image" if checkpoint is self.preset.image_checkpoint else self.family.base]
        pipe = load_pipeline(
            folder, name, without=(*self.family.text_parts, *self.family.unused_parts),
            precision=self.compute(precision), full_precision=self.family.full_precision,
        )  # fmt: skip
        opened = _Open(checkpoint, precision, offload, pipe, {name: pipe}, loras)
        merge(pipe, self._own(checkpoint), self.family.denoisers, for_good=True)
        for_good = precision == "fp8" or offload  # nothing can be taken out of these
        opened.merged = merge(pipe, _shots_own(loras), self.family.denoisers, for_good=for_good)
        self._place(opened)
        executing_on(pipe, self.device)
        guard(pipe.vae)
        self._open = opened

    def _own(self, checkpoint: Checkpoint) -> list[Merge]:
        """The preset's own adapters (a step distillation): merged before a shot's, and never taken out."""
        return [
            Merge(adapter_path(one, self.preset.name), one.weight, (one.component,))
            for one in adapters(self.preset)
            if one.for_image == (checkpoint is self.preset.image_checkpoint)
        ]

    def _place(self, opened: _Open) -> None:
        pipe, device = opened.pipe, self.device
        denoisers = [part for name in self.family.denoisers if (part := getattr(pipe, name, None)) is not None]
        if opened.precision == "fp8":
            for part in denoisers:
                store_fp8(part)
        if device == "cpu":
            for part in denoisers:
                compute_rows_apart(part)
        for name, part in pipe.components.items():
            if name not in self.family.denoisers and hasattr(part, "parameters"):
                part.to(device)
        if opened.offload:
            for part in denoisers:
                offload_groups(part, device)
        elif len(denoisers) > 1 and device != "cpu" and not _all_fit(denoisers):
            opened.stack.enter_context(swapped(denoisers, device))
        else:
            for part in denoisers:
                part.to(device)

    def close(self) -> None:
        """Drop the denoisers."""
        if self._open is not None:
            opened, self._open = self._open, None
            opened.stack.close()
            opened.merged = None  # it holds the weights too
            free(opened.pipe, *opened.pipes.values())


def _fits(pipe: Any) -> bool:
    """Whether a text encoder fits into what is free now, with a GiB for its activations.

    A card that has room for the denoisers in 8 bits may have none for an encoder of 11 GiB.
    """
    import torch

    parts = [part for part in pipe.components.values() if hasattr(part, "parameters")]
    needed = sum(weight.numel() * weight.element_size() for part in parts for weight in part.parameters())
    return bool(needed + 2**30 < torch.cuda.mem_get_info()[0])


def _all_fit(denoisers: Sequence[Any]) -> bool:
    """Whether all denoisers fit together, with a third of the GPU left for activations."""
    import torch

    needed = sum(weight.numel() * weight.element_size() for part in denoisers for weight in part.parameters())
    return bool(needed < torch.cuda.get_device_properties(0).total_memory * 2 / 3)


def _shots_own(loras: Sequence[Lora]) -> list[Merge]:
    return [Merge(lora.path, lora.weight) for lora in loras]


def executing_on(pipe: Any, device: str) -> Any:
    """Make the pipeline create its latents on `device`; returns it.

    diffusers takes the device of whichever part a set happens to give first: wrong in some processes, where an expert
    is waiting in the machine's memory.
    """
    import torch

    kind = type(pipe)
    pipe.__class__ = type(kind.__name__, (kind,), {"_execution_device": property(lambda _: torch.device(device))})
    return pipe


def compute_rows_apart(denoiser: Any) -> None:
    """Make linear layers and convolutions take a batch row by row, so that a row is bit for bit what it is alone.

    A product of one row takes another kernel than one of two, and so does a convolution on some processors: 1e-7 at
    the time embedding, 7e-7 at the patches. Only for the CPU, where bits are promised and a batch gains nothing.
    """
    import torch

    for module in denoiser.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv3d):
            alone = module.forward

            def forward(rows: Any, alone: Callable[[Any], Any] = alone) -> Any:
                return alone(rows) if rows.shape[0] == 1 else torch.cat([alone(row) for row in rows.split(1)])

            module.forward = forward


def guard(vae: Any) -> None:
    """One thread at a time in a VAE: Wan's keeps the frames before the current ones in itself while it works."""
    if getattr(vae, "turn", None) is not None:
        return
    lock = RLock()

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **others: Any) -> Any:
            with lock:
                return method(*arguments, **others)

        return call

    vae.encode, vae.decode, vae.turn = guarded(vae.encode), guarded(vae.decode), lock
