"""Helios: long films from text or a first frame, 33 frames at a time, each piece from coarse to fine.

A piece sees the pieces before it in ever coarser steps, so that a minute needs no more memory than two seconds. Text
encoder and VAE are Wan's. Sides are multiples of 64: a film is halved twice, and other sizes do not come back to what
they were, which ends in an error. The pipeline's way of going on from a film is no restyling, and so no way here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from generation.engines.diffusion.families.contract import Embedding, Picture
from generation.engines.diffusion.families.wan import Wan
from generation.spec import Shot

#: A piece: nine latents, decoded to 33 frames.
PIECE_LATENTS, PIECE_FRAMES = 9, 33
#: Coarse, middle, fine.
_STAGES = 3
#: How much noise hides the seam between a picture and the film (the pipeline's own numbers), for the picture itself and
#: for what the film remembers of it.
_LEAST_NOISE, _MOST_NOISE = 0.111, 0.135
#: The picture's noise must not be the film's, which is drawn from the shot's seed itself.
_PICTURE_SEED = 0x9E3779B9


class Helios(Wan):
    """See the module."""

    pipelines: ClassVar[Mapping[str, str]] = {"text": "HeliosPyramidPipeline", "image": "HeliosPyramidPipeline"}
    #: None: between two stages the pipeline draws noise for a whole batch from the first shot's generator.
    batched: ClassVar[frozenset[str]] = frozenset()

    def encode(self, pipe: Any, texts: Sequence[str]) -> list[Embedding]:
        """See `Family`. With gradients the encoder rounds otherwise than in the pipeline (1e-6)."""
        import torch

        with torch.no_grad():
            return super().encode(pipe, texts)

    def stepping(self, steps: int) -> dict[str, Any]:
        """See `Family`: the same number in each stage, the least that makes `steps` of them."""
        return {"pyramid_num_inference_steps_list": [-(-steps // _STAGES)] * _STAGES}

    def steps_in_all(self, pipe: Any, shot: Shot, steps: int) -> int:
        """See `Family`."""
        once = _STAGES * -(-steps // _STAGES)
        return (_pieces(shot) + bool(self.call.get("is_amplify_first_chunk"))) * once

    def arguments(
        self, pipe: Any, shots: Sequence[Shot], prompts: Sequence[Embedding], negatives: Sequence[Embedding] | None
    ) -> dict[str, Any]:
        """See `Family`. One shot at a time."""
        if len(shots) > 1:
            raise ValueError(f"HeliosPyramidPipeline takes one shot at a time, not {len(shots)}")
        return {**self.call, **super().arguments(pipe, shots, prompts, negatives)}

    def _image(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        """The picture as latents, with the noise that the pipeline would add.

        It would draw it from one generator on the film's device, where ours are on the CPU and in a list.
        """
        import torch

        picture = pipe.video_processor.preprocess(
            super()._image(pipe, shot)["image"], height=shot.size.height_px, width=shot.size.width_px
        )
        vae, generator = pipe.vae, torch.Generator().manual_seed((shot.seed + _PICTURE_SEED) % 2**63)
        shape = (1, vae.config.z_dim, 1, 1, 1)
        mean, std = (
            torch.tensor(values).view(shape).to(vae.device, vae.dtype)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        with torch.no_grad():
            clean = pipe.prepare_image_latents(
                picture, mean, 1.0 / std, PIECE_LATENTS, torch.float32, vae.device, generator
            )
        noisy = [_noisy(latents, generator) for latents in clean]
        return {"image_latents": noisy[0], "fake_image_latents": noisy[1], "add_noise_to_image_latents": False}

    def latents(self, pipe: Any, output: Any, shots: Sequence[Shot]) -> list[Any]:
        """See `Family`: without the latent of the picture, which stands before the film."""
        return [output.frames[:, :, -PIECE_LATENTS * _pieces(shots[0]) :]]

    def decode(self, pipe: Any, latent: Any, shot: Shot) -> Iterator[Picture]:
        """See `Family`. Piece by piece, as they were made: the VAE begins anew with each."""
        for piece in latent.split(PIECE_LATENTS, dim=2):
            yield from super().decode(pipe, piece, shot)

    def first_frames(self, pipe: Any, tensors: Mapping[str, Any], shots: Sequence[Shot]) -> list[Picture]:
        """See `Family`: of the piece that is being made, at its stage's size (a quarter, a half, the whole)."""
        return super().first_frames(pipe, tensors, shots)


def _pieces(shot: Shot) -> int:
    return -(-shot.frames // PIECE_FRAMES)


def _noisy(latents: Any, generator: Any) -> Any:
    import torch

    part = torch.rand(1, generator=generator) * (_MOST_NOISE - _LEAST_NOISE) + _LEAST_NOISE
    noise = torch.randn(latents.shape, generator=generator)
    return part.to(latents.device) * noise.to(latents.device) + (1 - part.to(latents.device)) * latents
