"""The port for a model family: which diffusers pipeline makes a way of shot, with which arguments, and how it decodes.

The loop itself is the pipeline's own (`drive.py` steps through it), so that what a family does is what diffusers does.
Tensors are torch's; frames are uint8 RGB arrays. A family holds no state between calls and knows no files but the
pictures and films that a shot names; it does not know devices, memory, caches or schedules (`session.py` does).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from generation.engines.diffusion.presets import Preset
from generation.spec import Shot

#: (height, width, 3), RGB.
Picture = NDArray[np.uint8]
#: One encoded text: names as the pipeline's arguments without "negative_", tensors without the batch axis.
Embedding = Mapping[str, Any]


class Family(ABC):
    """What differs between model families."""

    #: Way ("text", "image", "first_last", "video", "references") -> pipeline class of diffusers.
    pipelines: ClassVar[Mapping[str, str]]
    #: The way whose pipeline loads a checkpoint; other ways use the same loaded parts.
    base: ClassVar[str] = "text"
    #: Components that only encode texts: left out when shots are denoised, and loaded alone by `encode`.
    text_parts: ClassVar[tuple[str, ...]] = ("text_encoder", "tokenizer")
    #: Components that denoise, in the order in which they are used.
    denoisers: ClassVar[tuple[str, ...]] = ("transformer",)
    #: Components that turn latents into frames (and sound), and pictures into latents.
    decoders: ClassVar[tuple[str, ...]] = ("vae",)
    #: Components kept in float32 whatever the precision (Wan's VAE loses detail in bf16).
    full_precision: ClassVar[tuple[str, ...]] = ("vae",)
    #: Components of some checkpoints that nothing here uses: never loaded.
    unused_parts: ClassVar[tuple[str, ...]] = ()
    #: Names in a preset's `call` that speak to the family; its pipelines have no such arguments.
    own_settings: ClassVar[frozenset[str]] = frozenset()

    #: What the step callback hands over, for previews.
    callback_tensors: ClassVar[tuple[str, ...]] = ("latents",)
    #: Ways of which several shots can be denoised together; the pipelines take only one picture or film at a time.
    batched: ClassVar[frozenset[str]] = frozenset({"text"})

    def __init__(self, preset: Preset) -> None:
        self.preset = preset

    @property
    def call(self) -> dict[str, Any]:
        """The preset's further arguments of its pipelines."""
        return {name: value for name, value in self.preset.call.items() if name not in self.own_settings}

    def way(self, shot: Shot) -> str:
        """Which pipeline makes the shot."""
        if shot.video is not None:
            return "video"
        if shot.references:
            return "references"
        if shot.last_frame is not None:
            return "first_last"
        return "image" if shot.image is not None or shot.first_frame is not None else "text"

    @abstractmethod
    def encode(self, pipe: Any, texts: Sequence[str]) -> list[Embedding]:
        """Embeddings of texts, equal to what the pipeline's own call would make of each; on the CPU, contiguous."""

    @abstractmethod
    def arguments(
        self, pipe: Any, shots: Sequence[Shot], prompts: Sequence[Embedding], negatives: Sequence[Embedding] | None
    ) -> dict[str, Any]:
        """Arguments of `pipe(...)` for a batch of shots of one way, size and length.

        The caller adds steps, guidance, generators, `output_type="latent"` and the step callback. `negatives` is None
        where no guidance is used.
        """

    def stepping(self, steps: int) -> dict[str, Any]:
        """The arguments that ask a pipeline for `steps` steps."""
        return {"num_inference_steps": steps}

    def steps_in_all(self, pipe: Any, shot: Shot, steps: int) -> int:
        """How often the step callback is called for a shot: more where a film is made in pieces or passes."""
        return getattr(pipe, "num_timesteps", 0) or steps

    def refine(self, pipe: Any, output: Any, shots: Sequence[Shot], passes: int) -> dict[str, Any] | None:
        """Arguments that change for one more pass of the loop over this output, after `passes` of them; None: done."""
        return None

    @abstractmethod
    def latents(self, pipe: Any, output: Any, shots: Sequence[Shot]) -> list[Any]:
        """The pipeline's output as one value for each shot, ready for `decode`."""

    @abstractmethod
    def decode(self, pipe: Any, latent: Any, shot: Shot) -> Iterator[Picture]:
        """All frames of one shot, `shot.frames` of them, in order."""

    @abstractmethod
    def first_frames(self, pipe: Any, tensors: Mapping[str, Any], shots: Sequence[Shot]) -> list[Picture]:
        """The first frame of each shot from the tensors of the step callback: equal to frame 0 of `decode` of them."""

    def sound(self, pipe: Any, latent: Any, shot: Shot) -> tuple[NDArray[np.float32], int] | None:
        """The shot's own sound, (samples, channels) and its rate in Hz; None for silent families."""
        return None
