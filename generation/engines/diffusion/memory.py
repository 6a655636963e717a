"""When memory runs out: what counts as that, and what is tried next, in the order of what it costs.

A smaller batch costs nothing but time on an idle card; decoding in tiles changes pixels a little; offloading weights
halves the speed. What was learned for a shape is kept by the session, so that the next shot does not fail again first.
Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from generation.errors import OutOfMemory
from generation.spec import Shot

#: Tokens (latent pixels in patches) from which one clip keeps a card's matrix units busy: a batch only costs memory
#: above, and below it is nearly free. Wan's 480x832x81 is 32,760 tokens.
BUSY_TOKENS = 32_000
#: Pixels of a frame and frames behind one token: 8x8 by the VAE, 2x2 by the patches, 4 frames.
_TOKEN_PIXELS, _TOKEN_FRAMES = 256, 4
#: More shots than this are not denoised at once: each waits for all.
MOST_SHOTS = 8


@dataclass(frozen=True, slots=True)
class Footing:
    """How carefully a batch is run: shots at once, decoding in tiles, weights kept in the machine's memory."""

    batch: int
    tiling: bool = False
    offload: bool = False

    def smaller(self, can_offload: bool) -> Footing | None:
        """The next thing to try, or None when nothing is left."""
        if self.batch > 1:
            return replace(self, batch=(self.batch + 1) // 2)
        if not self.tiling:
            return replace(self, tiling=True)
        return replace(self, offload=True) if can_offload and not self.offload else None


def batch_for(shot: Shot) -> int:
    """How many shots of this size are worth denoising at once."""
    tokens = shot.size.width_px * shot.size.height_px // _TOKEN_PIXELS * (1 + (shot.frames - 1) // _TOKEN_FRAMES)
    return max(1, min(MOST_SHOTS, BUSY_TOKENS // max(1, tokens)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device's or the machine's allocator gave up: a class of torch for the first, a text for the other."""
    import torch

    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
        or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())
        # cuBLAS and cuDNN, which take their workspaces past torch's allocator.
        or (isinstance(error, RuntimeError) and "ALLOC_FAILED" in str(error))
    )


def gave_up(name: str, shot: Shot, footing: Footing, error: BaseException) -> OutOfMemory:
    """The last word, with the numbers."""
    import torch

    tried = ["one shot at a time", "decoding in tiles", *(["offloading weights"] if footing.offload else [])]
    room = ""
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        room = f"; the GPU has {total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB of them free"
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return OutOfMemory(
        f"{name}: {shot.size}, {shot.frames} frames do not fit into memory, even with {', '.join(tried)}{room}"
        f" ({reason}); take a smaller preset or a shorter shot"
    )
