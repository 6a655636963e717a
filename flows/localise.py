"""Locales, and values as people of a locale write them: money, numbers, percentages, dates, units, plurals.

The data is Babel's copy of CLDR. Filters take typed values (see `values.py`) and raise `BadValue` sentences. Knows
no template and no row.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from flows.problems import did_you_mean
from flows.values import BadValue, Money, Percent, Value

if TYPE_CHECKING:
    from babel import Locale

#: Country codes and habits that people write in place of a language.
_HABITS = {"jp": "ja-JP", "cn": "zh-CN", "kr": "ko-KR", "gb": "en-GB", "us": "en-US", "dk": "da-DK"}
_HABITS |= {"cz": "cs-CZ", "gr": "el-GR", "mx": "es-MX"}


@lru_cache(maxsize=512)
def locale_tag(text: str) -> str:
    """A BCP 47 tag in its usual case: `en_us` becomes `en-US`.

    Raises: BadValue when it is no tag or CLDR has no data for it.
    """
    parts = text.strip().replace("_", "-").split("-")
    tidy = [parts[0].lower(), *(part.title() if len(part) == 4 else part.upper() for part in parts[1:])]
    tag = "-".join(tidy)
    if tag in _HABITS:
        raise BadValue("a country, not a language", f"Write {_HABITS[tag]}")
    try:
        locale_data(tag)
    except ValueError as error:
        language = tidy[0]
        near = [known for known in _tags() if known.split("-")[0] == language]
        raise BadValue("not a known locale", _advice(tag, near)) from error
    return tag


def _advice(tag: str, same_language: list[str]) -> str:
    if same_language:
        return did_you_mean(tag, same_language) or f"Known for this language: {', '.join(same_language[:12])}"
    from babel import Locale

    named = [code for code, name in Locale("en").languages.items() if name.casefold() == tag.casefold()]
    if named:
        return f"Write the language's code, {named[0]}, with a region, like {named[0]}-…"
    return did_you_mean(tag, _tags()) or "Write language and region, like en-US, es-MX or de-DE"


@lru_cache(maxsize=1)
def _tags() -> tuple[str, ...]:
    from babel.localedata import locale_identifiers

    return tuple(sorted(identifier.replace("_", "-") for identifier in locale_identifiers()))


@lru_cache(maxsize=512)
def locale_data(tag: str) -> Locale:
    """CLDR's data for a tag.

    Raises: ValueError (Babel's UnknownLocaleError is made one) when there is none.
    """
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, TypeError) as error:
        raise ValueError(f"no locale data for {tag}") from error


@lru_cache(maxsize=512)
def fallbacks(tag: str) -> tuple[str, ...]:
    """The tag, then what is left without its region, then the bare language: zh-Hant-TW, zh-Hant, zh."""
    parts = tag.split("-")
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


#: Narrow no-break space, direction marks (the layout sets the direction of a whole line) and the full-width yen.
_DRAWABLE = {0x202F: "\u00a0", 0x200E: None, 0x200F: None, 0x061C: None, 0xFFE5: "¥"}

# --- filters ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _money(amount: Decimal, currency: str, tag: str, cents: str) -> str:
    from babel.numbers import format_currency, get_currency_precision

    whole = cents == "auto" and amount == amount.to_integral_value()
    digits = 0 if whole else get_currency_precision(currency)
    pattern = locale_data(tag).currency_formats["standard"].pattern
    # CLDR's pattern carries the places of symbol and separators; only the decimals are ours.
    pattern = pattern.replace("0.00", "0." + "0" * digits if digits else "0")
    text: str = format_currency(amount, currency, pattern, locale=locale_data(tag), currency_digits=False)
    # CLDR parts letters from digits (`EUR 1,299`); Babel leaves that out.
    return re.sub(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])", "\u00a0", _drawable(text))


def _drawable(text: str) -> str:
    """The same with characters that fonts have: ordinary no-break spaces, no direction marks, a half-width yen."""
    return text.translate(_DRAWABLE)


def money(tag: str, value: Value, cents: str = "auto") -> str:
    """`$19.90`, `19,90 €`; whole amounts without cents unless `cents="always"`."""
    if not isinstance(value, Money):
        raise _wrong("money", value, "a variable of type money")
    if not value.currency:
        raise BadValue(
            "no currency is known for this amount", "Set `currency:` in campaign.yaml or add a currency column"
        )
    if cents not in ("auto", "always"):
        raise BadValue(f"money has no cents={cents!r}", 'Use cents="auto" or cents="always"')
    return _money(Decimal(value), value.currency, tag, cents)


@lru_cache(maxsize=8192)
def number(tag: str, value: Value) -> str:
    """`1,290.5` or `1.290,5`."""
    from babel.numbers import format_decimal

    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _wrong("number", value, "a variable of type number or integer")
    return _drawable(format_decimal(value, locale=locale_data(tag)))


@lru_cache(maxsize=8192)
def percent(tag: str, value: Value) -> str:
    """`25%` or `25 %` from 25."""
    from babel.numbers import format_percent

    if not isinstance(value, Percent):
        raise _wrong("percent", value, "a variable of type percent")
    share = Decimal(value) / 100
    places = max(0, -int(value.normalize().as_tuple().exponent))
    pattern = locale_data(tag).percent_formats[None].pattern
    if places:
        pattern = pattern.replace("0", "0." + "0" * places, 1) if pattern.count("0") == 1 else pattern
    return _drawable(format_percent(share, pattern, locale=locale_data(tag)))


@lru_cache(maxsize=8192)
def date(tag: str, value: Value, form: str = "long") -> str:
    """`December 31, 2026`; `form` is full, long, medium, short, `day` (31 December) or `weekday` (Thursday)."""
    from babel.dates import format_date, format_skeleton

    if not isinstance(value, datetime.date):
        raise _wrong("date", value, "a variable of type date")
    skeletons = {"day": "MMMMd", "weekday": "EEEE"}
    if form == "weekday":
        return format_date(value, "EEEE", locale=locale_data(tag))
    if form in skeletons:
        return format_skeleton(
            skeletons[form], datetime.datetime.combine(value, datetime.time()), locale=locale_data(tag)
        )
    if form not in ("full", "long", "medium", "short"):
        raise BadValue(f"date has no form {form!r}", "Use full, long, medium, short, day or weekday")
    return _drawable(format_date(value, form, locale=locale_data(tag)))


@lru_cache(maxsize=8192)
def unit(tag: str, value: Value, name: str, length: Literal["short", "long", "narrow"] = "short") -> str:
    """`750 ml` from 750 and "milliliter" (CLDR's unit names; also "volume-milliliter")."""
    from babel.units import UnknownUnitError, format_unit

    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _wrong("unit", value, "a variable of type number or integer")
    if length not in ("short", "long", "narrow"):
        raise BadValue(f"unit has no length {length!r}", "Use short, long or narrow")
    try:
        return _drawable(format_unit(value, name, length, locale=locale_data(tag)))
    except UnknownUnitError as error:
        raise BadValue(f"unknown unit {name!r}", "Use CLDR's names: milliliter, kilogram, hour, kilometer …") from error


@lru_cache(maxsize=8192)
def plural(tag: str, value: Value, **forms: str) -> str:
    """The form for the number: `n | plural(one="# day", other="# days")`; `#` becomes the written number."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _wrong("plural", value, "a variable of type number or integer")
    if "other" not in forms:
        raise BadValue("plural needs the form other", 'Write plural(one="# day", other="# days")')
    category = locale_data(tag).plural_form(value)
    return forms.get(category, forms["other"]).replace("#", number(tag, value))


def upper(tag: str, value: Value) -> str:
    """Capitals as the language has them: Turkish and Azeri i becomes İ."""
    text = str(value)
    return (text.replace("i", "İ") if tag.split("-")[0] in ("tr", "az") else text).upper()


def lower(tag: str, value: Value) -> str:
    """Small letters as the language has them: Turkish and Azeri I becomes ı."""
    text = str(value)
    return (text.replace("İ", "i").replace("I", "ı") if tag.split("-")[0] in ("tr", "az") else text).lower()


def capitalize(tag: str, value: Value) -> str:
    """The first letter as a capital, the rest untouched (brand names keep theirs)."""
    text = str(value)
    return upper(tag, text[:1]) + text[1:]


def trim(_tag: str, value: Value) -> str:
    """Without spaces at both ends."""
    return str(value).strip()


def default(_tag: str, value: Value, otherwise: str) -> Value:
    """`otherwise` where the cell is empty."""
    return otherwise if isinstance(value, str) and not value else value


def shorten(_tag: str, value: Value, characters: int) -> str:
    """At most so many characters, cut between words and ended with an ellipsis."""
    text = str(value)
    if len(text) <= characters:
        return text
    head = text[: max(1, characters - 1)]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(" ,;:.–-") + "…"


def _wrong(name: str, value: Value, wants: str) -> BadValue:
    if isinstance(value, str) and not value:
        return BadValue(f"the filter {name} was given an empty value", "Guard it: {% if name %} … {% endif %}")
    return BadValue(f"the filter {name} needs {wants}", "Declare the variable's type in template.yaml")


#: What a template may use; each takes the locale first. `LOCALISED` ones give another text in another locale.
FILTERS = {
    function.__name__: function
    for function in (money, number, percent, date, unit, plural, upper, lower, capitalize, trim, default, shorten)
}
LOCALISED = frozenset(FILTERS) - {"trim", "default", "shorten"}
