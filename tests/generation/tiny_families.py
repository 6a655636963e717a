"""Models of random weights, each a few hundred kilobytes, in the shape of the real ones: built here, saved, loaded.

Their ratios are those of the real checkpoints (32 pixels and 8 frames to a latent, 25 sound latents a second), so that
sizes, lengths and sounds obey the real rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.engines.diffusion.tiny import byte_tokenizer

SEED = 31
#: Width of the text encoder and its hidden states: embeddings and two layers.
_TEXT, _STATES = 16, 3
_LATENT = 4
_MEL_BINS, _SOUND_LATENT = 8, 2


def build_ltx2(folder: Path, *, version: str = "2.0", causal: bool = False, upsampler: bool = False) -> None:
    """An LTX-2 with sound in `folder`.

    Args:
        version: 2.0, or 2.3: gates, a projection of the text for film and sound each, 48 kHz instead of 16.
        causal: a decoder that looks back only.
        upsampler: with the folder that doubles latents.
    """
    import torch
    from diffusers import LTX2Pipeline

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        pipe = LTX2Pipeline(**_ltx2_parts(version, causal))
        pipe.save_pretrained(folder, safe_serialization=True)
        if upsampler:
            _upsampler().save_pretrained(folder / "latent_upsampler", safe_serialization=True)


def _ltx2_parts(version: str, causal: bool) -> dict[str, Any]:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return {
        **_gemma(),
        "connectors": _connectors(version),
        "transformer": _denoiser(version),
        "vae": _film_vae(causal),
        "audio_vae": _sound_vae(),
        "vocoder": _vocoder() if version == "2.0" else _wide_vocoder(),
        "scheduler": FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, shift_terminal=0.1
        ),
    }


def _gemma() -> dict[str, Any]:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    tokenizer = byte_tokenizer()
    entries = len(tokenizer)
    config = Gemma3Config(
        text_config={
            "model_type": "gemma3_text", "vocab_size": entries + 8, "hidden_size": _TEXT, "intermediate_size": 32,
            "num_hidden_layers": _STATES - 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
            "max_position_embeddings": 1024, "sliding_window": 64,
            "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1,
        },
        vision_config={
            "model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
        },
        mm_tokens_per_image=4, boi_token_index=entries, eoi_token_index=entries + 1, image_token_index=entries + 2,
    )  # fmt: skip
    return {"tokenizer": tokenizer, "text_encoder": Gemma3ForConditionalGeneration(config).eval()}


def _connectors(version: str) -> Any:
    from diffusers.pipelines.ltx2.connectors import LTX2TextConnectors

    shape: dict[str, dict[str, Any]] = {
        part: {"num_attention_heads": heads, "attention_head_dim": 4, "num_layers": 1, "num_learnable_registers": 16}
        for part, heads in (("video", 4), ("audio", 4 if version == "2.0" else 2))
    }
    later: dict[str, Any] = {
        "video_gated_attn": True, "audio_gated_attn": True, "per_modality_projections": True, "video_hidden_dim": 16,
        "audio_hidden_dim": 8, "proj_bias": True,
    }  # fmt: skip
    return LTX2TextConnectors(
        caption_channels=_TEXT, text_proj_in_factor=_STATES, connector_rope_base_seq_len=64,
        rope_double_precision=False, rope_type="split", **(later if version == "2.3" else {}),
        **{f"{part}_connector_{name}": value for part, values in shape.items() for name, value in values.items()},
    ).eval()  # fmt: skip


def _denoiser(version: str) -> Any:
    from diffusers import LTX2VideoTransformer3DModel

    sound = _SOUND_LATENT * _MEL_BINS // 4
    later: dict[str, Any] = {
        "gated_attn": True, "cross_attn_mod": True, "audio_gated_attn": True, "audio_cross_attn_mod": True,
        "use_prompt_embeddings": False, "perturbed_attn": True,
    }  # fmt: skip
    return LTX2VideoTransformer3DModel(
        in_channels=_LATENT, out_channels=_LATENT, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
        audio_in_channels=sound, audio_out_channels=sound, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=2, caption_channels=_TEXT, rope_double_precision=False,
        rope_type="split", **(later if version == "2.3" else {}),
    ).eval()  # fmt: skip


def _film_vae(causal: bool) -> Any:
    from diffusers import AutoencoderKLLTX2Video

    return AutoencoderKLLTX2Video(
        latent_channels=_LATENT, block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8),
        layers_per_block=(1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1), spatio_temporal_scaling=(True,) * 3,
        decoder_spatio_temporal_scaling=(True,) * 3, decoder_inject_noise=(False,) * 4,
        downsample_type=("spatiotemporal",) * 3, upsample_type=("spatiotemporal",) * 3, upsample_residual=(False,) * 3,
        upsample_factor=(1,) * 3, down_block_types=("LTX2VideoDownBlock3D",) * 3, patch_size=4, patch_size_t=1,
        encoder_causal=True, decoder_causal=causal,
    ).eval()  # fmt: skip


def _sound_vae() -> Any:
    from diffusers import AutoencoderKLLTX2Audio

    return AutoencoderKLLTX2Audio(
        base_channels=_SOUND_LATENT * _MEL_BINS // 4, output_channels=2, ch_mult=(1, 1, 1), num_res_blocks=1,
        in_channels=2, resolution=32, latent_channels=_SOUND_LATENT, causality_axis="height", mel_bins=_MEL_BINS,
    ).eval()  # fmt: skip


def _vocoder() -> Any:
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    # 160 samples for each of the 100 spectra a second.
    return LTX2Vocoder(
        in_channels=2 * _MEL_BINS, hidden_channels=16, out_channels=2, upsample_kernel_sizes=[16, 9, 8],
        upsample_factors=[8, 5, 4], resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
    ).eval()  # fmt: skip


def _wide_vocoder() -> Any:
    """At 16 kHz first, then with the highs of 48 kHz, made from the spectra of the first."""
    import torch
    from diffusers.pipelines.ltx2.vocoder import LTX2VocoderWithBWE

    made = LTX2VocoderWithBWE(
        in_channels=2 * _MEL_BINS, hidden_channels=16, upsample_kernel_sizes=[16, 9, 8], upsample_factors=[8, 5, 4],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], bwe_in_channels=2 * _MEL_BINS, bwe_hidden_channels=16,
        bwe_upsample_kernel_sizes=[16, 12, 11], bwe_upsample_factors=[8, 6, 5], bwe_resnet_kernel_sizes=[3],
        bwe_resnet_dilations=[[1, 3, 5]], filter_length=160, hop_length=80, window_length=160,
        num_mel_channels=_MEL_BINS,
    ).eval()  # fmt: skip
    for name, buffer in made.named_buffers():
        if name.endswith("basis"):  # zeros, until a checkpoint brings them
            buffer.copy_(torch.rand(buffer.shape) / 10)
    return made


def _upsampler() -> Any:
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    return LTX2LatentUpsamplerModel(in_channels=_LATENT, mid_channels=32, num_blocks_per_stage=1).eval()


def build_helios(folder: Path) -> None:
    """A distilled Helios in `folder`: three stages of two steps, pieces of 33 frames."""
    import torch
    from diffusers import HeliosDMDScheduler, HeliosPyramidPipeline, HeliosTransformer3DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        denoiser = HeliosTransformer3DModel(
            num_attention_heads=2, attention_head_dim=12, rope_dim=(4, 4, 4), in_channels=16, out_channels=16,
            text_dim=32, freq_dim=32, ffn_dim=64, num_layers=2,
        ).eval()  # fmt: skip
        HeliosPyramidPipeline(
            **_umt5(), vae=_wan_vae(), transformer=denoiser, is_distilled=True,
            scheduler=HeliosDMDScheduler(use_dynamic_shifting=True, time_shift_type="linear"),
        ).save_pretrained(folder, safe_serialization=True)  # fmt: skip


def _umt5() -> dict[str, Any]:
    from transformers import UMT5Config, UMT5EncoderModel

    tokenizer = byte_tokenizer()
    config = UMT5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return {"tokenizer": tokenizer, "text_encoder": UMT5EncoderModel(config).eval()}


def _wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    ).eval()


def build_kandinsky6(folder: Path) -> None:
    """A distilled Kandinsky 6 in `folder`, with sound at 44.1 kHz; its tokenizer stands without a processor."""
    import torch
    from diffusers import Kandinsky6TI2VAPipeline, PiflowScheduler

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        Kandinsky6TI2VAPipeline(
            **_qwen(), **_clip(), **_kandinsky6_models(),
            scheduler=PiflowScheduler(n_grid=2, num_policy_substeps=4),
        ).save_pretrained(folder, safe_serialization=True)  # fmt: skip


def _kandinsky6_models() -> dict[str, Any]:
    from diffusers import AutoencoderKLHunyuanVideo, Kandinsky6Transformer3DModel
    from diffusers.models.autoencoders.autoencoder_mmaudio import MMAudioVAE
    from diffusers.models.autoencoders.mmaudio_vocoder import MMAudioVocoder

    return {
        "transformer": Kandinsky6Transformer3DModel(
            in_visual_dim=4, out_visual_dim=8, in_text_dim=32, in_text_dim2=16, time_dim=16, model_dim=24, ff_dim=32,
            num_text_blocks=1, num_visual_blocks=2, axes_dims=(4, 4, 4), in_audio_dim=4, out_audio_dim=8,
            text_token_padding=True, ca_rope=True, cross_gates=True, fix_modulation=True,
            visual_token_type_num_embeddings=2,
        ).eval(),
        "vae": AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ).eval(),
        "audio_vae": MMAudioVAE(
            mel_bins=16, latent_channels=4, hidden_channels=16, channel_multipliers=(1, 1, 1), layers_per_block=1
        ).eval(),
        "vocoder": MMAudioVocoder(
            num_mels=16, upsample_initial_channel=16, upsample_rates=(8, 8, 8), upsample_kernel_sizes=(16, 16, 16),
            resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3, 5),),
        ).eval(),
    }  # fmt: skip


def _qwen() -> dict[str, Any]:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = byte_tokenizer()
    tokenizer.model_max_length = 4096
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer) + 8, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1,
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
    )  # fmt: skip
    return {"tokenizer": tokenizer, "text_encoder": Qwen2_5_VLForConditionalGeneration(config).eval()}


def _clip() -> dict[str, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = byte_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, pad_token_id=0, eos_token_id=1, bos_token_id=1,
    )  # fmt: skip
    return {"tokenizer_2": tokenizer, "text_encoder_2": CLIPTextModel(config).eval()}
