"""One run from reading to report, as plain steps that a Prefect flow, a test or a script may call in this order.

Holds what the steps hand to each other. `Run.read`, then `Run.produce` until it is exhausted, then `Run.report`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flows.costs import Costs
from flows.crew import Crew
from flows.deliveries import FAILED_STATES, DeliveryRecord
from flows.jobs import Failure, Job, Spent
from flows.ledger import Finished, Ledger
from flows.live import LiveFolder
from flows.order import Order, Prepared, prepare
from flows.outputs import OutputFolder
from flows.produce import CreativeResult, Production
from flows.progress import Progress
from flows.provenance import Measured
from flows.records import refused_record
from flows.settings import Settings
from flows.steps import ConformStep, FootageStep
from flows.summary import Summary, write_reports
from flows.variants import slug

Listener = Callable[[Progress], None]
OpenCrew = Callable[[], Crew]


@dataclass(slots=True)
class Seen:
    """What the report says about the creatives as a whole."""

    #: creative_id -> main text.
    headlines: dict[str, str] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    not_drawn: set[str] = field(default_factory=set)
    measured: Measured = field(default_factory=Measured)
    _shots: set[str] = field(default_factory=set)

    def note(self, result: CreativeResult, ledger: Ledger) -> None:
        """Take note of a finished creative."""
        creative = result.plan.creative
        texts = [layer.text for layer in creative.layers if layer.kind == "headline"]
        self.headlines[creative.creative_id] = texts[0] if texts else ""
        for film in result.plan.films:
            clips: tuple[FootageStep | ConformStep, ...] = (*film.master.plate.footage, *film.master.plate.conformed)
            for clip in clips:
                if clip.key not in self._shots:
                    self._shots.add(clip.key)
                    self._words(ledger.find(clip.kind, clip.key))

    def _words(self, clip: Finished | None) -> None:
        notes = clip.facts.get("notes") if clip else None
        if isinstance(notes, Mapping):
            self.drawn.update(map(str, notes.get("drawn", ())))
            self.not_drawn.update(map(str, notes.get("not_drawn", ())))
            self.measured.note(notes)


class Run:
    """One run of an order. `open_crew` is for tests and debugging; by default the work is done on Ray."""

    def __init__(self, order: Order, settings: Settings, open_crew: OpenCrew | None = None) -> None:
        self.order = order
        self.settings = settings
        self.listener: Listener = lambda progress: None
        self.summary: Summary | None = None
        self.started = time.time()
        self.records: list[DeliveryRecord] = []
        self.expected: list[tuple[str, str]] = []
        self.seen = Seen()
        self._open_crew = open_crew or self._ray
        self._prepared: Prepared | None = None
        self._last_failure = ""
        self._detail = ""
        self.ledger = Ledger(settings.ledger_folder)
        self.costs = Costs(settings.cpu_hour_usd, settings.gpu_hour_usd)
        self._log = logging.getLogger("spotmill")

    @property
    def prepared(self) -> Prepared:
        """What `read` found."""
        assert self._prepared, "read() comes first"
        return self._prepared

    @property
    def folder(self) -> Path:
        """OUT/<campaign>/."""
        return self.settings.out.absolute() / slug(self.prepared.campaign.name)

    def read(self) -> None:
        """Read and check, once.

        Raises: BadInput with every complaint.
        """
        if self._prepared is None:
            self._prepared = prepare(self.order)
            self.costs.gpu = self._prepared.engine.needs_gpu

    def produce(self) -> Iterator[Progress]:
        """Make what is missing and deliver each creative as it is finished; yields after each.

        Raises: BadInput when another run is writing to the same folder.
        """
        prepared = self.prepared
        output = OutputFolder(self.folder, prepared.campaign.landing_url)
        output.open()
        try:
            with log_file(self.folder / "run.log"):
                self._log.info("run of %s begins", prepared.campaign.name)
                self.ledger.sweep()
                LiveFolder(self.ledger.root).sweep()
                self._expect()
                yield self._tell("Producing")
                for result in self._production().run(prepared.plans()):
                    self.records += output.publish(result, self.ledger, self.costs)
                    self.seen.note(result, self.ledger)
                    yield self._tell("Producing")
        finally:
            output.close()

    def _expect(self) -> None:
        """Count in: what the results must account for."""
        prepared = self.prepared
        self.expected = [
            (creative.creative_id, placement) for creative in prepared.creatives() for placement in creative.placements
        ]
        skipped = [refused_record(row) for row in prepared.skipped]
        self.records = list(skipped)
        self.expected += [record.key for record in skipped]

    def _production(self) -> Production:
        return Production(
            self.ledger,
            self._open_crew,
            attempts=self.settings.attempts,
            deadline_seconds=self.settings.job_deadline_seconds,
            shots_per_job=self.prepared.engine.shots_per_job,
            on_spent=self._on_spent,
            on_failure=self._on_failure,
            on_detail=self._on_detail,
        )

    def _ray(self) -> Crew:
        from flows.ray_profile import use_local_ray

        if not self.settings.cluster:
            use_local_ray()
        from flows.cluster import RayCrew

        return RayCrew(
            self.ledger.root,
            workers=self.settings.worker_count,
            address=self.settings.cluster,
            needs_gpu=self.prepared.engine.needs_gpu,
        )

    def _on_spent(self, spent: Spent) -> None:
        self.costs.add(spent)
        if not spent.cached:
            self._log.info("made %s %s in %.2f s (%.2f CPU s)", spent.kind, spent.key, spent.seconds, spent.cpu_seconds)

    def _on_failure(self, job: Job, failure: Failure) -> None:
        self._last_failure = f"{failure.step or job.id}: {failure.message}"
        self._log.error("%s failed after %s attempts: %s\n%s", job.id, failure.attempts, failure.message, failure.trace)

    def _on_detail(self, detail: str) -> None:
        self._detail = detail
        self._tell("Producing")

    def _tell(self, phase: str) -> Progress:
        """Tell the listener and return the same."""
        progress = self.progress(phase)
        self.listener(progress)
        return progress

    def progress(self, phase: str) -> Progress:
        """Where the run stands."""
        failed = sum(record.status in FAILED_STATES for record in self.records)
        made = sum(cost.made for cost in self.costs.by_kind.values())
        total = len(self.expected)
        done = len(self.records) - failed
        return Progress(phase, total, done, failed, made, self._last_failure, self._detail)

    def report(self) -> Summary:
        """Write the tables and the report."""
        self._detail = ""
        self._tell("Writing the report")
        self.summary = write_reports(self)
        return self.summary


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Send Spotmill's log lines to a file for the time of a run; the terminal stays clear."""
    log = logging.getLogger("spotmill")
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = before
        handler.close()
