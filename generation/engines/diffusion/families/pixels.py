"""What families share about pictures: the one a film begins with, and a decoder's output as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from generation.engines.diffusion.families.contract import Picture
from generation.engines.diffusion.pictures import exact_frame, first_frame
from generation.spec import Shot


def begins(shot: Shot) -> Picture:
    """The frame before, exactly, or else the row's picture, at the film's size."""
    if shot.first_frame is not None:
        return exact_frame(shot.first_frame, shot.size)
    assert shot.image is not None
    return first_frame(shot.image, shot.size)


def pil(picture: Picture) -> Any:
    """A picture as pipelines take it."""
    from PIL import Image

    return Image.fromarray(picture)


def pictures(video: Any) -> Iterator[Picture]:
    """(channels, frames, height, width) from -1 to 1, as a VAE gives it, rounded as diffusers does it."""
    import torch

    eight_bits = [
        ((video[:, index].permute(1, 2, 0) / 2 + 0.5).clamp(0, 1).float() * 255).round().to(torch.uint8)
        for index in range(video.shape[1])
    ]
    # One copy for the film: each waits for all that the GPU was told before, the next shot's whole step among it.
    yield from np.asarray(torch.stack(eight_bits).cpu().numpy(), np.uint8)
