"""Text as a reader hears it: accents, case, invisible characters, look-alike letters, `p0rn`, `poooorn` and `p o r n`.

A text has one or more readings, each a list of words; a word has one or more forms. Words end at word boundaries, so
that Scunthorpe is one word. Does not know any list of words.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

FILE = Path(__file__).with_name("letters.toml")
#: So many letters standing alone, one after another, are a word spelt out.
SPELT_OUT = 3
#: Signs that are read as letters besides.
SIGNS = "@$!€£"
#: Forms of one word that are tried; `1l1l1l` has 64 readings and none is worth a second.
_MOST_FORMS = 16

_BETWEEN = re.compile(r"[\W_]+")
_RUN = re.compile(r"(.)\1{2,}")
#: Marks and format characters: accents once letters are taken apart, zero-width spaces, soft hyphens, directions.
_DROPPED = {"Mn", "Me", "Cf"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: as it stands there, and every form in which it is looked up."""

    written: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Letters:
    leet: dict[str, str]
    kept: dict[str, str]
    lookalike: dict[int, str]


@cache
def _letters() -> _Letters:
    content = tomllib.loads(FILE.read_text("utf-8"))
    alike = {ord(letter): plain for letter, plain in content["lookalike"].items() if len(letter) == 1}
    return _Letters(content["leet"], content["kept"], alike)


def fold(text: str, language: str = "") -> str:
    """The text without what only decorates it: compatible forms, small letters, no accents, nothing invisible."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFKC", text).casefold().translate(_folding(language))


class _Folding(dict[int, str]):
    """Each character as its plain letters, worked out when it is first met."""

    def __init__(self, kept: str) -> None:
        super().__init__({ord(letter): letter for letter in kept})

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code))
        self[code] = plain = "".join(part for part in parts if unicodedata.category(part) not in _DROPPED)
        return plain


@cache
def _folding(language: str) -> _Folding:
    return _Folding(_letters().kept.get(language, ""))


def words(text: str, language: str = "") -> tuple[str, ...]:
    """The words of a phrase of a list, in their one plain form."""
    return tuple(filter(None, _BETWEEN.split(fold(text, language))))


def readings(text: str, language: str = "") -> Iterator[tuple[Word, ...]]:
    """Every way to read a text: as it stands; with signs as letters; with letters that stand alone joined."""
    tokens = text.split()
    plain = [word for token in tokens for word in _plain(token, language)]
    yield tuple(plain)
    if any(sign in text for sign in SIGNS):
        yield tuple(word for token in tokens for word in _with_signs(token, language))
    if sum([len(word.written) == 1 for word in plain]) >= SPELT_OUT:
        joined = _joined(plain)
        if len(joined) < len(plain):
            yield joined


@lru_cache(maxsize=8_192)
def _plain(token: str, language: str) -> tuple[Word, ...]:
    """The words of a token between spaces: `Dick's` and `rock-solid` are two each."""
    return tuple(Word(part, forms_of(part, language)) for part in _BETWEEN.split(fold(token, language)) if part)


def stands_alone(token: str, language: str) -> bool:
    """Whether a token is one letter or digit, perhaps with a dot."""
    plain = _plain(token, language)
    return len(plain) == 1 and len(plain[0].written) == 1


def _with_signs(token: str, language: str) -> tuple[Word, ...]:
    """A token whose signs stand for letters: `$ex`, `sh!t`. A sign at its end is punctuation."""
    folded = fold(token, language).strip(".,:;!?()[]\"'…")
    leet = _letters().leet
    if not any(sign in folded for sign in SIGNS) or not any(character.isalpha() for character in folded):
        return _plain(token, language)
    spelt = "".join(leet[sign][0] if sign in SIGNS else sign for sign in folded)
    return tuple(Word(token, forms_of(part, language)) for part in _BETWEEN.split(spelt) if part)


def _joined(plain: list[Word]) -> tuple[Word, ...]:
    """Runs of single letters as one word each."""
    made: list[Word] = []
    run: list[Word] = []
    for word in (*plain, None):
        if word is not None and len(word.written) == 1:
            run.append(word)
            continue
        if len(run) >= SPELT_OUT:
            spelt = "".join(letter.written for letter in run)
            made.append(Word(spelt, forms_of(spelt, "")))
        else:
            made += run
        run = []
        if word is not None:
            made.append(word)
    return tuple(made)


@lru_cache(maxsize=8_192)
def forms_of(word: str, language: str) -> tuple[str, ...]:
    """The word, and what it may stand for."""
    found = [word]
    if not word.isalpha() and any(character.isalpha() for character in word):
        leet = _letters().leet
        choices = [leet.get(character, character) for character in word]
        found += ["".join(choice) for choice, _ in zip(product(*choices), range(_MOST_FORMS), strict=False)]
    if not word.isascii() and (latin := _as_latin(word, language)) != word:
        found.append(latin)
    for form in tuple(found):
        if _RUN.search(form):
            found += [_RUN.sub(r"\1\1", form), _RUN.sub(r"\1", form)]
    return tuple(dict.fromkeys(found))


def _as_latin(word: str, language: str) -> str:
    """The word with look-alikes as the Latin letters that they look like, unless that is how it is rightly written."""
    mixed = any(character.isascii() and character.isalpha() for character in word)
    if not mixed and _script(language) not in ("", "Latn"):
        return word
    return word.translate(_letters().lookalike)


@cache
def _script(language: str) -> str:
    """ISO 15924 script in which a language is usually written; "" where that is not known."""
    if not language:
        return ""
    from babel.core import get_global

    likely = str(get_global("likely_subtags").get(language, ""))
    return next((part for part in likely.split("_")[1:] if len(part) == 4), "")
