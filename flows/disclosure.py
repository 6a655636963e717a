"""What every delivery declares about AI: a value, a label on the picture, the fields of the platform. Never unset.

A compiler for `disclosure.toml`: locale, placement, what the row says about people and how the footage was made go in;
which rules of the table applied, and why, comes out with the answer. It records what was read in named sources on named
days and claims no compliance with any law. Does not draw the label and talks to no platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from flows.facts import BadTable, Facts, Origin, Table
from flows.model import BadInput, Problem
from flows.placements import Placement
from flows.problems import did_you_mean, shown

FILE = Path(__file__).with_name("disclosure.toml")
VALUES = ("ai_generated", "ai_composite", "not_ai_generated")
#: The campaign's word for "follow the table".
AUTO = "auto"
_WHEN = ("always", "ai", "person")
_LABELS = ("", "generated", "person")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one delivery declares."""

    #: One of `VALUES`; there is no unset.
    value: str
    #: Text on the picture in the locale's language; "" where no rule asks for one.
    label: str
    #: Fields of the platform's interface; empty where none was found, and `notes` says so.
    platform_fields: Mapping[str, str | bool] = field(hash=False)
    #: Ids of the rules of the table that applied.
    rules: tuple[str, ...]
    #: Why the value and the label are what they are.
    reason: str
    #: What the rules' readers should know.
    notes: tuple[str, ...]
    digital_source_type: str
    #: ISO 3166 code; "" when the locale names no country, and every territory's rules were applied.
    territory: str
    #: As the row says it; None when it does not.
    synthetic_person: bool | None
    #: Stated as a fact; no rule of the table turns on it.
    synthetic_voice: bool
    overridden: bool = False

    def as_json(self) -> dict[str, object]:
        """The record for the delivery's JSON file."""
        return {
            "value": self.value,
            "label": self.label,
            "platform_fields": dict(self.platform_fields),
            "rules": list(self.rules),
            "reason": self.reason,
            "notes": list(self.notes),
            "digital_source_type": self.digital_source_type,
            "territory": self.territory,
            "synthetic_person": self.synthetic_person,
            "synthetic_voice": self.synthetic_voice,
            "overridden": self.overridden,
        }


def disclose(
    *,
    locale: str,
    placement: Placement,
    synthetic_person: bool | None,
    digital_source_type: str,
    synthetic_voice: bool = True,
    override: str = AUTO,
    reason: str = "",
) -> Disclosure:
    """The disclosure of one delivery.

    `digital_source_type` is an IPTC term or its address. `synthetic_voice` is True for every voice that Spotmill has
    and False for a film that nobody speaks in. An `override` is one of `VALUES` and needs a `reason`.

    Raises: BadInput for an unknown source type or override, a missing reason, and a locale without a label text.
    """
    table = _table()
    term = digital_source_type.rstrip("/").rsplit("/", 1)[-1]
    kind = table.source_types.get(term)
    if not kind:
        hint = did_you_mean(term, table.source_types)
        raise _bad("unknown_source_type", term, "how the footage was made is not in disclosure.toml", hint)
    value, because = _value(kind, synthetic_person, override, reason)
    # Only footage of a trained model may show a person whom the row does not mention.
    may_show_person = synthetic_person is not False and value != "not_ai_generated"
    territory = territory_of(locale)
    rules = [
        rule for rule in table.rules.values() if rule.applies(territory, placement.platform, value, may_show_person)
    ]
    label, label_because = _label(table, rules, locale, value, synthetic_person)
    fields: dict[str, str | bool] = {}
    for rule in rules:
        fields |= rule.off if value == "not_ai_generated" else rule.on
    return Disclosure(
        value=value,
        label=label,
        platform_fields=fields,
        rules=tuple(rule.id for rule in rules),
        reason=f"{because}; {label_because}",
        notes=tuple(f"{rule.title}: {rule.note}" for rule in rules),
        digital_source_type=term,
        territory=territory,
        synthetic_person=synthetic_person,
        synthetic_voice=synthetic_voice,
        overridden=override != AUTO,
    )


def territory_of(locale: str) -> str:
    """ISO 3166 country of a BCP 47 tag, or "" when it names none (`de`) or a group of countries (`es-419`)."""
    for part in locale.replace("_", "-").split("-")[1:]:
        if len(part) == 1:
            break  # extensions follow; their parts look like anything
        if len(part) == 2 and part.isascii() and part.isalpha():
            return part.upper()
    return ""


def _value(kind: _SourceType, synthetic_person: bool | None, override: str, reason: str) -> tuple[str, str]:
    """The declared value and why."""
    if override != AUTO:
        if override not in VALUES:
            hint = did_you_mean(override, (AUTO, *VALUES))
            raise _bad("unknown_disclosure", override, "`disclosure` is none of the known values", hint)
        if not reason.strip():
            raise _bad("disclosure_without_reason", override, "an override needs a reason", "Add `disclosure_reason`")
        return override, f"set by the campaign: {shown(reason)}"
    if synthetic_person and kind.value == "not_ai_generated":
        return "ai_composite", f"the footage is {kind.made}, but the row says that it shows a person made by AI"
    return kind.value, f"the footage is {kind.made}"


def _label(
    table: _Tables, rules: list[_Rule], locale: str, value: str, synthetic_person: bool | None
) -> tuple[str, str]:
    """The text on the picture and why."""
    asking = [rule for rule in rules if rule.label]
    if not asking:
        where = territory_of(locale) or "any territory"
        return "", f"no rule of the table asks for a label on this footage in {where}"
    text = table.labels.get(_label_key(table, locale))
    if not text:
        raise _bad(
            "no_disclosure_label",
            locale,
            "a disclosure label is asked for, and disclosure.toml has no text in this language",
            f"Add a [label.{locale.split('-')[0]}] table, or leave this locale out",
        )
    because = f"label asked for by {', '.join(rule.title for rule in asking)}"
    if synthetic_person is None and any(rule.when == "person" for rule in asking):
        because += " (the row does not say whether it shows a person made by AI, so it is taken to)"
    return text[_label_kind({rule.label for rule in asking}, value, synthetic_person)], because


def _label_kind(asked: set[str], value: str, synthetic_person: bool | None) -> str:
    """Which of the three texts is true and says all that is asked for."""
    if synthetic_person is not True:
        return "generated"  # a label must not claim a person who may not be there
    if value == "ai_composite":
        return "person"  # nor that the whole film was made by AI
    return "both" if len(asked) == 2 else asked.pop()


def _label_key(table: _Tables, locale: str) -> str:
    """The most specific label table for a locale: the tag itself, its shorter forms, or a tag listed under `also`."""
    parts = locale.replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        tag = "-".join(parts[:length]).casefold()
        if tag in table.tags:
            return table.tags[tag]
    return ""


def _bad(code: str, value: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("disclosure", None, None, code, shown(value), message, fix),))


# --- the table ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SourceType:
    value: str
    made: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    title: str
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    when: str
    label: str
    on: dict[str, str | bool]
    off: dict[str, str | bool]
    note: str
    origin: Origin

    def applies(self, territory: str, platform: str, value: str, may_show_person: bool) -> bool:
        """Whether the rule has a say; no territory counts as all of them."""
        if self.territories and territory and territory not in self.territories:
            return False
        if self.platforms and platform not in self.platforms:
            return False
        return self.when == "always" or (may_show_person if self.when == "person" else value != "not_ai_generated")


@dataclass(frozen=True, slots=True)
class _Tables:
    source_types: dict[str, _SourceType]
    rules: dict[str, _Rule]
    labels: dict[str, dict[str, str]]
    #: Every tag that a label table is for, casefolded, to the table's name.
    tags: dict[str, str]


@cache
def _table(file: Path = FILE) -> _Tables:
    facts = Facts(file, ("source_type", "rule", "label"))
    tags: dict[str, str] = {}

    def label(name: str, table: Table) -> dict[str, str]:
        for tag in (name, *table.texts("also", ())):
            tags[tag.casefold()] = name
        return {kind: _some(table, kind) for kind in ("generated", "person", "both")}

    tables = _Tables(
        facts.each("source_type", _source_type), facts.each("rule", _rule), facts.each("label", label), tags
    )
    facts.problems.raise_if_any()
    return tables


def _source_type(name: str, table: Table) -> _SourceType:
    return _SourceType(table.one_of("value", VALUES), _some(table, "made"), table.origin())


def _rule(name: str, table: Table) -> _Rule:
    rule = _Rule(
        id=name,
        title=_some(table, "title"),
        territories=table.texts("territories"),
        platforms=table.texts("platforms"),
        when=table.one_of("when", _WHEN),
        label=table.one_of("label", _LABELS),
        on=_fields(table, "on"),
        off=_fields(table, "off"),
        note=_some(table, "note"),
        origin=table.origin(),
    )
    if rule.on.keys() != rule.off.keys():
        raise BadTable("off", "does not set the same fields as `on`: one of them would stay unset")
    return rule


def _fields(table: Table, key: str) -> dict[str, str | bool]:
    values = table.take(key, dict, {})
    assert isinstance(values, dict)
    if not all(isinstance(value, str | bool) and value != "" for value in values.values()):
        raise BadTable(key, "has a value that is neither a text nor true or false", values)
    return values


def _some(table: Table, key: str) -> str:
    text = table.text(key)
    if not text.strip():
        raise BadTable(key, "is empty")
    return text
