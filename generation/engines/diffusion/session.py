"""The way of shots through loaded models: prompts, denoising, decoding, files.

The text encoder is loaded when a text has to be encoded and leaves before the denoisers come (`models.py`). Shots of
one kind are denoised together where that is worth it, each with a random generator of its own, so that a shot's film
does not depend on its neighbours (`batch.py`). While a batch is denoised, the one before is decoded and encoded
(`finish.py`). When memory runs out, `memory.py` says what is tried next.

One session lives in one process, on one device. Knows presets, families and files; does not know campaigns.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from generation.engines.diffusion.batch import Denoised, Kind, Settings, denoise
from generation.engines.diffusion.families import get_family
from generation.engines.diffusion.families.contract import Embedding, Picture
from generation.engines.diffusion.finish import Finisher, Written
from generation.engines.diffusion.loading import free
from generation.engines.diffusion.memory import Footing, batch_for, gave_up, is_out_of_memory
from generation.engines.diffusion.models import Models
from generation.engines.diffusion.presets import Preset
from generation.engines.diffusion.prompts import read_embedding, write_embedding
from generation.engines.diffusion.speed import largest_batch
from generation.spec import Footage, Progress, Shot

_QUALITY = 85


@dataclass(slots=True)
class _Order:
    """A shot on its way."""

    number: int
    shot: Shot
    path: Path
    prompt: Embedding
    negative: Embedding | None
    steps: int = 0
    written: Future[Written] | None = None
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def preview(self) -> Path:
        return self.path.with_suffix(".preview.jpg")


class Session:
    """A preset's models and what they are asked for."""

    def __init__(self, preset: Preset, device: str = "") -> None:
        self.preset = preset
        self.family = get_family(preset.family)(preset)
        self.models = Models(preset, self.family, device)
        #: What was learned about memory, by kind of shot.
        self._footings: dict[Kind, Footing] = {}

    def encode(self, texts: Sequence[str], paths: Sequence[Path]) -> Iterator[Progress]:
        """See `Engine.encode`."""
        for number, (text, path) in enumerate(zip(texts, paths, strict=True)):
            write_embedding(path, self._encoded(text))
            yield Progress(number, 1, 1, "encoding")

    def _encoded(self, text: str) -> Embedding:
        """One text; the pipelines encode without gradients, and with them the last bits are others."""
        import torch

        with torch.no_grad():
            try:
                return self.family.encode(self.models.text(), [text])[0]
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler, whose exception still holds what was computed so far.
            self.models.without_text()
            return self.family.encode(self.models.text(offload=True), [text])[0]

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        """See `Engine.render`. Neighbours of one kind are denoised together; footage comes in the shots' order."""
        orders = self._orders(shots, paths)
        try:
            for kind, run in groupby(orders, key=lambda order: Kind.of(self.family, order.shot)):
                yield from self._run(kind, list(run))
        finally:
            for order in orders:
                order.preview.unlink(missing_ok=True)

    def _orders(self, shots: Sequence[Shot], paths: Sequence[Path]) -> list[_Order]:
        """The shots with their prompts; texts that nobody has encoded are encoded now, each once."""
        known: dict[str, Embedding] = {}

        def embedding(text: str, file: Path | None) -> Embedding:
            if file is not None:
                return read_embedding(file)
            if text not in known:
                known[text] = self._encoded(text)
            return known[text]

        orders = []
        for number, (shot, path) in enumerate(zip(shots, paths, strict=True)):
            prompt = embedding(shot.prompt, shot.prompt_file)
            guided = Settings.of(self.preset, shot.options).guided
            negative = embedding(shot.negative_prompt, shot.negative_file) if guided else None
            orders.append(_Order(number, shot, path, prompt, negative))
        self.models.without_text()
        return orders

    def _run(self, kind: Kind, orders: list[_Order]) -> Iterator[Progress | Footage]:
        """Shots of one kind, batch by batch."""
        settings = Settings.of(self.preset, orders[0].shot.options)
        footing = self._footings.get(kind) or self._first_footing(kind, settings, orders[0].shot)
        waiting, unfinished = deque(orders), deque[_Order]()
        with Finisher(self.family, tiling=footing.tiling) as finisher:
            while waiting:
                batch = [waiting[index] for index in range(min(footing.batch, len(waiting)))]
                try:
                    yield from self._denoised(batch, settings, footing, finisher, unfinished)
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    tried = replace(footing, batch=len(batch))
                    smaller = tried.smaller(can_offload=self.models.device != "cpu")
                    if smaller is None:
                        raise gave_up(self.preset.name, batch[0].shot, footing, error) from error
                    self._footings[kind] = footing = smaller
                    batch = []
                if not batch:  # outside the handler, whose exception still holds what the batch had allocated
                    free()
                    finisher.tiling = finisher.tiling or footing.tiling
                    yield from _finished(unfinished, 0)  # the decoder may have held what was missing
                    continue
                for _ in batch:
                    waiting.popleft()
                # Two batches in memory at most: the one being denoised and the one being decoded.
                yield from _finished(unfinished, len(batch))
            yield from _finished(unfinished, 0)
            self._footings[kind] = replace(footing, tiling=finisher.tiling)

    def _first_footing(self, kind: Kind, settings: Settings, shot: Shot) -> Footing:
        most = min(settings.batch or batch_for(shot), largest_batch(settings.speed) or 8)
        return Footing(most if kind.way in self.family.batched else 1, settings.tiling, settings.offload)

    def _denoised(
        self,
        batch: list[_Order],
        settings: Settings,
        footing: Footing,
        finisher: Finisher,
        unfinished: deque[_Order],
    ) -> Iterator[Progress | Footage]:
        """Denoise one batch and hand it to the decoder; meanwhile earlier shots that are ready come out."""
        shots = [order.shot for order in batch]
        pipe = self.models.pipeline(shots[0], settings.precision, settings.speed.storage, footing.offload)
        settings = replace(settings, speed=replace(settings.speed, storage=self.models.storage))
        negatives = [order.negative for order in batch if order.negative is not None] or None
        steps = denoise(
            self.family, pipe, shots, [order.prompt for order in batch], negatives, settings, self.models.device
        )
        try:
            while True:
                step = next(steps)
                previews = settings.preview_every and (step.index + 1) % settings.preview_every == 0
                pictures = self.family.first_frames(pipe, step.tensors, shots) if previews else []
                total = self.family.steps_in_all(pipe, shots[0], settings.schedule.steps)
                for index, order in enumerate(batch):
                    order.steps = total
                    preview = _write_preview(order.preview, pictures[index]) if previews else None
                    yield Progress(order.number, step.index + 1, total + 1, "denoising", preview)
                yield from _finished(unfinished, len(unfinished), wait=False)
        except StopIteration as end:
            done: Denoised = end.value
        finally:
            steps.close()
        for order, latent in zip(batch, done.latents, strict=True):
            order.notes = self._notes(order, settings, footing, done)
            order.written = finisher.submit(pipe, latent, order.shot, order.path)
            unfinished.append(order)

    def _notes(self, order: _Order, settings: Settings, footing: Footing, done: Denoised) -> dict[str, object]:
        """Facts for the report: which model, how, at which settings."""
        return {
            "preset": self.preset.name,
            "way": self.family.way(order.shot),
            "steps": order.steps,
            "guidance": settings.guidance,
            "speed": settings.level,
            "precision": self.models.precision,
            "device": self.models.device,
            "loras": [{"file": lora.path.name, "weight": lora.weight} for lora in order.shot.loras],
            **({"offload": True} if footing.offload else {}),
            **done.notes,
        }


def _finished(unfinished: deque[_Order], leave: int, wait: bool = True) -> Iterator[Progress | Footage]:
    """Footage of shots that are written, in order: until `leave` are left, or (without waiting) what is there now."""
    while unfinished and (len(unfinished) > leave or not wait):
        order = unfinished[0]
        assert order.written is not None
        if not wait and not order.written.done():
            return
        written = order.written.result()
        unfinished.popleft()
        notes = order.notes | ({"decoded": "in tiles"} if written.tiled else {})
        shot = order.shot
        yield Progress(order.number, order.steps + 1, order.steps + 1, "decoded")
        yield Footage(order.path, shot.size, shot.frames, shot.fps, notes, written.sound)


def _write_preview(path: Path, picture: Picture) -> Path:
    """A JPEG that is whole whenever somebody looks."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)
    return path
