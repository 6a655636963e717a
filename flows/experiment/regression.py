"""How far rows scatter, and what each factor does by itself: logistic and Poisson regression over rows.

Ads of one arm usually scatter more than chance does: rows are different products and audiences. Where rows were drawn
for arms, rows are what was drawn, and the scatter is taken between the rows of an arm; else each row is its own block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.experiment import inference
from flows.experiment.analysis import sample_of
from flows.experiment.inference import Interval
from flows.experiment.joining import Cell, Joined
from flows.experiment.metrics import Metric
from flows.model import Campaign
from flows.variants import Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Fewer degrees of freedom say nothing about scatter.
LEAST_FREEDOM = 5
#: More blocks than this are left out of a fit, whose time grows with their square.
_MOST_BLOCKS = 150


@dataclass(frozen=True, slots=True)
class Effect:
    """One arm of a factor against the factor's control arm, over all arms of the other factors."""

    factor: str
    arm: str
    #: Odds ratio for proportions, rate ratio for rates.
    ratio: float
    interval: Interval
    p: float
    p_holm: float


def dispersion_of(joined: Joined, variants: Sequence[Variant], metric: Metric, *, assigned: bool) -> tuple[float, str]:
    """By how much counts scatter beyond chance (1 is chance), and a sentence about it."""
    cells = _cells(joined, metric, by_row=assigned)
    names = [variant.name for variant in variants]
    design, tested = _arm_design(cells, names, blocked=not assigned)
    found = _fit(cells, metric, design, tested)
    if found is None or found.freedom < LEAST_FREEDOM:
        return 1.0, "too few rows to see whether they scatter more than chance; intervals count on chance alone"
    if found.dispersion <= 1:
        return 1.0, ""
    times = math.sqrt(found.dispersion)
    return found.dispersion, f"rows scatter more than chance does: intervals are {times:.2f} times as wide for it"


def factor_effects(campaign: Campaign, joined: Joined, variants: Sequence[Variant], metric: Metric) -> list[Effect]:
    """The effect of each factor's arms over the arms of the others; [] for fewer than two factors."""
    import numpy as np

    if len(campaign.factors) < 2:
        return []
    brief, arms_by_name = campaign.experiment, {variant.name: variant.arms for variant in variants}
    cells = _cells(joined, metric, by_row=brief.assigned)
    named = []
    for factor in campaign.factors:
        control = brief.control.get(factor.name, factor.arms[0])
        named += [(factor.name, arm) for arm in factor.arms if arm != control]
    columns = [[float(arms_by_name[cell.variant].get(factor) == arm) for cell in cells] for factor, arm in named]
    design = np.column_stack([*map(np.array, columns), _blocks(cells, blocked=not brief.assigned)]) if cells else None
    found = _fit(cells, metric, design, len(named))
    if found is None or len(found.effects) != len(named):
        return []
    width = inference.quantile(brief.alpha)
    corrected = inference.holm([p for _, _, p in found.effects])
    return [
        Effect(
            factor,
            arm,
            math.exp(value),
            (math.exp(value - width * error), math.exp(value + width * error)),
            p,
            holm,
        )
        for (factor, arm), (value, error, p), holm in zip(named, found.effects, corrected, strict=True)
    ]


# --- designs ----------------------------------------------------------------------------------------------------------


def _cells(joined: Joined, metric: Metric, *, by_row: bool) -> list[Cell]:
    """The cells that say something, one for each row of a variant where rows were drawn."""
    if not by_row:
        return [cell for cell in joined.cells if cell.counts.get(metric.out_of, 0) > 0]
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for cell in joined.cells:
        counts = sums.setdefault((cell.variant, cell.row_id), {})
        for name, count in cell.counts.items():
            counts[name] = counts.get(name, 0.0) + count
    made = [Cell(variant, row_id, row_id, counts) for (variant, row_id), counts in sorted(sums.items())]
    return [cell for cell in made if cell.counts.get(metric.out_of, 0) > 0]


def _arm_design(cells: Sequence[Cell], names: Sequence[str], *, blocked: bool) -> tuple[NDArray[Any] | None, int]:
    import numpy as np

    seen = [name for name in names[1:] if any(cell.variant == name for cell in cells)]
    if not cells:
        return None, 0
    columns = [np.array([float(cell.variant == name) for cell in cells]) for name in seen]
    return np.column_stack([*columns, _blocks(cells, blocked=blocked)]), len(seen)


def _blocks(cells: Sequence[Cell], *, blocked: bool) -> NDArray[Any]:
    """A column for each block; one for all where there are too many or none are wanted."""
    import numpy as np

    blocks = sorted({cell.block for cell in cells})
    if not blocked or len(blocks) > _MOST_BLOCKS:
        return np.ones((len(cells), 1))
    place = {block: number for number, block in enumerate(blocks)}
    made = np.zeros((len(cells), len(blocks)))
    for number, cell in enumerate(cells):
        made[number, place[cell.block]] = 1.0
    return made


def _fit(cells: Sequence[Cell], metric: Metric, design: NDArray[Any] | None, tested: int) -> inference.Fit | None:
    if design is None or not cells:
        return None
    samples = [sample_of(cell.counts, metric) for cell in cells]
    return inference.fit(metric.kind, [one.events for one in samples], [one.out_of for one in samples], design, tested)
