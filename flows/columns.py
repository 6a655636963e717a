"""What each column of the rows CSV means: reserved, a template variable (perhaps for one locale), or a note for people.

`price.es-MX` is the variable `price` for Mexican Spanish, `price.es` for all Spanish, `price` for the rest. A column
that nothing would read is refused, because a misspelt one looks the same. Does not look at cells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.localise import locale_tag
from flows.problems import Problems, did_you_mean
from flows.table import clean
from flows.values import BadValue

#: Reserved names and the field of a row that each sets; several spellings are in use.
RESERVED = {
    "row_id": "row_id",
    "enabled": "enabled",
    "locale": "locales",
    "locales": "locales",
    "segment": "segments",
    "segments": "segments",
    "placement": "placements",
    "placements": "placements",
    "platforms": "placements",
    "variant": "variants",
    "variants": "variants",
    "seed": "seed",
    "landing_url": "landing_url",
    "synthetic_person": "synthetic_person",
    "look": "look",
    "music": "music",
    "music_id": "music",
    "lora": "loras",
    "loras": "loras",
    "campaign": "campaign",
    "category": "category",
    "person": "person",
}
#: Known in this trade but not settable for a single row, and where to set it.
ELSEWHERE = {
    "model": "engine",
    "engine": "engine",
    "duration_s": "seconds",
    "seconds": "seconds",
    "voice": "voice",
    "disclosure": "disclosure",
    "quality": "quality",
}
NOT_YET = {"priority": "Rows are made in the order of the file: sort them"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` is reserved, variable or note."""

    header: str
    kind: str
    #: Field of the row, or variable; with its locale as it is looked up (`price.es-MX`).
    name: str
    #: The variable without its locale.
    variable: str = ""


def read_columns(
    header: Sequence[str], kinds: Mapping[str, str], ignored: Sequence[str], problems: Problems
) -> tuple[Column, ...]:
    """The meaning of every column, in the file's order. `kinds` maps the template's variables to their types."""
    skipped = {plain_name(name) for name in ignored}
    columns = [_column(name, kinds, skipped, problems) for name in header]
    seen: dict[tuple[str, str], str] = {}
    for column in columns:
        key = (column.kind, column.name)
        if column.kind != "note" and key in seen:
            message = f'it means the same as the column "{seen[key]}"'
            problems.add("header_twice", message, "Delete one of them", column=clean(column.header))
        seen[key] = clean(column.header)
    return tuple(columns)


def plain_name(name: str) -> str:
    """A header's name as it is compared: `Old Price ` and `old-price` are `old_price`."""
    return re.sub(r"[\s\-]+", "_", clean(name)).casefold()


def _column(header: str, kinds: Mapping[str, str], ignored: set[str], problems: Problems) -> Column:
    shown = clean(header)
    base, dot, suffix = shown.partition(".")
    name = plain_name(base)
    if name.startswith("_") or plain_name(shown) in ignored:
        return Column(header, "note", name)
    if not dot and name in RESERVED:
        return Column(header, "reserved", RESERVED[name])
    if name in kinds:
        return _variable(header, name, suffix if dot else None, problems)
    if name in ELSEWHERE:
        fix = f"Set `{ELSEWHERE[name]}:` in campaign.yaml, or make two campaigns"
        problems.add("column_not_supported", "this cannot be set for a single row", fix, column=shown)
    elif name in NOT_YET:
        problems.add(
            "column_not_supported", "this column is reserved and has no effect yet", NOT_YET[name], column=shown
        )
    else:
        near = did_you_mean(base, [*kinds, *RESERVED])
        hint = near if near.startswith("Did") else "No text of the template reads it."
        fix = f'{hint} If it is for people only, call it "_{name}" or list it under `ignore_columns:`'
        problems.add("unknown_column", "unknown column", fix, column=shown)
    return Column(header, "note", name)


def _variable(header: str, name: str, suffix: str | None, problems: Problems) -> Column:
    if suffix is None:
        return Column(header, "variable", name, name)
    try:
        return Column(header, "variable", f"{name}.{locale_tag(suffix)}", name)
    except BadValue as error:
        problems.add("bad_locale", f"{suffix!r} is {error}", error.fix, column=clean(header))
        return Column(header, "note", name)
