"""`spotmill models`: which weights of the text-to-video engines are here, fetching them, and what their speeds cost.

Asks `generation.engines.diffusion` and turns what it says into tables and complaints. Nothing heavy is loaded by the
list; only `pull` uses a network, only `measure` loads a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows.model import BadInput, Problem
from flows.problems import shown
from flows.provenance import licence_terms

if TYPE_CHECKING:
    from generation.engines.diffusion.hub import Hub
    from generation.engines.diffusion.measure import Level
    from generation.engines.diffusion.presets import Preset
    from generation.spec import Shot

Line = dict[str, str]
Say = Callable[[str], None]
GIB = 2**30
#: A download tells of itself so many times.
PARTS = 20
#: What is rendered to measure a speed: much motion, and a still thing with fine detail.
MEASURED_PROMPTS = (
    "A woman in a red coat walks through a busy street market at dusk, the camera follows her, rain, reflections",
    "A glass perfume bottle on a marble table, soft window light, fine reflections, the camera moves slowly around it",
)
MEASURED_SEED = 2027


def model_table() -> list[Line]:
    """Every preset with where its weights come from, how large they are, and whether they are here."""
    from generation.engines.diffusion.presets import load_presets

    with _as_input(""):
        return [_line(preset) for preset in load_presets().values()]


def _line(preset: Preset) -> Line:
    from generation.engines.diffusion.weights import checkpoints

    parts = checkpoints(preset)
    sources = [part.hub_id or part.folder or "built here" for part in parts]
    return {
        "name": preset.name,
        "from": ", ".join(sources),
        "size": _size(preset),
        "licence": licence_terms(preset),
        "state": _state(preset),
    }


def _size(preset: Preset) -> str:
    """What lies on the disk, and what there is to fetch where something is missing."""
    from generation.engines.diffusion.weights import download_gib, lacking

    held = sum(path.stat().st_size for folder in _folders(preset) for path in folder.rglob("*") if path.is_file())
    on_disk = f"{held / GIB:.1f} GiB here" if held else ""
    to_fetch = f"{download_gib(preset):.1f} GiB to fetch" if lacking(preset) and download_gib(preset) else ""
    return ", ".join(filter(None, (on_disk, to_fetch))) or "nothing to fetch"


def _state(preset: Preset) -> str:
    """here, missing, or incomplete with the first reason."""
    from generation.engines.diffusion.weights import lacking

    if not _is_fetched(preset):
        return "here" if any(folder.is_dir() for folder in _folders(preset)) else "built at its first use"
    lacks = lacking(preset)
    if not lacks:
        return "here"
    return f"incomplete: {lacks[0]}" if any(folder.is_dir() for folder in _folders(preset)) else "missing"


def _is_fetched(preset: Preset) -> bool:
    return bool(preset.checkpoint.hub_id or preset.checkpoint.folder)


def _folders(preset: Preset) -> list[Path]:
    """Where the weights lie or would lie: checkpoints, then LoRAs of the preset's own."""
    from generation.engines.diffusion.weights import adapters, checkpoints, folder_of, home

    found = [folder_of(part, preset.name) for part in checkpoints(preset)]
    return list(dict.fromkeys((*found, *(home() / one.hub_id.replace("/", "--") for one in adapters(preset)))))


def pull_model(name: str, say: Say, hub: Hub | None = None) -> None:
    """Say what will be fetched and under which licence, then fetch it, telling how far it is; `hub` is for tests.

    Raises: BadInput for an unknown name, or when it cannot be fetched.
    """
    from generation.engines.diffusion.pull import pull
    from generation.engines.diffusion.weights import download_gib, lacking

    preset = _preset(name)
    of_yours = "a folder of yours, nothing to fetch"
    size = f"{download_gib(preset):.1f} GiB to fetch" if not preset.checkpoint.folder else of_yours
    to_fetch = size if lacking(preset) else "all is here"
    say(f"{preset.title}: {to_fetch}")
    address = f" ({preset.licence_url})" if preset.licence_url else ""
    say(f"licence: {licence_terms(preset)}{address}")
    with _as_input(name):
        folders = pull(preset, _Telling(say), hub=hub)
    for folder in folders:
        say(f"here: {folder}")


class _Telling:
    """Progress of a download as lines, one for each twentieth of a repository."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        part = PARTS * done // total if total else PARTS
        if self._told.get(what) != part:
            self._told[what] = part
            self._say(f"{what}: {done / GIB:.1f} of {total / GIB:.1f} GiB")


def model_folders(name: str) -> tuple[Path, ...]:
    """The folders of an engine's checkpoints, each whole.

    Raises: BadInput for an unknown name, or weights that are not here.
    """
    from generation.engines.diffusion.weights import checkpoints, find

    preset = _preset(name)
    with _as_input(name):
        return tuple(find(part, name) for part in checkpoints(preset))


def measure_model(name: str, say: Say) -> list[Line]:
    """Render the same shots at every speed, compare them with exact, keep the figures beside the weights.

    Raises: BadInput for an unknown name, or an engine that cannot run here.
    """
    from generation.engines import get_engine
    from generation.engines.diffusion.hardware import gpus, largest
    from generation.engines.diffusion.measure import measure_levels, store
    from generation.engines.diffusion.weights import find

    preset = _preset(name)
    with _as_input(name):
        engine = get_engine(name)
        if lacks := engine.missing():
            raise BadInput(tuple(_problem("engine_missing", name, sentence) for sentence in lacks))
        folder = find(preset.checkpoint, name)
        clips = folder.with_name(f"{folder.name}.measured")
        card = largest(gpus())
        device = card.name if card else "cpu"
        shots = measured_shots(preset)
        say(f"rendering {len(shots)} shots of {shots[0].size}, {shots[0].frames} frames, at each speed on {device}")
        levels = measure_levels(engine, shots, clips)
        say(f"films: {clips}")
        say(f"figures: {store(preset, levels, shots, device)}")
    return [_level_line(level, figures) for level, figures in levels.items()]


def measured_shots(preset: Preset) -> tuple[Shot, ...]:
    """The shots that speeds are measured on: the preset's first size and full length."""
    from generation.spec import Shot

    size, frames = preset.sizes[0], preset.max_frames
    return tuple(
        Shot(prompt, size, frames, preset.fps, MEASURED_SEED + number) for number, prompt in enumerate(MEASURED_PROMPTS)
    )


def _level_line(level: str, figures: Level) -> Line:
    return {
        "speed": level,
        "PSNR": f"{figures.psnr_db:.1f} dB (worst {figures.worst_psnr_db:.1f})",
        "perceptual_distance": f"{figures.distance:.4f} (worst {figures.worst_distance:.4f})",
        "seconds_per_shot": f"{figures.seconds_per_shot:.1f}",
        "faster": f"{figures.times_faster:.2f} times",
    }


def measured_cost(name: str, speed: str) -> str:
    """What `measure` found about a speed, for the report; "" where it was not measured with these weights."""
    from generation.engines.diffusion.measure import measured
    from generation.engines.diffusion.presets import load_presets
    from generation.errors import GenerationError

    try:
        preset = load_presets().get(name)
        entry = measured(preset) if preset else None
    except GenerationError as error:  # the run is done: its report must not end here
        return str(error)
    if not entry or speed not in entry["levels"]:
        return ""
    level = entry["levels"][speed]
    return (
        f"PSNR {level['psnr_db']:.1f} dB (worst {level['worst_psnr_db']:.1f}), perceptual distance"
        f" {level['distance']:.4f} (worst {level['worst_distance']:.4f}), {level['times_faster']:.2f} times as fast;"
        f" shots measured: {entry['shots']} of {entry['size']}, {entry['frames']} frames, {entry['device']}"
    )


def _preset(name: str) -> Preset:
    from generation.engines.diffusion.presets import get_preset

    with _as_input(name):
        return get_preset(name)


@contextmanager
def _as_input(name: str) -> Iterator[None]:
    """What is wrong with weights or presets, as a complaint that the command line prints."""
    from generation.errors import GenerationError

    try:
        yield
    except GenerationError as error:
        raise BadInput((_problem(error.code, name, str(error)),)) from error


def _problem(code: str, name: str, message: str) -> Problem:
    return Problem("models", None, None, code, shown(name), message.rstrip("."), "")
