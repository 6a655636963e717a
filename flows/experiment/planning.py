"""What a test takes, before anything is spent: impressions for each arm, days, and what a given number would find.

The sizes are those of the rule that will read the results, with alpha shared between the arms (Bonferroni; Holm, by
which the reading corrects, needs no more). Pure but for the statistics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.experiment import inference
from flows.experiment.metrics import METRICS, Metric
from flows.experiment.sequential import PLANNED_LOOKS, planned_information
from flows.model import BadInput, Campaign, Problem
from flows.problems import did_you_mean
from flows.variants import campaign_variants

#: A week has all days of the week; shorter tests see only some.
_WEEK = 7
#: Days after which many people see ads a second time from new devices and browsers, and seasons change.
_LONG = 60


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a test takes, in trials: impressions for a click-through rate, clicks for a conversion rate."""

    metric: Metric
    baseline: float
    lift: float
    alpha: float
    power: float
    rule: str
    shares: Mapping[str, float]
    #: Trials of each variant by its share, and of all together.
    arms: Mapping[str, int]
    total: int
    #: For each arm, had nobody looked before the end.
    fixed: int
    #: Days at the given volume; None without one.
    days: int | None
    #: The smallest relative lift that so many trials find; None where no number was given.
    affordable: int | None
    detectable: float | None

    @property
    def comparisons(self) -> int:
        """Arms that are held against the control."""
        return len(self.shares) - 1

    def as_json(self) -> dict[str, object]:
        """For other programs."""
        return {
            "metric": self.metric.id,
            "unit": self.metric.out_of,
            "baseline": self.baseline,
            "lift": self.lift,
            "alpha": self.alpha,
            "power": self.power,
            "rule": self.rule,
            "comparisons": self.comparisons,
            "allocation": dict(self.shares),
            "arms": dict(self.arms),
            "total": self.total,
            "fixed_per_arm": self.fixed,
            "days": self.days,
            "affordable": self.affordable,
            "detectable_lift": self.detectable,
        }


def plan_experiment(
    campaign: Campaign,
    baseline: float,
    *,
    metric: str = "",
    lift: float | None = None,
    power: float | None = None,
    alpha: float | None = None,
    daily: int | None = None,
    total: int | None = None,
) -> Sizes:
    """Sizes for a campaign's test; what is not given is the campaign's.

    Raises: BadInput for a campaign that tests nothing, and for numbers that no test has.
    """
    inference.require_statistics()
    brief = campaign.experiment
    chosen = _metric(metric or brief.metric)
    lift, power, alpha = lift or brief.lift, power or brief.power, alpha or brief.alpha
    names = [variant.name for variant in campaign_variants(campaign)]
    _check(campaign, chosen, names, baseline, lift, power, alpha)
    shares = {name: brief.allocation[name] for name in names}
    each = alpha / (len(names) - 1)
    if chosen.shown == "inverse":  # a cost is decided on as events for one unit of money
        baseline = 1 / baseline
    inflation = _inflation(brief.rule, lift, each, power)
    fixed = inference.sample_size(chosen.kind, baseline, lift, each, power)
    whole = _whole(fixed * inflation, shares)
    return Sizes(
        metric=chosen,
        baseline=baseline,
        lift=lift,
        alpha=alpha,
        power=power,
        rule=brief.rule,
        shares=shares,
        arms={name: math.ceil(whole * share) for name, share in shares.items()},
        total=sum(math.ceil(whole * share) for share in shares.values()),
        fixed=math.ceil(fixed),
        days=math.ceil(whole / daily) if daily else None,
        affordable=total,
        detectable=_detectable(chosen, baseline, brief.rule, each, power, shares, total) if total else None,
    )


def _whole(each: float, shares: Mapping[str, float]) -> float:
    """All trials together, so that every comparison is as sure as one of two arms with `each`."""
    names = list(shares)
    control = shares[names[0]]
    return each / 2 * max(1 / control + 1 / shares[name] for name in names[1:])


def _inflation(rule: str, lift: float, alpha: float, power: float) -> float:
    """How much more a rule needs that is looked at on the way."""
    least = (inference.quantile(alpha) + inference.quantile(2 * (1 - power))) / math.log1p(lift)
    return planned_information(rule, lift, alpha, power) / least**2


def _detectable(
    metric: Metric, baseline: float, rule: str, alpha: float, power: float, shares: Mapping[str, float], total: int
) -> float | None:
    """The smallest lift that so many trials find; None where they would not even find a tenfold one."""

    def needed(lift: float) -> float:
        size = inference.sample_size(metric.kind, baseline, lift, alpha, power)
        return _whole(size * _inflation(rule, lift, alpha, power), shares)

    low, high = 1e-4, 10.0
    if metric.kind == "proportion":
        high = min(high, 0.99 / baseline - 1)
    if needed(high) > total:
        return None
    for _ in range(30):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if needed(middle) <= total else (middle, high)
    return high


def _metric(name: str) -> Metric:
    if name not in METRICS:
        fix = did_you_mean(name, METRICS)
        raise BadInput((Problem("--metric", None, None, "unknown_metric", name, "no such metric", fix),))
    return METRICS[name]


def _check(
    campaign: Campaign, metric: Metric, names: Sequence[str], baseline: float, lift: float, power: float, alpha: float
) -> None:
    def bad(place: str, code: str, value: object, message: str, fix: str) -> BadInput:
        return BadInput((Problem(place, None, None, code, str(value), message, fix),))

    if len(names) < 2:
        fix = "Add `factors` with two arms or more"
        raise bad("campaign.yaml", "no_experiment", "", "the campaign tests nothing", fix)
    zero = [name for name in names if campaign.experiment.allocation[name] <= 0]
    if zero:
        fix = "Give every variant that is to be tested a weight above 0"
        raise bad("campaign.yaml", "no_share", ", ".join(zero), "variants that nobody is to see", fix)
    if metric.kind == "proportion" and not 0 < baseline * (1 + lift) < 1:
        fix = "Write the rate as a fraction, 0.012 for 1.2 %; with the lift it must stay below 1"
        raise bad("--baseline", "bad_number", f"{baseline:g}", "is no rate between 0 and 1", fix)
    if baseline <= 0:
        raise bad("--baseline", "bad_number", f"{baseline:g}", "is not above 0", "Write what the control has now")
    for name, value, most in (("--lift", lift, 10.0), ("--power", power, 0.999), ("--alpha", alpha, 0.5)):
        if not 0 < value <= most:
            raise bad(name, "bad_number", f"{value:g}", f"is not between 0 and {most:g}", "Leave it out for the usual")


def sentences(sizes: Sizes, *, assigned: bool) -> list[str]:
    """What the sizes mean, for people."""
    unit, count = sizes.metric.out_of, sizes.comparisons
    say = [
        f"To find a {sizes.metric.title} that differs by {sizes.lift:.1%} from {_shown(sizes)}, {sizes.power:.0%} of"
        f" the times that it is there, at a false alarm of {sizes.alpha:.1%} over {count}"
        f" comparison{'' if count == 1 else 's'} with the control:"
    ]
    say += [f"  {name}: {number:,} {unit}" for name, number in sizes.arms.items()]
    say.append(f"  in all {sizes.total:,} {unit}" + (f", {_days(sizes.days)}" if sizes.days else ""))
    more = max(sizes.arms.values()) / sizes.fixed - 1
    say.append(
        f"This lets you look as often as you like ({sizes.rule.replace('_', '-')} rule, planned with {PLANNED_LOOKS}"
        f" looks). Looked at once, at the end, {sizes.fixed:,} {unit} an arm would do ({more:+.0%} for looking)."
    )
    if sizes.affordable:
        say.append(_affordable(sizes))
    say += _caveats(sizes, assigned=assigned)
    return say


def _shown(sizes: Sizes) -> str:
    return sizes.metric.show(sizes.baseline)


def _days(days: int) -> str:
    return f"about {days} day{'' if days == 1 else 's'} at that volume"


def _affordable(sizes: Sizes) -> str:
    head = f"With {sizes.affordable:,} {sizes.metric.out_of} in all, "
    if sizes.detectable is None:
        return f"{head}not even a tenfold difference would be found so surely."
    return f"{head}the smallest difference found so surely is {sizes.detectable:.1%}."


def _caveats(sizes: Sizes, *, assigned: bool) -> list[str]:
    say = []
    if sizes.days and sizes.days < _WEEK:
        say.append("Let it run for whole weeks all the same: people are others on a Sunday than on a Monday.")
    if sizes.days and sizes.days > _LONG:
        say.append("So long a test measures the season too. Test fewer arms, or look for a larger difference.")
    if assigned:
        say.append(
            "Each row sees one variant, so that rows differ between arms. How much they do is known only from results;"
            " the reading widens its intervals by it. Have at least 20 rows in each arm."
        )
    if sizes.metric.out_of == "impressions":
        say.append("This takes impressions for independent; where people see an ad often, plan for more.")
    return say
