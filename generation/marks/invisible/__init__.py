"""Marks that nobody sees and that lead back to the ledger: the port, and the table of marks.

`get_mark(name)` gives one; importing this package loads nothing heavy. A new mark is a file with a class of
`contract.InvisibleMark` and a line in the table; its name in
tests/generation/test_mark_contract.py tests it.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

from generation.errors import NotAvailable

if TYPE_CHECKING:
    from generation.marks.invisible.contract import InvisibleMark

#: Name -> where its class is, and what to do when it cannot be loaded.
MARKS: dict[str, tuple[str, str]] = {
    "spread": ("generation.marks.invisible.spread:SpreadMark", "it comes with Spotmill: reinstall Spotmill"),
    "learned": (
        "generation.marks.invisible.learned:LearnedMark",
        "install Spotmill with its extra `learned`: pip install 'spotmill[learned]'",
    ),
}


def mark_names() -> tuple[str, ...]:
    """The names of all marks."""
    return tuple(MARKS)


def get_mark(name: str) -> InvisibleMark:
    """The mark of that name.

    Raises: NotAvailable with the nearest name for an unknown one, and with the way out where what it needs is missing.
    """
    if name not in MARKS:
        near = difflib.get_close_matches(name, MARKS, n=1, cutoff=0.5)
        meant = f"; did you mean {near[0]!r}?" if near else "."
        raise NotAvailable(f"there is no invisible mark {name!r}{meant} Marks: {', '.join(MARKS)}")
    target, way_out = MARKS[name]
    module, _, kind = target.partition(":")
    try:
        mark: InvisibleMark = getattr(import_module(module), kind)()
    except ImportError as error:
        raise NotAvailable(f"the invisible mark {name!r} cannot be loaded ({error}); {way_out}") from error
    return mark
