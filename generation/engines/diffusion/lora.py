"""LoRAs merged into a model's weights, and taken out again without a trace.

W becomes W + weight * B @ A, in float32 whatever the model is kept in. Merged weights cost nothing per step, need no
further library, and a run of shots with the same LoRAs pays once. Taking out puts the saved originals back instead of
subtracting, which would leave rounding behind. Files are safetensors in any layout that diffusers reads for the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.errors import BadMedia, BadShot

_A, _B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Merge:
    """One file to merge: how strongly, and into which denoisers (() means all of them)."""

    path: Path
    weight: float
    components: tuple[str, ...] = ()


@dataclass(slots=True)
class Merged:
    """What was changed: the originals of every touched weight, on the CPU; none of what is merged for good."""

    for_good: bool = False
    _originals: list[tuple[Any, Any]] = field(default_factory=list)

    def keep(self, weight: Any) -> None:
        """Remember a weight before it is changed for the first time."""
        if not self.for_good and all(weight is not other for other, _ in self._originals):
            self._originals.append((weight, weight.detach().to("cpu", copy=True)))

    def undo(self) -> None:
        """Put every original back, bit for bit."""
        import torch

        with torch.no_grad():
            for weight, original in self._originals:
                weight.copy_(original)
        self._originals.clear()


def merge(pipe: Any, files: Sequence[Merge], denoisers: Sequence[str], for_good: bool = False) -> Merged:
    """Merge LoRA files into the denoisers of a pipeline, in order.

    `for_good` keeps no originals: those of two experts of 14B would be 57 GB.
    Raises: BadShot when a file belongs to another model, BadMedia when it is damaged. Nothing is changed then, unless
    `for_good`: such a pipeline must be dropped.
    """
    merged = Merged(for_good)
    try:
        for file in files:
            state, scale = _read(pipe, file.path)
            for name in file.components or denoisers:
                model = getattr(pipe, name, None)
                if model is not None:
                    _add(model, state, file, scale, merged)
    except BaseException:
        merged.undo()
        raise
    return merged


def _read(pipe: Any, path: Path) -> tuple[Mapping[str, Any], float]:
    """The file's matrices by the names of diffusers, and the scale that its own metadata asks for."""
    if path.suffix != ".safetensors":
        raise BadMedia(f"{path.name}: a LoRA is a .safetensors file; other formats can carry code")
    reader = getattr(type(pipe), "lora_state_dict", None)
    if reader is None:
        raise BadShot(f"{path.name}: {type(pipe).__name__} takes no LoRA")
    try:
        state, metadata = reader(
            str(path.parent),
            weight_name=path.name,
            local_files_only=True,
            use_safetensors=True,
            return_lora_metadata=True,
        )
    except Exception as error:  # converters fail in many ways on files of other models
        raise BadMedia(f"{path.name}: not a LoRA that can be read ({error})") from error
    settings = metadata or {}
    rank, alpha = settings.get("transformer.r"), settings.get("transformer.lora_alpha")
    return state, float(alpha) / float(rank) if rank and alpha else 1.0


def _add(model: Any, state: Mapping[str, Any], file: Merge, scale: float, merged: Merged) -> None:
    import torch

    modules = dict(model.named_modules())
    pairs = [name.removesuffix(_A) for name in state if name.endswith(_A)]
    if not pairs:
        raise BadShot(f"{file.path.name}: holds no LoRA matrices")
    with torch.no_grad():
        for name in pairs:
            module = modules.get(name.partition(".")[2])
            down, up = state[name + _A], state[name + _B]
            if module is None or not hasattr(module, "weight"):
                raise BadShot(f"{file.path.name}: made for another model, it changes {name}, which this one has not")
            weight = module.weight
            if (up.shape[0], down.shape[1]) != tuple(weight.shape) or up.shape[1] != down.shape[0]:
                raise BadShot(
                    f"{file.path.name}: made for another model, {name} is {up.shape[0]}x{down.shape[1]} there and"
                    f" {'x'.join(map(str, weight.shape))} here"
                )
            merged.keep(weight)
            change = up.to(weight.device, torch.float32) @ down.to(weight.device, torch.float32)
            weight.copy_(weight.to(torch.float32) + file.weight * scale * change)
            _add_bias(module, state.get(f"{name}.lora_B.bias"), file.weight * scale, merged)


def _add_bias(module: Any, bias: Any, factor: float, merged: Merged) -> None:
    if bias is not None and module.bias is not None:
        merged.keep(module.bias)
        module.bias.copy_(module.bias + factor * bias.to(module.bias.device, module.bias.dtype))
