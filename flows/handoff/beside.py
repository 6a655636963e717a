"""The texts that `naming` and `ads` of campaign.yaml will put beside a creative's film, before anything is made.

For those who judge what an ad says. A text that cannot be rendered is left to the hand-off, which refuses it with its
place; texts that are the film's own are judged with the film.
"""

from __future__ import annotations

from collections.abc import Iterator

from flows.columns import read_columns
from flows.handoff.values import AdValues, of_film, of_placement
from flows.handoff.wording import OF_PLACEMENT, check_wording
from flows.model import Campaign, Creative
from flows.placements import load_placements
from flows.problems import Problems
from flows.template import Template
from flows.templating import RenderFailed, Text
from flows.values import BadValue, Value

#: A word of a fixed list.
_NO_TEXT = "call_to_action"


class Beside:
    """Texts beside a campaign's films."""

    def __init__(self, campaign: Campaign, template: Template) -> None:
        problems = Problems("campaign.yaml")
        factors = [factor.name for factor in campaign.factors]
        found = check_wording(campaign.ads, campaign.naming, template, factors, campaign.ignore_columns, problems)
        problems.raise_if_any()  # whoever read the campaign has said so already
        assert found
        self._campaign, self._template, self._wording = campaign, template, found
        self._names = [name for name in found.texts if name != _NO_TEXT]
        self._header: tuple[str, ...] | None = None
        self._values = AdValues(campaign, template, ())

    def of(self, creative: Creative) -> Iterator[tuple[str, str]]:
        """Each different text with the key that it comes from, in all of the creative's placements."""
        wanted = {f"ads.{name}": self._wording.text(name, creative.locale) for name in self._names}
        wanted |= {"naming": self._wording.naming} if self._campaign.naming else {}
        written = {place: text for place, text in wanted.items() if text is not None}
        if written:
            yield from dict.fromkeys(self._rendered(creative, written))

    def _rendered(self, creative: Creative, written: dict[str, Text]) -> Iterator[tuple[str, str]]:
        try:
            values = self._values_of(creative)
        except BadValue:  # a complaint of the row already
            return
        known = load_placements()
        places = [known[name] for name in creative.placements if name in known]
        for place, text in written.items():
            for placement in places if not OF_PLACEMENT.isdisjoint(text.names) else places[:1]:
                try:
                    yield place, text.render({**values, **of_placement(placement)}, creative.locale)
                except RenderFailed:
                    continue

    def _values_of(self, creative: Creative) -> dict[str, Value]:
        header = tuple(creative.row.cells)
        if header != self._header:
            kinds = {name: variable.type for name, variable in self._template.variables.items()}
            columns = read_columns(header, kinds, self._campaign.ignore_columns, Problems("rows"))
            self._header, self._values = header, AdValues(self._campaign, self._template, columns)
        values = self._values.of(
            creative.row, locale=creative.locale, segment=creative.segment, variant=creative.variant,
            creative_id=creative.creative_id, arms=creative.arms,
        )  # fmt: skip
        layers = ({"kind": layer.kind, "text": layer.text, **layer.extra} for layer in creative.layers)
        return values | of_film(layers, creative.voiceover)
