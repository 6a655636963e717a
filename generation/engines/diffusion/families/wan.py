"""Wan 2.1 and 2.2, and what is built like them: text, first frame, first and last frame, restyled films, references.

One checkpoint or two experts, the 1.3B, 14B and A14B with pictures of 8x8 pixels to a latent, the 5B with 16x16: the
pipelines know the difference. The VAE is causal in time, so the first frame can be decoded alone, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from generation.engines.diffusion.families.contract import Embedding, Family, Picture
from generation.engines.diffusion.families.pixels import begins, pictures, pil
from generation.engines.diffusion.films import read_pictures
from generation.engines.diffusion.pictures import exact_frame, reference
from generation.spec import Shot

#: What the models were trained with. A pipeline's call pads to it and its `encode_prompt` alone does not (226).
TEXT_TOKENS = 512


class Wan(Family):
    """See the module."""

    pipelines: ClassVar[Mapping[str, str]] = {
        "text": "WanPipeline",
        "image": "WanImageToVideoPipeline",
        "first_last": "WanImageToVideoPipeline",
        "video": "WanVideoToVideoPipeline",
        "references": "WanVACEPipeline",
    }
    denoisers = ("transformer", "transformer_2")

    def way(self, shot: Shot) -> str:
        """See `Family`. A VACE checkpoint makes everything through its own pipeline; a row's picture is a reference."""
        return "references" if "references" in self.preset.ways else super().way(shot)

    def encode(self, pipe: Any, texts: Sequence[str]) -> list[Embedding]:
        """See `Family`. The padding behind the text is zeros and is not kept."""
        made: list[Embedding] = []
        for text in texts:  # one by one: a batch would change the last bits of each
            embeds, _ = pipe.encode_prompt(text, do_classifier_free_guidance=False, max_sequence_length=TEXT_TOKENS)
            used = int(embeds[0].abs().sum(dim=1).nonzero().max()) + 1
            made.append({"prompt_embeds": embeds[0, :used].cpu().contiguous()})
        return made

    def arguments(
        self, pipe: Any, shots: Sequence[Shot], prompts: Sequence[Embedding], negatives: Sequence[Embedding] | None
    ) -> dict[str, Any]:
        """See `Family`."""
        shot = shots[0]
        arguments: dict[str, Any] = {
            "prompt_embeds": _padded(pipe, prompts),
            "negative_prompt_embeds": _padded(pipe, negatives) if negatives is not None else None,
            "height": shot.size.height_px,
            "width": shot.size.width_px,
            **getattr(self, f"_{self.way(shot)}")(pipe, shot),
        }
        if self.way(shot) != "video":
            arguments["num_frames"] = shot.frames
        if self.preset.guidance_2 is not None and getattr(pipe.config, "boundary_ratio", None) is not None:
            arguments["guidance_scale_2"] = self.preset.guidance_2
        return arguments

    def _text(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        return {}

    def _image(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        return {"image": pil(begins(shot))}

    def _first_last(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        assert shot.last_frame is not None
        return {"image": pil(begins(shot)), "last_image": pil(exact_frame(shot.last_frame, shot.size))}

    def _video(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        assert shot.video is not None
        film = read_pictures(shot.video, shot.size, shot.frames, shot.fps)
        return {"video": [pil(picture) for picture in film], "strength": shot.strength}

    def _references(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        shown = [pil(reference(path)) for path in _references(shot)]
        return {"reference_images": [shown]} if shown else {}

    def latents(self, pipe: Any, output: Any, shots: Sequence[Shot]) -> list[Any]:
        """See `Family`: (1, channels, frames, height, width) for each shot."""
        latents = output.frames
        if self.way(shots[0]) == "references":
            latents = latents[:, :, len(_references(shots[0])) :]  # the pictures stand before the film
        return [latents[number : number + 1] for number in range(len(shots))]

    def decode(self, pipe: Any, latent: Any, shot: Shot) -> Iterator[Picture]:
        """See `Family`."""
        yield from _decoded(pipe, latent)

    def first_frames(self, pipe: Any, tensors: Mapping[str, Any], shots: Sequence[Shot]) -> list[Picture]:
        """See `Family`: a twelfth of the time of a whole film of 17 frames, and the same bits."""
        latents = tensors["latents"]
        before = len(_references(shots[0])) if self.way(shots[0]) == "references" else 0
        return [
            next(_decoded(pipe, latents[number : number + 1, :, before : before + 1])) for number in range(len(shots))
        ]


def _references(shot: Shot) -> tuple[Path, ...]:
    return shot.references or ((shot.image,) if shot.image is not None else ())


def _padded(pipe: Any, embeddings: Sequence[Embedding]) -> Any:
    """(shots, TEXT_TOKENS, width), as the encoder would have padded them; on the pipeline's device."""
    import torch

    padded = []
    for embedding in embeddings:
        used = embedding["prompt_embeds"]
        zeros = used.new_zeros(TEXT_TOKENS - used.shape[0], used.shape[1])
        padded.append(torch.cat([used, zeros]))
    return torch.stack(padded).to(pipe._execution_device)


def _decoded(pipe: Any, latent: Any) -> Iterator[Picture]:
    import torch

    vae = pipe.vae
    device = next(vae.parameters()).device
    shape = (1, vae.config.z_dim, 1, 1, 1)
    # As the pipelines write it: 1 / (1 / std) is not std in the last bit.
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(device, vae.dtype)
    inverse = 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(device, vae.dtype)
    with torch.no_grad():
        video = vae.decode(latent.to(device, vae.dtype) / inverse + mean, return_dict=False)[0][0]
    yield from pictures(video)
