"""How much arithmetic a clip is, from the model's configuration, and how much a card can do: the achieved share.

Counted are the products of the denoiser's linear layers and attention, two operations each; they are all but a
thousandth of its work. Decoding and text are not counted: they are overhead here, and lower the share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.spec import Size

#: Part of the device's name -> dense bf16 rate with fp32 accumulation, in 10^12 operations a second, without sparsity.
#: From NVIDIA's data sheets and architecture papers (the sheets' figures with sparsity, halved); the first that matches
#: counts. Boost clocks under load are lower: nobody reaches 100 %.
CARD_TERA: tuple[tuple[str, float, str], ...] = (
    ("B200", 2250.0, "HGX B200 data sheet"),
    ("H200", 989.4, "H200 data sheet"),
    ("H100 NVL", 835.5, "H100 data sheet"),
    ("H100 PCIe", 756.5, "H100 data sheet"),
    ("H100", 989.4, "H100 data sheet, SXM"),
    ("A100", 312.0, "A100 data sheet"),
    ("L40S", 362.1, "L40S data sheet"),
    ("L4", 121.0, "L4 data sheet"),
    ("RTX 5090", 209.5, "RTX Blackwell architecture paper"),
    ("RTX 4090", 165.2, "Ada architecture paper"),
    ("RTX 3090", 71.0, "GA102 architecture paper"),
)


def card_tera(name: str) -> float | None:
    """The card's dense bf16 rate in tera-operations a second; None for a card that the table does not have."""
    return next((tera for part, tera, _ in CARD_TERA if part in name), None)


def tokens(size: Size, frames: int, pixels_a_token: int) -> int:
    """Patches of the latents of a clip; four frames share one after the first."""
    return (1 + (frames - 1) // 4) * (size.width_px // pixels_a_token) * (size.height_px // pixels_a_token)


def call_operations(config: Mapping[str, Any], video: int, text: int = 512) -> int:
    """Operations of one call of a Wan denoiser for one clip of `video` tokens and `text` tokens of prompt."""
    width = int(config["num_attention_heads"] * config["attention_head_dim"])
    patch = config["patch_size"][0] * config["patch_size"][1] * config["patch_size"][2]
    own = 4 * video * width**2 + 2 * video**2 * width
    cross = 2 * video * width**2 + 2 * text * width**2 + 2 * video * text * width
    feed_forward = 2 * video * width * config["ffn_dim"]
    ends = video * patch * width * (config["in_channels"] + config["out_channels"])
    prompt = text * width * (config["text_dim"] + width)
    time = config["freq_dim"] * width + 7 * width**2  # of one noise level for the whole clip
    return int(2 * (config["num_layers"] * (own + cross + feed_forward) + ends + prompt + time))


def computed_calls(notes: Mapping[str, Any], steps: int, guided: bool) -> int:
    """How many calls of the denoiser a clip took, by its own report."""
    asked = notes.get("calls", steps * (2 if guided else 1) - notes.get("unguided_steps", 0))
    return int(asked) - int(notes.get("skipped", 0))
