"""Typed values of template variables: what a cell's text must look like to be money, a date, a colour.

Everything is text until a declared type says otherwise, and nothing is guessed: `1,5` is one and a half in Berlin and
fifteen in Boston, so it is refused with the two ways to write it. Knows no locale: see `localise.py`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

Value = str | bool | int | Decimal | datetime.date

_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_YES, _NO = ("yes", "true", "1", "y", "on"), ("no", "false", "0", "n", "off")


class BadValue(ValueError):
    """A text is not what its type asks for; `fix` says how to write it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class Money(Decimal):
    """An amount with its ISO 4217 currency; compares like a number."""

    currency: str = ""

    def __new__(cls, amount: str | Decimal, currency: str) -> Money:
        """Make the amount and remember the currency."""
        made = super().__new__(cls, amount)
        made.currency = currency
        return made

    def __hash__(self) -> int:
        return hash((Decimal(self), self.currency))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Money) and other.currency != self.currency:
            return False
        return bool(Decimal.__eq__(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other  # Decimal has its own, which knows no currency


class Percent(Decimal):
    """A share of a hundred: 25 means 25 %."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of variables: how its text is read, and which filter writes it for people ("" when none is needed)."""

    name: str
    read: Callable[[str], Value]
    filter: str = ""


def boolean(text: str) -> bool:
    """Read yes or no.

    Raises: BadValue.
    """
    word = text.casefold()
    if word not in _YES + _NO:
        raise BadValue("not a yes or a no", "Write yes or no")
    return word in _YES


def number(text: str) -> Decimal:
    """Read plain digits with an optional decimal point.

    Raises: BadValue for thousands separators, decimal commas, exponents, hexadecimal and anything else.
    """
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    plain = re.fullmatch(r"([+-]?[0-9]+),([0-9]+)", text)
    if plain:
        whole, part = plain.groups()
        fix = f"Write {whole}.{part} for a decimal fraction or {whole}{part} for thousands"
        raise BadValue("ambiguous: the comma may part decimals or thousands", fix)
    fix = "Write digits with a point for decimals and nothing else, like 1290 or 19.90"
    raise BadValue("not a number", fix)


def integer(text: str) -> int:
    """Read whole digits.

    Raises: BadValue.
    """
    value = number(text)
    if value != value.to_integral_value() or "." in text:
        raise BadValue("not a whole number", "Write digits only, like 12")
    return int(value)


def percent(text: str) -> Percent:
    """Read `25` or `25%` as twenty-five of a hundred.

    Raises: BadValue.
    """
    return Percent(number(text.removesuffix("%").rstrip()))


def money(text: str) -> Decimal:
    """Read an amount without its currency.

    Raises: BadValue when a currency sign or word stands in the cell.
    """
    if re.search(r"[^\d\s.,+'\-]", text):
        raise BadValue("not a plain amount", "Write the digits only, like 19.90; the currency has its own column")
    amount = number(text)
    if amount < 0:
        raise BadValue("an amount below zero", "Write a price of zero or more")
    return amount


def date(text: str) -> datetime.date:
    """Read an ISO date.

    Raises: BadValue for other orders and for days that do not exist.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise BadValue("not a date", "Write year-month-day, like 2026-12-31")
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadValue("a day that does not exist", "Check month and day; the order is year-month-day") from error


def url(text: str) -> str:
    """Read an http or https address.

    Raises: BadValue.
    """
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or "." not in host or re.search(r"[\s<>\"\\^`|]", text):
        raise BadValue("not a web address", "Write it in full, like https://example.com/page")
    return text


def colour(text: str) -> str:
    """Read `#rrggbb`.

    Raises: BadValue.
    """
    if not _COLOUR.fullmatch(text):
        raise BadValue("not a colour", "Write # and six hexadecimal digits, like #1d3557")
    return text.lower()


def currency(text: str) -> str:
    """Read an ISO 4217 code.

    Raises: BadValue.
    """
    from babel.numbers import list_currencies

    if not _CURRENCY.fullmatch(text) or text not in list_currencies():
        raise BadValue("not a currency", "Write the three letters of ISO 4217, like USD, EUR or MXN")
    return text


def text(value: str) -> str:
    """Read anything: free text."""
    return value


#: The types a template may declare. A new one is a function above and a line here.
KINDS = {
    kind.name: kind
    for kind in (
        Kind("text", text),
        Kind("choice", text),
        Kind("image", text),
        Kind("video", text),
        Kind("url", url),
        Kind("colour", colour),
        Kind("boolean", boolean),
        Kind("integer", integer),
        Kind("number", number, "number"),
        Kind("percent", percent, "percent"),
        Kind("money", money, "money"),
        Kind("date", date, "date"),
        Kind("currency", currency),
    )
}
