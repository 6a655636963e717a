"""`rules.toml`: what is never asked for and never said, and what categories such as alcohol ask besides.

Each rule comes with its reason and its source. Reads and checks the table; knows no creative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.facts import BadTable, Facts, Origin, Table
from flows.policy.phrases import Entry
from flows.problems import did_you_mean

FILE = Path(__file__).with_name("rules.toml")
BLOCK, REVIEW = "block", "review"
SEVERITIES = (BLOCK, REVIEW)
#: What of a creative a rule looks at.
PROMPT, TEXTS, ALL = "prompt", "texts", "all"
#: English is looked for everywhere: prompts are written in it whatever the locale.
EVERYWHERE = "en"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the lists that must all be met, where, and how bad it is."""

    id: str
    title: str
    reason: str
    lists: tuple[str, ...]
    where: str
    severity: str
    origin: Origin
    #: No override.
    final: bool = False
    #: A phrase is allowed where it is one of the policy's claims.
    claims: bool = False

    def covers(self, place: str) -> bool:
        """Whether it looks at this place of a creative."""
        return self.where == ALL or (self.where == PROMPT) == (place == PROMPT)


@dataclass(frozen=True, slots=True)
class Category:
    """A sensitive category and what it asks."""

    id: str
    title: str
    minimum_age: int
    ages: Mapping[str, int]
    rules: tuple[str, ...]
    #: A person looks at every ad.
    review: bool
    #: The list whose words suggest the category; "" for none.
    hints: str
    origin: Origin

    def age_in(self, territory: str) -> int:
        """The least age of the audience in a country; "" is one that is not known."""
        return self.ages.get(territory, self.minimum_age)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The whole table."""

    #: List -> language -> phrases.
    lists: Mapping[str, Mapping[str, tuple[str, ...]]]
    rules: Mapping[str, Rule]
    categories: Mapping[str, Category]
    category_rules: Mapping[str, Rule]

    def entries(self, language: str, exceptions: Mapping[str, tuple[str, ...]]) -> Iterator[Entry]:
        """The phrases that are looked for in a language. `exceptions` are what a list's phrases may be part of."""
        for name, by_language in self.lists.items():
            for phrase in dict.fromkeys(by_language.get(EVERYWHERE, ()) + by_language.get(language, ())):
                yield Entry(name, phrase, exceptions.get(name, ()))

    @property
    def languages(self) -> frozenset[str]:
        """Languages that have lists of their own."""
        return frozenset(language for by_language in self.lists.values() for language in by_language)


@cache
def rulebook(file: Path = FILE) -> Rulebook:
    """The rules that come with Spotmill.

    Raises: BadInput with every complaint about the table.
    """
    facts = Facts(file, ("words", "rule", "category", "category_rule"))
    book = Rulebook(
        lists=facts.each("words", _words),
        rules=facts.each("rule", _rule),
        categories=facts.each("category", _category),
        category_rules=facts.each("category_rule", _rule),
    )
    _check(book, facts)
    facts.problems.raise_if_any()
    return book


def _words(name: str, table: Table) -> dict[str, tuple[str, ...]]:
    return {language: table.texts(language) for language in table.names()}


def _rule(name: str, table: Table) -> Rule:
    return Rule(
        id=name,
        title=table.text("title"),
        reason=table.text("reason"),
        lists=table.texts("lists"),
        where=table.one_of("where", (PROMPT, TEXTS, ALL)),
        severity=table.one_of("severity", SEVERITIES),
        origin=table.origin(),
        final=table.switch("final", False),
        claims=table.switch("claims", False),
    )


def _category(name: str, table: Table) -> Category:
    ages = table.take("ages", dict, {})
    assert isinstance(ages, dict)
    if not all(isinstance(age, int) for age in ages.values()):
        raise BadTable("ages", "has a value that is no whole number", ages)
    return Category(
        id=name,
        title=table.text("title"),
        minimum_age=int(table.number("minimum_age")),
        ages=ages,
        rules=table.texts("rules"),
        review=table.switch("review", False),
        hints=table.text("hints", ""),
        origin=table.origin(),
    )


def _check(book: Rulebook, facts: Facts) -> None:
    """What one table says of another."""
    for section, rules in (("rule", book.rules), ("category_rule", book.category_rules)):
        for rule in rules.values():
            with facts.blaming(f"{section}.{rule.id}"):
                for name in rule.lists:
                    _known("lists", name, book.lists)
    for category in book.categories.values():
        with facts.blaming(f"category.{category.id}"):
            for name in category.rules:
                _known("rules", name, book.category_rules)
            if category.hints:
                _known("hints", category.hints, book.lists)


def _known(key: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise BadTable(key, f"is not known. {did_you_mean(name, known)}".strip(), name)
