"""Encoded prompts on disk: one safetensors file for each text, so that a text encoder of 10 GiB runs once and leaves.

An embedding is a mapping of names to tensors without the batch axis, whatever the family needs. Does not know how texts
are encoded (`families/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.engines.diffusion.families.contract import Embedding
from generation.errors import BadMedia


def write_embedding(path: Path, embedding: Embedding) -> None:
    """Write an embedding into a folder that nobody reads yet. The same embedding gives the same bytes."""
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {name: tensor.detach().cpu().contiguous() for name, tensor in embedding.items()}
    save_file(tensors, path)


def read_embedding(path: Path) -> Mapping[str, Any]:
    """Read an embedding to the CPU.

    Raises: BadMedia when the file is damaged or is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise BadMedia(f"{path.name}: not a readable encoded prompt ({error}); remove it and run again") from error
