"""The creatives of a campaign held against rights.yaml while they go by, before anything is spent.

Every asset of every creative is asked where, on which placements, until when and for what it may be used. What is not
covered is a complaint of the row that names the asset, or of the campaign. Knows entries and creatives; makes nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from flows.model import Campaign, Creative, Problem
from flows.problems import Problems, shown
from flows.rights.assets import Asset, assets_of_campaign, assets_of_shots, column_of, given_to_model
from flows.rights.rights_file import Entry, Rights, read_rights
from flows.territories import each, named, territories_of

if TYPE_CHECKING:
    from audio.voices.contract import Voice
    from flows.template import Template
    from generation.engines.contract import Engine

#: `plan` warns of what ends within so many days.
SOON_DAYS = 30
LISTED, REQUIRED = "listed", "required"
_OTHER = "use another asset"


class Complaint(NamedTuple):
    """What is wrong with an asset's use: code, sentence, way out."""

    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Use:
    """How an asset is used by a creative."""

    locale: str
    placements: tuple[str, ...]
    given: bool


class RightsGate:
    """One pass over a campaign's creatives."""

    def __init__(
        self,
        campaign: Campaign,
        template: Template,
        engine: Engine,
        voice: Voice,
        today: datetime.date | None = None,
    ) -> None:
        self._campaign, self._template, self._engine, self._voice = campaign, template, engine, voice
        self.today = today or datetime.datetime.now(datetime.UTC).date()
        self._read = Problems(campaign.rights.name if campaign.rights else "campaign.yaml")
        self.rights: Rights = read_rights(campaign.folder, campaign.rights, self._read)
        #: Every asset that was met, with the rows that use it.
        self.used: dict[Asset, set[int]] = {}
        self._given = given_to_model(engine)
        self._looks = bool(engine.ways & {"image", "references"})
        self._common = tuple(assets_of_campaign(campaign))
        #: Entries go by identity: they live as long as the gate, and are compared for every asset of every creative.
        self._answers: dict[tuple[int, str, Use], tuple[Complaint, ...]] = {}
        self._told: dict[Problem, None] = {}
        self._ending: dict[Entry, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Complaints about rights.yaml itself, then those of rows and of the campaign."""
        return (*self._read.found, *self._told)

    @property
    def notes(self) -> tuple[str, ...]:
        """Licences that end soon."""
        return tuple(
            f"rights: {entry.sentence()} ends on {entry.expires}, in {(entry.expires - self.today).days} days"
            for entry in self._ending
            if entry.expires
        )

    def watch(self, creatives: Iterable[Creative]) -> Iterator[Creative]:
        """The same creatives, each asked for its rights on its way."""
        for creative in creatives:
            self._check(creative)
            yield creative

    def _check(self, creative: Creative) -> None:
        number, locale, placements = creative.row.number, creative.locale, creative.placements
        plain, given = Use(locale, placements, False), Use(locale, placements, self._given)
        for asset in assets_of_shots(creative.shots, self._given, self._looks):
            self._ask(creative, number, asset, given if asset.given else plain, None)
        for place, asset in self._common:
            self._ask(creative, number, asset, plain, place)
        for place, asset in self._heard(creative):
            self._ask(creative, number, asset, plain, place)

    def _heard(self, creative: Creative) -> Iterator[tuple[str, Asset]]:
        """Music, voice and engine; each has its name in rights.yaml."""
        rows, music = self._campaign.rows_file.name, creative.music
        if music != "none":
            of_row = f"{rows}:music" if creative.row.music else "campaign.yaml:music"
            yield "campaign.yaml:factors" if creative.arms.get("music") else of_row, Asset("music", music)
        if creative.voiceover and self._voice.id != "none":
            yield "campaign.yaml:voice", Asset("voice", self._voice.id)
        yield "campaign.yaml:engine", Asset("engine", self._engine.id)

    def _ask(self, creative: Creative, number: int, asset: Asset, use: Use, place: str | None) -> None:
        self.used.setdefault(asset, set()).add(number)
        entry = self.rights.of_file(asset.path) if asset.path else self.rights.of_name(asset.kind, asset.name)
        kind = "" if asset.path else asset.kind
        question = (id(entry), kind, use)
        if question not in self._answers:
            self._answers[question] = tuple(self._complaints(entry, asset, use))
            if entry and entry.expires and 0 <= (entry.expires - self.today).days <= SOON_DAYS:
                self._ending[entry] = None
        if self._answers[question]:
            self._tell(creative, asset, place, self._answers[question])

    def _tell(self, creative: Creative, asset: Asset, place: str | None, complaints: tuple[Complaint, ...]) -> None:
        rows_file = self._campaign.rows_file.name
        file, _, column = (place or "").partition(":")
        if not place:
            named_by = column_of(self._template, self._campaign, creative, asset)
            file, column = (rows_file, named_by) if named_by else ("campaign.yaml", "look_loras")
        row = creative.row.number if file == rows_file else None
        value = self.rights.shown(asset.path) if asset.path else asset.name
        for code, message, fix in complaints:
            self._told.setdefault(Problem(file, row, column, code, shown(value), message, fix))

    # -- what an entry says ------------------------------------------------------------------------------------------

    def _complaints(self, entry: Entry | None, asset: Asset, use: Use) -> Iterator[Complaint]:
        if entry is None:
            # Of a ledger that could not be read, nothing is known to be missing.
            if asset.path and self._campaign.rights_policy == REQUIRED and not self._read.found:
                fix = "Write an entry for it, or set `rights_policy: listed`"
                yield Complaint("rights_missing", "nothing is written about the rights in this file", fix)
            return
        yield from self._dates(entry)
        yield from self._places(entry, use)
        yield from self._model(entry, use)

    def _dates(self, entry: Entry) -> Iterator[Complaint]:
        until, renew = self._campaign.run_until, f"Renew it and write the new date, or {_OTHER}"
        if entry.expires and entry.expires < self.today:
            yield Complaint("rights_expired", f"{entry.sentence()} ended on {entry.expires}", renew)
        elif entry.expires and until and entry.expires < until:
            message = f"{entry.sentence()} ends on {entry.expires}, and the ads run until {until}"
            yield Complaint("rights_expires_early", message, f"{renew}, or end `run_until` before")
        if entry.valid_from and entry.valid_from > self.today:
            message = f"{entry.sentence()} holds from {entry.valid_from} on"
            yield Complaint("rights_not_yet", message, f"Run the campaign then, or {_OTHER}")

    def _places(self, entry: Entry, use: Use) -> Iterator[Complaint]:
        shown = each(self._campaign.territories) or territories_of(use.locale)
        outside = shown - entry.territories if entry.territories else frozenset()
        if outside:
            message = f"{entry.sentence()} does not cover {named(outside)}"
            if not self._campaign.territories and len(shown) > 1:
                message += f", and {use.locale} names no country, so that it counts for all where it is official"
            fix = f"Leave the locale out for it, write `territories` where the ads are shown elsewhere, or {_OTHER}"
            yield Complaint("rights_territory", message, fix)
        barred = [name for name in use.placements if entry.placements and name not in entry.placements]
        if barred:
            message = f"{entry.sentence()} does not cover {', '.join(barred)}"
            yield Complaint("rights_placement", message, f"Leave the placement out, or {_OTHER}")

    def _model(self, entry: Entry, use: Use) -> Iterator[Complaint]:
        if not use.given:
            return
        engine = self._engine.id
        fix = f"Use an engine that shows it unchanged, get the right and write `ai_use: yes`, or {_OTHER}"
        if entry.ai_use is False:
            yield Complaint(
                "rights_ai_use", f"{entry.sentence()} forbids giving it to a model, and {engine} is one", fix
            )
        elif entry.ai_use is None and self._campaign.rights_policy == REQUIRED:
            message = f"{entry.sentence()} does not say whether a model may be given it, and {engine} is one"
            yield Complaint("rights_ai_use", message, "Write `ai_use: yes` or `ai_use: no`")
