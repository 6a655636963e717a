"""Numbers and days as exports write them: 1,234 and 1.234,5 and 1 234; 2026-01-31 and 31.01.2026.

Which mark parts decimals is decided for a whole file, by its own evidence: counts are whole, so that a mark in them
parts thousands. Nothing is guessed: what stays open is refused. Knows no columns.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

#: What platforms write where there is nothing.
NOTHING = {"", "-", "--", "—", "–", "n/a", "na", "null", "none"}
_SPACES = re.compile(r"[\s\u00a0\u202f'’]")
_MONEY = re.compile(r"^[^\d,.+-]*|[^\d,.]*$")
_GROUPED = {",": re.compile(r"\d{1,3}(,\d{3})+"), ".": re.compile(r"\d{1,3}(\.\d{3})+")}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}


class Unclear(ValueError):
    """A text is no number, or may be two."""


def plain(text: str) -> str:
    """The digits and marks of a number: without currency, percent sign and spaces."""
    tight = _SPACES.sub("", text)
    negative = tight.startswith(("-", "−")) or (tight.startswith("(") and tight.endswith(")"))
    found = _MONEY.sub("", tight.strip("()").lstrip("+-−"))
    found = found.lstrip("+-−")
    return f"-{found}" if negative and found else found


def decimal_mark(whole: Iterable[str], any_number: Iterable[str]) -> str:
    """ "." or "," by the evidence of a file's counts and other numbers, "" where there is none.

    Raises: Unclear where the evidence contradicts itself.
    """
    votes = {_vote(plain(text), is_count=True) for text in whole} | {
        _vote(plain(text), is_count=False) for text in any_number
    }
    votes.discard("")
    if len(votes) > 1:
        raise Unclear("some numbers have a decimal comma and others a decimal point")
    return votes.pop() if votes else ""


def _vote(text: str, *, is_count: bool) -> str:
    """The decimal mark that this number proves; "" for none."""
    text = text.lstrip("-")
    point, comma = text.rfind("."), text.rfind(",")
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    for mark, other in ((",", "."), (".", ",")):
        count = text.count(mark)
        if not count:
            continue
        grouped = bool(_GROUPED[mark].fullmatch(text))
        if count > 1 or (is_count and grouped):
            return other if grouped else ""
        if not grouped:
            return mark
    return ""


def figure(text: str, decimal: str) -> float:
    """A number; nothing is 0. `decimal` is "." or ",", or "" where the file proves neither.

    Raises: Unclear.
    """
    if text.strip().casefold() in NOTHING:
        return 0.0
    found = plain(text)
    if not decimal and any(pattern.fullmatch(found.lstrip("-")) for pattern in _GROUPED.values()):
        raise Unclear("its mark may part decimals or thousands")
    thousands = "," if decimal in (".", "") else "."
    if thousands in found and not _is_grouped(found.lstrip("-").partition(decimal or ".")[0], thousands):
        if decimal:
            raise Unclear("its marks are in no place for thousands")
        thousands = "."
    number = found.replace(thousands, "").replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d+)?", number):
        raise Unclear("not a number")
    return float(number)


def _is_grouped(text: str, mark: str) -> bool:
    return mark not in text or bool(_GROUPED[mark].fullmatch(text))


def days(texts: Iterable[str]) -> tuple[datetime.date, datetime.date] | None:
    """The first and the last day; None where there are none, or where day and month cannot be told apart."""
    found = sorted({text.strip() for text in texts if text.strip()})
    parts = [re.findall(r"\d+", text) for text in found]
    if not found:
        return None
    if all(re.match(r"\d{4}-\d{2}-\d{2}", text) for text in found):
        orders = ["ymd"]
    elif all(re.match(r"\d{1,2}\.\d{1,2}\.\d{4}", text) for text in found):
        orders = ["dmy"]
    elif all(re.match(r"\d{1,2}/\d{1,2}/\d{4}", text) for text in found):
        first, second = (max(int(part[place]) for part in parts) for place in (0, 1))
        orders = ["dmy"] if first > 12 else ["mdy"] if second > 12 else []
    else:
        return _named_months(found)
    made = [_day(part, orders[0]) for part in parts] if orders else []
    good = [day for day in made if day]
    return (min(good), max(good)) if good and len(good) == len(made) else None


def _day(part: list[str], order: str) -> datetime.date | None:
    year, month, day = (int(part[order.index(letter)]) for letter in "ymd")
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _named_months(texts: list[str]) -> tuple[datetime.date, datetime.date] | None:
    """Days such as Jan 31, 2026 and 31 January 2026."""
    made = []
    for text in texts:
        words = re.findall(r"[A-Za-z]+|\d+", text)
        numbers = [word for word in words if word.isdigit()]
        month = next((_MONTHS[word[:3].casefold()] for word in words if word[:3].casefold() in _MONTHS), 0)
        if not month or len(numbers) != 2 or len(numbers[1]) != 4:
            return None
        made.append(_day([numbers[1], str(month), numbers[0]], "ymd"))
    good = [day for day in made if day]
    return (min(good), max(good)) if len(good) == len(made) else None
