"""Word times become captions: what stands together, where lines break, how long each stays.

The best cut into cues is searched, not guessed: every possible cue has a cost (a break inside a sentence, a word alone,
too little time to read) and the cheapest chain wins. Knows no file format (`subtitles.py`) and no picture.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from audio.spec import Cue, Word
from audio.subtitles import write_srt as write_srt
from audio.subtitles import write_vtt as write_vtt
from audio.words import spaces_part_words, time_words

#: Two frames at 30000/1001 between cues, so that a change is seen as one.
GAP_SECONDS = 2002 / 30000
SHORTEST_SECONDS, LONGEST_SECONDS = 5 / 6, 7.0
#: A cue stays on a little after its last word.
_LINGER_SECONDS = 0.5
#: Two cues never begin closer than this, even where a voice reports the same time for many words.
_STEP_SECONDS = 0.3
#: Characters a second that people can read, by language (Netflix's timed text guides); 17 for the others.
_READING_SPEED = {"en": 20.0, "ja": 4.0, "zh": 9.0, "ko": 12.0}
_SENTENCE_END = re.compile(r"[.!?…。！？।؟][\"'”’»」』)]*$")
_CLAUSE_END = re.compile(r"[,;:、，；：،–—][\"'”’»」』)]*$")
_TOO_MUCH = float("inf")


def reading_speed(locale: str) -> float:
    """Characters a second that a reader of the locale follows."""
    return _READING_SPEED.get(locale.replace("_", "-").partition("-")[0].lower(), 17.0)


def too_fast(cues: Sequence[Cue], locale: str) -> tuple[Cue, ...]:
    """The cues that give less time than their text needs; a matter of the speech, so it is reported, not mended."""
    return tuple(
        cue
        for cue in cues
        if sum(len(line) for line in cue.lines) > reading_speed(locale) * (cue.end_seconds - cue.start_seconds) + 1
    )


def columns(text: str) -> int:
    """Width of a text: Chinese, Japanese and Korean characters count 2, marks that combine 0."""
    return sum(_columns(character) for character in text)


@cache
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never divided: a word, or a piece of a word that is wider than a line."""

    text: str
    #: Whether a space stands before it.
    spaced: bool
    start_seconds: float
    end_seconds: float
    #: How much a break behind it disturbs: 0 after a sentence, 1 inside a phrase, more inside a word.
    break_cost: float


def make_cues(
    text: str,
    words: Sequence[Word],
    locale: str,
    *,
    max_characters: int,
    max_lines: int = 2,
    until_seconds: float = float("inf"),
) -> tuple[Cue, ...]:
    """Captions for a spoken text; every word of `text` stands in exactly one cue, in order.

    Args:
        words: the times of words of `text`; the text is divided anew, so any voice's words will do. Without words
            (a film without voiceover) there are no captions.
        max_characters: width of a line in columns, at least 4: see `columns`. A longer word is divided.
        until_seconds: end of the track.
    """
    if max_characters < 4 or max_lines < 1:
        raise ValueError(f"captions of {max_lines} lines of {max_characters} columns cannot be made")
    if not words:
        return ()
    units = [piece for unit in _units(text, words, locale) for piece in _divide(unit, max_characters)]
    groups = _cut(units, locale, max_characters, max_lines)
    return _timed(groups, max_characters, max_lines, until_seconds)


def _units(text: str, words: Sequence[Word], locale: str) -> list[_Unit]:
    """The written words with the times of the spoken ones."""
    pauses = [(a.end_seconds, b.start_seconds) for a, b in pairwise(words) if b.start_seconds > a.end_seconds]
    anchors = [(word.offset, word.start_seconds) for word in words]
    first = words[0].start_seconds
    timed = time_words(text, locale, anchors, words[-1].end_seconds, pauses)
    return [
        _Unit(
            " ".join(word.text.split()),
            word.offset > 0 and text[word.offset - 1].isspace(),
            # What precedes the first anchor (an opening quote) does not appear before the voice.
            max(first, word.start_seconds),
            max(first, word.end_seconds),
            _break_cost(word, text, locale),
        )
        for word in timed
    ]


def _break_cost(word: Word, text: str, locale: str) -> float:
    """Nothing after a sentence, a little after a comma, or after a space in a script that has few."""
    if _SENTENCE_END.search(word.text):
        return 0.0
    before_space = text[word.offset + len(word.text) :][:1].isspace()
    if _CLAUSE_END.search(word.text) or (before_space and not spaces_part_words(locale)):
        return 0.35
    return 1.0


def _divide(unit: _Unit, width: int) -> list[_Unit]:
    """A word that is wider than a line, in pieces: after a mark of an address if there is one, else anywhere but
    before a combining mark."""
    if columns(unit.text) <= width:
        return [unit]
    pieces, start = list[str](), 0
    while columns(unit.text[start:]) > width:
        end = start + 1
        while columns(unit.text[start : end + 1]) <= width:
            end += 1
        while end > start + 1 and _joined(unit.text[end]):
            end -= 1
        marks = [at + 1 for at in range(start, end) if unit.text[at] in "/-_.@ "]
        end = marks[-1] if marks and marks[-1] > start + width // 2 else end
        pieces.append(unit.text[start:end])
        start = end
    pieces.append(unit.text[start:])
    share = (unit.end_seconds - unit.start_seconds) / len(pieces)
    return [
        replace(
            unit,
            text=piece.strip(),
            spaced=unit.spaced if index == 0 else pieces[index - 1].endswith(" "),
            start_seconds=unit.start_seconds + index * share,
            end_seconds=unit.start_seconds + (index + 1) * share,
            break_cost=unit.break_cost if index == len(pieces) - 1 else 1.5,
        )
        for index, piece in enumerate(pieces)
        if piece.strip()
    ]


def _joined(character: str) -> bool:
    """Whether a character must not begin a line: it combines with the one before."""
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")


def _join(units: Sequence[_Unit]) -> str:
    return "".join((" " if unit.spaced and index else "") + unit.text for index, unit in enumerate(units))


def _lines(units: Sequence[_Unit], width: int, most: int) -> tuple[float, tuple[str, ...]]:
    """The best way to lay units in lines, and its cost; infinite when they do not fit."""
    whole = _join(units)
    if columns(whole) <= width:
        return 0.0, (whole,)
    best: tuple[float, tuple[str, ...]] = (_TOO_MUCH, ())
    if most == 1:
        return best
    for index in range(1, len(units)):
        line = _join(units[:index])
        if columns(line) > width:
            break
        rest_cost, rest = _lines(units[index:], width, most - 1)
        # Even lines, rather broken after a comma; a lower line that is longer is calmer than an upper one.
        uneven = abs(columns(line) - columns(rest[0])) / width if rest else 0.0
        cost = rest_cost + 0.6 * uneven + 0.3 * units[index - 1].break_cost + 0.05
        best = min(best, (cost, (line, *rest)))
    return best


def _cut(units: list[_Unit], locale: str, width: int, most: int) -> list[list[_Unit]]:
    """The cheapest chain of cues (shortest path over the words)."""
    speed = reading_speed(locale)
    best: list[tuple[float, int]] = [(0.0, 0)] + [(_TOO_MUCH, 0)] * len(units)
    for end in range(1, len(units) + 1):
        for start in range(end - 1, -1, -1):
            if columns(_join(units[start:end])) > width * most:
                break
            cost = best[start][0] + _cue_cost(units, start, end, speed, width, most)
            best[end] = min(best[end], (cost, start))
    groups, end = list[list[_Unit]](), len(units)
    while end:
        start = best[end][1]
        groups.append(units[start:end])
        end = start
    return groups[::-1]


def _cue_cost(units: list[_Unit], start: int, end: int, speed: float, width: int, most: int) -> float:
    """What one cue costs: units `start` to `end`, in lines, with the time until the next one."""
    group, last = units[start:end], end == len(units)
    cost, lines = _lines(group, width, most)
    seconds = group[-1].end_seconds - group[0].start_seconds
    if not lines or (seconds > LONGEST_SECONDS and len(group) > 1):
        # One unit always fits in a line, so there is always a way.
        return _TOO_MUCH
    until = group[-1].end_seconds + _LINGER_SECONDS if last else units[end].start_seconds - GAP_SECONDS
    shown = max(0.01, min(until, group[-1].end_seconds + _LINGER_SECONDS) - group[0].start_seconds)
    cost += 1.0 + (0.0 if last else 3.0 * group[-1].break_cost)
    cost += sum(1.2 for unit in group[:-1] if unit.break_cost == 0.0)
    cost += 5.0 * max(0.0, SHORTEST_SECONDS - shown) / SHORTEST_SECONDS
    cost += 4.0 * max(0.0, sum(map(len, lines)) / shown / speed - 1.0)
    if len(group) == 1 and len(units) > 1 and not (start == 0 or units[start - 1].break_cost == 0.0):
        cost += 1.5
    return cost


def _timed(groups: list[list[_Unit]], width: int, most: int, until_seconds: float) -> tuple[Cue, ...]:
    """In with the first word, out a little after the last, never into the next one."""
    starts: list[float] = []
    for group in groups:
        starts.append(max(group[0].start_seconds, starts[-1] + _STEP_SECONDS if starts else 0.0))
    cues = []
    for group, start, following in zip(groups, starts, [*starts[1:], None], strict=True):
        end = max(group[-1].end_seconds + _LINGER_SECONDS, start + SHORTEST_SECONDS)
        latest = max(until_seconds, start + _STEP_SECONDS) if following is None else following - GAP_SECONDS
        cues.append(Cue(start, min(end, latest), _lines(group, width, most)[1]))
    return tuple(
        replace(cue, start_seconds=round(cue.start_seconds, 3), end_seconds=round(cue.end_seconds, 3)) for cue in cues
    )
