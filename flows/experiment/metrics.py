"""What a test can be decided by: which counts a metric is made of, and which way is better.

A new metric of two counts is a line here. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A rate: events for each trial, or for each unit of exposure."""

    id: str
    title: str
    #: Columns of an export (`exports.Counts`): what is counted, and out of what.
    events: str
    out_of: str
    #: proportion: each trial ends in an event or not; rate: events come with exposure, such as conversions with money.
    kind: str
    #: How the rate is shown: percent, or inverse (money for one event).
    shown: str

    def show(self, rate: float) -> str:
        """The rate as people know it."""
        if self.shown == "percent":
            return f"{rate:.3%}"
        return f"{1 / rate:,.2f}" if rate > 0 else "none yet"


METRICS = {
    metric.id: metric
    for metric in (
        Metric("ctr", "click-through rate", "clicks", "impressions", "proportion", "percent"),
        Metric("cvr", "conversion rate", "conversions", "clicks", "proportion", "percent"),
        # Shown as money for one event, decided on events for one unit of money: the better arm has the higher rate.
        Metric("cpa", "cost per conversion", "conversions", "spend", "rate", "inverse"),
        Metric("cpc", "cost per click", "clicks", "spend", "rate", "inverse"),
    )
}
