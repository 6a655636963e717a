"""`experiment` of campaign.yaml: which variants are made, who sees which, and how the test is decided.

    experiment: {design: fractional, control: {hook: question}, assign: hash, unit: customer, lift: 0.1}

What is decided by is written here before the first result is seen; the reading of results refuses to forget it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from flows.brand import Line, WrittenFile
from flows.experiment.design import aliases, fraction, names_of
from flows.experiment.metrics import METRICS
from flows.model import ExperimentBrief, Factor
from flows.problems import Problems, did_you_mean
from flows.variants import slug, variants

COLUMN = "experiment"


class ExperimentFile(WrittenFile):
    """The keys of `experiment`."""

    #: Another name is another draw; the campaign's unless written.
    name: Line = ""
    design: Literal["full", "fractional"] = "full"
    #: Of a fractional design: 3 makes fewest films, 4 keeps each factor's effect apart from pairs.
    resolution: Literal[3, 4] = 3
    control: dict[str, str] = Field(default_factory=dict)
    #: Weights by variant; equal unless written.
    allocation: dict[str, float] = Field(default_factory=dict)
    assign: Literal["all", "hash"] = "all"
    unit: Line = ""
    metric: str = "ctr"
    lift: float = Field(0.1, gt=0, le=10)
    alpha: float = Field(0.05, gt=0, le=0.5)
    power: float = Field(0.8, ge=0.5, lt=1)
    rule: Literal["group_sequential", "always_valid"] = "group_sequential"


def read_experiment(
    file: ExperimentFile, campaign: str, factors: Mapping[str, tuple[str, ...]], problems: Problems
) -> ExperimentBrief:
    """The experiment as a campaign holds it; what cannot be done goes to `problems`."""
    tested = tuple(Factor(name, arms) for name, arms in factors.items())
    control = _control(file, factors, problems)
    points = fraction(tested, file.resolution) if file.design == "fractional" and tested else ()
    kept = names_of(tested, control, points)
    names = [variant.name for variant in variants(tested, control, kept)]
    if file.metric not in METRICS:
        problems.add(
            "unknown_metric", "no such metric", did_you_mean(file.metric, METRICS), value=file.metric, column=COLUMN
        )
    if file.unit and file.assign == "all":
        fix = "Add `assign: hash`, or leave `unit` out"
        problems.add("bad_experiment", "`unit` says what is drawn for, and nothing is drawn", fix, column=COLUMN)
    return ExperimentBrief(
        name=file.name or slug(campaign),
        design=file.design,
        control=control,
        variants=kept,
        aliases=aliases(tested, points) if points else (),
        allocation=_allocation(file.allocation, names, problems),
        assigned=file.assign == "hash",
        unit=file.unit,
        metric=file.metric,
        lift=file.lift,
        alpha=file.alpha,
        power=file.power,
        rule=file.rule,
    )


def _control(file: ExperimentFile, factors: Mapping[str, tuple[str, ...]], problems: Problems) -> dict[str, str]:
    """The reference arms that exist."""
    control: dict[str, str] = {}
    for name, arm in file.control.items():
        if name not in factors:
            fix = did_you_mean(name, factors)
            problems.add("unknown_factor", "the campaign tests no such factor", fix, value=name, column=COLUMN)
        elif arm not in factors[name]:
            fix = did_you_mean(arm, factors[name])
            problems.add("unknown_arm", f"the factor {name} has no such arm", fix, value=arm, column=COLUMN)
        else:
            control[name] = arm
    return control


def _allocation(written: Mapping[str, float], names: list[str], problems: Problems) -> dict[str, float]:
    """The share of each variant; equal where nothing usable is written."""
    unknown = [name for name in written if name not in names]
    for name in unknown:
        fix = did_you_mean(name, names)
        problems.add(
            "unknown_variant", "`allocation` names no variant of this campaign", fix, value=name, column=COLUMN
        )
    weights = {name: written.get(name, 0.0) for name in names} if written else dict.fromkeys(names, 1.0)
    wrong = [weight for weight in written.values() if not math.isfinite(weight) or weight < 0]
    if wrong or not sum(weights.values()) > 0:
        fix = "Write one weight of 0 or more for each variant, at least one above 0"
        value = wrong[0] if wrong else ""
        if wrong or not unknown:
            problems.add("bad_experiment", "`allocation` is no set of weights", fix, value=value, column=COLUMN)
        weights = dict.fromkeys(names, 1.0)
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}
