"""Which attention is used: what the preset knows to be good, is installed here, and computes what the native one does.

A back end is taken only after a small attention of the model's own head size on the model's own device agreed with
torch's: a wheel for another card, a head size it was not built for or swapped axes show there, and not as a grey film
an hour later. Kernels that would be fetched from a hub at run time are never taken: they are code, not weights.

diffusers sets the process-wide default together with a model's, and resets only the model's: here both come back.
Knows no denoiser's inside but the head size in its configuration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from generation.engines.diffusion.presets import Preset
from generation.errors import NotAvailable

NATIVE = "native"
#: Largest relative error (root of mean squares) against the native one. Sage's 8-bit products are at about 0.03 in
#: half precision; a wrong layout is near 1.
TOLERANCE = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.05}
#: Queries, keys: no multiples of any block size, and unequal, as between picture and prompt.
_LENGTHS = (333, 217)
_HEADS = 2


@dataclass(frozen=True, slots=True)
class Chosen:
    """The back end's name, and why the better ones are not used."""

    name: str
    notes: tuple[str, ...] = ()


def choose(preset: Preset, device: str, wanted: str, head_size: int, dtype: Any) -> Chosen:
    """`wanted` is native, auto (the first verified one of the preset's list) or the name of one to verify.

    Raises: NotAvailable when one that was asked for by name cannot be used.
    """
    candidates = preset.attention if wanted == "auto" else (wanted,)
    notes: list[str] = []
    for name in candidates:
        fault = "" if name == NATIVE else unusable(name, device, head_size, dtype)
        if not fault:
            return Chosen(name, tuple(notes))
        if wanted != "auto":
            raise NotAvailable(f"attention {name} was asked for and cannot be used: {fault}; `auto` takes what can")
        notes.append(f"attention {name} is not used: {fault}")
    return Chosen(NATIVE, tuple(notes))


def unusable(name: str, device: str, head_size: int, dtype: Any) -> str:
    """Why a back end cannot be used here; "" when it agrees with the native one."""
    from diffusers.models import attention_dispatch

    known = sorted(entry.value for entry in attention_dispatch.AttentionBackendName)
    if name not in known:
        return f"diffusers knows {', '.join(known)}"
    if name.endswith("_hub"):
        return "its code would be fetched from a hub at run time; install the package and name that one"
    backend = attention_dispatch.AttentionBackendName(name)
    try:
        attention_dispatch._check_attention_backend_requirements(backend)
        error = _error_against_native(backend, device, head_size, dtype)
    except Exception as fault:  # noqa: BLE001 - foreign kernels raise anything; the sentence goes to the report
        return f"{type(fault).__name__}: {str(fault).strip().splitlines()[0] if str(fault).strip() else 'no reason'}"
    limit = TOLERANCE.get(str(dtype).removeprefix("torch."), 0.05)
    if not error <= limit:  # also when it is not a number
        return f"its result is {error:.3g} away from the native one's on {device} (limit {limit:g})"
    return ""


def _error_against_native(backend: Any, device: str, head_size: int, dtype: Any) -> float:
    import torch
    from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn

    generator = torch.Generator("cpu").manual_seed(0)
    query, key, value = (
        torch.randn(1, length, _HEADS, head_size, generator=generator).to(device, dtype)
        for length in (_LENGTHS[0], _LENGTHS[1], _LENGTHS[1])
    )
    with torch.inference_mode():
        mine = dispatch_attention_fn(query, key, value, backend=backend).float()
        native = dispatch_attention_fn(query, key, value, backend=AttentionBackendName.NATIVE).float()
    return float((mine - native).square().mean().sqrt() / native.square().mean().sqrt())


@contextmanager
def attention(denoisers: Sequence[Any], name: str) -> Iterator[None]:
    """The denoisers use the back end `name` inside, and what they used before afterwards."""
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry as Registry

    before = [(processor, processor._attention_backend) for processor in _processors(denoisers)]
    default, _ = Registry.get_active_backend()
    try:
        if name != NATIVE or any(backend is not None for _, backend in before):
            for denoiser in denoisers:
                _set_quietly(denoiser, name)
            # At once: the processors carry the name now, and what else runs in this process keeps its own.
            Registry.set_active_backend(default)
        yield
    finally:
        Registry.set_active_backend(default)
        for processor, backend in before:
            processor._attention_backend = backend


def _processors(denoisers: Sequence[Any]) -> Iterator[Any]:
    for denoiser in denoisers:
        for module in denoiser.modules():
            processor = getattr(module, "processor", None)
            if hasattr(processor, "_attention_backend"):
                yield processor


def _set_quietly(denoiser: Any, name: str) -> None:
    """diffusers calls the whole feature experimental on every call; once in this docstring is enough."""
    log = logging.getLogger("diffusers.models.modeling_utils")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        denoiser.set_attention_backend(name)
    finally:
        log.setLevel(level)
