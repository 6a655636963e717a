"""From counts to effects: each arm against the control, and whether the arms were shown as planned.

Counts are divided by the scatter of rows (`regression.dispersion_of`) before anything is tested, so that intervals are
as wide as the rows make them (quasi-likelihood). Knows no files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flows.experiment import inference
from flows.experiment.inference import Interval, Sample
from flows.experiment.joining import Joined
from flows.experiment.metrics import Metric
from flows.experiment.sequential import Look, Rule
from flows.model import Campaign
from flows.variants import Variant

#: What a look has seen: the samples of all variants, and how far rows scattered.
Shown = tuple[Mapping[str, Sample], float]
#: Fewer events in either arm decide nothing: the normal approximation does not hold.
LEAST_EVENTS = 10
#: A mismatch of shares is told below this p value, where some share is also off by this part: platforms do not deal to
#: the impression, and a million impressions find a difference of one in a thousand.
MISMATCH_P, MISMATCH_PART = 0.001, 0.02


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant's counts and rate."""

    variant: str
    differs_in: str
    sample: Sample
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against the control."""

    variant: str
    difference: float
    difference_interval: Interval
    ratio: float
    ratio_interval: Interval
    #: Of the ratio, true at all looks together; None where the rule allows no statement yet.
    lasting_interval: Interval | None
    #: For this look alone, and corrected for the number of arms.
    p_once: float
    p_once_holm: float
    #: Over all looks, and corrected for the number of arms: what decides.
    p: float
    p_holm: float
    #: Information as a share of the planned; 1 is the end of the plan.
    progress: float
    #: Too few events decide nothing.
    counts: bool


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Whether the arms were shown in the shares that were planned."""

    p: float
    #: What was counted: impressions or rows.
    counted: str
    #: Variant -> (observed share, planned share).
    shares: Mapping[str, tuple[float, float]]

    @property
    def is_found(self) -> bool:
        """Whether it is too large to be chance, and large enough to matter."""
        off = max((abs(seen / due - 1) for seen, due in self.shares.values() if due > 0), default=0.0)
        return self.p < MISMATCH_P and off >= MISMATCH_PART


def sample_of(counts: Mapping[str, float], metric: Metric, dispersion: float = 1.0) -> Sample:
    """What a metric is made of."""
    return Sample(counts.get(metric.events, 0.0) / dispersion, counts.get(metric.out_of, 0.0) / dispersion)


def arms_of(joined: Joined, variants: Sequence[Variant], metric: Metric, alpha: float, dispersion: float) -> list[Arm]:
    """Every variant with its counts; the interval is as wide as the scatter makes it."""
    arms = []
    for variant in variants:
        counts = joined.totals(variant.name)
        shared = sample_of(counts, metric, dispersion)
        interval = inference.rate_interval(metric.kind, shared, alpha) if shared.out_of > 0 else None
        arms.append(Arm(variant.name, variant.differs_in, sample_of(counts, metric), interval))
    return arms


def compare(
    metric: Metric, history: Sequence[Shown], control: str, names: Sequence[str], rule: Rule, alpha: float
) -> list[Comparison]:
    """Each arm against the control. `history` has the samples and the scatter of every look, the last one now."""
    found = []
    for name in names:
        looks = [look for samples, dispersion in history if (look := _look(metric, samples, dispersion, name, control))]
        found.append(_comparison(metric, history[-1], control, name, looks, rule, alpha / max(1, len(names))))
    once, always = inference.holm([one.p_once for one in found]), inference.holm([one.p for one in found])
    return [_corrected(one, p, q) for one, p, q in zip(found, once, always, strict=True)]


def _corrected(one: Comparison, once: float, always: float) -> Comparison:
    return replace(one, p_once_holm=once, p_holm=always)


def _look(metric: Metric, samples: Mapping[str, Sample], dispersion: float, name: str, control: str) -> Look | None:
    one, reference = samples.get(name, Sample(0, 0)), samples.get(control, Sample(0, 0))
    if min(one.events, reference.events) < LEAST_EVENTS or min(one.out_of, reference.out_of) <= 0:
        return None
    z, information = inference.z_and_information(metric.kind, _shared(one, dispersion), _shared(reference, dispersion))
    return Look(information, z)


def _shared(sample: Sample, dispersion: float) -> Sample:
    return Sample(sample.events / dispersion, sample.out_of / dispersion)


def _comparison(
    metric: Metric, shown: Shown, control: str, name: str, looks: Sequence[Look], rule: Rule, alpha: float
) -> Comparison:
    samples, dispersion = shown
    one, reference = _shared(samples[name], dispersion), _shared(samples[control], dispersion)
    ratio = one.rate / reference.rate if reference.rate > 0 else math.nan
    progress = looks[-1].information / rule.planned if looks else 0.0
    return Comparison(
        variant=name,
        difference=one.rate - reference.rate,
        difference_interval=inference.difference_interval(metric.kind, one, reference, alpha),
        ratio=ratio,
        ratio_interval=inference.ratio_interval(metric.kind, one, reference, alpha),
        lasting_interval=_lasting(ratio, looks, rule, alpha),
        p_once=inference.p_value(metric.kind, one, reference),
        p_once_holm=1.0,
        p=rule.p_value(looks),
        p_holm=1.0,
        progress=progress,
        counts=bool(looks),
    )


def _lasting(ratio: float, looks: Sequence[Look], rule: Rule, alpha: float) -> Interval | None:
    """The ratio's interval by the rule's bound: it covers the truth at all looks together."""
    bound = rule.bound(looks, alpha)
    if not looks or not math.isfinite(bound) or not ratio > 0:
        return None
    width = bound / math.sqrt(looks[-1].information)
    return ratio * math.exp(-width), ratio * math.exp(width)


def mismatch_of(campaign: Campaign, joined: Joined, variants: Sequence[Variant]) -> Mismatch:
    """Whether arms were shown as planned: by rows where rows were drawn, else by impressions."""
    planned = campaign.experiment.allocation
    if campaign.experiment.assigned:
        counted = "rows"
        rows = {(cell.variant, cell.row_id) for cell in joined.cells}
        seen = {variant.name: float(sum(name == variant.name for name, _ in rows)) for variant in variants}
    else:
        counted = "impressions"
        seen = {variant.name: joined.totals(variant.name).get("impressions", 0.0) for variant in variants}
    total = sum(seen.values())
    shares = {name: (count / total if total else 0.0, planned.get(name, 0.0)) for name, count in seen.items()}
    return Mismatch(inference.mismatch(seen, planned), counted, shares)
