"""The people of a campaign's prompts: who is described, how, and the prompt with the description in it.

Rows in which nobody is mentioned keep their prompts, and with them their seeds and footage. Descriptions are allotted
over all rows of the file that are switched on, so that a part of a campaign shows the same people as the whole. Nothing
is ever guessed from pictures. Knows rows and templates; does not know what becomes of the prompts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flows.model import Campaign, Problem, Row
from flows.policy.allot import Allotment, Unit, allot
from flows.policy.people_file import PLACE
from flows.policy.persons import Mention, describe, may_mention, mention, stated
from flows.problems import Problems, did_you_mean
from flows.template import Template
from flows.templating import BRACES

#: Name under which a description in words of one's own is recorded.
DESCRIBED = "described"
#: A person in a prompt; the whole prompt has a few hundred.
MOST_CHARACTERS = 160
_PAIR = re.compile(r"\s*([a-z0-9_-]+)\s*=\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Cast:
    """The prompts of a creative with their people in them."""

    prompts: tuple[str, ...]
    #: Attribute -> value, of the person who was described; {} where nobody was.
    people: Mapping[str, str]


class Casting:
    """Who stands in for whom, over a whole campaign."""

    def __init__(self, campaign: Campaign, template: Template, rows: Iterable[Row]) -> None:
        self._campaign, self._brief = campaign, campaign.people
        self._problems = Problems(campaign.rows_file.name)
        self._own: dict[int, str | dict[str, str]] = {}
        self._units: list[Unit] = []
        #: Rows met so far that show somebody who was described here, and that say themselves who is seen.
        self._shown: set[int] = set()
        self._stating: set[int] = set()
        self._said: dict[tuple[tuple[str, str], ...], str] = {}
        self._asked: tuple[object, ...] = ()
        self._cast = Cast((), {})
        self._candidates = {row.number for row in self._mentioning(template, rows)}
        self._allotted: Allotment = allot(self._units, self._brief.attributes, campaign.seed)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Cells of the column `person` that cannot be read."""
        return tuple(self._problems.found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was described unasked, and what had no effect, in the creatives that were cast so far."""
        return (*self._unasked(), *self._without_effect())

    def _unasked(self) -> Iterator[str]:
        count = len(self._shown - self._stating)
        if count and not self._brief.asked:
            names = ", ".join(name.replace("_", " ") for name in self._brief.attributes)
            yield (
                f"people: {count:,} {'row shows' if count == 1 else 'rows show'} somebody of whom the prompt says"
                f" nothing; {names} are balanced there. `people` in campaign.yaml describes them otherwise, or leaves"
                " them alone"
            )

    def _without_effect(self) -> Iterator[str]:
        idle = sorted(self._stating - self._shown)
        if idle:
            rows = ", ".join(map(str, idle[:8])) + (" ..." if len(idle) > 8 else "")
            yield f"people: the column `person` has no effect in rows {rows}, whose prompts mention nobody else"

    def cast(self, prompts: tuple[str, ...], row: Row, locale: str, segment: str) -> Cast:
        """The prompts with the first person of each described, by what the prompt does not state already."""
        if row.person:
            self._stating.add(row.number)
        if row.number not in self._candidates:
            return Cast(prompts, {})
        question = (prompts, row.number, locale, segment)
        if question != self._asked:  # variants of a row mostly ask the same, one after another
            self._asked, self._cast = question, self._described(prompts, row, locale, segment)
        return self._cast

    def _described(self, prompts: tuple[str, ...], row: Row, locale: str, segment: str) -> Cast:
        values = self._values(row, locale, segment)
        made: list[str] = []
        people: dict[str, str] = {}
        for prompt in prompts:
            one, left = self._open(prompt, locale, values)
            if one is not None and left:
                people |= left
                prompt = describe(prompt, one, self._say(left))
            made.append(prompt)
        if people:
            self._shown.add(row.number)
        return Cast(tuple(made), people)

    # -- who -----------------------------------------------------------------------------------------------------------

    def _mentioning(self, template: Template, rows: Iterable[Row]) -> list[Row]:
        """Rows in whose prompts somebody may be mentioned: a word for a person in the texts or in what they read."""
        if not (self._brief.balance or self._brief.describe or self._brief.asked):
            rows = [row for row in rows if row.person]
        texts = [text for shot in template.spec.shots for text in template.texts[shot.prompt].values()]
        gendered = self._brief.asked
        always = may_mention((text.source for text in texts), gendered=gendered)
        names = {name for text in texts for name in text.names}
        found = []
        for row in rows:
            read = (text for name, text in row.variables.items() if name.partition(".")[0] in names)
            if row.enabled and (always or may_mention(read, gendered=gendered)):
                self._own[row.number] = self._of_row(row)
                found.append(row)
                self._units += self._units_of(row)
        return found

    def _units_of(self, row: Row) -> Iterator[Unit]:
        own = self._own[row.number]
        if isinstance(own, str) and own:
            return
        known = own if isinstance(own, dict) else {}
        by = self._brief.vary_by
        for locale in (row.locales or self._campaign.locales) if "locale" in by else ("",):
            for segment in (row.segments or self._campaign.segments or ("",)) if "segment" in by else ("",):
                yield Unit(_unit(row, locale, segment), known)

    def _of_row(self, row: Row) -> str | dict[str, str]:
        """The cell `person`: words of one's own, or `age=older; gender=woman`."""
        if len(row.person) > MOST_CHARACTERS or BRACES.search(row.person):
            message = f"a description has at most {MOST_CHARACTERS} characters, and no template language"
            fix = "Write who is seen in a few words"
            self._problems.add("bad_person", message, fix, value=row.person, row=row.number, column="person")
            return ""
        if "=" not in row.person:
            return row.person
        known, pairs = self._brief.attributes, {}
        for part in filter(str.strip, row.person.split(";")):
            match = _PAIR.fullmatch(part)
            name, value = match.groups() if match else (part.strip(), "")
            if name not in known or value not in known[name]:
                fix = did_you_mean(value, known[name]) if name in known else did_you_mean(name, known)
                message = "no such value of a person's attribute"
                self._problems.add("bad_person", message, fix, value=part.strip(), row=row.number, column="person")
            pairs[name] = value
        return pairs

    def _values(self, row: Row, locale: str, segment: str) -> Mapping[str, str]:
        own = self._own[row.number]
        if isinstance(own, str) and own:
            return {DESCRIBED: own}
        if self._brief.describe:
            return {DESCRIBED: self._brief.describe}
        by = self._brief.vary_by
        name = _unit(row, locale if "locale" in by else "", segment if "segment" in by else "")
        return self._allotted.get(name, {})

    # -- what is said -------------------------------------------------------------------------------------------------

    def _open(self, prompt: str, locale: str, values: Mapping[str, str]) -> tuple[Mention | None, dict[str, str]]:
        """The first person, and what of the values the prompt leaves open.

        Somebody of whom the prompt states anything is somebody in particular, and is described further only where the
        campaign asks for attributes.
        """
        language = locale.split("-")[0]
        further = self._brief.asked and DESCRIBED not in values
        one = mention(prompt, language, gendered=further)
        if one is None:
            return None, {}
        said = stated(prompt, language)
        if said and not further:
            return None, {}
        return one, {name: value for name, value in values.items() if name not in said}

    def _say(self, values: Mapping[str, str]) -> str:
        if DESCRIBED in values:
            return values[DESCRIBED]
        key = tuple(values.items())
        if key not in self._said:  # a few dozen, however many rows there are
            self._said[key] = self._in_words(values)
        return self._said[key]

    def _in_words(self, values: Mapping[str, str]) -> str:
        say = self._brief.say
        if not say or any(name not in values for name in PLACE.findall(say)):
            return ", ".join(values.values())
        # Replaced one by one: a value is words, whatever it looks like.
        return _with_article(PLACE.sub(lambda place: values[place[1]], say))


def person_cell(people: Mapping[str, str]) -> str:
    """The people of a creative as the column `person` takes them, so that a row run again shows the same ones."""
    if DESCRIBED in people:
        return people[DESCRIBED]
    return "; ".join(f"{name}={value}" for name, value in people.items())


def _unit(row: Row, locale: str, segment: str) -> str:
    return "\n".join((row.row_id, locale, segment))


def _with_article(text: str) -> str:
    """`a older woman` as `an older woman`."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
