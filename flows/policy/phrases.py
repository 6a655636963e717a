"""Lists of words and phrases, compiled once, looked for in texts: fast where nothing is found, which is nearly always.

What is harmless for all books is not looked at (`harmless.py`). Of other texts a token that begins no phrase is
remembered, and a text of such tokens is done with one comparison of sets. Does not know why a phrase is on a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.policy.harmless import Harmless
from flows.policy.spelling import SPELT_OUT, Word, fold, readings, stands_alone, words

#: Tokens and texts remembered; cleared when full.
_KEPT = 20_000
_KEPT_TEXTS = 4_000
#: Thai to Burmese, Khmer, kana and Han.
_UNSPACED = (("\u0e00", "\u109f"), ("\u1780", "\u17ff"), ("\u3040", "\u9fff"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase of a list. Words of it may end in `*`, which stands for any ending."""

    #: The list, or the rule that the phrase belongs to.
    owner: str
    phrase: str
    #: Where the phrase stands inside one of these it is meant otherwise, and not found.
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found."""

    owner: str
    phrase: str
    #: The words of the text, as they stand there.
    written: str


@dataclass(frozen=True, slots=True)
class _Sought:
    entry: Entry
    parts: tuple[str, ...]
    exceptions: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class _Lists:
    """Phrases by how they begin."""

    by_word: dict[str, list[_Sought]] = field(default_factory=dict)
    by_beginning: dict[str, list[_Sought]] = field(default_factory=dict)
    #: In scripts without spaces words cannot be told apart: looked for anywhere.
    anywhere: list[_Sought] = field(default_factory=list)


class Phrasebook:
    """All phrases that hold for texts of one language. Books that share a `Harmless` share what begins nothing."""

    def __init__(self, entries: Iterable[Entry], language: str = "", harmless: Harmless | None = None) -> None:
        self._language, self._harmless = language, harmless or Harmless()
        self._lists = _Lists()
        for entry in entries:
            self._add(entry)
        self._beginnings = tuple(self._lists.by_beginning)
        self._harmless.learn(self._lists.by_word, self._beginnings)
        self._clean: set[str] = set()
        self._single: set[str] = set()
        self._begun: dict[str, tuple[_Sought, ...]] = {}
        self._found: dict[str, tuple[Hit, ...]] = {}

    def find(self, text: str) -> tuple[Hit, ...]:
        """Every phrase of the lists that stands in a text, each once."""
        if self._harmless.covers(text):
            return ()
        found = self._found.get(text)
        if found is None:
            found = () if self._is_clean(text) else self._search(text)
            if len(self._found) >= _KEPT_TEXTS:
                self._found.clear()
            self._found[text] = found
        return found

    def _add(self, entry: Entry) -> None:
        phrase = entry.phrase.replace("*", "\uf8ff")  # a private letter, so that the star stays with its word
        parts = tuple(
            part.replace("\uf8ff", "*") for chunk in phrase.split() for part in _with_star(chunk, self._language)
        )
        if not parts:
            return
        sought = _Sought(entry, parts, tuple(words(text, self._language) for text in entry.exceptions))
        if _is_unspaced(entry.phrase):
            self._lists.anywhere.append(sought)
        elif parts[0].endswith("*"):
            self._lists.by_beginning.setdefault(parts[0][:-1], []).append(sought)
        else:
            self._lists.by_word.setdefault(parts[0], []).append(sought)

    def _is_clean(self, text: str) -> bool:
        """Whether no token begins anything; what stands alone counts only when there is a run of it."""
        odd = set(text.split()) - self._clean
        if not odd:
            return True
        for token in odd:
            if token in self._single:
                continue
            if self._may_begin(token):
                return False
            if len(token) <= 3 and stands_alone(token, self._language):
                self._single.add(token)
                continue
            if len(self._clean) >= _KEPT:
                self._clean.clear()
            self._clean.add(token)
        return not self._spells_out(text)

    def _spells_out(self, text: str) -> bool:
        """Whether single letters follow one another."""
        run = 0
        for token in text.split():
            run = run + 1 if token in self._single else 0
            if run >= SPELT_OUT:
                return True
        return False

    def _may_begin(self, token: str) -> bool:
        lists = self._lists
        for reading in readings(token, self._language):
            if sum(len(word.written) == 1 for word in reading) >= SPELT_OUT:
                return True
            for word in reading:
                for form in word.forms:
                    if form in lists.by_word or (self._beginnings and form.startswith(self._beginnings)):
                        return True
        return not token.isascii() and bool(self._anywhere(token))

    def _search(self, text: str) -> tuple[Hit, ...]:
        found: dict[Hit, None] = {}
        for reading in readings(text, self._language):
            for place, word in enumerate(reading):
                for sought in self._beginning_with(word):
                    end = place + len(sought.parts)
                    if _stands(sought.parts, reading, place) and not _excepted(sought, reading, place, end):
                        written = " ".join(part.written for part in reading[place:end])
                        found[Hit(sought.entry.owner, sought.entry.phrase, written)] = None
        for sought in self._anywhere(text):
            found[Hit(sought.entry.owner, sought.entry.phrase, sought.entry.phrase)] = None
        # Several readings of the same words are one finding.
        return tuple({(hit.owner, hit.phrase): hit for hit in reversed(found)}.values())[::-1]

    def _beginning_with(self, word: Word) -> Iterable[_Sought]:
        for form in word.forms:
            begun = self._begun.get(form)
            if begun is None:
                begun = self._look_up(form)
                if len(self._begun) >= _KEPT:
                    self._begun.clear()
                self._begun[form] = begun
            yield from begun

    def _look_up(self, form: str) -> tuple[_Sought, ...]:
        """Phrases whose first word this is."""
        found = [*self._lists.by_word.get(form, ())]
        if self._beginnings and form.startswith(self._beginnings):
            for beginning, several in self._lists.by_beginning.items():
                found += several if form.startswith(beginning) else ()
        return tuple(found)

    def _anywhere(self, text: str) -> list[_Sought]:
        if not self._lists.anywhere or text.isascii():
            return []
        folded = "".join(fold(text, self._language).split())
        found = []
        for sought in self._lists.anywhere:
            for exception in sought.exceptions:
                folded = folded.replace("".join(exception), " ")
            if "".join(sought.parts) in folded:
                found.append(sought)
        return found


def _with_star(chunk: str, language: str) -> tuple[str, ...]:
    """The words of a chunk of a phrase, a star kept at the end of its word."""
    starred = chunk.endswith("\uf8ff")
    parts = words(chunk.replace("\uf8ff", ""), language)
    return (*parts[:-1], parts[-1] + "*") if starred and parts else parts


def _stands(parts: tuple[str, ...], reading: tuple[Word, ...], place: int) -> bool:
    """Whether a phrase stands in a reading at a place."""
    if place < 0 or place + len(parts) > len(reading):
        return False
    return all(_is(part, word) for part, word in zip(parts, reading[place:], strict=False))


def _is(part: str, word: Word) -> bool:
    if part.endswith("*"):
        return any(form.startswith(part[:-1]) for form in word.forms)
    return part in word.forms


def _excepted(sought: _Sought, reading: tuple[Word, ...], place: int, end: int) -> bool:
    """Whether the words at this place belong to one of the phrase's exceptions."""
    for exception in sought.exceptions:
        for begin in range(end - len(exception), place + 1):
            if _stands(exception, reading, begin):
                return True
    return False


def _is_unspaced(phrase: str) -> bool:
    """Whether a phrase is in a script whose words are not parted by spaces."""
    return any(first <= character <= last for character in phrase for first, last in _UNSPACED)
