"""policy.yaml: a campaign's own list of words, lines, names, claims and overrides, checked.

    version: "2027-03"
    category: alcohol
    minimum_age: 21
    banned: [{say: [cheap, low cost], locale: en, reason: not our tone, severity: review, except: [cheap flights]}]
    required: [{say: Drink responsibly, locale: en, where: legal, category: alcohol, reason: our licence asks for it}]
    people: [{name: Ada Example, proof: contracts/ada.pdf, expires: "2027-12-31"}]
    claims: [{id: HC-12, say: lowers cholesterol, proof: EU 432/2012}]
    overrides: [{rule: hate, reason: a museum's film about it, who: Jo Doe}]

Does not look at creatives (`judge.py`).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from flows.brand import Line, Words, WrittenFile, read_as
from flows.localise import locale_tag
from flows.pictures import inside
from flows.policy.rules import rulebook
from flows.policy.spelling import words
from flows.problems import Problems, did_you_mean
from flows.yaml_file import read_model

FILE = "policy.yaml"
Severity = Literal["block", "review"]
Some = Annotated[str, Field(min_length=1, max_length=200)]


def _day(value: object) -> object:
    """Dates are written as text in our YAML."""
    return datetime.date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[datetime.date, BeforeValidator(_day)]


class _Entry(WrittenFile):
    """An entry with words that hold in a locale, in a language, or everywhere."""

    say: Words = Field(min_length=1, max_length=500)
    #: A locale, a language, or "" for all.
    locale: str = ""

    @field_validator("say")
    @classmethod
    def _readable(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not words(phrase.replace("*", "")):
                raise ValueError(f"{phrase!r} has no letter or digit to look for")
        return phrases

    @field_validator("locale")
    @classmethod
    def _tag(cls, tag: str) -> str:
        return str(read_as(locale_tag, tag)) if tag else ""


class Banned(_Entry):
    """Words that do not stand in an ad, nor in what is asked of a model."""

    reason: Some
    severity: Severity = "block"
    #: Longer phrases in which they are meant otherwise.
    but_not: Words = Field((), alias="except", max_length=100)


class Required(_Entry):
    """A line that stands in the ad."""

    reason: Some
    where: Literal["any", "legal", "voiceover"] = "any"
    #: Only in ads of this category.
    category: str = ""
    severity: Severity = "block"


class Person(WrittenFile):
    """Somebody whose name, and so whose likeness, is not used; or is, with a proof that it may be."""

    name: Some
    #: Where the consent or licence lies: a file, a number of a contract; "" is none.
    proof: Line = ""
    #: Last day on which it holds.
    expires: Day | None = None
    reason: Line = ""


class Claim(WrittenFile):
    """What may be said of health, and what allows it."""

    id: Some
    say: Words = Field(min_length=1, max_length=100)
    proof: Some


class Override(WrittenFile):
    """A rule that does not hold in this campaign, who says so, and why."""

    rule: Some
    reason: Some
    who: Some


class PolicyFile(WrittenFile):
    """policy.yaml."""

    version: Line = ""
    #: What the campaign advertises; rows may say otherwise in their column `category`.
    category: Words = ()
    #: Least age of the audience that the ads are shown to; None is not stated.
    minimum_age: int | None = Field(None, ge=0, le=99)
    banned: tuple[Banned, ...] = Field((), max_length=2000)
    required: tuple[Required, ...] = Field((), max_length=200)
    people: tuple[Person, ...] = Field((), max_length=5000)
    claims: tuple[Claim, ...] = Field((), max_length=500)
    overrides: tuple[Override, ...] = Field((), max_length=100)

    @field_validator("category")
    @classmethod
    def _categories(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(category_name, names))


def category_name(name: str) -> str:
    """The id of a category.

    Raises: ValueError with the nearest one.
    """
    known = rulebook().categories
    if name.casefold() not in known:
        raise ValueError(f"{name!r} is no category. {did_you_mean(name, known)}".strip())
    return name.casefold()


def read_policy(folder: Path, name: str | None, problems: Problems) -> tuple[PolicyFile, str] | None:
    """The policy and the SHA-256 of its file; without a file an empty one and "". None after a complaint.

    `name` is what campaign.yaml says; None takes `policy.yaml` where there is one.
    """
    if name is None and not (folder / FILE).exists():
        return PolicyFile(), ""
    path = inside(folder, name or FILE, problems, column="policy")
    if path is None:
        return None
    mine = problems.of(path.name)
    before = len(mine.found)
    file = read_model(path, PolicyFile, mine)
    if file is None:
        return None
    _check_overrides(file, mine)
    _check_categories(file.required, mine)
    return (file, hashlib.sha256(path.read_bytes()).hexdigest()) if len(mine.found) == before else None


def rule_ids(file: PolicyFile) -> tuple[str, ...]:
    """Every rule that there is: those that come with Spotmill and the file's own, by number."""
    book = rulebook()
    asked = [f"{name}_{what}" for name in book.categories for what in ("audience", "review", "unstated")]
    own = [f"banned_{number}" for number in range(1, len(file.banned) + 1)]
    own += [f"required_{number}" for number in range(1, len(file.required) + 1)]
    own += [f"person_{number}" for number in range(1, len(file.people) + 1)]
    return (*book.rules, *book.category_rules, *asked, *own)


def _check_overrides(file: PolicyFile, problems: Problems) -> None:
    known = rule_ids(file)
    final = {rule.id for rule in rulebook().rules.values() if rule.final}
    for override in file.overrides:
        if override.rule not in known:
            fix = did_you_mean(override.rule, known)
            problems.add("unknown_rule", "no such rule", fix, value=override.rule, column="overrides")
        elif override.rule in final:
            fix = "Take the override out; no reason allows this"
            problems.add("final_rule", "this rule has no override", fix, value=override.rule, column="overrides")


def _check_categories(required: Iterable[Required], problems: Problems) -> None:
    for line in required:
        if line.category and line.category not in rulebook().categories:
            fix = did_you_mean(line.category, rulebook().categories)
            problems.add("unknown_category", "no such category", fix, value=line.category, column="required")
