"""The end of a run: results.csv, failed.csv, manifest.json, report.html, and a summary for the terminal."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from flows.deliveries import FAILED_STATES, FINISHED_STATES, in_order_of_states, verdict
from flows.energy import Energy, energy_of
from flows.experiment.sameness import compare_variants
from flows.metrics import write_metrics
from flows.policy.again import with_people
from flows.policy.distribution import Spread, distribution, representation
from flows.policy.notices import policy_notices
from flows.profile import draft_notice
from flows.provenance import engine_facts, library_versions, licence_limits, override_notice, speed_notice
from flows.record_book import RecordBook
from flows.report import Maker, ReportData, write_report
from flows.results import failed_rows, write_failed, write_lines, write_manifest
from flows.rights.inventory import inventory
from flows.settings import told

if TYPE_CHECKING:
    from flows.studio import Run
    from generation.engines.contract import Engine

#: Whose versions a reader of the manifest may need to make the same bytes again.
LIBRARIES = ("spotmill", "prefect", "ray", "av", "opencv-python-headless", "numpy", "imageio-ffmpeg", "ffmpeg-python",
             "uharfbuzz", "freetype-py", "jinja2", "babel", "pandas", "pydub")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run went."""

    campaign: str
    counts: Mapping[str, int]
    failures: tuple[Mapping[str, str], ...]
    made: Mapping[str, int]
    found: Mapping[str, int]
    seconds: float
    folder: Path
    #: Variants that look like their control, as sentences, and all that was compared.
    alike: tuple[str, ...] = ()
    experiment: Mapping[str, object] = field(default_factory=dict)
    #: How telling the user's server went; "" where none is named.
    webhook: str = ""
    #: What became of films whose ads are no longer in the campaign; "" where there are none.
    gone: str = ""

    @property
    def failed(self) -> int:
        """Deliveries that failed, and rows that were left out."""
        return sum(self.counts.get(state, 0) for state in FAILED_STATES)

    @property
    def report(self) -> Path:
        """The contact sheet."""
        return self.folder / "report.html"

    @property
    def results(self) -> Path:
        """The results table."""
        return self.folder / "results.csv"

    @property
    def failed_csv(self) -> Path:
        """The rows to run again."""
        return self.folder / "failed.csv"

    def sentence(self) -> str:
        """One line."""
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items()) or "no deliveries"
        made = sum(self.made.values())
        work = f"{made} {'step' if made == 1 else 'steps'} made" if made else "nothing had to be made"
        return f"{self.campaign}: {verdict(self.counts)}: {counts}; {work}, {self.seconds:.0f} s."

    def reasons(self) -> list[str]:
        """Failures by reason, the most frequent first."""
        counted = Counter((failure["code"], failure["message"], failure["fix"]) for failure in self.failures)
        return [
            f"{count} × {code}: {message}. {fix}".rstrip() for (code, message, fix), count in counted.most_common(20)
        ]


def write_reports(run: Run) -> Summary:
    """Write everything that speaks about the run as a whole.

    Raises: CountMismatch when a delivery of the plan has no line.
    """
    records, header, folder = run.records, run.prepared.header, run.folder
    records.prove()
    write_lines(folder / "results.csv", header, records)
    failed = failed_rows(records) if records.failed else ()
    write_failed(folder / "failed.csv", *with_people(header, failed, records if failed else (), run.seen.people))
    summary, spreads = _summary(run, records), spreads_of(run, records)
    manifest = {**manifest_of(run, summary), "representation": representation(spreads)}
    write_manifest(folder / "manifest.json", manifest)
    write_report(folder / "report.html", contact_sheet(run, records, summary, spreads))
    write_metrics(folder, summary.campaign, summary.counts, run.costs, time.time(), _energy(run))
    return summary


def _energy(run: Run) -> Energy:
    return energy_of(run.settings, cpu_seconds=run.costs.cpu_seconds, gpu_seconds=run.costs.gpu_seconds)


def _summary(run: Run, records: RecordBook) -> Summary:
    failures = [
        {
            "creative": record.creative_id or f"row {record.row}",
            "placement": record.placement,
            "code": record.code,
            "step": record.step,
            "message": record.message,
            "fix": record.fix,
        }
        for record in (records if records.failed else ())
        if record.status in FAILED_STATES
    ]
    costs = run.costs.by_kind
    compared = compare_variants(run.folder, records)
    return Summary(
        campaign=run.prepared.campaign.name,
        counts=in_order_of_states(records.counts),
        failures=tuple(failures),
        made={kind: cost.made for kind, cost in costs.items()},
        found={kind: cost.found for kind, cost in costs.items()},
        seconds=time.time() - run.started,
        folder=run.folder,
        alike=tuple(compared.sentences()),
        experiment=compared.as_json(),
        gone=run.gone,
    )


def contact_sheet(run: Run, records: RecordBook, summary: Summary, spreads: tuple[Spread, ...]) -> ReportData:
    """What report.html shows."""
    prepared = run.prepared
    engine, voice, notices = prepared.engine, prepared.voice, []
    if voice.quality == "draft":
        notices.append(
            f"The voice {voice.title} is a draft voice, for previews and timing; record or choose a better one"
        )
    if engine.notice:
        notices.append(engine.notice)
    notices += filter(
        None,
        (
            draft_notice(prepared.campaign),
            override_notice(prepared),
            speed_notice(prepared),
            run.seen.measured.sentence(),
        ),
    )
    notices += filter(None, (prepared.planner.marking.notice, proof_notice(records.proofs)))
    notices += summary.alike
    notices += filter(None, (*policy_notices(prepared), *(spread.warning for spread in spreads)))
    if summary.failed:
        notices.append(f"{summary.failed} deliveries failed; failed.csv holds their rows, ready to be run again")
    return ReportData(
        campaign=prepared.campaign.name,
        records=records,
        brand=prepared.campaign.brand.name,
        started=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started)),
        wall_seconds=round(summary.seconds, 1),
        makers=(
            _footage_maker(engine),
            Maker("Voice", voice.title, voice.revision, voice.licence, "", voice.commercial_use, voice.attribution),
        ),
        notices=tuple(notices),
        drawn=tuple(sorted(run.seen.drawn)),
        not_drawn=tuple(sorted(run.seen.not_drawn)),
        headlines=run.seen.headlines,
        timeline=run.made.draw(),
        spreads=spreads,
        currency="USD",
        version=version("spotmill"),
    )


def spreads_of(run: Run, records: RecordBook) -> tuple[Spread, ...]:
    """Who is seen: planned and delivered, by group."""
    people = run.seen.people
    if not people:
        return ()
    shown = (record for record in records if record.creative_id in people)
    return distribution((people[record.creative_id], record.status in FINISHED_STATES) for record in shown)


def proof_notice(proofs: Mapping[str, int]) -> str:
    """That marks could not be read back from finished films; "" where all were."""
    failed = proofs.get("fail", 0)
    if not failed:
        return ""
    return f"The marks of {failed} deliveries could not be proven on their bytes; `publish` will refuse them"


def _footage_maker(engine: Engine) -> Maker:
    """The engine with the models behind it and all that its licence asks."""
    models = (f"models: {', '.join(engine.models)}",) if engine.models else ()
    note = "; ".join((*licence_limits(engine), *models))
    use, url = engine.commercial_use, engine.licence_url
    return Maker("Footage", engine.title, engine.revision, engine.licence, url, use, note)


def manifest_of(run: Run, summary: Summary) -> dict[str, object]:
    """The run as a record: what was asked, with which versions and licences, what came of it, what it cost."""
    from generation.media.ffmpeg import ffmpeg_version

    prepared, campaign = run.prepared, run.prepared.campaign
    engine, voice = prepared.engine, prepared.voice
    return {
        "campaign": campaign.name,
        "profile": campaign.profile,
        "template": prepared.template.name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.started)),
        "seconds": round(summary.seconds, 1),
        "verdict": verdict(summary.counts),
        "counts": dict(summary.counts),
        "order": {name: str(value) for name, value in asdict(run.order).items() if value not in (None, False)},
        "settings": told(run.settings),
        "seed": campaign.seed,
        "engine": engine_facts(prepared),
        "voice": {
            "id": voice.id,
            "revision": voice.revision,
            "licence": voice.licence,
            "quality": voice.quality,
            "attribution": voice.attribution,
            "chosen": prepared.voice_reason,
        },
        "policy": prepared.policy.facts(),
        "people": asdict(campaign.people),
        "marks": {
            "invisible": campaign.invisible_mark,
            "signed": prepared.planner.marking.signing is not None,
            "notice": prepared.planner.marking.notice,
            "ai_training": campaign.ai_training,
            "proofs": dict(run.records.proofs),
        },
        "approval": campaign.approval,
        "experiment": dict(summary.experiment),
        "gone_rows": {"policy": campaign.gone_rows, "done": run.gone},
        "steps": {kind: asdict(cost) for kind, cost in sorted(run.costs.by_kind.items())},
        "energy": _energy(run).as_json(),
        "versions": {
            "python": platform.python_version(),
            "ffmpeg": ffmpeg_version(),
            **{name: version(name) for name in LIBRARIES},
            **library_versions(engine),
        },
        "rights": inventory(prepared),
        "notes": list(prepared.notes),
    }
