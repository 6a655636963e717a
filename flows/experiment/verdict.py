"""Stop, or go on: what a reading decides, in a sentence that says why and what it does not know.

Pure: it reads what `analysis` has found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flows.experiment.analysis import LEAST_EVENTS, Arm, Comparison, Mismatch
from flows.experiment.metrics import Metric
from flows.model import ExperimentBrief

STOP, GO_ON, NOTHING_SAID = "stop", "continue", "no verdict"
_RULES = {
    "group_sequential": "group-sequential test, O'Brien-Fleming spending of alpha over the looks recorded here",
    "always_valid": "always-valid test (mixture likelihood ratio): true at every look, recorded or not",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do."""

    #: stop, continue, or no verdict.
    action: str
    #: The variant to keep; "" while that is open.
    winner: str
    sentence: str
    #: The rule behind it.
    rule: str


def decide(
    metric: Metric,
    brief: ExperimentBrief,
    arms: Sequence[Arm],
    comparisons: Sequence[Comparison],
    mismatch: Mismatch,
    days: int,
) -> Verdict:
    """The verdict. `days` is how many days the counts are from; 0 is unknown."""
    rule = f"{_RULES[brief.rule]}; {brief.alpha:g} over {len(arms) - 1} comparison{'s' if len(arms) > 2 else ''} (Holm)"
    control = arms[0].variant
    if mismatch.is_found:
        return Verdict(NOTHING_SAID, "", "No verdict: the arms were not shown as planned; see the warning.", rule)
    decided = [one for one in comparisons if one.p_holm <= brief.alpha]
    better = [one for one in decided if one.ratio > 1]
    if better:
        best = max(better, key=lambda one: one.ratio)
        return Verdict(STOP, best.variant, _winner(metric, best, control, comparisons, brief.alpha), rule)
    if comparisons and len(decided) == len(comparisons) == len(arms) - 1:
        sentence = f"Stop: {control}, the control, is better than every other arm."
        return Verdict(STOP, control, sentence, rule)
    progress = min((one.progress for one in comparisons), default=0.0)
    if brief.rule == "group_sequential" and progress >= 1 and len(comparisons) == len(arms) - 1:
        return Verdict(STOP, "", _nothing_found(brief, control, comparisons), rule)
    return Verdict(GO_ON, "", _go_on(metric, comparisons, progress, days), rule)


def _winner(metric: Metric, best: Comparison, control: str, all_of: Sequence[Comparison], alpha: float) -> str:
    sentence = (
        f"Stop: {best.variant} is better than {control}: {metric.title} {_change(metric, best)}, p {_p(best.p_holm)}."
    )
    near = [one.variant for one in all_of if one is not best and one.p_holm <= alpha and one.ratio > 1]
    if near:
        are = "is" if len(near) == 1 else "are"
        sentence += f" {', '.join(near)} {are} better than {control} too; which of them is best was not tested."
    return sentence


def _nothing_found(brief: ExperimentBrief, control: str, comparisons: Sequence[Comparison]) -> str:
    worse = [one.variant for one in comparisons if one.p_holm <= brief.alpha]
    tail = f" Worse than it: {', '.join(worse)}." if worse else ""
    low = min(one.ratio_interval[0] for one in comparisons) - 1
    high = max(one.ratio_interval[1] for one in comparisons) - 1
    return (
        f"Stop: the planned sample is reached and no arm was shown to be better than {control}. That does not make them"
        f" equal: differences from {low:+.0%} to {high:+.0%} are possible.{tail}"
    )


def _go_on(metric: Metric, comparisons: Sequence[Comparison], progress: float, days: int) -> str:
    few = [one.variant for one in comparisons if not one.counts]
    if few:
        return f"No decision yet: fewer than {LEAST_EVENTS} {metric.events} in {', '.join(few[:5])} or in the control."
    if not comparisons:
        return "No decision yet: only the control has data."
    sentence = f"No decision yet: {min(progress, 1):.0%} of the planned information is there."
    if days and 0 < progress < 1:
        left = math.ceil(days / progress - days)
        sentence += f" At this pace the plan ends in about {left} day{'' if left == 1 else 's'}."
    return sentence


def _change(metric: Metric, one: Comparison) -> str:
    """The effect as people say it; a cost falls where its rate rises."""
    low, high = one.lasting_interval or one.ratio_interval
    if metric.shown == "inverse":
        values = [1 / value - 1 if value > 0 else math.inf for value in (one.ratio, high, low)]
    else:
        values = [value - 1 for value in (one.ratio, low, high)]
    return f"{values[0]:+.1%} ({values[1]:+.1%} to {values[2]:+.1%})"


def _p(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else f"{value:.2g}"
