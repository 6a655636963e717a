"""The text as it is spoken, and the way back to the text as it is written.

"$19.99" is written and "19 dollars 99" is said: captions keep the written words, the voice gets the spoken ones, and
`Script.to_written` leads every spoken character back. Three things are replaced: words of the campaign's lexicon
(names, loan words), sums of money (`money.toml`; eSpeak says "dollar nineteen point nine nine") and pictographs,
which are not read out. Numbers, dates and percentages stay as they are: voices read them in their language.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: {locale or language: {written word: how it is spoken}}.
Lexicon = Mapping[str, Mapping[str, str]]

_SIGN = r"R\$|US\$|[$€£]"
_AMOUNT = r"\d{1,3}(?:[.,\u00a0\u202f ’']\d{3})+(?:[.,]\d{2})?|\d+(?:[.,]\d{2})?"
_MONEY = re.compile(
    rf"(?<![\w.,])(?:(?P<before>{_SIGN})\s?(?P<first>{_AMOUNT})|(?P<second>{_AMOUNT})\s?(?P<after>{_SIGN}))(?![\w]|[.,]\d)"
)
#: Letter-like marks that nobody reads out, below the block where pictographs begin.
_MUTE_MARKS = frozenset("©®™℠")


@dataclass(frozen=True, slots=True)
class Script:
    """A text in both forms. `pieces` are (spoken offset, written offset, same length) of every part, in order."""

    written: str
    spoken: str
    pieces: tuple[tuple[int, int, bool], ...]

    def to_written(self, offset: int) -> int:
        """The written character that a spoken character stands for; a replacement leads to its first one."""
        starts = [spoken for spoken, _, _ in self.pieces]
        spoken, written, same = self.pieces[max(0, bisect_right(starts, offset) - 1)]
        return written + (offset - spoken if same else 0)


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    text: str


def as_spoken(text: str, locale: str, lexicon: Lexicon | None = None) -> Script:
    """What the voice is given for a written text. The lexicon goes before money, the longest word first."""
    found = sorted(
        [*_from_lexicon(text, locale, lexicon or {}), *_money(text, locale), *_mute(text)],
        key=lambda change: change.start,
    )
    spoken, pieces, at = "", list[tuple[int, int, bool]](), 0
    for change in found:
        if change.start < at:
            continue
        pieces += [(len(spoken), at, True), (len(spoken) + change.start - at, change.start, False)]
        spoken += text[at : change.start] + change.text
        at = change.end
    pieces.append((len(spoken), at, True))
    return Script(text, spoken + text[at:], tuple(pieces))


def _from_lexicon(text: str, locale: str, lexicon: Lexicon) -> list[_Change]:
    """Whole words of the locale's and its language's lexicon, whatever their case."""
    known = {key.replace("_", "-").lower(): words for key, words in lexicon.items()}
    tag = locale.replace("_", "-").lower()
    words = {**known.get(tag.partition("-")[0], {}), **known.get(tag, {})}
    if not words:
        return []
    spoken = {written.casefold(): said for written, said in words.items()}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    pattern = "|".join(re.escape(word) for word in longest_first if word)
    matches = re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE) if pattern else ()
    return [_Change(*match.span(), spoken.get(match.group().casefold(), match.group())) for match in matches]


@cache
def _money_words(locale: str) -> dict[str, Any]:
    """Sign -> its words, and the pattern `both`; empty for languages that are left to the voice."""
    table = tomllib.loads(Path(__file__).with_name("money.toml").read_text(encoding="utf-8"))
    known = {key.lower(): words for key, words in table.items()}
    tag = locale.replace("_", "-").lower()
    language = known.get(tag.partition("-")[0], {})
    # "US$" are dollars also where "$" alone are pesos.
    return {**language, "US$": language.get("$"), **known.get(tag, {})}


def _money(text: str, locale: str) -> Iterator[_Change]:
    words = _money_words(locale)
    for match in _MONEY.finditer(text):
        names = words.get(match["before"] or match["after"])
        if names:
            yield _Change(*match.span(), _say_money(match["first"] or match["second"], names, words["both"]))


def _say_money(amount: str, names: list[str], both: str) -> str:
    """ "1.299,50" with euro and cents -> "1299 euros 50". Two digits behind the last mark are cents, three a group."""
    one, many, one_cent, many_cents = names
    has_cents = len(amount) > 3 and amount[-3] in ".,"
    units = re.sub(r"\D", "", amount[:-3] if has_cents else amount).lstrip("0") or "0"
    cents = (amount[-2:] if has_cents else "00").lstrip("0")
    unit = one if units == "1" else many
    if not cents:
        return f"{units} {unit}"
    if units == "0":
        return f"{cents} {one_cent if cents == '1' else many_cents}"
    # "19 dollars 5" would be misheard; the small ones are named.
    said = cents if len(cents) == 2 else f"{cents} {one_cent if cents == '1' else many_cents}"
    return both.format(units=units, unit=unit, cents=said)


def _mute(text: str) -> Iterator[_Change]:
    """Pictographs and their joiners; a voice would say "party popper"."""
    for offset, character in enumerate(text):
        pictograph = ord(character) >= 0x2190 and unicodedata.category(character) in ("So", "Sk")
        if pictograph or character in _MUTE_MARKS or character in "\u200d\ufe0f":
            yield _Change(offset, offset + 1, "")
