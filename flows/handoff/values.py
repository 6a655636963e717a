"""What a template of an ad may read, of a creative that is planned or of a delivery that was made.

Knows rows, placements and what a film says; renders nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flows.columns import Column, plain_name
from flows.expand import row_values
from flows.model import Campaign, Row
from flows.placements import Placement
from flows.table import clean
from flows.template import Template
from flows.values import Value


class AdValues:
    """Variables of a campaign's ads. `columns` are those of its rows."""

    def __init__(self, campaign: Campaign, template: Template, columns: Sequence[Column]) -> None:
        self._campaign, self._template = campaign, template
        self._notes = [column for column in columns if column.kind == "note"]
        self._arms = {name: factor.default or factor.arms[0] for name, factor in template.spec.factors.items()}

    def of(
        self, row: Row, *, locale: str, segment: str, variant: str, creative_id: str, arms: Mapping[str, str]
    ) -> dict[str, Value]:
        """What is the same in all placements. Raises: BadValue for a cell that cannot be read."""
        values: dict[str, Value] = dict.fromkeys(map(plain_name, self._campaign.ignore_columns), "")
        values |= {plain_name(one.header): clean(row.cells.get(one.header, "")) for one in self._notes}
        values |= row_values(self._campaign, self._template, row, locale)
        values |= {"campaign": self._campaign.name, "brand": self._campaign.brand.name, "segment": segment}
        return {**values, **self._arms, **arms, "creative_id": creative_id, "variant": variant}


def of_placement(placement: Placement) -> dict[str, Value]:
    """Where the ad runs."""
    aspect = placement.aspect.replace(":", "x")
    return {"placement": placement.id, "platform": placement.platform, "aspect": aspect}


def of_film(layers: Iterable[Mapping[str, object]], voiceover: str) -> dict[str, Value]:
    """What the film itself shows and says: its first headline, its call to action, its voice."""
    shown = list(layers)
    headlines = (str(layer["text"]) for layer in shown if layer.get("kind") == "headline" and layer.get("text"))
    calls = (layer.get("text") if layer.get("kind") == "cta" else layer.get("cta") for layer in shown)
    call = next((str(call) for call in calls if call), "")
    return {"film_headline": next(headlines, ""), "film_cta": call, "film_voiceover": voiceover}
