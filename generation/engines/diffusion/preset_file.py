"""A file of presets, read and checked: `presets.toml` beside this one, and a user's own.

A table may say `base = "draft"`: it then has all keys of that preset but those that it states itself, so that a user's
own checkpoint of a known family is a few lines. Knows records and rules; asks neither the disk for weights nor a hub.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from generation.engines.diffusion.presets import SPEEDS, WAYS, Adapter, Checkpoint, Preset, Speed
from generation.engines.diffusion.records import record
from generation.errors import NotAvailable

SHIPPED = Path(__file__).with_name("presets.toml")
#: Names of other engines, and the word for choosing one.
RESERVED = ("auto", "animatic", "videos-api")
#: Keys of a table that are short for keys of its `checkpoint`.
SHORT = ("hub_id", "folder", "revision", "download_gib", "gated")
#: The one preset whose weights are built here: neither on the hub nor in a folder of the user's.
BUILT_HERE = "tiny"

Table = dict[str, Any]


def read_presets(path: Path, taken: Mapping[str, Preset] | None = None) -> dict[str, Preset]:
    """The presets of one file; `taken` are those whose names are used and that a table may be based on.

    Raises: NotAvailable for a file that is not there or is no TOML, or a table that is not a preset.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotAvailable(f"the file of presets {path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotAvailable(f"the file of presets {path} is no TOML: {error}") from error
    known: dict[str, Table] = {name: _as_table(preset) for name, preset in (taken or {}).items()}
    found: dict[str, Preset] = {}
    for name, table in tables.items():
        where = f"{path.name} [{name}]"
        _check_name(name, table, known, where)
        known[name] = _completed(name, table, known, where)
        if path == SHIPPED and not _has_family(known[name].get("family")):
            continue  # a table may be written before its family is; it is not offered until then
        preset = record(Preset, {"name": name, **known[name]}, where)
        found[name] = _located(preset, path.parent)
        for complaint in _complaints(found[name]):
            raise NotAvailable(f"{where}: {complaint}")
    return found


def _check_name(name: str, table: object, known: Mapping[str, Table], where: str) -> None:
    if not isinstance(table, dict):
        raise NotAvailable(f"{where} is no table; a preset begins with a line [{name}]")
    if name in RESERVED or name in known:
        raise NotAvailable(f"{where}: the name {name!r} is taken; choose another one")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", name):
        raise NotAvailable(f"{where}: a name is made of small letters, digits, - and _")


def _completed(name: str, table: Table, known: Mapping[str, Table], where: str) -> Table:
    """The table with what it takes over from its base, and with short keys where they belong."""
    own = {key: value for key, value in table.items() if key not in ("base", *SHORT)}
    short = {key: table[key] for key in SHORT if key in table}
    if "base" not in table:
        return own if not short else {**own, "checkpoint": {**own.get("checkpoint", {}), **short}}
    base = table["base"]
    if base not in known:
        near = difflib.get_close_matches(str(base), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise NotAvailable(f"{where}.base: there is no preset {base!r}; {hint}")
    # Never chosen by `auto` unless it says so: nobody asked for somebody's own checkpoint.
    inherited = {**known[base], "rank": 0, "title": f"{known[base]['title']} ({name})"}
    if short or "checkpoint" in own:
        inherited["checkpoint"] = {}
    if "licence" in own:
        inherited["licence_url"] = ""  # the text of another licence would be shown as the text of this one
    return _merged(inherited, {**own, **({"checkpoint": short} if short else {})})


def _merged(base: Table, own: Table) -> Table:
    """`own` over `base`, table by table. `config` counts whole: it is one scheduler's, and another one refuses it."""
    nested = {
        key: _merged(base[key], value)
        for key, value in own.items()
        if key != "config" and isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **own, **nested}


def _as_table(preset: Preset) -> Table:
    """A preset as its table would be written, for others to be based on."""
    table = {key: value for key, value in asdict(preset).items() if value is not None and key != "name"}
    table["fps"] = str(preset.fps)
    table["sizes"] = [str(size) for size in preset.sizes]
    return {key: _plain(value) for key, value in table.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (tuple, frozenset)) else value


def _located(preset: Preset, beside: Path) -> Preset:
    """Folders are meant from where the file is."""
    if not preset.checkpoint.folder:
        return preset
    folder = (beside / Path(preset.checkpoint.folder).expanduser()).resolve()
    return replace(preset, checkpoint=replace(preset.checkpoint, folder=str(folder)))


def _complaints(preset: Preset) -> Iterator[str]:
    """What the types cannot say."""
    if preset.commercial_use not in ("yes", "no", "conditional"):
        yield f"commercial_use must be yes, no or conditional, not {preset.commercial_use!r}"
    if not _has_family(preset.family):
        yield f"there is no model family {preset.family!r} in generation/engines/diffusion/families/"
    for name, values, known in (
        ("ways", preset.ways, WAYS[1:]),
        ("speeds", preset.speeds, SPEEDS),
        ("memory_gib", preset.memory_gib, ("bf16", "fp8", "offload")),
    ):
        if unknown := sorted(set(values) - set(known)):
            yield f"{name} has {unknown[0]!r}, which is none of {', '.join(known)}"
    for code in preset.excluded_territories:
        if not re.fullmatch("[A-Z]{2}", code):
            yield f"excluded_territories has {code!r}, which is no ISO 3166 code such as 'KR'"
    yield from _frame_complaints(preset)
    yield from _schedule_complaints(preset)
    for checkpoint in filter(None, (preset.checkpoint, preset.image_checkpoint)):
        yield from _checkpoint_complaints(preset, checkpoint)
    for adapter in preset.adapters:
        yield from _adapter_complaints(adapter)
    for level, speed in preset.speeds.items():
        yield from _speed_complaints(level, speed)


def _has_family(name: object) -> bool:
    # Looked for on the disk: importing the table of families would import numpy.
    return isinstance(name, str) and (Path(__file__).parent / "families" / f"{name}.py").is_file()


def _frame_complaints(preset: Preset) -> Iterator[str]:
    multiple, step, offset = preset.size_multiple_px, preset.frames_step, preset.frames_offset
    if multiple < 2 or multiple % 2:
        yield f"size_multiple_px must be even, not {multiple}"
        return
    if not preset.sizes:
        yield "sizes is empty"
    for size in preset.sizes:
        if size.width_px % multiple or size.height_px % multiple:
            yield f"sizes has {size}, which is not a multiple of {multiple}"
    if step < 1 or not 0 < preset.min_frames <= preset.max_frames:
        yield "frames_step must be at least 1, and min_frames above 0 and not above max_frames"
        return
    for name, frames in (("min_frames", preset.min_frames), ("max_frames", preset.max_frames)):
        if (frames - offset) % step:
            yield f"{name} {frames} is not {step} n + {offset}"


def _schedule_complaints(preset: Preset) -> Iterator[str]:
    schedule = preset.schedule
    if schedule.steps < 1:
        yield f"schedule.steps must be at least 1, not {schedule.steps}"
    for name, values in (("sigmas", schedule.sigmas), ("timesteps", schedule.timesteps)):
        if values and len(values) != schedule.steps:
            yield f"schedule.{name} has {len(values)} values for {schedule.steps} steps"
        if list(values) != sorted(set(values), reverse=True):
            yield f"schedule.{name} must fall from step to step"
    if any(not 0 < sigma <= 1 for sigma in schedule.sigmas):
        yield "schedule.sigmas must lie between 0 and 1"


def _checkpoint_complaints(preset: Preset, checkpoint: Checkpoint) -> Iterator[str]:
    if checkpoint.folder and checkpoint.hub_id:
        yield "state either hub_id or folder, not both"
    if not (checkpoint.folder or checkpoint.hub_id or preset.name == BUILT_HERE):
        yield "checkpoint needs a hub_id ('owner/name') or a folder"
    yield from _hub_complaints(checkpoint.hub_id, checkpoint.revision)


def _adapter_complaints(adapter: Adapter) -> Iterator[str]:
    file = Path(adapter.file)
    if file.suffix != ".safetensors" or file.is_absolute() or ".." in file.parts:
        yield f"adapters has the file {adapter.file!r}, which is no .safetensors file of a repository"
    yield from _hub_complaints(adapter.hub_id, adapter.revision)


def _hub_complaints(hub_id: str, revision: str) -> Iterator[str]:
    if hub_id and not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", hub_id):
        yield f"hub_id must be 'owner/name', not {hub_id!r}"
    if revision and not re.fullmatch("[0-9a-f]{40}", revision):
        yield f"revision must be a commit of 40 hex digits (a branch can move), not {revision!r}"


def _speed_complaints(level: str, speed: Speed) -> Iterator[str]:
    if speed.cache not in ("none", "step", "first_block", "mag"):
        yield f"speeds.{level}.cache must be none, step, first_block or mag, not {speed.cache!r}"
    if (speed.cache == "none") != (speed.threshold == 0):
        yield f"speeds.{level} needs a cache and a threshold, or neither"
    if not 0 < speed.guided_part <= 1:
        yield f"speeds.{level}.guided_part must be above 0 and at most 1, not {speed.guided_part:g}"
    if speed.storage not in ("native", "fp8"):
        yield f"speeds.{level}.storage must be native or fp8, not {speed.storage!r}"
