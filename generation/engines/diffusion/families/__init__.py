"""Model families: what differs between them, one file for each. A new family is a file and a row in FAMILIES."""

from __future__ import annotations

from importlib import import_module

from generation.engines.diffusion.families.contract import Family
from generation.errors import NotAvailable

#: Name in presets.toml -> "module:Class".
FAMILIES = {
    "wan": "generation.engines.diffusion.families.wan:Wan",
    "ltx2": "generation.engines.diffusion.families.ltx2:Ltx2",
    "helios": "generation.engines.diffusion.families.helios:Helios",
    "kandinsky6": "generation.engines.diffusion.families.kandinsky6:Kandinsky6",
}


def get_family(name: str) -> type[Family]:
    """The class of a family.

    Raises: NotAvailable for an unknown name.
    """
    if name not in FAMILIES:
        raise NotAvailable(f"there is no model family {name!r}; families: {', '.join(FAMILIES)}")
    module, _, class_name = FAMILIES[name].partition(":")
    found: type[Family] = getattr(import_module(module), class_name)
    return found
