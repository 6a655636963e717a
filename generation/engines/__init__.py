"""The table of engines: name -> where its class is, and the sentence that says how to get it.

Importing this package imports no engine and nothing heavy. A new engine is one file and one row here, or an entry
point in the group `spotmill.engines` of somebody else's package; it is tested by adding its name to
tests/generation/test_engine_contract.py. Every preset of `diffusion/presets.toml` is an engine under its own name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from generation.engines.contract import Engine
from generation.errors import NotAvailable

if TYPE_CHECKING:
    from generation.engines.diffusion.hardware import Gpu
    from generation.engines.diffusion.presets import Preset

#: The group under which other packages offer engines.
GROUP = "spotmill.engines"

#: Built-in engines: name -> ("module:Class", what to install when the import fails).
BUILT_IN: dict[str, tuple[str, str]] = {
    "animatic": ("generation.engines.animatic.engine:Animatic", "it comes with Spotmill: reinstall Spotmill"),
    "videos-api": ("generation.engines.videos_api.engine:VideosApi", "it comes with Spotmill: reinstall Spotmill"),
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine a run uses, and why: a sentence for the plan."""

    name: str
    reason: str


def _offered() -> dict[str, EntryPoint]:
    """Engines of other installed packages; a name of ours cannot be taken over."""
    ours = {*BUILT_IN, *_presets()}
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in ours}


def _presets() -> Mapping[str, Preset]:
    from generation.engines.diffusion.presets import load_presets

    return load_presets()


def engine_names() -> tuple[str, ...]:
    """All names that `get_engine` takes: built-in ones first, then presets, then those of other packages.

    Raises: NotAvailable when the user's own file of presets cannot be used.
    """
    return (*BUILT_IN, *_presets(), *sorted(_offered()))


def get_engine(name: str) -> Engine:
    """A new instance of the engine called `name`.

    Raises: NotAvailable when there is none of that name (with the nearest ones) or what it needs is not installed.
    """
    if name not in BUILT_IN and name in _presets():
        from generation.engines.diffusion.engine import Diffusion

        return Diffusion(_presets()[name])
    offered = _offered()
    if name in BUILT_IN:
        target, way_out = BUILT_IN[name]
    elif name in offered:
        dist = offered[name].dist
        target = offered[name].value
        way_out = f"check the package {dist.name if dist else target}, which offers it"
    else:
        raise NotAvailable(_unknown(name))
    module, _, class_name = target.partition(":")
    try:
        made = getattr(import_module(module), class_name)()
    except (ImportError, AttributeError) as error:
        raise NotAvailable(f"the engine {name!r} cannot be loaded ({error}); {way_out}") from error
    if not isinstance(made, Engine):
        raise NotAvailable(f"the engine {name!r} is not an Engine of generation.engines.contract; {way_out}")
    return made


def _unknown(name: str) -> str:
    names = engine_names()
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    return f"there is no engine {name!r}{meant} Engines: {', '.join(names)}"


def choose_engine(wanted: str, cards: Sequence[Gpu] | None = None) -> EngineChoice:
    """Turn `auto` into a name; any other name is taken as asked for, and refused if there is none.

    `auto` takes the best preset whose licence asks nothing, whose weights are here, that fits the GPU and whose
    libraries are installed, and draws an animatic where there is none. `cards` are another machine's GPUs; None asks
    for those of this one.

    Raises: NotAvailable for an unknown name.
    """
    if wanted != "auto":
        if wanted not in engine_names():
            raise NotAvailable(_unknown(wanted))
        return EngineChoice(wanted, f"{wanted} was asked for")
    from generation.engines.diffusion.hardware import fitting, gpus, largest

    card = largest(gpus() if cards is None else cards)
    if card is None:
        return _drawn("no GPU was found")
    ranked = sorted((one for one in _presets().values() if _free_to_choose(one)), key=lambda one: one.rank)
    fit = [preset for preset in ranked if fitting(preset, card.memory_gib)]
    if not fit:
        return _drawn(f"{card.name} has {card.memory_gib:.1f} GiB, too little for any preset")
    return _best(fit, card)


def _free_to_choose(preset: Preset) -> bool:
    """Whether nobody has to be asked first."""
    return preset.needs_gpu and preset.rank > 0 and preset.commercial_use == "yes" and not preset.opt_in


def _best(fit: Sequence[Preset], card: Gpu) -> EngineChoice:
    """The first of the presets that fit whose weights are here, if the libraries are."""
    from generation.engines.diffusion.hardware import INSTALL, fitting, missing_libraries
    from generation.engines.diffusion.weights import download_gib, lacking

    if absent := missing_libraries():
        return _drawn(f"{card.name} was found, but {', '.join(absent)} is not installed: {INSTALL}")
    for preset in fit:
        if not lacking(preset):
            precision = fitting(preset, card.memory_gib)
            reason = f"the best preset with weights here that fits {card.name} ({card.memory_gib:.1f} GiB, {precision})"
            return EngineChoice(preset.name, f"auto chose {preset.name}: {reason}")
    smallest = min(fit, key=download_gib)
    return _drawn(
        f"{card.name} was found, but no weights are here: spotmill models pull {fit[0].name} "
        f"({download_gib(fit[0]):.0f} GiB)"
        + (f", or {smallest.name} ({download_gib(smallest):.0f} GiB)" if smallest is not fit[0] else "")
    )


def _drawn(why: str) -> EngineChoice:
    return EngineChoice("animatic", f"auto chose animatic: {why}")
