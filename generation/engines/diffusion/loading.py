"""From a folder of weights to pipelines of diffusers: the real loading code, the same for a hub's model and a tiny one.

Only safetensors, only from this disk, no code from the folder. Parts are loaded by what a stage needs, so that the text
encoder and the denoisers are never in memory together unless somebody asks for it. Does not know presets' speeds nor
what is generated.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generation.errors import NotAvailable

PRECISIONS = ("fp32", "bf16", "fp8")


def diffusers_module() -> Any:
    """diffusers, imported quietly and without any thought of a network.

    Raises: NotAvailable with the command that installs it.
    """
    # Read once, at the import of huggingface_hub: what is not on the disk is a sentence of ours, not a time-out.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise NotAvailable(
            f"text-to-video models need torch, diffusers and transformers ({error}); install them: make diffusion"
        ) from error
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    return diffusers


def best_device() -> str:
    """`cuda` where torch sees a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def torch_type(precision: str) -> Any:
    """What tensors are computed in; fp8 is a way of keeping weights, and computes in bf16."""
    import torch

    return torch.float32 if precision == "fp32" else torch.bfloat16


def load_pipeline(
    folder: Path,
    class_name: str,
    *,
    without: Sequence[str],
    precision: str = "fp32",
    full_precision: Sequence[str] = (),
) -> Any:
    """The pipeline of a folder on the CPU, without the parts named in `without`.

    `class_name` is taken literally, whatever model_index.json names: some publishers name classes that nobody has.
    Parts in `full_precision` stay float32.

    Raises: NotAvailable when the folder lacks a part, or the installed diffusers lacks the class.
    """
    import torch

    diffusers = diffusers_module()
    pipeline = getattr(diffusers, class_name, None)
    if pipeline is None:
        raise NotAvailable(
            f"diffusers {diffusers.__version__} has no {class_name}; install the locked set: make diffusion"
        )
    dtype = {"default": torch_type(precision), **dict.fromkeys(full_precision, torch.float32)}
    try:
        with _quiet():
            pipe = pipeline.from_pretrained(
                folder, **dict.fromkeys(without), dtype=dtype, local_files_only=True, use_safetensors=True
            )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NotAvailable(f"{folder}: not a whole model for {class_name} ({reason}); fetch it again") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def as_pipeline(pipe: Any, class_name: str) -> Any:
    """Another pipeline over the same loaded parts, without a copy.

    Not `from_pipe`: diffusers 0.42.1 casts the shared parts to float32 there unless it is told a type, in place.
    """
    if type(pipe).__name__ == class_name:
        return pipe
    pipeline = getattr(diffusers_module(), class_name)
    accepted = set(inspect.signature(pipeline.__init__).parameters)
    parts = {name: part for name, part in pipe.components.items() if name in accepted}
    settings = {name: pipe.config[name] for name in accepted - set(parts) if name in pipe.config}
    made = pipeline(**parts, **settings)
    made.set_progress_bar_config(disable=True)
    return made


def parameters_gib(pipe: Any, names: Sequence[str]) -> float:
    """Size of the weights of some parts, in GiB."""
    total = 0
    for name in names:
        part = getattr(pipe, name, None)
        if part is not None and hasattr(part, "parameters"):
            total += sum(weight.numel() * weight.element_size() for weight in part.parameters())
    return float(total / 2**30)


def free(*pipes: Any) -> None:
    """Give memory back after the last reference to a pipeline's parts was dropped."""
    import gc

    import torch

    for pipe in pipes:
        for name in list(getattr(pipe, "components", ())):
            setattr(pipe, name, None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def _quiet() -> Any:
    """The libraries tell every run that parts were left out on purpose; warnings of that kind stay out of the log."""
    import warnings

    levels: Mapping[str, int] = {name: logging.getLogger(name).level for name in ("diffusers", "transformers")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
