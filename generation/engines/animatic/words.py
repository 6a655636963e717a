"""From a prompt to the concepts it names, and the words that no concept answers to.

Reads `lexicon.toml`, where concepts stand with their English words; a new word is one entry there. Knows nothing of
how a concept is drawn. Words of other languages and scripts are kept as unknown words, never guessed at.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_TOKEN = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})(?![^\s#'-])|[^\s#'-]+(?:['-][^\s#'-]+)*")
_LONGEST_PHRASE = 3
#: A word after one of these, up to two words on, is what the film is to be without.
_NEGATIONS = frozenset({"no", "without", "not", "never", "minus"})
#: Words that carry no picture: they are neither drawn nor reported.
_EMPTY = frozenset(
    """
    a an and are as at be been being below between beside by close creates each for from full has have her his i if
    in inside into is it its just kind like made make makes making more most near new of off on one onto or other our
    out over own per pure real set shot show showing shown side small large big sits slow slowly smooth some style
    subtle such that the their them then there these they this three through to top two under up very view visible was
    we well while who whose wide with within you your scene film video footage clip image picture photo photograph
    photographic photorealistic realistic professional quality high resolution detail detailed details 4k 8k hd uhd
    background foreground lighting light lit advertisement advert ad commercial brand product beautiful perfect
    stunning nice good great elegant looking next front behind around across along against toward towards text logo
    camera move moves moving motion movement composition frame framing focus depth natural color colour colors
    colours tone tones overall every which where when beneath beyond above also can could down feel
    feeling filled including look
    """.split()  # noqa: SIM905  # a list literal would be a page of quotes
)


class Word(NamedTuple):
    """One word or phrase of the prompt and what it was taken for; `kind` is "" for an unknown word."""

    text: str
    kind: str
    concept: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt says: its words in order, without those that carry no picture."""

    words: tuple[Word, ...]
    #: Concepts that the prompt or the negative prompt asks to leave out.
    banned: frozenset[str]

    def concepts(self, kind: str) -> tuple[str, ...]:
        """Concepts of a kind in the order of the prompt, each once, without those that are banned."""
        found = (word.concept for word in self.words if word.kind == kind and word.concept not in self.banned)
        return tuple(dict.fromkeys(found))

    def unknown(self) -> tuple[str, ...]:
        """Words that no concept answers to."""
        return tuple(dict.fromkeys(word.text for word in self.words if not word.kind))


@cache
def lexicon() -> dict[str, dict[str, tuple[str, ...]]]:
    """The table `kind -> concept -> words`, as it stands in lexicon.toml."""
    text = files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8")
    return {
        kind: {name: tuple(words) for name, words in concepts.items()} for kind, concepts in tomllib.loads(text).items()
    }


@cache
def _phrases() -> dict[tuple[str, ...], tuple[str, str]]:
    """Every word and phrase, as a tuple of tokens, with its kind and concept."""
    table: dict[tuple[str, ...], tuple[str, str]] = {}
    for kind, concepts in lexicon().items():
        for concept, words in concepts.items():
            for word in words:
                table[tuple(_tokens(word))] = (kind, concept)
    return table


def _tokens(text: str) -> list[str]:
    """The words of a text, in lower case. Vowel signs (category M) belong to their word, `_` and symbols to none."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    spaced = "".join(mark if _is_of_a_word(mark) else " " for mark in folded)
    return _TOKEN.findall(spaced)


def _is_of_a_word(mark: str) -> bool:
    return mark in "#'-" or unicodedata.category(mark)[0] in "LMN"


def _singulars(token: str) -> tuple[str, ...]:
    """The token and what it may be the plural of."""
    forms = [token]
    if token.endswith("'s"):
        forms.append(token[:-2])
    if len(token) > 3 and token.endswith("ies"):
        forms.append(token[:-3] + "y")
    if len(token) > 3 and token.endswith("es"):
        forms.append(token[:-2])
    if len(token) > 3 and token.endswith("s") and not token.endswith("ss"):
        forms.append(token[:-1])
    return tuple(forms)


def _match(tokens: list[str], at: int) -> tuple[int, str, str] | None:
    """The longest phrase that starts at `at`: its length in tokens, its kind, its concept."""
    table = _phrases()
    for length in range(min(_LONGEST_PHRASE, len(tokens) - at), 0, -1):
        head, last = tokens[at : at + length - 1], tokens[at + length - 1]
        for form in _singulars(last):
            if found := table.get((*head, form)):
                return length, *found
    return None


def _hex_colour(token: str) -> str:
    digits = token[1:]
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def _scan(text: str) -> tuple[list[Word], set[str]]:
    """The words of a text, and the concepts that it negates."""
    tokens = _tokens(text)
    words: list[Word] = []
    banned: set[str] = set()
    at = negated_until = 0
    while at < len(tokens):
        token = tokens[at]
        length, kind, concept = _match(tokens, at) or (1, "", "")
        if token.startswith("#"):
            kind, concept = "colour", _hex_colour(token)
        if token in _NEGATIONS:
            negated_until = at + 3
        elif kind and at < negated_until:
            banned.add(concept)
        elif kind or (token not in _EMPTY and not token.isdigit()):
            words.append(Word(" ".join(tokens[at : at + length]), kind, concept))
        at += length
    return words, banned


def read_prompt(prompt: str, negative_prompt: str = "") -> Reading:
    """Read a prompt of any length, language and script; nothing in it is an error."""
    words, banned = _scan(prompt)
    unwanted, _ = _scan(negative_prompt)
    banned |= {word.concept for word in unwanted if word.kind in ("person", "animal", "thing", "weather")}
    return Reading(tuple(words), frozenset(banned))
