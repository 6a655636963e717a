"""One batch of like shots through the denoiser, step by step: settings, arguments, generators, and what came of it.

Like shots have the same way, size, length, LoRAs and settings. Knows a loaded pipeline; loads nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from generation.engines.diffusion.drive import Step, drive
from generation.engines.diffusion.families.contract import Embedding, Family
from generation.engines.diffusion.presets import Preset, Schedule, Speed
from generation.engines.diffusion.schedules import fixed_schedule
from generation.engines.diffusion.speed import accelerated
from generation.spec import Lora, Shot


@dataclass(frozen=True, slots=True)
class Settings:
    """What a preset and a campaign's options come to for a batch."""

    level: str
    speed: Speed
    schedule: Schedule
    guidance: float
    precision: str = "auto"
    tiling: bool = False
    offload: bool = False
    preview_every: int = 0
    #: 0 lets the size of the shots decide.
    batch: int = 0

    @classmethod
    def of(cls, preset: Preset, options: Mapping[str, Any]) -> Settings:
        """From validated engine options; what they leave out is the preset's."""
        level = str(options.get("speed") or "exact")
        speed = preset.speeds.get(level, Speed())
        if options.get("attention") not in (None, "auto"):
            speed = replace(speed, attention=str(options["attention"]))
        if options.get("compile") in ("on", "off"):
            speed = replace(speed, compile=options["compile"] == "on")
        schedule, steps = preset.schedule, options.get("steps")
        return cls(
            level=level,
            speed=speed,
            schedule=replace(schedule, steps=int(steps)) if steps else schedule,
            guidance=preset.guidance if options.get("guidance") is None else float(options["guidance"]),
            precision=str(options.get("precision") or "auto"),
            tiling=options.get("tiling") == "on",
            offload=options.get("offload") == "group",
            preview_every=int(options.get("preview_every") or 0),
            batch=int(options.get("batch") or 0),
        )

    @property
    def guided(self) -> bool:
        """Whether a negative prompt has any effect."""
        return self.guidance > 1


@dataclass(frozen=True, slots=True)
class Kind:
    """What shots that are denoised together have in common."""

    way: str
    size: str
    frames: int
    fps: str
    loras: tuple[Lora, ...]
    options: str

    @classmethod
    def of(cls, family: Family, shot: Shot) -> Kind:
        """The kind of a shot."""
        options = repr(sorted(shot.options.items()))
        return cls(family.way(shot), str(shot.size), shot.frames, str(shot.fps), shot.loras, options)


@dataclass(frozen=True, slots=True)
class Denoised:
    """A batch after its last step: a value for each shot that the family can decode, and facts for the report."""

    latents: list[Any]
    notes: Mapping[str, object]


def denoise(
    family: Family,
    pipe: Any,
    shots: Sequence[Shot],
    prompts: Sequence[Embedding],
    negatives: Sequence[Embedding] | None,
    settings: Settings,
    device: str,
) -> Generator[Step, None, Denoised]:
    """Denoise a batch; yields each step, returns the latents. Closing it stops between two steps."""
    import torch

    # On the CPU whatever the device: then a shot's noise does not depend on the card that draws it.
    generators = [torch.Generator("cpu").manual_seed(shot.seed) for shot in shots]
    arguments: dict[str, Any] | None = {
        "guidance_scale": settings.guidance,
        **family.stepping(settings.schedule.steps),
        **family.call,
        **family.arguments(pipe, shots, prompts, negatives),
        # Reference pipelines take no list; for one shot the two are the same.
        "generator": generators if len(shots) > 1 else generators[0],
        "output_type": "latent",
    }
    schedule, steps, passes, output = settings.schedule, 0, 0, None
    notes: Mapping[str, object] = {}
    while arguments is not None:
        first = shots[0]
        shape = (arguments.get("width", 0), arguments.get("height", 0), first.frames, len(shots))
        with (
            fixed_schedule(pipe, schedule, generators),
            accelerated(pipe, family.denoisers, family.preset, settings.speed, schedule.steps, device, shape) as handle,
        ):
            loop = drive(pipe, arguments, family.callback_tensors, handle.on_step)
            output = yield from _counted(loop, steps)
        steps, passes, notes = steps + schedule.steps, passes + 1, notes or handle.notes
        changes = family.refine(pipe, output, shots, passes)
        arguments = None if changes is None else arguments | changes
        if changes and "sigmas" in changes:
            exact = tuple(changes["sigmas"])
            schedule = replace(schedule, steps=len(exact), sigmas=exact, timesteps=())
    return Denoised(family.latents(pipe, output, shots), notes)


def _counted(loop: Generator[Step, None, Any], before: int) -> Generator[Step, None, Any]:
    """The steps of a later pass are counted on from those before, and those of a film in pieces over all pieces."""
    with closing(loop):
        for index in count(before):
            try:
                step = next(loop)
            except StopIteration as end:
                return end.value
            yield replace(step, index=index)
