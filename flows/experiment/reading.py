"""Reading results: an export and the run that it belongs to become effects and a verdict.

The verdict keeps its promise however often somebody looks (`sequential`), and "no decision yet" is an ordinary one.
Every reading is recorded beside the results (`looks`).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.brief import load_campaign
from flows.deliveries import DeliveryRecord
from flows.experiment import inference
from flows.experiment.analysis import Arm, Comparison, Mismatch, Shown, arms_of, compare, mismatch_of, sample_of
from flows.experiment.export_file import Export, read_export
from flows.experiment.exports import read_mapping
from flows.experiment.inference import Sample
from flows.experiment.joining import Joined, join
from flows.experiment.looks import Record, Seen, plan_of, read_record
from flows.experiment.metrics import METRICS, Metric
from flows.experiment.regression import Effect, dispersion_of, factor_effects
from flows.experiment.sequential import Rule, planned_information
from flows.experiment.verdict import Verdict, decide
from flows.model import BadInput, Campaign, Problem
from flows.problems import did_you_mean
from flows.results import read_results
from flows.variants import Variant, campaign_variants


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that a reading says."""

    campaign: Campaign
    metric: Metric
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    effects: tuple[Effect, ...]
    mismatch: Mismatch
    verdict: Verdict
    dispersion: float
    export: Export
    #: All looks with this one.
    record: Record
    #: What a reader must not miss, such as that arms were not shown as planned.
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def control(self) -> Arm:
        """The arm that the others are held against."""
        return self.arms[0]

    def as_json(self) -> dict[str, object]:
        """For other programs; what is unknown or infinite is null."""
        days = self.export.days
        made: dict[str, object] = {
            "campaign": self.campaign.name,
            "metric": self.metric.id,
            "rule": self.campaign.experiment.rule,
            "alpha": self.campaign.experiment.alpha,
            "looks": len(self.record.looks),
            "export": {"file": self.export.file, "platform": self.export.platform},
            "days": [day.isoformat() for day in days] if days else None,
            "dispersion": self.dispersion,
            "arms": [{**asdict(arm), "rate": arm.sample.rate} for arm in self.arms],
            "comparisons": [asdict(one) for one in self.comparisons],
            "factors": [asdict(one) for one in self.effects],
            "mismatch": {**asdict(self.mismatch), "found": self.mismatch.is_found},
            "verdict": asdict(self.verdict),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }
        return {name: _plain(value) for name, value in made.items()}


def read_experiment_results(
    campaign: Path, export: Path, results: Path, *, mapping: Path | None = None, metric: str = "", today: str = ""
) -> Reading:
    """Read an export of the ads of a run. Nothing is written. `today` dates the look.

    Raises: BadInput for what cannot be read, or where nothing can be compared.
    """
    inference.require_statistics()
    brief = load_campaign(campaign)
    chosen = _metric(metric or brief.experiment.metric)
    variants = campaign_variants(brief)
    if len(variants) < 2:
        raise _bad(campaign, "no_experiment", "the campaign tests nothing", "Add `factors` with two arms or more")
    records = _records(results)
    needed = ("impressions", *(name for name in (chosen.out_of, chosen.events) if name != "impressions"))
    read = read_export(export, needed, read_mapping(mapping) if mapping else None)
    joined = join(read, records)
    _check(joined, read, chosen, variants)
    plan = plan_of(brief.experiment, chosen.id, tuple(variant.name for variant in variants))
    return _reading(brief, chosen, variants, read, joined, read_record(results.parent, plan), today)


def _reading(
    campaign: Campaign,
    metric: Metric,
    variants: Sequence[Variant],
    export: Export,
    joined: Joined,
    before: Record,
    today: str,
) -> Reading:
    brief, names = campaign.experiment, [variant.name for variant in variants]
    dispersion, scatter = dispersion_of(joined, variants, metric, assigned=brief.assigned)
    samples = {name: sample_of(joined.totals(name), metric) for name in names}
    pairs = {name: (one.events, one.out_of) for name, one in samples.items()}
    seen = Seen(today or datetime.date.today().isoformat(), pairs, dispersion)
    record = before.with_look(seen)
    rule = rule_of(campaign, len(names) - 1)
    present = [name for name in names[1:] if samples[name].out_of > 0]
    comparisons = compare(metric, _history(record), names[0], present, rule, brief.alpha)
    arms = arms_of(joined, variants, metric, brief.alpha, dispersion)
    mismatch = mismatch_of(campaign, joined, variants)
    verdict = decide(metric, brief, arms, comparisons, mismatch, export.span)
    return Reading(
        campaign=campaign,
        metric=metric,
        arms=tuple(arms),
        comparisons=tuple(comparisons),
        effects=tuple(factor_effects(campaign, joined, variants, metric)),
        mismatch=mismatch,
        verdict=verdict,
        dispersion=dispersion,
        export=export,
        record=record,
        warnings=tuple(filter(None, (_mismatch_warning(mismatch), record.note(), *_without_data(arms)))),
        notes=(
            *export.notes,
            f"{joined.ads} ads of this run",
            *joined.notes(),
            *filter(None, (scatter,)),
            *brief.aliases,
            *_about_people(metric),
        ),
    )


def rule_of(campaign: Campaign, comparisons: int) -> Rule:
    """The rule that the campaign is decided by, with alpha shared between the comparisons."""
    brief = campaign.experiment
    planned = planned_information(brief.rule, brief.lift, brief.alpha / max(1, comparisons), brief.power)
    return Rule(brief.rule, brief.lift, planned)


def _history(record: Record) -> list[Shown]:
    return [({name: Sample(*pair) for name, pair in seen.arms.items()}, seen.dispersion) for seen in record.looks]


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise BadInput(
            (Problem("--metric", None, None, "unknown_metric", name, "no such metric", did_you_mean(name, METRICS)),)
        )
    return METRICS[name]


def _records(results: Path) -> tuple[DeliveryRecord, ...]:
    if not results.is_file():
        fix = "Run the campaign first, or name its results.csv with --results"
        raise _bad(results, "no_results", "there are no results of a run", fix)
    return read_results(results)[1]


def _check(joined: Joined, export: Export, metric: Metric, variants: Sequence[Variant]) -> None:
    """Complain where nothing can be compared."""
    file = Path(export.file)
    if not joined.cells:
        fix = "Name the column that holds the ad's name or utm_content with --mapping, as `ad:` or `link:`"
        raise _bad(file, "no_creatives", " ".join(joined.notes()) or "no ad is a creative of this run", fix)
    known = {variant.name for variant in variants}
    strange = sorted({cell.variant for cell in joined.cells} - known)
    if strange:
        message = f"the results hold variants that campaign.yaml does not make: {', '.join(strange[:5])}"
        raise _bad(file, "unknown_variant", message, "Use the campaign.yaml that the run was made with")
    for name in (metric.events, metric.out_of):
        if not any(cell.counts.get(name, 0) > 0 for cell in joined.cells):
            raise _bad(file, "no_counts", f"no ad of this run has any {name}", "Wait, or choose another --metric")
    if joined.totals(variants[0].name).get(metric.out_of, 0) <= 0:
        message = f"the control {variants[0].name} has no {metric.out_of}; nothing can be held against it"
        raise _bad(
            file, "no_control", message, "Export the control's ads as well, or name another `experiment.control`"
        )
    if metric.kind == "proportion":
        _check_proportion(joined, metric, file)


def _check_proportion(joined: Joined, metric: Metric, file: Path) -> None:
    for cell in joined.cells:
        sample = sample_of(cell.counts, metric)
        if sample.events > sample.out_of:
            message = (
                f"{cell.block}, {cell.variant}: {sample.events:g} {metric.events} of {sample.out_of:g} {metric.out_of}"
            )
            fix = "Conversions without a click count here: map `conversions` to those by click, or use --metric cpa"
            raise _bad(file, "more_than_all", message, fix)


def _mismatch_warning(mismatch: Mismatch) -> str:
    if not mismatch.is_found:
        return ""
    shares = ", ".join(f"{name} {seen:.1%} instead of {due:.1%}" for name, (seen, due) in mismatch.shares.items())
    return (
        f"SAMPLE RATIO MISMATCH: arms were not shown as planned ({mismatch.counted}: {shares}; p {mismatch.p:.1g})."
        " Whoever chose what to show to whom chose differently for the arms, so that they are not alike. Use the"
        " platform's split test, or write the shares that it was given into `experiment.allocation`"
    )


def _without_data(arms: Sequence[Arm]) -> tuple[str, ...]:
    """Arms of which nothing is known."""
    return tuple(f"{arm.variant} has no data; nothing is said about it" for arm in arms if arm.sample.out_of <= 0)


def _about_people(metric: Metric) -> tuple[str, ...]:
    if metric.out_of != "impressions":
        return ()
    return (
        "impressions of one person are not independent, and exports do not say whose they are; the truth is less sure",
    )


def _plain(value: object) -> object:
    """JSON without infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _bad(place: Path, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(str(place), None, None, code, "", message, fix),))
