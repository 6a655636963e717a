"""LTX-2, 2.3 and 2.5: a film and its sound from one denoiser, from text, first frame, first and last frame, or a film.

Frames are 8n+1, sides multiples of 32, sound has 25 latents a second. A distilled checkpoint makes one call of the
denoiser a step; diffusers' defaults make three, and two of them stay on when only `guidance_scale` is 1. With
`upsampler` in the preset's `call`, the loop runs at half the size, the folder `latent_upsampler` beside the model
doubles the latents, and a second, short loop adds the detail (`refine`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from generation.engines.diffusion.families.contract import Embedding, Family, Picture
from generation.engines.diffusion.families.pixels import begins, pictures, pil
from generation.engines.diffusion.families.sounds import Latents, as_long
from generation.engines.diffusion.films import read_pictures
from generation.engines.diffusion.pictures import exact_frame
from generation.errors import NotAvailable
from generation.spec import Shot

#: What the pipelines pad prompts to; `max_sequence_length` in the preset's `call` overrides it.
TEXT_TOKENS = 1024
#: One call of the denoiser a step: no guidance by negative prompt, skipped blocks or separated film and sound.
ONE_CALL: Mapping[str, float] = {
    "audio_guidance_scale": 1.0,
    "stg_scale": 0.0,
    "audio_stg_scale": 0.0,
    "modality_scale": 1.0,
    "audio_modality_scale": 1.0,
}
#: Pictures were compressed like this when the model was trained (LTX-2 and 2.3; 2.5: 18, by `image_crf`).
_IMAGE_CRF = 33
#: The publisher's three steps after the upsampler.
_SECOND_SIGMAS = (0.909375, 0.725, 0.421875)
#: The real decoder looks some twenty latents ahead, a whole film. A preview looks at this many: 25 frames.
_PREVIEW_LATENTS = 4


class Ltx2(Family):
    """See the module."""

    pipelines: ClassVar[Mapping[str, str]] = {
        "text": "LTX2Pipeline",
        "image": "LTX2ImageToVideoPipeline",
        "first_last": "LTX2ConditionPipeline",
        "video": "LTX2ConditionPipeline",
    }
    #: The connectors stand between texts and denoiser; they are 3 GB that encoding needs as little as the decoders.
    decoders = ("connectors", "vae", "audio_vae", "vocoder")
    full_precision = ()
    #: LTX-2.5 brings a language model that writes prompts and a head that chooses lengths: neither is ours to ask.
    unused_parts = ("processor", "prompt_enhancer", "duration_head")
    own_settings = frozenset({"upsampler", "upsampler_sigmas", "image_crf", "max_sequence_length"})
    batched = frozenset({"text", "image"})

    def encode(self, pipe: Any, texts: Sequence[str]) -> list[Embedding]:
        """See `Family`. The padding before the text is not kept: whole, a prompt of Gemma 12B is 385 MB."""
        import torch

        made: list[Embedding] = []
        for text in texts:  # one by one: a batch would change the last bits of each
            with torch.no_grad():
                embeds, mask, _, _ = pipe.encode_prompt(
                    text, do_classifier_free_guidance=False, max_sequence_length=self._tokens
                )
            made.append({"prompt_embeds": embeds[0, mask[0].bool()].cpu().contiguous()})
        return made

    def arguments(
        self, pipe: Any, shots: Sequence[Shot], prompts: Sequence[Embedding], negatives: Sequence[Embedding] | None
    ) -> dict[str, Any]:
        """See `Family`. First and last frame, and restyling, take one shot at a time."""
        shot, part = shots[0], 2 if self._upsampled else 1
        return {
            **(ONE_CALL if negatives is None else {}),
            **self.call,
            **self._padded(pipe, prompts, ""),
            **(self._padded(pipe, negatives, "negative_") if negatives is not None else {}),
            "height": shot.size.height_px // part,
            "width": shot.size.width_px // part,
            # Never left out: LTX-2.5 would choose a length of its own.
            "num_frames": shot.frames,
            "frame_rate": float(shot.fps),
            **self._beginning(shots),
        }

    def _beginning(self, shots: Sequence[Shot]) -> dict[str, Any]:
        """What the film starts from, as arguments. Pictures are at the film's size, whatever the pass."""
        way, shot = self.way(shots[0]), shots[0]
        if way == "text":
            return {}
        if way == "image":
            # The pipeline compresses one picture of a batch only, by a text encoder that is gone: so it is done here.
            return {"image": [self._pil(begins(shot)) for shot in shots], "image_crf": 0}
        if len(shots) > 1:
            raise ValueError(f"LTX2ConditionPipeline takes one shot at a time, not {len(shots)}")
        if way == "video":
            assert shot.video is not None
            film = [pil(picture) for picture in read_pictures(shot.video, shot.size, shot.frames, shot.fps)]
            # The pipeline asks how much is kept, a shot says how much may change.
            return {"conditions": [_condition(film, 0, 1.0 - shot.strength)]}
        assert shot.last_frame is not None
        conditions = [_condition(self._pil(exact_frame(shot.last_frame, shot.size)), -1, 1.0)]
        if shot.first_frame is not None or shot.image is not None:
            conditions.insert(0, _condition(self._pil(begins(shot)), 0, 1.0))
        return {"conditions": conditions}

    def steps_in_all(self, pipe: Any, shot: Shot, steps: int) -> int:
        """See `Family`."""
        return steps + (len(self._second_sigmas) if self._upsampled else 0)

    def refine(self, pipe: Any, output: Any, shots: Sequence[Shot], passes: int) -> dict[str, Any] | None:
        """See `Family`: after the first pass, the latents at twice the size and three steps from `sigmas[0]`."""
        if not self._upsampled or passes > 1:
            return None
        sigmas = self._second_sigmas
        return {
            "latents": _doubled(pipe, output.frames),
            "audio_latents": output.audio,
            "height": shots[0].size.height_px,
            "width": shots[0].size.width_px,
            "sigmas": sigmas,
            "num_inference_steps": len(sigmas),
            "noise_scale": sigmas[0],
        }

    def latents(self, pipe: Any, output: Any, shots: Sequence[Shot]) -> list[Any]:
        """See `Family`: `Latents` for each shot."""
        return [
            Latents(output.frames[number : number + 1], output.audio[number : number + 1])
            for number in range(len(shots))
        ]

    def decode(self, pipe: Any, latent: Any, shot: Shot) -> Iterator[Picture]:
        """See `Family`."""
        yield from _decoded(pipe, latent.film)

    def first_frames(self, pipe: Any, tensors: Mapping[str, Any], shots: Sequence[Shot]) -> list[Picture]:
        """See `Family`. The real decoder is not causal: where a film is longer than `_PREVIEW_LATENTS`, what is shown
        is frame 0 of a film that is held after them. A causal decoder, and a shorter film, give the same bits."""
        latents = _unpacked(pipe, tensors["latents"], shots[0])
        seen = 1 if pipe.vae.config.decoder_causal else _PREVIEW_LATENTS
        return [next(_decoded(pipe, latents[number : number + 1, :, :seen])) for number in range(len(shots))]

    def sound(self, pipe: Any, latent: Any, shot: Shot) -> tuple[NDArray[np.float32], int]:
        """See `Family`: exactly as long as the film, because whole latents end up to 50 ms before or after it."""
        import torch

        weight = next(pipe.audio_vae.parameters())
        with torch.no_grad():
            spectra = pipe.audio_vae.decode(latent.sound.to(weight.device, weight.dtype), return_dict=False)[0]
            heard = pipe.vocoder(spectra)[0].float().cpu().numpy().T
        rate_hz = int(pipe.vocoder.config.output_sampling_rate)
        return as_long(heard, shot, rate_hz), rate_hz

    @property
    def _upsampled(self) -> bool:
        return bool(self.preset.call.get("upsampler"))

    @property
    def _second_sigmas(self) -> list[float]:
        return [float(sigma) for sigma in self.preset.call.get("upsampler_sigmas", _SECOND_SIGMAS)]  # type: ignore[attr-defined]

    @property
    def _tokens(self) -> int:
        return int(self.preset.call.get("max_sequence_length", TEXT_TOKENS))  # type: ignore[call-overload, no-any-return]

    def _pil(self, picture: Picture) -> Any:
        """A picture that went through H.264, as those did that the model was trained on."""
        from diffusers.pipelines.ltx2.utils import apply_image_conditioning_crf

        return pil(apply_image_conditioning_crf(picture, int(self.preset.call.get("image_crf", _IMAGE_CRF))))  # type: ignore[call-overload]

    def _padded(self, pipe: Any, embeddings: Sequence[Embedding], prefix: str) -> dict[str, Any]:
        """(shots, tokens, width) and their masks, padded before the text as the tokenizer does it."""
        import torch

        padded, masks = [], []
        for embedding in embeddings:
            used = embedding["prompt_embeds"]
            before = self._tokens - used.shape[0]
            padded.append(torch.cat([used.new_zeros(before, used.shape[1]), used]))
            masks.append(torch.cat([torch.zeros(before, dtype=torch.int64), torch.ones(len(used), dtype=torch.int64)]))
        device = pipe._execution_device
        return {
            f"{prefix}prompt_embeds": torch.stack(padded).to(device),
            f"{prefix}prompt_attention_mask": torch.stack(masks).to(device),
        }


def _condition(frames: Any, index: int, strength: float) -> Any:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    return LTX2VideoCondition(frames=frames, index=index, strength=strength, crf=0)


def _unpacked(pipe: Any, packed: Any, shot: Shot) -> Any:
    """The callback's (shots, places, channels) as the latents that the pipeline would return."""
    across, down = (side // pipe.vae_spatial_compression_ratio for side in (shot.size.width_px, shot.size.height_px))
    frames = (shot.frames - 1) // pipe.vae_temporal_compression_ratio + 1
    if packed.shape[1] < frames * down * across:  # the first of two passes
        across, down = across // 2, down // 2
    # Further frames that condition the film stand behind it.
    film = pipe._unpack_latents(packed[:, : frames * down * across], frames, down, across)
    return pipe._denormalize_latents(film, pipe.vae.latents_mean, pipe.vae.latents_std, pipe.vae.config.scaling_factor)


def _doubled(pipe: Any, latents: Any) -> Any:
    """Latents of twice the width and height."""
    import torch
    from diffusers import LTX2LatentUpsamplePipeline
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    # The parts of a pipeline know where they were loaded from; the pipeline does not list this one.
    folder = Path(pipe.vae.config._name_or_path).parent / "latent_upsampler"
    if not folder.is_dir():
        raise NotAvailable(f"{folder}: the second pass needs it; fetch the model again, or take `upsampler` off")
    model = LTX2LatentUpsamplerModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=pipe.vae.dtype
    ).to(latents.device)
    upsample: Any = LTX2LatentUpsamplePipeline
    made = upsample(vae=pipe.vae, latent_upsampler=model)
    height, width = (side * pipe.vae_spatial_compression_ratio for side in latents.shape[-2:])
    with torch.no_grad():
        doubled = made(latents=latents, height=height, width=width, output_type="latent", return_dict=False)[0]
    return doubled.to(latents.dtype)


def _decoded(pipe: Any, latent: Any) -> Iterator[Picture]:
    import torch

    vae = pipe.vae
    weight = next(vae.parameters())
    with torch.no_grad():
        film = latent.to(weight.device, weight.dtype)
        # The pipelines decode at time 0 and add no noise, unless they are asked to.
        time = film.new_zeros(1) if vae.config.timestep_conditioning else None
        video = vae.decode(film, time, return_dict=False)[0][0]
        yield from pictures(video)
