"""What is done to loaded weights for speed or memory: compiled blocks, fp8 storage, offloading, tiled decoding.

Each is a function on modules of diffusers, with the undoing beside it where there is one. Pixels: offloading changes
none, compiling the last bits of floating point; fp8 storage and tiling change some. Does not decide when: the preset's
levels and the memory at hand do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from generation.errors import NotAvailable

#: Width, height, frames and shots of a batch: a compiled block serves exactly one.
Shape = tuple[int, int, int, int]
#: torch gives up compiling one piece of code after so many variants, and goes on uncompiled; we warn before that.
MOST_SHAPES = 8


def compile_blocks(denoiser: Any, shape: Shape) -> tuple[str, ...]:
    """Compile the repeated blocks (once) and note the shape; returns what there is to warn of.

    The compiler runs at the first call with each shape: about a minute or two for one shape, so that shots of few
    sizes and lengths should follow each other. Only the repeated blocks: a whole model takes many times as long for
    the same speed.
    Raises: NotAvailable when the model has no blocks that repeat.
    """
    seen: set[Shape] | None = getattr(denoiser, "compiled_shapes", None)
    if seen is None:
        if not getattr(denoiser, "_repeated_blocks", None):
            raise NotAvailable(f"{type(denoiser).__name__} names no repeated blocks; set compile = false in the preset")
        # dynamic=False: kernels for any length are slower than those for the one at hand.
        denoiser.compile_repeated_blocks(fullgraph=False, dynamic=False)
        seen = denoiser.compiled_shapes = set()
    if shape in seen:
        return ()
    seen.add(shape)
    width, height, frames, shots = shape
    notes = [f"compiling for {width}x{height}, {frames} frames, {shots} at a time: this batch takes longer"]
    if len(seen) > MOST_SHAPES:
        notes.append(
            f"{len(seen)} shapes with one compiled model: torch stops compiling after {MOST_SHAPES}; "
            "use fewer sizes and lengths, or compile = false"
        )
    return tuple(notes)


def uncompile(denoiser: Any) -> None:
    """Call the blocks directly again."""
    if getattr(denoiser, "compiled_shapes", None) is None:
        return
    for block in denoiser.modules():
        if type(block).__name__ in denoiser._repeated_blocks:
            block._compiled_call_impl = None
    del denoiser.compiled_shapes


def store_fp8(denoiser: Any) -> None:
    """Keep the weights of linear layers and convolutions in 8 bits, and compute in what they were loaded in.

    Once for a loaded model: what was rounded stays rounded. Norms, embeddings and the final projection keep theirs.
    Merge LoRAs before: nothing can be added to rounded weights.
    """
    import torch

    if getattr(denoiser, "stored_as", "native") == "fp8":
        return
    denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype)
    denoiser.stored_as = "fp8"


def storage_of(denoiser: Any) -> str:
    """native or fp8."""
    return str(getattr(denoiser, "stored_as", "native"))


def offload_groups(module: Any, device: str, leaves: bool = False) -> None:
    """Keep the weights in the host's memory and bring each block (or each layer) to the device when it is its turn.

    The least memory at native precision; on a GPU the next block comes while this one computes. Until the model is
    loaded again. By layers for models of other libraries, such as text encoders: those run once for a text, and are
    not worth a second copy in pinned memory.
    """
    import torch
    from diffusers.hooks import apply_group_offloading

    there, here = torch.device(device), torch.device("cpu")
    if leaves:
        apply_group_offloading(module, onload_device=there, offload_device=here, offload_type="leaf_level")
        return
    streams = device.startswith("cuda")
    module.enable_group_offload(
        onload_device=there,
        offload_device=here,
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=streams,
        non_blocking=streams,
    )


@contextmanager
def swapped(denoisers: Sequence[Any], device: str, home: str = "cpu") -> Iterator[list[str]]:
    """Only the denoiser that is being called is on `device`, the others are at `home`: for models with two experts.

    The experts take turns once in a clip, so a clip waits for two transfers and not for one in each step. Yields the
    moves so far ("0 in", "1 out"), for the report.
    """
    moves: list[str] = []
    inside: list[int] = []

    def bring(number: int) -> None:
        if number in inside:
            return
        for other in list(inside):
            denoisers[other].to(home)
            inside.remove(other)
            moves.append(f"{other} out")
        denoisers[number].to(device)
        inside.append(number)
        moves.append(f"{number} in")

    handles = [
        denoiser.register_forward_pre_hook(lambda *_, number=number: bring(number))
        for number, denoiser in enumerate(denoisers)
    ]
    try:
        yield moves
    finally:
        for handle in handles:
            handle.remove()
        for number in inside:
            denoisers[number].to(home)


@contextmanager
def tiled(vae: Any) -> Iterator[None]:
    """Decode in overlapping tiles: far less memory, a little slower, and other pixels near the seams."""
    # The next shot's picture may be encoded in another thread: not in tiles, only because this one needs them.
    with getattr(vae, "turn", nullcontext()):
        before = bool(getattr(vae, "use_tiling", False))
        vae.enable_tiling()
        try:
            yield
        finally:
            if not before:
                vae.disable_tiling()
