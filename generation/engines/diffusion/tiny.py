"""A Wan of random weights in half a megabyte, built here: the whole way of a real checkpoint without its download.

For dry runs of a campaign and for tests. Its films are coloured noise that moves; what is real is everything around
the weights: the folder in diffusers' layout, the loading code, prompts in any script, schedules, batches, decoding.
The same seed builds the same files. Variants cover what the family's checkpoints can be; see `build`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.engines.diffusion.loading import diffusers_module

#: Ways to build it: what the checkpoint is made for. `two_experts` and `five` are Wan 2.2's A14B and 5B in small.
KINDS = ("text", "image", "two_experts", "five", "references")
SEED = 2027
#: Width of the text embeddings, and of the latents of a picture.
_TEXT, _LATENT = 32, 16


def build(folder: Path, kind: str = "five") -> None:
    """Write the model into `folder` (created), in diffusers' layout, safetensors only. Takes about a second.

    Args:
        kind: text, image (first frame, and first and last frame), two_experts (text with a second denoiser for low
            noise), five (text or first frame in one checkpoint, other compression), references (VACE).
    """
    import torch

    if kind not in KINDS:
        raise ValueError(f"there is no tiny model {kind!r}; there are {', '.join(KINDS)}")
    # The caller's own random numbers go on as if nothing had been drawn here.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        pipe = _pipeline(kind)
        with torch.no_grad():
            _enliven(pipe, contrast=1.5 if kind == "five" else 4)
        pipe.save_pretrained(folder, safe_serialization=True)


def _pipeline(kind: str) -> Any:
    diffusers = diffusers_module()
    parts = {**_text_parts(), "vae": _vae(kind), "scheduler": _scheduler(), "transformer": _denoiser(kind)}
    if kind == "references":
        return diffusers.WanVACEPipeline(**parts)
    if kind == "image":
        return diffusers.WanImageToVideoPipeline(**parts, image_encoder=None, image_processor=None)
    if kind == "two_experts":
        return diffusers.WanPipeline(**parts, transformer_2=_denoiser(kind), boundary_ratio=0.875)
    return diffusers.WanPipeline(**parts, expand_timesteps=kind == "five")


def _enliven(pipe: Any, contrast: float) -> None:
    """Random weights hardly listen: make prompts and pictures count for about as much as the seed does.

    Attention over 512 tokens is nearly even at first and averages any prompt to the same; sharper keys and larger
    values give luma differences of 13 levels between prompts and between seeds, from 0.02 and 1.4.
    """
    for denoiser in (pipe.transformer, getattr(pipe, "transformer_2", None)):
        for block in denoiser.blocks if denoiser is not None else ():
            block.attn2.norm_k.weight.mul_(12)
            block.attn2.to_v.weight.mul_(10)
            block.attn2.to_out[0].weight.mul_(20)
        if denoiser is not None:
            denoiser.proj_out.weight.mul_(8)
            # Channels behind the noise are what the picture says.
            denoiser.patch_embedding.weight[:, _LATENT:].mul_(6)
    pipe.vae.decoder.conv_out.weight.mul_(contrast)


def byte_tokenizer() -> Any:
    """A tokenizer over raw bytes, shaped like T5's: any language and any emoji, 259 entries."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    vocabulary = {entry: number for number, entry in enumerate([*special.values(), *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=special["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)


def _text_parts() -> dict[str, Any]:
    from transformers import UMT5Config, UMT5EncoderModel

    tokenizer = byte_tokenizer()
    config = UMT5Config(
        vocab_size=len(tokenizer), d_model=_TEXT, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return {"tokenizer": tokenizer, "text_encoder": UMT5EncoderModel(config).eval()}


def _vae(kind: str) -> Any:
    diffusers = diffusers_module()
    if kind == "five":
        # As Wan 2.2's: pictures in patches of two, and so 16 pixels to a latent instead of 8.
        return diffusers.AutoencoderKLWan(
            base_dim=4, decoder_base_dim=4, z_dim=_LATENT, dim_mult=[1, 1, 1, 1], num_res_blocks=1, patch_size=2,
            temperal_downsample=[False, True, True], in_channels=12, out_channels=12, is_residual=True,
            scale_factor_spatial=16,
        ).eval()  # fmt: skip
    return diffusers.AutoencoderKLWan(
        base_dim=4, z_dim=_LATENT, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    ).eval()


def _denoiser(kind: str) -> Any:
    diffusers = diffusers_module()

    shape: dict[str, Any] = {
        "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 16, "in_channels": _LATENT,
        "out_channels": _LATENT, "text_dim": _TEXT, "freq_dim": 32, "ffn_dim": 64, "num_layers": 4,
        "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 64,
    }  # fmt: skip
    if kind == "references":
        return diffusers.WanVACETransformer3DModel(**shape, vace_layers=[0, 2], vace_in_channels=96).eval()
    if kind == "image":
        # Noise, the picture's latents, and a mask of four frames: 16 + 16 + 4 channels.
        shape["in_channels"] = 2 * _LATENT + 4
    return diffusers.WanTransformer3DModel(**shape).eval()


def _scheduler() -> Any:
    return diffusers_module().UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )
