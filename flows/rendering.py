"""Footage and prompts made by a loaded engine, several in one call, each in the ledger as soon as it is there.

A model is loaded once for a batch, and its next shot is denoised while the last one is encoded; what dies in between
loses the unfinished shots only. Each function does what it can have the locks of and reports every step it made or
found; the caller asks again for the rest (`jobs.py`, which also decides what to do about an exception).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flows.creative import VIDEO, WAV, megapixel_frames, need
from flows.ledger import Finished, Ledger, Making, Workspace
from flows.live import LiveFolder, Pulse
from flows.steps import FootageStep, PromptStep

if TYPE_CHECKING:
    from generation.engines.contract import Engine
    from generation.spec import Footage, Progress, Shot

PROMPT = "prompt.safetensors"
#: What a shot may be begun with; it is only there while the shot is rendered.
FIRST_FRAME = "first_frame.png"
#: Characters of a prompt that name a step to people.
SHOWN_CHARACTERS = 80

Made = TypeVar("Made", FootageStep, PromptStep)


class NothingMade(RuntimeError):
    """An engine ended without giving what it was asked for: a fault of the engine."""


def render(
    ledger: Ledger, engine: Engine, steps: Sequence[FootageStep], note: Callable[[FootageStep, Finished], None]
) -> None:
    """Have the engine render shots of one kind in one call; `note` hears of each as soon as it is kept.

    Raises: whatever the engine raises, after which the shots that were not noted are missing; StepMissing.
    """
    with _taken(ledger, steps, note) as (making, taken, pulses):
        if not taken:
            return
        shots = [shot_of(ledger, engine, step, making.spaces[step.key]) for step in taken]
        for shot in shots:
            engine.refuse(shot)
        paths = [making.spaces[step.key].file(VIDEO) for step in taken]
        owners = dict(zip(paths, taken, strict=True))
        with closing(_events(engine.render(shots, paths), pulses)) as films:
            for footage in films:
                step = owners[footage.path]
                _keep(making.spaces[step.key], step, footage)
                note(step, making.finish(step.key))
                pulses[taken.index(step)].stop()
        _all_made(engine, making)


def encode(
    ledger: Ledger, engine: Engine, steps: Sequence[PromptStep], note: Callable[[PromptStep, Finished], None]
) -> None:
    """Have the engine encode texts in one call.

    Raises: whatever the engine raises; then none of them is kept.
    """
    with _taken(ledger, steps, note) as (making, taken, pulses):
        if not taken:
            return
        paths = [making.spaces[step.key].file(PROMPT) for step in taken]
        for _ in _events(engine.encode([step.text for step in taken], paths), pulses):
            raise NothingMade(f"{engine.id}: encoding a text gave footage")
        for step, path in zip(taken, paths, strict=True):
            if not path.is_file():
                raise NothingMade(f"{engine.id}: nothing was written for the text {step.text[:SHOWN_CHARACTERS]!r}")
            making.spaces[step.key].facts |= {"engine": step.engine, "work": 1.0}
        for step, made in zip(taken, making.finish_together([step.key for step in taken]), strict=True):
            note(step, made)


def shot_of(ledger: Ledger, engine: Engine, step: FootageStep, space: Workspace) -> Shot:
    """The request to the engine, with the files it is to start from."""
    from generation.spec import Lora, Shot, Size

    encoded = [need(ledger, text).file(PROMPT) for text in step.encoded]
    options = {**step.options, **step.neutral_options}
    return Shot(
        prompt=step.prompt,
        negative_prompt=step.negative_prompt,
        size=Size(*step.size),
        frames=step.frames,
        fps=step.fps,
        seed=step.seed,
        image=step.picture.path if step.picture else None,
        first_frame=_first_frame(ledger, step, space),
        last_frame=step.last_picture.path if step.last_picture else None,
        video=step.clip.path if step.clip else None,
        strength=step.strength,
        references=tuple(asset.path for asset in step.references),
        loras=tuple(Lora(lora.path, lora.weight) for lora in step.loras),
        prompt_file=encoded[0] if encoded else None,
        negative_file=encoded[1] if encoded else None,
        options=engine.validated(options).model_dump(),
    )


def _first_frame(ledger: Ledger, step: FootageStep, space: Workspace) -> Path | None:
    """The frame of the shot before that this one goes on from, as a picture in the work space."""
    if step.before is None:
        return None
    from generation.media.still import write_still

    path = space.file(FIRST_FRAME)
    write_still(need(ledger, step.before).file(VIDEO), step.before_frame, path)
    return path


def _keep(space: Workspace, step: FootageStep, footage: Footage) -> None:
    """The clip, its own sound and the facts stay; whatever else lies in the work space was for the engine's use."""
    if footage.sound is not None:
        footage.sound.replace(space.file(WAV))
    for file in space.folder.iterdir():
        if file.name not in (VIDEO, WAV):
            file.unlink()
    space.facts |= {"engine": step.engine, "notes": dict(footage.notes), "sound": footage.sound is not None}
    space.facts["work"] = megapixel_frames(step.size, step.frames)


@contextmanager
def _taken(
    ledger: Ledger, steps: Sequence[Made], note: Callable[[Made, Finished], None]
) -> Iterator[tuple[Making, list[Made], list[Pulse]]]:
    """Those of `steps` that are ours to make, with a work space and a pulse each; what is there already is noted."""
    folder = LiveFolder(ledger.root)
    with ledger.making(steps[0].kind, [step.key for step in steps]) as making:
        for step in steps:
            found = None if step.key in making.spaces else ledger.find(step.kind, step.key)
            if found:
                note(step, found)
        taken = [step for step in steps if step.key in making.spaces]
        pulses = [Pulse(folder, step.key, _words(step)) for step in taken]
        try:
            yield making, taken, pulses
        finally:
            for pulse in pulses:
                pulse.stop()


def _words(step: FootageStep | PromptStep) -> str:
    return (step.prompt if isinstance(step, FootageStep) else step.text)[:SHOWN_CHARACTERS]


def _events(source: Iterator[Progress | Footage], pulses: Sequence[Pulse]) -> Generator[Footage, None, None]:
    """The films out of an engine's events; its progress becomes signs of life."""
    from generation.spec import Footage

    try:
        for event in source:
            if isinstance(event, Footage):
                yield event
            else:
                pulses[event.shot].beat(event.phase, event.done, event.total, event.preview)
    finally:
        if isinstance(source, Generator):
            source.close()


def _all_made(engine: Engine, making: Making) -> None:
    if making.spaces:
        raise NothingMade(f"{engine.id}: {len(making.spaces)} shots came back without footage")
