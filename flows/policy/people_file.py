"""`people` of campaign.yaml: how people in prompts are described, checked.

    people: {describe: a woman in her sixties}
    people: {attributes: {age: [young adult, older], gender: {woman: 60, man: 40}}, say: "a {age} {gender}"}
    people: {unstated: leave}

Without the key, somebody of whom a prompt says nothing is described by the values of `persons.toml`, evenly.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flows.brand import Line, Words, WrittenFile
from flows.model import PeopleBrief
from flows.policy.persons import lists
from flows.variants import SLUG

#: What a description may differ by besides the row. Never by variant: A and B show the same person.
UNITS = ("row", "locale", "segment")
PLACE = re.compile(r"\{([^{}]*)\}")


def _weights(values: Any) -> Any:
    """A list of values is one of equal weights."""
    if isinstance(values, list):
        return {str(value): 1.0 for value in values}
    return {values: 1.0} if isinstance(values, str) else values


Weights = Annotated[
    dict[Line, Annotated[float, Field(gt=0, le=1e6)]], BeforeValidator(_weights), Field(min_length=1, max_length=24)
]


class PeopleFile(WrittenFile):
    """The keys of `people`."""

    #: One description for all.
    describe: Line = ""
    #: Values to balance, each with its weight.
    attributes: dict[str, Weights] = Field(default_factory=dict, max_length=6)
    #: How values become words: "a {age} {gender}".
    say: Line = ""
    vary_by: Words = ("row",)
    #: What becomes of somebody of whom nothing is said.
    unstated: Literal["balance", "leave"] = "balance"

    @field_validator("attributes")
    @classmethod
    def _names(cls, attributes: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for name, values in attributes.items():
            if not SLUG.fullmatch(name):
                raise ValueError(f"{name!r}: attributes are written in small letters, digits, _ and -")
            for value in values:
                if not value or set(value) & set("{}=;"):
                    raise ValueError(f"{value!r}: a value is words, without braces, = and ;")
        return attributes

    @field_validator("vary_by")
    @classmethod
    def _units(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in UNITS:
                raise ValueError(f"{name!r}: write some of {', '.join(UNITS)}; variants always share their person")
        return tuple(dict.fromkeys(("row", *names)))

    @model_validator(mode="after")
    def _consistent(self) -> PeopleFile:
        if self.describe and (self.attributes or self.say):
            raise ValueError("write `describe` for one description, or `attributes` to balance several, not both")
        if self.unstated == "leave" and (self.describe or self.attributes):
            raise ValueError("`unstated: leave` describes nobody: leave it out, or `describe` and `attributes`")
        for name in PLACE.findall(self.say):
            if name not in (self.attributes or lists().default.attributes):
                raise ValueError(f"`say` names {{{name}}}, which is none of the attributes")
        return self


def people_brief(file: PeopleFile) -> PeopleBrief:
    """The choice as a campaign holds it; the built-in values where it has none."""
    default = lists().default
    asked = bool(file.describe or file.attributes)
    attributes = file.attributes or {name: dict.fromkeys(values, 1.0) for name, values in default.attributes.items()}
    return PeopleBrief(
        describe=file.describe,
        attributes={} if file.describe else attributes,
        say=file.say or ("" if file.attributes else default.say),
        vary_by=file.vary_by,
        balance=file.unstated == "balance",
        asked=asked,
    )
