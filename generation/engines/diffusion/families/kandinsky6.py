"""Kandinsky 6: a film and its sound from text or a first frame, 4k+1 frames, sound at 44.1 kHz on one channel.

The checkpoints bring their tokenizer inside a processor for pictures and films, which needs torchvision; texts alone do
not. So the tokenizer is read by itself, from the same folder. The pipeline takes encoded prompts without their mask;
so they are passed without their padding, which is the same, but for one shot at a time.
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
from generation.errors import NotAvailable
from generation.spec import Shot

#: Of the prompt, behind the template; `max_sequence_length` in the preset's `call` overrides it.
TEXT_TOKENS = 1024
#: The VAE's convolutions look back only, but its norms look at the whole film. A preview looks at this many latents.
_PREVIEW_LATENTS = 4


class Kandinsky6(Family):
    """See the module."""

    pipelines: ClassVar[Mapping[str, str]] = {"text": "Kandinsky6TI2VAPipeline", "image": "Kandinsky6TI2VAPipeline"}
    text_parts = ("text_encoder", "text_encoder_2", "tokenizer_2")
    decoders = ("vae", "audio_vae", "vocoder")
    full_precision = ()
    unused_parts = ("tokenizer",)
    own_settings = frozenset({"max_sequence_length"})
    #: Prompts of different lengths cannot be told apart from their padding.
    batched: ClassVar[frozenset[str]] = frozenset()

    def encode(self, pipe: Any, texts: Sequence[str]) -> list[Embedding]:
        """See `Family`. The padding behind the text is not kept."""
        import torch

        tokenizer = _TextOnly(pipe)
        made: list[Embedding] = []
        for text in texts:
            with torch.no_grad():
                embeds, pooled, mask = pipe._get_prompt_embeds(
                    [text], tokenizer, pipe.text_encoder, pipe.tokenizer_2, pipe.text_encoder_2, self._tokens,
                    pipe._execution_device,
                )  # fmt: skip
            used = embeds[0] if mask is None else embeds[0, mask[0]]
            made.append(
                {"prompt_embeds": used.cpu().contiguous(), "pooled_prompt_embeds": pooled[0].cpu().contiguous()}
            )
        return made

    def arguments(
        self, pipe: Any, shots: Sequence[Shot], prompts: Sequence[Embedding], negatives: Sequence[Embedding] | None
    ) -> dict[str, Any]:
        """See `Family`. One shot at a time."""
        if len(shots) > 1:
            raise ValueError(f"Kandinsky6TI2VAPipeline takes one encoded prompt at a time, not {len(shots)}")
        shot = shots[0]
        return {
            **self.call,
            **_one(pipe, prompts[0], ""),
            **(_one(pipe, negatives[0], "negative_") if negatives is not None else {}),
            "height": shot.size.height_px,
            "width": shot.size.width_px,
            "num_frames": shot.frames,
            "frame_rate": float(shot.fps),
            **({} if self.way(shot) == "text" else {"image": pil(begins(shot))}),
        }

    def latents(self, pipe: Any, output: Any, shots: Sequence[Shot]) -> list[Any]:
        """See `Family`: `Latents` of (1, channels, frames, height, width) and (1, channels, length)."""
        return [Latents(output.frames, output.audio)]

    def decode(self, pipe: Any, latent: Any, shot: Shot) -> Iterator[Picture]:
        """See `Family`."""
        yield from _decoded(pipe, latent.film)

    def first_frames(self, pipe: Any, tensors: Mapping[str, Any], shots: Sequence[Shot]) -> list[Picture]:
        """See `Family`: frame 0 of a film that ends after `_PREVIEW_LATENTS`, which is exact for one of 13 frames.

        The callback's latents have their channels last, and a picture's behind the film.
        """
        frames = min(_PREVIEW_LATENTS, (shots[0].frames - 1) // pipe.vae_scale_factor_temporal + 1)
        return [next(_decoded(pipe, tensors["latents"][:, :frames].permute(0, 4, 1, 2, 3)))]

    def sound(self, pipe: Any, latent: Any, shot: Shot) -> tuple[NDArray[np.float32], int]:
        """See `Family`: one channel, exactly as long as the film."""
        import torch

        weight = next(pipe.audio_vae.parameters())
        with torch.no_grad():
            scaled = latent.sound.to(weight.device, weight.dtype) / pipe.audio_vae.config.scaling_factor
            spectra = pipe.audio_vae.decode(scaled, return_dict=False)[0]
            heard = pipe.vocoder(spectra.to(pipe.vocoder.dtype), return_dict=False)[0][0].float().cpu().numpy().T
        rate_hz = int(pipe.audio_vae.config.sample_rate)
        return as_long(heard, shot, rate_hz), rate_hz

    @property
    def _tokens(self) -> int:
        return int(self.preset.call.get("max_sequence_length", TEXT_TOKENS))  # type: ignore[call-overload, no-any-return]


class _TextOnly:
    """The checkpoint's tokenizer, called as the pipeline calls the processor around it."""

    def __init__(self, pipe: Any) -> None:
        from transformers import AutoTokenizer

        # The parts of a pipeline know where they were loaded from.
        folder = Path(pipe.text_encoder.config._name_or_path).parent / "tokenizer"
        if not folder.is_dir():
            raise NotAvailable(f"{folder}: not a whole model, its tokenizer is missing; fetch it again")
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._tokenizer.padding_side = "right"

    def __call__(self, text: Sequence[str], images: None, videos: None, **others: Any) -> Any:
        return self._tokenizer(list(text), **others)


def _one(pipe: Any, embedding: Embedding, prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": tensor[None].to(pipe._execution_device) for name, tensor in embedding.items()}


def _decoded(pipe: Any, latent: Any) -> Iterator[Picture]:
    import torch

    vae = pipe.vae
    weight = next(vae.parameters())
    with torch.no_grad():
        film = vae.decode(latent.to(weight.device, weight.dtype) / vae.config.scaling_factor, return_dict=False)[0][0]
        yield from pictures(film)
