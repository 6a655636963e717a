"""Complaints about the input, collected until all are known: one report instead of one error at a time.

Knows how a value is shown safely and which known word a misspelt one is near. Does not know what is checked.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from flows.model import BadInput, Problem
from flows.redaction import redact

#: Longer values are cut in the middle: both ends of a path or a sentence say more than its first half.
SHOWN_CHARACTERS = 60


def shown(value: object) -> str:
    """A value as one short line without secrets, control or format characters, fit for a terminal or a report."""
    head = redact(str(value)[: 40 * SHOWN_CHARACTERS])
    text = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in head)
    text = " ".join(text.split())
    if len(text) <= SHOWN_CHARACTERS:
        return text
    half = SHOWN_CHARACTERS // 2 - 1
    return f"{text[:half]}…{text[-half:]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean "x"?` when a known word is near, else the known words when they are few, else ""."""
    words = sorted(known)
    by_key = {candidate.casefold(): candidate for candidate in words}
    near = difflib.get_close_matches(word.casefold()[:80], by_key, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{by_key[near[0]]}"?'
    return f"Known: {', '.join(words)}" if 0 < len(words) <= 25 else ""


class Problems:
    """A growing list of problems of one file."""

    def __init__(self, file: str, found: list[Problem] | None = None) -> None:
        self.file = file
        self.found: list[Problem] = found if found is not None else []

    def add(  # one argument per part of a Problem
        self,
        code: str,
        message: str,
        fix: str = "",
        *,
        value: object = "",
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Note one complaint."""
        where = shown(column) if column else column  # a header's cell may hold anything, line ends too
        self.found.append(Problem(self.file, row, where, code, shown(value), message, fix))

    def of(self, file: str) -> Problems:
        """The same list, for complaints about another file."""
        return Problems(file, self.found)

    def raise_if_any(self) -> None:
        """Raise `BadInput` with everything found so far, in the order of file and row."""
        if self.found:
            raise BadInput(in_order(self.found))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, whole-file ones before those of single rows; otherwise as they were found."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: problem.row or 0))
