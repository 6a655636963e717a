"""One ad for one platform, from a finished delivery: its name, its words, where it leads, what it declares.

The row's variables come from results.csv, as they were when the film was made: a cell that has changed since then says
nothing about this film. The words come from `ads:` in campaign.yaml, and where that is silent from the film. Knows no
limits (`limits.py`) and copies no files (`folder.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.columns import read_columns
from flows.deliveries import DeliveryRecord
from flows.files import safe_slug
from flows.handoff.platforms import Platform
from flows.handoff.values import AdValues, of_film, of_placement
from flows.handoff.wording import CALLS, Wording, check_wording
from flows.model import Campaign, Row
from flows.placements import Placement, get_placement
from flows.problems import Problems, did_you_mean
from flows.review.gallery import Gallery
from flows.table import clean
from flows.template import Template
from flows.templating import RenderFailed, Text
from flows.values import BadValue, Value

LIMIT_NAME = 100
#: Where a text comes from that `ads:` does not give.
DEFAULTS = {
    "primary_text": "film_headline",
    "headline": "film_headline",
    "long_headline": "film_headline",
    "business_name": "brand",
}
CALL = "learn_more"


@dataclass(frozen=True, slots=True)
class Ad:
    """What goes to one platform for one delivery."""

    platform: Platform
    placement: Placement
    record: DeliveryRecord
    #: A safe name, the same for the ad and its files.
    name: str
    campaign: str
    #: Text -> what it says; those that nothing gives are left out.
    texts: Mapping[str, str]
    #: Text -> the key of campaign.yaml, the layer or the brand that it comes from.
    sources: Mapping[str, str]
    #: One of `wording.CALLS`.
    call: str
    #: The film's bytes, in the results or, where those show a draft, in the ledger.
    film: Path
    in_ledger: bool
    poster: Path | None
    captions: Path | None
    #: What the platform is told about AI, by the names of its interface.
    disclosure: Mapping[str, object] = field(hash=False)

    @property
    def link(self) -> str:
        """The landing page with the campaign's parameters."""
        return self.record.url_with_utm

    def field(self, name: str) -> str:
        """A field of `platforms.FIELDS` as it stands in a cell; "" for what there is not."""
        if name in self.texts:
            return self.texts[name]
        given = {
            "name": self.name,
            "campaign": self.campaign,
            "ad_group": " ".join(filter(None, (self.campaign, self.record.locale, self.record.segment))),
            "call_to_action": self.platform.calls.get(self.call, ""),
            "link": self.link,
            "domain": self.link.partition("://")[2].partition("/")[0].partition("?")[0],
            "film": f"{self.name}.mp4",
            "thumbnail": f"{self.name}.jpg" if self.poster else "",
            "captions": f"{self.name}.srt" if self.captions else "",
            "ad_type": self.platform.ad_types.get(self.placement.id, ""),
            "locale": self.record.locale,
            "disclosure": "; ".join(f"{key}={value}" for key, value in sorted(self.disclosure.items())),
        }
        return given.get(name, "")


class AdReader:
    """Makes ads of a campaign's deliveries. Complaints go to `problems`, with the row that they are about."""

    def __init__(self, campaign: Campaign, template: Template, gallery: Gallery, problems: Problems) -> None:
        factors = [factor.name for factor in campaign.factors]
        found = check_wording(
            campaign.ads, campaign.naming, template, factors, campaign.ignore_columns, problems.of("campaign.yaml")
        )
        kinds = {name: variable.type for name, variable in template.variables.items()}
        self._columns = read_columns(
            gallery.columns, kinds, campaign.ignore_columns, problems.of(campaign.rows_file.name)
        )
        problems.raise_if_any()
        assert found
        self._wording: Wording = found
        self._campaign, self._gallery = campaign, gallery
        self._problems = problems.of(campaign.rows_file.name)
        self._ad_values = AdValues(campaign, template, self._columns)

    def read(self, record: DeliveryRecord, platform: Platform, film: Path) -> Ad | None:
        """The ad of a delivery, None after a complaint. `film` is where its bytes are."""
        placement, facts = get_placement(record.placement), self._gallery.facts(record)
        before = len(self._problems.found)
        values = self._values(record, placement, facts)
        name = self._render("naming", self._wording.naming, values, record)
        texts, sources = self._texts(values, record)
        call = texts.pop("call_to_action", CALL)
        if call not in CALLS:
            fix = did_you_mean(call, CALLS)
            self._complain(record, "ads.call_to_action", "unknown_call", call, "no such call to action", fix)
        if len(self._problems.found) > before:
            return None
        beside = self._gallery.film(record)
        return Ad(
            platform=platform,
            placement=placement,
            record=record,
            name=safe_slug(name, LIMIT_NAME),
            campaign=self._campaign.name,
            texts=texts,
            sources=sources,
            call=call,
            film=film,
            in_ledger=film != beside,
            poster=_beside(beside, ".jpg"),
            captions=_beside(beside, ".srt") if placement.captions == "both" else None,
            disclosure=dict(record.disclosure_fields),
        )

    def _values(self, record: DeliveryRecord, placement: Placement, facts: Mapping[str, object]) -> dict[str, Value]:
        """Everything that a template of an ad may read."""
        cells = [(column, clean(record.cells.get(column.header, ""))) for column in self._columns]
        variables = {column.name: text for column, text in cells if column.kind == "variable"}
        landing = next((text for column, text in cells if column.name == "landing_url"), "")
        row = Row(record.row, record.row_id, record.cells, variables, landing_url=landing)
        arms = facts.get("arms")
        values: dict[str, Value] = {}
        try:
            values = self._ad_values.of(
                row, locale=record.locale, segment=record.segment, variant=record.variant,
                creative_id=record.creative_id, arms=dict(arms) if isinstance(arms, Mapping) else {},
            )  # fmt: skip
        except BadValue as error:
            self._complain(record, None, "bad_cell", "", f"a cell cannot be read any more: {error}", error.fix)
        return values | of_placement(placement) | _said(facts)

    def _texts(self, values: Mapping[str, Value], record: DeliveryRecord) -> tuple[dict[str, str], dict[str, str]]:
        """Every text that something gives, and where each comes from."""
        texts: dict[str, str] = {}
        sources: dict[str, str] = {}
        for name in dict.fromkeys((*DEFAULTS, *self._wording.texts)):
            template = self._wording.text(name, record.locale)
            if template is not None:
                texts[name], sources[name] = self._render(f"ads.{name}", template, values, record), f"ads.{name}"
            elif name in self._wording.texts:
                fix = f"Write ads.{name} for {record.locale.split('-')[0]}, or one text for all"
                message = f"there is no text for {record.locale}"
                self._complain(record, f"ads.{name}", "no_text_for_locale", record.locale, message, fix)
            else:
                texts[name], sources[name] = str(values[DEFAULTS[name]]), DEFAULTS[name]
        return {name: text for name, text in texts.items() if text}, sources

    def _render(self, column: str, text: Text, values: Mapping[str, Value], record: DeliveryRecord) -> str:
        try:
            return text.render(values, record.locale)
        except RenderFailed as error:
            self._complain(record, column, "text_failed", "", f"{error} ({record.locale})", error.fix)
            return ""

    def _complain(
        self, record: DeliveryRecord, column: str | None, code: str, value: str, message: str, fix: str
    ) -> None:
        self._problems.add(code, message, fix, value=value, row=record.row, column=column)


def _said(facts: Mapping[str, object]) -> dict[str, Value]:
    """What the film itself shows and says."""
    layers, voice = facts.get("layers"), facts.get("voice")
    known: Sequence[object] = layers if isinstance(layers, list) else ()
    said = voice.get("text") if isinstance(voice, Mapping) else ""
    return of_film((layer for layer in known if isinstance(layer, Mapping)), str(said or ""))


def _beside(film: Path | None, ending: str) -> Path | None:
    """A file that goes with the film, if it is there."""
    path = film.with_suffix(ending) if film else None
    return path if path and path.is_file() else None
