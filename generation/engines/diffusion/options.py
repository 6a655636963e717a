"""What a campaign may set for a text-to-video preset (`engine_options`), and which of it changes no pixel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from generation.engines.contract import EngineOptions

#: Options that are left out of a footage's key, so that changing them renders nothing again:
#: - preview_every decodes copies of the latents on the way; the loop goes on with its own.
#: - batch: every shot has a generator of its own, and a session keeps films independent of their neighbours.
#: - offload moves weights to the GPU when their turn comes, and computes the same with them.
#: - accept is a person's word.
#: Not among them: precision and attention (other roundings), tiling (seams are blended), compile (fused roundings).
NEUTRAL = frozenset({"preview_every", "batch", "offload", "accept"})


class DiffusionOptions(EngineOptions):
    """Options of every preset; what is left out is the preset's own."""

    speed: Literal["exact", "balanced", "fast"] = Field(
        "exact", description="how much likeness to the exact film may be given for time"
    )
    steps: int | None = Field(None, ge=1, le=200, description="denoising steps; left out, the preset's own")
    guidance: float | None = Field(
        None, ge=0.0, le=30.0, description="how strictly the prompt is followed; 1 is half the work; the preset's own"
    )
    precision: Literal["auto", "bf16", "fp8", "fp32"] = Field(
        "auto", description="what the weights are kept in; auto is the best that fits into the GPU"
    )
    attention: Literal["auto", "native", "_native_cudnn", "_native_flash", "flash", "_flash_3", "sage", "flex"] = Field(
        "auto", description="attention back end; auto leaves it to the level of speed"
    )
    accept: bool = Field(False, description="true: what the preset warns of was read, and it may be used")
    negative: str = Field("", max_length=1000, description="what shall not be seen, added to every negative prompt")
    preview_every: int = Field(0, ge=0, le=200, description="steps between previews of the first frame; 0 makes none")
    batch: int = Field(0, ge=0, le=64, description="shots denoised together at most; 0 goes by the memory")
    offload: Literal["auto", "group"] = Field(
        "auto", description="group keeps weights in the machine's memory until their turn; auto where they do not fit"
    )
    tiling: Literal["auto", "on"] = Field(
        "auto", description="decode pictures in tiles; auto where memory did not suffice"
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="compile the repeated blocks, once for each shape; auto leaves it to the level of speed"
    )
