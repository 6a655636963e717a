"""A creative held against the rules: what breaks one, where, and what follows.

`judge` is pure: the same creative and policy give the same verdicts. Prompts, texts, calls to action, voiceover and
file names are looked at as they are rendered; negative prompts are not, for they name what shall not be seen.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from flows.disclosure import territory_of
from flows.localise import fallbacks
from flows.model import Creative
from flows.policy.harmless import Harmless
from flows.policy.matter import Matter, matter_of
from flows.policy.phrases import Entry, Hit, Phrasebook
from flows.policy.policy_file import Override, PolicyFile, Required
from flows.policy.rules import BLOCK, PROMPT, REVIEW, Category, Rule, rulebook
from flows.policy.spelling import fold

OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule that a creative breaks."""

    rule: str
    #: block: not made; review: made, and a person must look at it; overridden: made, and the override is recorded.
    severity: str
    reason: str
    #: prompt, headline, cta, voiceover, row_id, ...; category for what is stated of the whole ad.
    place: str
    #: What was found, as it stands there.
    found: str
    fix: str = ""
    #: Who overrode the rule and why.
    override: str = ""

    def sentence(self) -> str:
        """One line."""
        found = f" ({self.found!r})" if self.found else ""
        end = f" [{self.override}]" if self.override else ""
        return f"{self.place}: {self.reason}{found}, rule {self.rule}{end}"


@dataclass(frozen=True, slots=True)
class _Met:
    """A phrase of a list, and where it was met."""

    hit: Hit
    place: str


class Policy:
    """A policy file compiled with the rules that always hold. Remembers what it found in texts."""

    def __init__(
        self,
        file: PolicyFile | None = None,
        sha256: str = "",
        today: datetime.date | None = None,
        beside: Callable[[Creative], Iterable[tuple[str, str]]] | None = None,
    ) -> None:
        self.file = file or PolicyFile()
        #: Texts that go beside a creative's film, each with its place.
        self._beside = beside or (lambda creative: ())
        #: Of policy.yaml; "" where there is none.
        self.sha256 = sha256
        self._today = today or datetime.datetime.now(datetime.UTC).date()
        self._book = rulebook()
        self._overrides: dict[str, Override] = {one.rule: one for one in self.file.overrides}
        self._books: dict[str, tuple[Phrasebook, Phrasebook]] = {}
        self._harmless = Harmless()
        self._asks: dict[tuple[str, tuple[str, ...]], tuple[Verdict, ...]] = {}
        self._folded: dict[str, str] = {}
        self._own = dict(self._own_rules())

    @property
    def stated(self) -> bool:
        """Whether the campaign has a policy file."""
        return bool(self.sha256)

    def judge(self, creative: Creative, further: Iterable[tuple[str, str]] = ()) -> tuple[Verdict, ...]:
        """Every rule that the creative breaks, each once by place and words; `further` are texts beside the film."""
        return self.judge_matter(matter_of(creative, (*self._beside(creative), *further)))

    def judge_matter(self, matter: Matter) -> tuple[Verdict, ...]:
        """Every rule that is broken, each once by place and words."""
        met = self._met(matter)
        categories = matter.categories or self.file.category
        asked = self._asked(matter.locale, categories)
        if not met and not self.file.required:
            return asked  # nearly always, and the same for every row
        known = [self._book.categories[name] for name in categories]
        found = [
            *self._broken(met, self._book.rules.values()),
            *self._own_broken(met),
            *self._of_categories(known, met),
        ]
        missing = self._missing(matter, categories)
        return tuple(dict.fromkeys((*map(self._overridden, found), *asked, *map(self._overridden, missing))))

    # -- what stands there -------------------------------------------------------------------------------------------

    def _met(self, matter: Matter) -> list[_Met]:
        for_texts, for_prompts = self._phrases(matter.locale)
        met = [_Met(hit, PROMPT) for text in matter.prompts for hit in for_prompts.find(text)]
        named = [("file name", name) for name in matter.files]
        for places in (named, matter.texts, matter.beside):
            met += [_Met(hit, place) for place, text in places for hit in for_texts.find(text)]
        return met

    def _phrases(self, locale: str) -> tuple[Phrasebook, Phrasebook]:
        """What is looked for in texts of a locale, and in its prompts: there the English ones besides."""
        if locale not in self._books:
            tags, language = {"", *fallbacks(locale)}, locale.split("-")[0]
            general = [*self._book.entries(language, self._exceptions)]
            for_texts, for_prompts = (
                Phrasebook((*general, *self._own_entries(those)), language, self._harmless)
                for those in (tags, tags | {"en"})
            )
            self._books[locale] = (for_texts, for_prompts)
        return self._books[locale]

    @cached_property
    def _exceptions(self) -> dict[str, tuple[str, ...]]:
        """The policy's claims, for the lists whose rules allow claims."""
        claims = tuple(phrase for claim in self.file.claims for phrase in claim.say)
        allowing = {name for rule in self._book.category_rules.values() if rule.claims for name in rule.lists}
        return dict.fromkeys(allowing, claims)

    def _own_entries(self, tags: set[str]) -> Iterator[Entry]:
        for number, banned in enumerate(self.file.banned, start=1):
            for phrase in banned.say if banned.locale in tags else ():
                yield Entry(f"banned_{number}", phrase, banned.but_not)
        for number, person in enumerate(self.file.people, start=1):
            if f"person_{number}" in self._own:
                yield Entry(f"person_{number}", person.name)

    def _own_rules(self) -> Iterator[tuple[str, tuple[str, str, str]]]:
        """The file's own lists as severity, reason and fix. People whose licence holds are on none."""
        for number, banned in enumerate(self.file.banned, start=1):
            fix = "Say it otherwise, or record an override in policy.yaml"
            yield f"banned_{number}", (banned.severity, banned.reason, fix)
        for number, person in enumerate(self.file.people, start=1):
            over = person.expires is not None and person.expires < self._today
            if person.proof and not over:
                continue
            why = person.reason or "the name and likeness of this person are not licensed"
            if over:
                why = f"the licence of this person's likeness ended on {person.expires}"
            yield (
                f"person_{number}",
                (BLOCK, why, "Leave the name out, or write the `proof` of a licence in policy.yaml"),
            )

    # -- what follows ------------------------------------------------------------------------------------------------

    def _broken(self, met: list[_Met], rules: Iterable[Rule]) -> Iterator[Verdict]:
        """Rules all of whose lists were met where they look; the words of the first list are named with the others'."""
        for rule in rules:
            by_list = [[one for one in met if one.hit.owner == name and rule.covers(one.place)] for name in rule.lists]
            if not all(by_list):
                continue
            fix = "Say it otherwise" if rule.final else "Say it otherwise, or record an override in policy.yaml"
            if rule.claims:
                fix = "Say it otherwise, or name the authorised claim under `claims` of policy.yaml"
            for one in by_list[0]:
                others = [several[0].hit.written for several in by_list[1:]]
                words = " + ".join((one.hit.written, *others))
                yield Verdict(rule.id, rule.severity, rule.reason, one.place, words, fix)

    def _own_broken(self, met: list[_Met]) -> Iterator[Verdict]:
        for one in met:
            if one.hit.owner in self._own:
                severity, reason, fix = self._own[one.hit.owner]
                yield Verdict(one.hit.owner, severity, reason, one.place, one.hit.written, fix)

    def _of_categories(self, categories: list[Category], met: list[_Met]) -> Iterator[Verdict]:
        rules = dict.fromkeys(name for category in categories for name in category.rules)
        yield from self._broken(met, [self._book.category_rules[name] for name in rules])
        if self.stated and not categories:
            yield from self._unstated(met)

    def _asked(self, locale: str, categories: tuple[str, ...]) -> tuple[Verdict, ...]:
        """What the categories ask whatever the ad says."""
        question = (locale, categories)
        if question not in self._asks:
            known = [self._book.categories[name] for name in categories]
            asked = dict.fromkeys(one for category in known for one in self._asks_of(locale, category))
            self._asks[question] = tuple(map(self._overridden, asked))
        return self._asks[question]

    def _asks_of(self, locale: str, category: Category) -> Iterator[Verdict]:
        least = category.age_in(territory_of(locale))
        said = self.file.minimum_age
        if least and (said is None or said < least):
            have = "states no minimum_age" if said is None else f"has an audience from {said} on"
            reason = f"ads for {category.title.lower()} are for people of {least} and over, and policy.yaml {have}"
            fix = f"Target the ads at {least}+ and write `minimum_age: {least}` in policy.yaml"
            yield Verdict(f"{category.id}_audience", BLOCK, reason, "category", locale, fix)
        if category.review:
            reason = f"{category.title}: a person looks at every ad"
            yield Verdict(f"{category.id}_review", REVIEW, reason, "category", "")

    def _unstated(self, met: list[_Met]) -> Iterator[Verdict]:
        """What is not known is looked at, never passed."""
        for category in self._book.categories.values():
            for one in met:
                if category.hints and one.hit.owner == category.hints:
                    reason = f"this may be an ad for {category.title.lower()}, and no category is stated"
                    fix = f"Write `{category.id}` or `none` in the column `category`, or `category:` in policy.yaml"
                    yield Verdict(f"{category.id}_unstated", REVIEW, reason, one.place, one.hit.written, fix)

    def _missing(self, matter: Matter, categories: tuple[str, ...]) -> Iterator[Verdict]:
        tags = {"", *fallbacks(matter.locale)} if self.file.required else {""}
        for number, line in enumerate(self.file.required, start=1):
            if line.locale not in tags or (line.category and line.category not in categories):
                continue
            if not self._says(matter, line):
                place = {"any": "texts"}.get(line.where, line.where)
                fix = f"Let the template or the row say it ({line.where})"
                yield Verdict(
                    f"required_{number}", line.severity, f"{line.reason}; the line is missing", place, line.say[0], fix
                )

    def _says(self, matter: Matter, line: Required) -> bool:
        texts = [text for place, text in matter.texts if line.where in (place, "any") and place != "row_id"]
        wanted = [self._plain(phrase) for phrase in line.say]
        return any(phrase in self._plain(text) for text in texts for phrase in wanted)

    def _plain(self, text: str) -> str:
        if text not in self._folded:
            if len(self._folded) > 50_000:
                self._folded.clear()
            self._folded[text] = " ".join(fold(text).split())
        return self._folded[text]

    def _overridden(self, verdict: Verdict) -> Verdict:
        override = self._overrides.get(verdict.rule)
        if override is None:
            return verdict
        said = f"overridden by {override.who}: {override.reason}"
        return Verdict(verdict.rule, OVERRIDDEN, verdict.reason, verdict.place, verdict.found, verdict.fix, said)

    # -- the record --------------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, object]:
        """What manifest and plan say of the policy."""
        return {
            "file_sha256": self.sha256 or None,
            "version": self.file.version,
            "category": list(self.file.category),
            "minimum_age": self.file.minimum_age,
            "claims": [{"id": claim.id, "proof": claim.proof} for claim in self.file.claims],
            "licensed_people": [
                {"name": person.name, "proof": person.proof, "expires": str(person.expires or "")}
                for person in self.file.people
                if person.proof
            ],
            "overrides": [{"rule": one.rule, "reason": one.reason, "who": one.who} for one in self.file.overrides],
        }


def judge(creative: Creative, policy: Policy, further: Iterable[tuple[str, str]] = ()) -> tuple[Verdict, ...]:
    """Every rule that a creative breaks; `further` are texts that go beside the film, each with its place."""
    return policy.judge(creative, further)


def review_reasons(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Why a person must look at a creative; () where nobody must."""
    return tuple(dict.fromkeys(verdict.sentence() for verdict in verdicts if verdict.severity == REVIEW))


def verdicts_json(verdicts: Iterable[Verdict]) -> list[Mapping[str, str]]:
    """Verdicts for the JSON beside a delivery."""
    names = ("rule", "severity", "reason", "place", "found", "override")
    return [{name: getattr(verdict, name) for name in names} for verdict in verdicts]
