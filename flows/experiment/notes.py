"""What a plan and a run say of the experiment: what its design cannot tell apart, and how its rows were drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flows.experiment.assignment import NoUnit, assigned_variants
from flows.model import Campaign, Row
from flows.variants import campaign_variants


def experiment_notes(campaign: Campaign, rows: Sequence[Row]) -> tuple[str, ...]:
    """Sentences for the notes of a plan; () where nothing is fractional or drawn."""
    brief = campaign.experiment
    notes = [f"experiment: {sentence}" for sentence in brief.aliases]
    if brief.assigned:
        notes.append(_balance(campaign, rows))
    return tuple(filter(None, notes))


def _balance(campaign: Campaign, rows: Sequence[Row]) -> str:
    """How many rows each variant was drawn for, against its share."""
    made, drawn = campaign_variants(campaign), Counter[str]()
    for row in rows:
        named = tuple(variant for variant in made if not row.variants or variant.name in row.variants)
        try:
            drawn.update(variant.name for variant in assigned_variants(campaign.experiment, named, row, campaign.seed))
        except NoUnit:
            return ""  # the complaint is made where rows are expanded
    total = sum(drawn.values()) or 1
    shares = campaign.experiment.allocation
    parts = [f"{name} {drawn[name]} ({drawn[name] / total:.0%}, planned {share:.0%})" for name, share in shares.items()]
    return f"experiment: each row is made in one variant, drawn by a stable hash: {', '.join(parts)}"
