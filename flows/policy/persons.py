"""Where a prompt mentions one person, and what it says of them; and how a description is written into it.

Works on words alone, by lists (`persons.toml`) for English, Spanish, German and French; English is looked for whatever
the locale, since prompts are mostly written in it. Groups ("people walking") are left as they are: one description
would make everybody in them alike. Does not know who is described how (`casting.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from flows.facts import Facts, Table
from flows.policy.harmless import Harmless
from flows.policy.phrases import Entry, Phrasebook

FILE = Path(__file__).with_name("persons.toml")
ENGLISH = "en"

_WORD = re.compile(r"\w+")
#: Words between article and noun: "a tired early runner".
_ADJECTIVES = r"(?:[^\W\d_]+(?:-[^\W\d_]+)*\s+){0,2}?"
#: What may follow an English noun that stands for itself: nothing, a sign, a preposition, a verb. "A runner rug" and
#: "a customer card" are things.
_FOLLOWS = (
    r"(?=\s*$|\s*[,.;:!?()]"
    r"|\s+(?:in|on|at|with|by|from|near|under|and|or|who|that|through|over|beside|behind|is|has|into|along|for|while)\b"
    r"|\s+\w+(?:s|ing|ed)\b)"
)


@dataclass(frozen=True, slots=True)
class Default:
    """What is balanced where nobody has said anything."""

    say: str
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Mention:
    """One person in a prompt: where the words for them end, or which words stand for them alone."""

    start: int
    end: int
    #: generic, role or gendered.
    kind: str


@dataclass(frozen=True, slots=True)
class _Nouns:
    articles: tuple[str, ...]
    generic: tuple[str, ...]
    roles: tuple[str, ...]
    gendered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lists:
    nouns: Mapping[str, _Nouns]
    states: Mapping[str, Mapping[str, tuple[str, ...]]]
    default: Default


@cache
def lists(file: Path = FILE) -> _Lists:
    """The table.

    Raises: BadInput with every complaint about it.
    """
    facts = Facts(file, ("nouns", "states", "default"))
    nouns = facts.each("nouns", _nouns)
    states = facts.each("states", lambda name, table: {language: table.texts(language) for language in table.names()})
    default = facts.each("default", _default)
    facts.problems.raise_if_any()
    return _Lists(nouns, states, default["people"])


def _nouns(name: str, table: Table) -> _Nouns:
    return _Nouns(*(table.texts(key) for key in ("articles", "generic", "roles", "gendered")))


def _default(name: str, table: Table) -> Default:
    say = table.text("say")
    return Default(say, {attribute: table.texts(attribute) for attribute in table.names()})


@cache
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What to look for in a language, by kind."""
    nouns = lists().nouns[language]
    follows = _FOLLOWS if language == ENGLISH else r"(?![\w'’])"
    article = rf"\b(?:{_any(nouns.articles)})\s+{_ADJECTIVES}"
    return (
        ("generic", re.compile(rf"\b(?:{_any(nouns.generic)})\b(?!['’])", re.IGNORECASE)),
        ("role", re.compile(rf"{article}(?:{_any(nouns.roles)}){follows}", re.IGNORECASE)),
        ("gendered", re.compile(rf"{article}(?:{_any(nouns.gendered)}){follows}", re.IGNORECASE)),
    )


@cache
def _heads(language: str, gendered: bool) -> frozenset[str]:
    """The last words of all that may stand for a person in a language: without one of them nobody is mentioned."""
    nouns = lists().nouns[language]
    every = (*nouns.generic, *nouns.roles, *(nouns.gendered if gendered else ()))
    return frozenset(part for phrase in every for part in _WORD.findall(phrase.split()[-1].lower()))


@lru_cache(maxsize=4096)
def _words(prompt: str) -> frozenset[str]:
    """The words of a prompt in ASCII."""
    return frozenset(_WORD.findall(prompt.lower()))


@cache
def _at_all(gendered: bool) -> re.Pattern[str]:
    """Any word for one person, in any language, whatever stands around it."""
    every: list[str] = []
    for nouns in lists().nouns.values():
        every += (*nouns.generic, *nouns.roles, *(nouns.gendered if gendered else ()))
    return re.compile(rf"\b(?:{_any({word.split()[-1] for word in every})})\b", re.IGNORECASE)


def may_mention(texts: Iterable[str], *, gendered: bool) -> bool:
    """Whether a word for one person stands anywhere in these texts: quick, and says yes too often."""
    return any(_at_all(gendered).search(text) for text in texts)


def mention(prompt: str, language: str, *, gendered: bool) -> Mention | None:
    """The first person that a prompt mentions; with `gendered` also one whose gender the word says."""
    found = [_first(prompt, one, gendered) for one in dict.fromkeys((ENGLISH, language))]
    return min(filter(None, found), key=lambda each: (each.start, -each.end), default=None)


# A prompt is mostly the same in all locales, which come one after another: its English is looked at once.
@lru_cache(maxsize=4096)
def _first(prompt: str, language: str, gendered: bool) -> Mention | None:
    """The first person whom words of one language mention."""
    if language not in lists().nouns or not _may_name(prompt, language, gendered):
        return None
    found = []
    for kind, pattern in _patterns(language):
        match = pattern.search(prompt) if gendered or kind != "gendered" else None
        if match:
            found.append(Mention(match.start(), match.end(), kind))
    return min(found, key=lambda each: (each.start, -each.end), default=None)


def _may_name(prompt: str, language: str, gendered: bool) -> bool:
    """Whether the patterns of a language can match at all. Sets tell it of ASCII, a hundred times quicker than they."""
    if prompt.isascii():
        return not _heads(language, gendered).isdisjoint(_words(prompt))
    return _at_all(gendered).search(prompt) is not None


def stated(prompt: str, language: str) -> frozenset[str]:
    """Which attributes the prompt states of anybody in it."""
    return _stated(prompt, ENGLISH) | _stated(prompt, language)


@lru_cache(maxsize=4096)
def _stated(prompt: str, language: str) -> frozenset[str]:
    return frozenset(hit.owner for hit in _stating(language).find(prompt))


@cache
def _harmless() -> Harmless:
    return Harmless()


@cache
def _stating(language: str) -> Phrasebook:
    states = lists().states.items()
    entries = [Entry(name, phrase) for name, by_language in states for phrase in by_language.get(language, ())]
    return Phrasebook(entries, language, _harmless())


def describe(prompt: str, one: Mention, description: str) -> str:
    """The prompt with the description in it: instead of the words for anybody, or after those for somebody."""
    before, after = prompt[: one.start], prompt[one.end :]
    if one.kind == "generic":
        begins = not before.strip() or before.rstrip().endswith((".", "!", "?"))
        return f"{before}{description[:1].upper() + description[1:] if begins else description}{after}"
    closing = "" if not after.strip() or re.match(r"\s*[,.;:!?)]", after) else ","
    return f"{prompt[: one.end]}, {description}{closing}{after}"


def _any(phrases: Iterable[str]) -> str:
    """An alternative of phrases, the longest first, so that `office worker` is not left at `worker`."""
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))
