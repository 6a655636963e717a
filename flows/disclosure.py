"""What every delivery declares about AI: a value, a label on the picture, the fields of the platform. Never unset.

A compiler for `disclosure.toml`: locale, placement, what the row says about people and how much of the film a model
made go in; which rules of the table applied, and why, comes out with the answer. It records what was read in named
sources on named days and claims no compliance with any law. Does not draw the label (`generation/layers`) nor prove it
(`generation/marks/label.py`), and talks to no platform (`disclosure_payload.py` writes what to tell it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.disclosure_share import Share, share_of, source_term, term_of
from flows.disclosure_table import FILE, VALUES, Field, Rule, SourceType, Tables, tables
from flows.model import BadInput, Problem
from flows.placements import Placement
from flows.problems import did_you_mean, shown

__all__ = ["AUTO", "FILE", "VALUES", "Disclosure", "Label", "disclose", "territory_of"]

#: The campaign's word for "follow the table".
AUTO = "auto"
#: Where the label stands; `generation/layers/running.py` puts it there.
LABEL_PLACE = "upper corner at the end of the reading direction, inside the safe box"


@dataclass(frozen=True, slots=True)
class Label:
    """The label on the picture: what it says and how long."""

    text: str
    #: From the first frame on; None is until the last.
    until_seconds: float | None
    #: Ids of the rules that ask for it.
    asked_by: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Text, place and time."""
        return {
            "text": self.text,
            "place": LABEL_PLACE,
            "from_seconds": 0.0,
            "until_seconds": self.until_seconds,
            "asked_by": list(self.asked_by),
        }


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one delivery declares."""

    #: One of `VALUES`; there is no unset.
    value: str
    #: Text on the picture in the locale's language; "" where no rule asks for one.
    label: str
    #: Fields of the platform's interface; empty where none was found, and the rules say how to declare it by hand.
    platform_fields: Mapping[str, Field] = field(hash=False)
    #: Ids of the rules of the table that applied.
    rules: tuple[str, ...]
    #: Why the value and the label are what they are.
    reason: str
    #: IPTC term of the film as a whole.
    digital_source_type: str
    #: ISO 3166 code; "" when the locale names no country, and every territory's rules were applied.
    territory: str
    #: As the row says it; None when it does not.
    synthetic_person: bool | None
    #: Stated as a fact; no rule of the table turns on it.
    synthetic_voice: bool
    share: Share
    #: Seconds from the start that the label is shown; None is the whole film.
    label_until_seconds: float | None = None
    #: Ids of the rules that ask for the label.
    label_rules: tuple[str, ...] = ()
    #: Value and reason of the campaign where it overrides the table; "" where it does not.
    override_reason: str = ""

    @property
    def overridden(self) -> bool:
        """Whether the campaign has decided the value."""
        return bool(self.override_reason)

    @property
    def on_picture(self) -> Label | None:
        """The label with its place and time; None without one."""
        return Label(self.label, self.label_until_seconds, self.label_rules) if self.label else None

    def rule_records(self) -> list[Rule]:
        """The rules that applied."""
        return [tables().rules[name] for name in self.rules]

    def as_json(self) -> dict[str, object]:
        """The record for the delivery's JSON file."""
        return {
            "value": self.value,
            "label": self.on_picture.as_json() if self.on_picture else None,
            "platform_fields": dict(self.platform_fields),
            "rules": [rule.as_json() for rule in self.rule_records()],
            "reason": self.reason,
            "digital_source_type": self.digital_source_type,
            "ai_share": self.share.as_json(),
            "territory": self.territory,
            "synthetic_person": self.synthetic_person,
            "synthetic_voice": self.synthetic_voice,
            "override": {"value": self.value, "reason": self.override_reason} if self.overridden else None,
        }


def disclose(
    *,
    locale: str,
    placement: Placement,
    synthetic_person: bool | None,
    digital_source_type: str,
    share: Share | None = None,
    synthetic_voice: bool = True,
    override: str = AUTO,
    reason: str = "",
    table: Tables | None = None,
) -> Disclosure:
    """The disclosure of one delivery.

    `digital_source_type` is an IPTC term or its address, as the engine states it, and `share` how much of the film a
    model made (all of it, unless given). `synthetic_voice` is True for every voice that Spotmill has and False for a
    film that nobody speaks in. An `override` is one of `VALUES` and needs a `reason`. `table` is `disclosure.toml`
    unless given.

    Raises: BadInput for an unknown source type or override, a missing reason, and a locale without a label text.
    """
    table = table or tables()
    share = share or share_of((), digital_source_type)
    kind, term = _kind(table, digital_source_type, share)
    value, because = _value(table, kind, share, synthetic_person, override, reason)
    # Only footage of a trained model may show a person whom the row does not mention.
    may_show_person = synthetic_person is not False and value != "not_ai_generated"
    territory = territory_of(locale)
    rules = [
        rule for rule in table.rules.values() if rule.applies(territory, placement.platform, value, may_show_person)
    ]
    asking = [rule for rule in rules if rule.label]
    label, label_because = _label(table, asking, locale, value, synthetic_person)
    fields: dict[str, Field] = {}
    for rule in rules:
        fields |= rule.fields(value, synthetic_person)
    return Disclosure(
        value=value,
        label=label,
        platform_fields=fields,
        rules=tuple(rule.id for rule in rules),
        reason=f"{because}; {label_because}",
        digital_source_type=term,
        territory=territory,
        synthetic_person=synthetic_person,
        synthetic_voice=synthetic_voice,
        share=share,
        label_until_seconds=_label_seconds(asking),
        label_rules=tuple(rule.id for rule in asking),
        override_reason=reason if override != AUTO else "",
    )


def territory_of(locale: str) -> str:
    """ISO 3166 country of a BCP 47 tag, or "" when it names none (`de`) or a group of countries (`es-419`)."""
    for part in locale.replace("_", "-").split("-")[1:]:
        if len(part) == 1:
            break  # extensions follow; their parts look like anything
        if len(part) == 2 and part.isascii() and part.isalpha():
            return part.upper()
    return ""


def _kind(table: Tables, digital_source_type: str, share: Share) -> tuple[SourceType, str]:
    """How the film was made, and its IPTC term."""
    stated = term_of(digital_source_type)
    if stated not in table.source_types:
        hint = did_you_mean(stated, table.source_types)
        raise _bad("unknown_source_type", stated, "how the footage was made is not in disclosure.toml", hint)
    term = source_term(stated, share, table.thresholds["generated"].share)
    return table.source_types[term], term


def _value(
    table: Tables, kind: SourceType, share: Share, synthetic_person: bool | None, override: str, reason: str
) -> tuple[str, str]:
    """The declared value and why."""
    if override != AUTO:
        if override not in VALUES:
            hint = did_you_mean(override, (AUTO, *VALUES))
            raise _bad("unknown_disclosure", override, "`disclosure` is none of the known values", hint)
        if not reason.strip():
            raise _bad("disclosure_without_reason", override, "an override needs a reason", "Add `disclosure_reason`")
        return override, f"set by the campaign: {shown(reason)}"
    made = f"the footage is {kind.made}"
    if kind.value == "not_ai_generated":
        if synthetic_person:
            return "ai_composite", f"{made}, but the row says that it shows a person made by AI"
        return kind.value, made
    if 0 < share.total < table.thresholds["declared"].share and not synthetic_person:
        return "not_ai_generated", f"a model had a hand in {float(share.total):.0%} of the film, below the threshold"
    return kind.value, made if share.made in (
        0,
        1,
    ) else f"{made}: {float(share.made):.0%} of its time by the model alone"


def _label(
    table: Tables, asking: list[Rule], locale: str, value: str, synthetic_person: bool | None
) -> tuple[str, str]:
    """The text on the picture and why."""
    if not asking:
        where = territory_of(locale) or "any territory"
        return "", f"no rule of the table asks for a label on this footage in {where}"
    text = table.texts_for(locale)
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


def _label_seconds(asking: list[Rule]) -> float | None:
    """How long the label is shown: the whole film as soon as one rule wants it, else what the longest asks for."""
    seconds = [rule.label_seconds for rule in asking]
    return max(seconds) if seconds and all(seconds) else None


def _label_kind(asked: set[str], value: str, synthetic_person: bool | None) -> str:
    """Which of the texts is true and says all that is asked for."""
    if value == "ai_composite":  # a label must not claim that the whole film was made by AI
        return "person" if synthetic_person else "modified"
    if synthetic_person is not True:
        return "generated"  # nor a person who may not be there
    return "both" if len(asked) == 2 else asked.pop()


def _bad(code: str, value: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("disclosure", None, None, code, shown(value), message, fix),))
