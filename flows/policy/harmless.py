"""Texts in which nothing of any list can begin, told once for all lists: nearly every text of ten thousand rows is one.

Only texts in ASCII, which are read alike in every language. Ten thousand rows bring a quarter of a million texts, the
same in each locale or variant, and few different words; what is not known to be harmless is looked at by
`phrases.py`, word by word. Knows how phrases begin, not what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from flows.policy.spelling import SIGNS, SPELT_OUT, forms_of, readings

#: Tokens and texts remembered; cleared when full.
_MOST_TOKENS = 20_000
_MOST_TEXTS = 4_000
_BETWEEN = re.compile(r"[\W_]+")
_CLEAN, _ALONE, _BEGINS = 0, 1, 2


class Harmless:
    """What begins nothing in any of the phrasebooks that share it."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        #: Beginnings of words that a star follows, and their lengths.
        self._beginnings: set[str] = set()
        self._lengths: tuple[int, ...] = ()
        self._tokens: dict[str, int] = {}
        self._texts: set[str] = set()

    def learn(self, words: Iterable[str], beginnings: Iterable[str]) -> None:
        """How the phrases of one more book begin: what was harmless before may be no more."""
        self._words.update(words)
        self._beginnings.update(beginnings)
        self._lengths = tuple(sorted(set(map(len, self._beginnings))))
        self._tokens.clear()
        self._texts.clear()

    def covers(self, text: str) -> bool:
        """Whether nothing begins in a text. False for texts that are read differently in different languages."""
        if text in self._texts:
            return True
        if not text.isascii() or not self._is_harmless(text):
            return False
        if len(self._texts) >= _MOST_TEXTS:
            self._texts.clear()
        self._texts.add(text)
        return True

    def _is_harmless(self, text: str) -> bool:
        """Whether no token begins anything, and no letters that stand alone spell something out."""
        run = 0
        for token in text.split():
            kind = self._tokens.get(token)
            if kind is None:
                kind = self._remember(token)
            if kind == _BEGINS:
                return False
            run = run + 1 if kind == _ALONE else 0
            if run >= SPELT_OUT:
                return False
        return True

    def _remember(self, token: str) -> int:
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        self._tokens[token] = kind = self._kind(token)
        return kind

    def _kind(self, token: str) -> int:
        """What a token between spaces is: clean, one letter alone, or perhaps the beginning of a phrase."""
        parts = [part for part in _BETWEEN.split(token.casefold()) if part]
        if sum(len(part) == 1 for part in parts) >= SPELT_OUT:
            return _BEGINS
        if any(sign in token for sign in SIGNS):
            forms = {form for reading in readings(token) for word in reading for form in word.forms}
        else:
            forms = {form for part in parts for form in forms_of(part, "")}
        if any(map(self._begins, forms)):
            return _BEGINS
        return _ALONE if len(token) <= 3 and len(parts) == 1 and len(parts[0]) == 1 else _CLEAN

    def _begins(self, form: str) -> bool:
        return form in self._words or any(form[:length] in self._beginnings for length in self._lengths)
