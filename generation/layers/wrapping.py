"""Where a text may break, and where it breaks best: whole phrases, balanced lines, no word left alone.

Works on widths in ems, so one answer serves every size. Knows the breaking rules of spaces, hyphens, soft hyphens and
scripts without spaces (budoux phrases for Japanese, Chinese and Thai); not fonts, nor pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_THAI = re.compile("[\u0e00-\u0e7f]")
_UNSPACED = re.compile(f"{_KANA.pattern}|{_HAN.pattern}|{_THAI.pattern}")
#: A line may end after these when a letter follows; a digit range or a minus must hold together.
_HYPHENS = re.compile(r"(?<=\w\w)[-\u2013\u2014/](?=[^\W\d_]{2})|[\u200b\u00ad]")
_TRADITIONAL = re.compile(r"^zh\b.*-(hant|tw|hk|mo)\b", re.IGNORECASE)
#: Characters that may not begin a line in East Asian text.
_NOT_FIRST = "、。，．・：；？！」』）］｝〉》】〕ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ%％…"
_NOT_LAST = "「『（［｛〈《【〔￥＄"
#: A phrase longer than this is broken inside: one compound must not force a whole headline to be small.
_LONGEST_PHRASE = 9

#: A last word this short is tied to the one before it, unless the two together grow longer than the second figure.
_ORPHAN_LETTERS = 4
_GLUED_LETTERS = 14
#: A width worked out from a text must hold that text: sums of floats differ in their last digits.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters `start` until `end` that stay together; `hyphen` is drawn when a line ends here."""

    start: int
    end: int
    hyphen: bool = False


@lru_cache(maxsize=8192)
def pieces(text: str, locale: str) -> tuple[Piece, ...]:
    """What a clean text can be broken into, without the spaces between."""
    found = []
    for word in re.finditer(r"[^ ]+", text):
        start = word.start()
        for cut, hyphen in _cuts(word.group(), locale):
            found.append(Piece(start, word.start() + cut, hyphen))
            start = word.start() + cut
        found.append(Piece(start, word.end()))
    return tuple(found)


def _cuts(word: str, locale: str) -> list[tuple[int, bool]]:
    """Places inside a word without spaces where a line may end, and whether a hyphen is drawn there."""
    if _UNSPACED.search(word):
        return [(cut, False) for cut in _phrase_ends(word, locale)]
    return [
        (match.end(), match.group() == "\u00ad") for match in _HYPHENS.finditer(word) if 0 < match.end() < len(word)
    ]


def _phrase_ends(word: str, locale: str) -> list[int]:
    """Ends of phrases in Japanese, Chinese or Thai, without the last."""
    phrases = _parser(_model(word, locale)).parse(word)
    ends = list(accumulate(map(len, phrases)))
    inner = [
        end - len(phrase) + cut
        for phrase, end in zip(phrases, ends, strict=True)
        if len(phrase) > _LONGEST_PHRASE and not _THAI.search(phrase)
        for cut in range(2, len(phrase) - 1)
        if phrase[cut] not in _NOT_FIRST and phrase[cut - 1] not in _NOT_LAST and _UNSPACED.match(phrase[cut])
    ]
    return sorted({*ends[:-1], *inner})


def _model(word: str, locale: str) -> str:
    if _THAI.search(word):
        return "th"
    if _KANA.search(word) or locale.lower().startswith("ja"):
        return "ja"
    return "zh-hant" if _TRADITIONAL.match(locale) else "zh-hans"


@lru_cache(maxsize=4)
def _parser(model: str):  # type: ignore[no-untyped-def]  # budoux ships no types
    import budoux

    loaders = {
        "ja": budoux.load_default_japanese_parser,
        "th": budoux.load_default_thai_parser,
        "zh-hans": budoux.load_default_simplified_chinese_parser,
        "zh-hant": budoux.load_default_traditional_chinese_parser,
    }
    return loaders[model]()


class Measured:
    """A broken-up text with the width of any stretch of its pieces, in ems."""

    def __init__(self, text: str, parts: Sequence[Piece], widths_em: Sequence[float], hyphen_em: float) -> None:
        self.text, self.parts, self._hyphen = text, parts, hyphen_em
        self._ends = [0.0, *accumulate(widths_em)]

    def width(self, first: int, last: int) -> float:
        """Width of pieces `first` to `last`, both included, on one line."""
        part = self.parts[last]
        return self._ends[part.end] - self._ends[self.parts[first].start] + (self._hyphen if part.hyphen else 0.0)

    def line(self, first: int, last: int) -> str:
        """The characters of that line."""
        part = self.parts[last]
        return self.text[self.parts[first].start : part.end].replace("\u00ad", "") + ("-" if part.hyphen else "")

    def lines_at(self, width_em: float) -> int | None:
        """How few lines hold the text at this width; None when a piece is wider than a line."""
        lines, first, room = 1, 0, width_em + _ROUNDING
        for last in range(len(self.parts)):
            if self.width(last, last) > room:
                return None
            if self.width(first, last) > room:
                lines, first = lines + 1, last
        return lines

    def narrowest(self, lines: int) -> float:
        """The smallest width at which the text takes no more than `lines` lines."""
        low = max(self.width(index, index) for index in range(len(self.parts)))
        high = self.width(0, len(self.parts) - 1)
        if lines == 1:
            return high
        if (self.lines_at(low) or 99) <= lines:
            return low
        while high - low > 0.005:
            middle = (low + high) / 2
            low, high = (low, middle) if (self.lines_at(middle) or 99) <= lines else (middle, high)
        return high

    def balanced(self, width_em: float, lines: int) -> tuple[str, ...]:
        """Exactly `lines` lines (fewer if there are fewer pieces) no wider than `width_em`, as even as possible."""
        count, lines = len(self.parts), min(lines, len(self.parts))
        ideal = self.width(0, count - 1) / lines
        best: dict[tuple[int, int], tuple[float, int]] = {(0, count): (0.0, count)}
        for left in range(1, lines + 1):
            for first in range(count - 1, -1, -1):
                options = [
                    (self._cost(first, last, ideal, left == 1) + best[left - 1, last + 1][0], last + 1)
                    for last in range(first, count)
                    if (left - 1, last + 1) in best and self.width(first, last) <= width_em + _ROUNDING
                ]
                if options:
                    best[left, first] = min(options)
        if (lines, 0) not in best:
            return self.balanced(width_em, lines - 1)
        result, first = [], 0
        for left in range(lines, 0, -1):
            after = best[left, first][1]
            result.append(self.line(first, after - 1))
            first = after
        return tuple(result)

    def _cost(self, first: int, last: int, ideal: float, final: bool) -> float:
        """Unevenness of a line, and two typographic sins: a short word left at a line's end, hyphenation."""
        cost = (self.width(first, last) - ideal) ** 2
        part = self.parts[last]
        if not final and last > first and part.end - part.start <= 2:
            cost += 0.04 * ideal * ideal
        return cost + (0.1 * ideal * ideal if part.hyphen else 0.0)


def without_orphan(text: str, parts: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces with a short last word tied to the one before it, so that it cannot stand alone on a line."""
    if len(parts) < 3:
        return tuple(parts)
    before, last = parts[-2:]
    spaced = text[before.end : last.start] == " "
    if spaced and last.end - last.start <= _ORPHAN_LETTERS and last.end - before.start <= _GLUED_LETTERS:
        return (*parts[:-2], Piece(before.start, last.end))
    return tuple(parts)
