"""A table of TOML as a frozen record: every value has the type that the record states, unknown keys are refused.

Each complaint names the place (file, table, key) and, for an unknown key, the nearest known one. Knows no presets.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from generation.errors import NotAvailable
from generation.spec import Size

Record = TypeVar("Record")


def record(kind: type[Record], values: Mapping[str, object], where: str) -> Record:
    """`values` as a `kind`.

    Raises: NotAvailable, naming the place, for a key that does not exist or is left out, or a value of another type.
    """
    any_kind: Any = kind
    hints = _hints(any_kind)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"keys: {', '.join(hints)}"
            raise NotAvailable(f"{where}: there is no key {key!r}; {hint}")
    missing = [name for name in _required(kind) if name not in values]
    if missing:
        raise NotAvailable(f"{where}: {', '.join(map(repr, missing))} is missing")
    return kind(**{key: convert(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def convert(kind: Any, value: object, where: str) -> Any:
    """One value as what the annotation `kind` says. Raises: NotAvailable."""
    if kind is object:
        return value
    if kind is Size:
        return _size(value, where)
    if kind is Fraction:
        return _fraction(value, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return record(kind, _typed(dict, value, where), where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return convert(inner[0], value, where)
    if origin in (tuple, frozenset):
        return origin(convert(inner[0], entry, f"{where}[{n}]") for n, entry in enumerate(_typed(list, value, where)))
    if origin is Mapping:
        return {key: convert(inner[1], entry, f"{where}.{key}") for key, entry in _typed(dict, value, where).items()}
    # An integer is a fine number; true and false are not, though Python counts them as integers.
    return float(value) if kind is float and type(value) is int else _typed(kind, value, where)


_WORDS = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table",
}  # fmt: skip


def _typed(kind: Any, value: object, where: str) -> Any:
    if type(value) is not kind:
        raise NotAvailable(f"{where} must be {_WORDS.get(kind, kind)}, not {value!r}")
    return value


def _size(value: object, where: str) -> Size:
    width, cross, height = str(value).partition("x")
    if not (cross and width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise NotAvailable(f"{where} must be a size such as '832x480', not {value!r}")
    return Size(int(width), int(height))


def _fraction(value: object, where: str) -> Fraction:
    try:
        rate = Fraction(str(value)) if type(value) in (int, str) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise NotAvailable(f"{where} must be a rate such as 24 or '30000/1001', not {value!r}")
    return rate


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _required(kind: Any) -> list[str]:
    return [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
