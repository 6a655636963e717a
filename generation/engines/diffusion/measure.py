"""What a level of speed costs in quality: the same shots at `exact` and at the level, films read back and compared.

The result is kept beside the folder of the weights (`NAME.speed.json`: what is in the folder is the weights' identity);
plan and report read it there without torch. The two figures are explained in `likeness.py`. Knows engines by their
contract only.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generation.engines.contract import Engine
from generation.engines.diffusion.likeness import MEASURE, compare_films
from generation.engines.diffusion.presets import SPEEDS, Preset
from generation.engines.diffusion.weights import folder_of, identity
from generation.errors import NotAvailable
from generation.spec import Footage, Shot

SUFFIX = ".speed.json"
#: Equal films have an infinite PSNR, which JSON cannot hold.
EQUAL_DB = 100.0


@dataclass(frozen=True, slots=True)
class Level:
    """A level against `exact`: over all shots, the mean of both figures, the worst shot's, and the time."""

    psnr_db: float
    distance: float
    worst_psnr_db: float
    worst_distance: float
    seconds_per_shot: float
    #: Time at `exact` over time at this level: 2.0 is twice as fast.
    times_faster: float


def measure_levels(
    engine: Engine, shots: Sequence[Shot], clips: Path, levels: Sequence[str] = SPEEDS[1:]
) -> dict[str, Level]:
    """Render `shots` at `exact` and at each level through the engine itself, and compare what was written.

    The first shot is rendered once more before each level, untimed: loading and compiling are paid once in a run and
    would drown the level's own time. Films stay in `clips` (exact-0.mp4, fast-0.mp4) for whoever wants to look.
    """
    clips.mkdir(parents=True, exist_ok=True)
    exact, exact_seconds = _rendered(engine, shots, clips, "exact")
    found = {}
    for level in levels:
        films, seconds = _rendered(engine, shots, clips, level)
        compared = [compare_films(a, b) for a, b in zip(exact, films, strict=True)]
        near, away = [min(one, EQUAL_DB) for one, _ in compared], [one for _, one in compared]
        found[level] = Level(
            psnr_db=round(sum(near) / len(near), 2),
            distance=round(sum(away) / len(away), 5),
            worst_psnr_db=round(min(near), 2),
            worst_distance=round(max(away), 5),
            seconds_per_shot=round(seconds / len(shots), 3),
            times_faster=round(exact_seconds / seconds, 3),
        )
    return found


def store(preset: Preset, levels: Mapping[str, Level], shots: Sequence[Shot], device: str) -> Path:
    """Write or renew this preset's entry for this device."""
    path = _file(preset)
    first = shots[0]
    entry = {
        "preset": preset.name,
        "weights": identity(preset.checkpoint, preset.name),
        "device": device,
        "machine": platform.machine(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "measure": MEASURE,
        "settings": {level: asdict(preset.speeds[level]) for level in levels if level in preset.speeds},
        "shots": len(shots),
        "size": str(first.size),
        "frames": first.frames,
        "levels": {name: asdict(level) for name, level in levels.items()},
    }
    others = [one for one in _entries(path) if (one["preset"], one["device"]) != (preset.name, device)]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    part.write_text(json.dumps([*others, entry], indent=2, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)
    return path


def measured(preset: Preset) -> Mapping[str, Any] | None:
    """The newest entry for this preset with these very weights and settings; None when nobody has measured it.

    Figures of another commit, or of levels whose settings were changed since, are no figures of this preset.
    """
    weights = identity(preset.checkpoint, preset.name)
    now = {name: json.loads(json.dumps(asdict(speed))) for name, speed in preset.speeds.items()}
    fitting = [
        one
        for one in _entries(_file(preset))
        if one["preset"] == preset.name
        and one["weights"] == weights
        and all(now.get(level) == settings for level, settings in one["settings"].items())
    ]
    return max(fitting, key=lambda one: str(one["measured_at"]), default=None)


def _file(preset: Preset) -> Path:
    folder = folder_of(preset.checkpoint, preset.name)
    return folder.with_name(folder.name + SUFFIX)


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise NotAvailable(f"{path}: not readable ({error}); delete it and measure again") from error
    return list(found)


def _rendered(engine: Engine, shots: Sequence[Shot], clips: Path, level: str) -> tuple[list[Path], float]:
    """Films of all shots at one level, and the seconds they took after a first one."""
    asked = [replace(shot, options={**shot.options, "speed": level}) for shot in shots]
    paths = [clips / f"{level}-{number}.mp4" for number in range(len(shots))]
    _films(engine, asked[:1], paths[:1])
    began = time.perf_counter()
    return _films(engine, asked, paths), time.perf_counter() - began


def _films(engine: Engine, shots: Sequence[Shot], paths: Sequence[Path]) -> list[Path]:
    return [made.path for made in engine.render(shots, paths) if isinstance(made, Footage)]
