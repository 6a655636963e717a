"""Written words of a text, and when each is heard.

Words are what a caption may show alone and never splits without need: chunks between spaces, and phrases where a
script has no spaces (Japanese, Chinese, Thai, through budoux). Voices report a few anchors (character, second); every
word gets its time from them. Knows no voice and no caption layout.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Protocol

from audio.spec import Word

_CHUNK = re.compile(r"\S+")
#: Signs that are read aloud when they stand alone.
_SPOKEN_SIGNS = frozenset("&+@#=")


class _Phrases(Protocol):
    def parse(self, sentence: str) -> list[str]: ...


@cache
def _phrases(locale: str) -> _Phrases | None:
    """budoux's parser for the locale; None where spaces part the words."""
    import budoux

    parts = locale.replace("_", "-").lower().split("-")
    if parts[0] == "ja":
        return budoux.load_default_japanese_parser()
    if parts[0] in ("zh", "cmn", "yue"):
        if {"hant", "tw", "hk", "mo"} & set(parts):
            return budoux.load_default_traditional_chinese_parser()
        return budoux.load_default_simplified_chinese_parser()
    if parts[0] == "th":
        return budoux.load_default_thai_parser()
    return None


def spaces_part_words(locale: str) -> bool:
    """False for Japanese, Chinese and Thai, where a space parts phrases at most."""
    return _phrases(locale) is None


def is_spoken(text: str) -> bool:
    """Whether anything in the text is read aloud: a letter, a digit or one of a few signs."""
    return any(character.isalnum() or character in _SPOKEN_SIGNS for character in text)


def split_words(text: str, locale: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each written word, in order; together they hold every character that is not a space.

    What is not spoken (a dash, a currency sign after a space, the `!` after a French space) belongs to the word before,
    an opening quote or bracket to the word behind.
    """
    parser = _phrases(locale)
    spans: list[tuple[int, int]] = []
    for chunk in _CHUNK.finditer(text):
        start = chunk.start()
        for piece in parser.parse(chunk.group()) if parser else [chunk.group()]:
            end = start + len(piece)
            if spans and _belongs_before(text[spans[-1][0] : spans[-1][1]], text[start:end]):
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
            start = end
    return tuple(spans)


def _belongs_before(word: str, piece: str) -> bool:
    """Whether `piece` continues `word`: it is silent and opens nothing, or all of `word` was silent."""
    opens = unicodedata.category(piece[-1]) in ("Ps", "Pi") or piece[-1] in "¿¡"
    return not is_spoken(word) or not (is_spoken(piece) or opens)


def _rising(anchors: Sequence[tuple[int, float]], length: int, seconds: float) -> list[tuple[int, float]]:
    """The anchors with rising characters and never falling times, closed by the text's two ends."""
    kept = [(0, 0.0)]
    for offset, at in sorted(anchors, key=lambda anchor: anchor[0]):
        at = min(at, seconds)
        if offset == 0:
            kept[0] = (0, at) if len(kept) == 1 and kept[0][1] == 0.0 else kept[0]
        elif kept[-1][0] < offset < length and at >= kept[-1][1]:
            kept.append((offset, at))
    kept.append((max(length, kept[-1][0] + 1), seconds))
    return kept


def _time_at(anchors: Sequence[tuple[int, float]], offset: int) -> float:
    """Straight line between the anchors around `offset`."""
    right = min(max(1, bisect_left(anchors, (offset, -1.0))), len(anchors) - 1)
    (before, start), (after, end) = anchors[right - 1], anchors[right]
    return start + (end - start) * (offset - before) / (after - before)


def _start(text: str, span: tuple[int, int], anchors: Sequence[tuple[int, float]]) -> float:
    """When a word begins: at its own anchor, also when that sits behind an opening quote; else interpolated."""
    index = bisect_left(anchors, (span[0], -1.0))
    if index < len(anchors):
        offset, at = anchors[index]
        if offset < span[1] and not is_spoken(text[span[0] : offset]):
            return at
    return _time_at(anchors, span[0])


def time_words(
    text: str,
    locale: str,
    anchors: Sequence[tuple[int, float]],
    seconds: float,
    pauses: Sequence[tuple[float, float]] = (),
) -> tuple[Word, ...]:
    """Every word of the text with its time; starts and ends never go backwards and stay inside `seconds`.

    Args:
        anchors: (character of the text, second at which it is heard), as many as the voice knows.
        pauses: (start, end) of silences; a word ends where a pause begins, and none begins inside one.
    """
    spans = split_words(text, locale)
    known = _rising(anchors, len(text), seconds)
    starts: list[float] = []
    for span in spans:
        at = _start(text, span, known)
        at = next((end for start, end in pauses if start <= at < end), at)
        starts.append(max(at, starts[-1] if starts else 0.0))
    return tuple(
        Word(text[span[0] : span[1]], span[0], start, _end(start, following, pauses))
        for span, (start, following) in zip(spans, pairwise([*starts, seconds]), strict=True)
    )


def _end(start: float, following: float, pauses: Sequence[tuple[float, float]]) -> float:
    """A word lasts until the next one, or until the last pause before it."""
    # The last one: a long word may hold a short closure of its own.
    before = [begin for begin, end in pauses if start < begin and end <= following + 0.06]
    return min(before[-1], following) if before else following
