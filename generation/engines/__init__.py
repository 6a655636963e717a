"""The table of engines: name -> where its class is, and the sentence that says how to get it.

Importing this package imports no engine and nothing heavy. A new engine is one file and one row here, or an entry
point in the group `spotmill.engines` of somebody else's package; it is tested by adding its name to
tests/generation/test_engine_contract.py.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from generation.engines.contract import Engine
from generation.errors import NotAvailable

#: The group under which other packages offer engines.
GROUP = "spotmill.engines"

#: Built-in engines: name -> ("module:Class", what to install when the import fails).
BUILT_IN: dict[str, tuple[str, str]] = {
    "animatic": ("generation.engines.animatic.engine:Animatic", "it comes with Spotmill: reinstall Spotmill"),
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine a run uses, and why: a sentence for the plan."""

    name: str
    reason: str


def _offered() -> dict[str, EntryPoint]:
    """Engines of other installed packages; a built-in name cannot be taken over."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


def engine_names() -> tuple[str, ...]:
    """All names that `get_engine` takes: built-in ones first, then those of other packages."""
    return (*BUILT_IN, *sorted(_offered()))


def get_engine(name: str) -> Engine:
    """A new instance of the engine called `name`.

    Raises: NotAvailable when there is none of that name (with the nearest ones) or what it needs is not installed.
    """
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


def choose_engine(wanted: str) -> EngineChoice:
    """Turn `auto` into a name; any other name is taken as asked for, and refused if there is none.

    Raises: NotAvailable for an unknown name.
    """
    if wanted != "auto":
        if wanted not in engine_names():
            raise NotAvailable(_unknown(wanted))
        return EngineChoice(wanted, f"{wanted} was asked for")
    return EngineChoice("animatic", "auto chose animatic: no text-to-video engine is installed")
