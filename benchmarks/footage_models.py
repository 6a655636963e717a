"""Models of true architecture and random weights, built from their published configurations: no download, true cost.

A denoiser's time depends on its shapes and not on its weights, so speed can be measured on them; what they draw is
noise, so quality cannot, and neither can how often a cache skips (that depends on what the model returns). The text
encoder is a small one of the right width: prompts are encoded apart and their time is not what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule, Speed, get_preset
from generation.spec import Size

#: Configurations as the publishers' folders have them (transformer/config.json, vae/config.json).
_WAN = {"patch_size": (1, 2, 2), "attention_head_dim": 128, "text_dim": 4096, "freq_dim": 256, "num_layers": 30,
        "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 1024}  # fmt: skip
DENOISERS: Mapping[str, Mapping[str, Any]] = {
    "wan-1.3b": {**_WAN, "num_attention_heads": 12, "ffn_dim": 8960, "in_channels": 16, "out_channels": 16},
    "wan-5b": {**_WAN, "num_attention_heads": 24, "ffn_dim": 14336, "in_channels": 48, "out_channels": 48},
}
VAES: Mapping[str, Mapping[str, Any]] = {
    "wan-1.3b": {},
    "wan-5b": {
        "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "is_residual": True, "in_channels": 12,
        "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16, "latents_mean": [0.0] * 48,
        "latents_std": [1.0] * 48,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: a model, a size, a length; the preset whose levels are compared."""

    name: str
    preset: str
    size: Size
    frames: int


CASES = {
    "tiny": Case("tiny", "tiny", Size(64, 64), 9),
    "wan-1.3b": Case("wan-1.3b", "draft", Size(832, 480), 81),
    "wan-5b": Case("wan-5b", "standard", Size(1280, 704), 121),
}
#: The tiny preset's levels change nothing; the harness has to see levels that do.
_TINY_SPEEDS = {
    "exact": Speed(),
    "balanced": Speed(cache="step", threshold=0.3, guided_part=0.8),
    "fast": Speed(cache="step", threshold=1.0, guided_part=0.5),
}


def build(case: Case, folder: Path, device: str) -> None:
    """Write the model into `folder`, in diffusers' layout; the 5B needs 20 GiB of the device for a moment."""
    from generation.engines.diffusion import tiny

    if case.name == "tiny":
        tiny.build(folder)
        return
    _true(case.name, device).save_pretrained(folder, safe_serialization=True)


def _true(name: str, device: str) -> Any:
    import diffusers
    import torch
    from transformers import UMT5Config, UMT5EncoderModel

    from generation.engines.diffusion.tiny import byte_tokenizer

    torch.manual_seed(0)
    with torch.device(device):
        denoiser = diffusers.WanTransformer3DModel(**DENOISERS[name]).to(torch.bfloat16).eval()
        vae = diffusers.AutoencoderKLWan(**VAES[name]).eval()
    tokenizer = byte_tokenizer()
    text = UMT5EncoderModel(
        UMT5Config(vocab_size=len(tokenizer), d_model=DENOISERS[name]["text_dim"], d_kv=64, d_ff=64, num_layers=1,
                   num_heads=1, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
    ).eval()  # fmt: skip
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=5.0
    )
    return diffusers.WanPipeline(
        tokenizer=tokenizer, text_encoder=text, vae=vae, transformer=denoiser, scheduler=scheduler,
        expand_timesteps=name == "wan-5b",
    )  # fmt: skip


def preset_of(case: Case, folder: Path, steps: int = 0) -> Preset:
    """The product's own preset for this architecture, on the random weights in `folder`."""
    preset = replace(get_preset(case.preset), checkpoint=Checkpoint("", "", 0.0, folder=str(folder)))
    schedule: Schedule = replace(preset.schedule, steps=steps or preset.schedule.steps)
    if case.name == "tiny":
        return replace(preset, schedule=schedule, guidance=5.0, speeds=_TINY_SPEEDS)
    return replace(preset, schedule=schedule)
