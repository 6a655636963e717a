"""One run from reading to report, as plain steps that a Prefect flow, a test or a script may call in this order.

Holds what the steps hand to each other. `Run.read`, then `Run.produce` until it is exhausted, then `Run.report`.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.budget import Budget, read_budget
from flows.costs import Costs, chain_of
from flows.crew import Crew
from flows.deliveries import FAILED_STATES, DeliveryRecord
from flows.events import EventLog, trace_id
from flows.gc import using
from flows.gone import Feed, is_whole, settle_gone
from flows.jobs import Failure, Job, Spent, keys_of
from flows.ledger import Finished, Ledger
from flows.live import LiveFolder
from flows.marking import marking_for
from flows.order import Order, Prepared, prepare
from flows.outputs import Asked, OutputFolder
from flows.produce import CreativeResult, Production
from flows.progress import Progress
from flows.provenance import Measured
from flows.records import refused_record
from flows.redaction import Redaction
from flows.settings import Settings
from flows.steps import ConformStep, FootageStep
from flows.stores.opening import explaining
from flows.stores.shared import SharedLedger, open_ledger, place_of
from flows.summary import Summary, write_reports
from flows.variants import slug
from flows.webhooks import Told, endpoint_of, notify

#: What the log of events says of a step that was made.
SPENT = ("kind", "key", "seconds", "cpu_seconds", "ended", "worker")

Listener = Callable[[Progress], None]
OpenCrew = Callable[[], Crew]


@dataclass(slots=True)
class Seen:
    """What the report says about the creatives as a whole."""

    #: creative_id -> main text.
    headlines: dict[str, str] = field(default_factory=dict)
    #: creative_id -> attributes of whom it shows; creatives whose prompts describe nobody are not in it.
    people: dict[str, Mapping[str, str]] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    not_drawn: set[str] = field(default_factory=set)
    measured: Measured = field(default_factory=Measured)
    _shots: set[str] = field(default_factory=set)

    def note(self, result: CreativeResult, ledger: Ledger) -> None:
        """Take note of a finished creative."""
        creative = result.plan.creative
        texts = [layer.text for layer in creative.layers if layer.kind == "headline"]
        self.headlines[creative.creative_id] = texts[0] if texts else ""
        if creative.people:
            self.people[creative.creative_id] = creative.people
        for film in result.plan.films:
            clips: tuple[FootageStep | ConformStep, ...] = (*film.master.plate.footage, *film.master.plate.conformed)
            for clip in clips:
                if clip.key not in self._shots:
                    self._shots.add(clip.key)
                    self._words(ledger.look(clip.kind, clip.key))

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
        #: Steps that were made in this run, in the order in which we heard of them.
        self.made: list[Spent] = []
        self.run_id = uuid.uuid4().hex[:12]
        self.seen = Seen()
        #: What became of films whose ads are no longer in the campaign, as a sentence; "" where there are none.
        self.gone = ""
        self._open_crew = open_crew or self._ray
        self._prepared: Prepared | None = None
        self._budget: Budget | None = None
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
            endpoint_of(self.settings)  # a wrong one is told now, not after the films are made
            self._open_ledger()
            prepared = prepare(self.order)
            prepared.planner.marking = marking_for(self.settings, create=False)
            self.costs.gpu = prepared.engine.needs_gpu
            if self.order.budget:
                self._budget = read_budget(self.order.budget, self.settings, gpu=self.costs.gpu)
            self._prepared = prepared

    def _open_ledger(self) -> None:
        """The ledger, and the store that it is shared by: every right that the run needs there is tried."""
        with explaining(self.settings.store):
            self.ledger = open_ledger(place_of(self.settings), driver=True)
            if isinstance(self.ledger, SharedLedger):
                self.ledger.mirror.store.check()

    def produce(self) -> Iterator[Progress]:
        """Make what is missing and deliver each creative as it is finished; yields after each.

        Raises: BadInput when another run is writing to the same folder.
        """
        prepared = self.prepared
        campaign = prepared.campaign
        required = campaign.approval == "required"
        output = OutputFolder(
            self.folder, campaign.name, campaign.landing_url, Asked(required, prepared.planner.reviews)
        )
        output.open()
        prepared.planner.marking = marking_for(self.settings, create=True)
        try:
            log, events = log_file(self.folder / "run.log"), EventLog(self.folder, self.run_id)
            with explaining(self.settings.store), using(self.ledger), log, events as self._events:
                self._log.info("run %s of %s begins", self.run_id, prepared.campaign.name)
                self._events.write("run_started", campaign=prepared.campaign.name, engine=prepared.engine.id)
                self.ledger.sweep()
                LiveFolder(self.ledger.root).sweep()
                self._expect()
                yield self._tell("Producing")
                for result in self._production().run(prepared.plans()):
                    records = output.publish(result, self.ledger, self.costs)
                    self.records += records
                    self.seen.note(result, self.ledger)
                    self._tell_of(result, records)
                    yield self._tell("Producing")
                self.gone = settle_gone(self.folder, self._feed(), prepared.campaign.gone_rows)
        finally:
            output.close()

    def _feed(self) -> Feed:
        """What tells which films are still wanted."""
        creatives = {creative_id for creative_id, _ in self.expected}
        rows = sum(row.enabled for row in self.prepared.rows)
        return Feed(creatives, rows, is_whole(self.order, self.prepared.campaign.rows_file), self.order.accept_shrink)

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
            stop=lambda: self._budget.reached(self.costs) if self._budget else "",
        )

    def _ray(self) -> Crew:
        from flows.ray_profile import use_local_ray

        if not self.settings.cluster:
            use_local_ray()
        from flows.cluster import RayCrew

        crew = RayCrew(
            place_of(self.settings),
            workers=self.settings.worker_count,
            address=self.settings.cluster,
            needs_gpu=self.prepared.engine.needs_gpu,
            wait_seconds=self.settings.cluster_wait_seconds,
        )
        crew.refuse_lacking(self.prepared.planner.marking.signing)
        return crew

    def _tell_of(self, result: CreativeResult, records: list[DeliveryRecord]) -> None:
        """A line in the log of events for each placement, with the keys of all that is behind it."""
        for item, record in zip(result.delivered, records, strict=True):
            self._events.write(
                "delivered",
                trace=trace_id(self.prepared.campaign.name, record.creative_id),
                creative_id=record.creative_id,
                placement=record.placement,
                status=record.status,
                code=record.code,
                message=record.message,
                fix=record.fix,
                sha256=record.sha256,
                steps=chain_of(item.step),
            )

    def _on_spent(self, spent: Spent) -> None:
        self.costs.add(spent)
        self.ledger.learn(spent.kind, spent.key)
        if not spent.cached:
            self.made.append(spent)
            self._events.write("step_made", **{name: getattr(spent, name) for name in SPENT})
            self._log.info("made %s %s in %.2f s (%.2f CPU s)", spent.kind, spent.key, spent.seconds, spent.cpu_seconds)

    def _on_failure(self, job: Job, failure: Failure) -> None:
        self._last_failure = f"{failure.step or job.id}: {failure.message}"
        self._events.write(
            "failed",
            keys=keys_of(job),
            step=failure.step,
            attempt=failure.attempts,
            fault=failure.fault,
            code=failure.code,
            message=failure.message,
        )
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
        summary = write_reports(self)
        told = Told(summary.campaign, self.started, summary.seconds, self.records)
        self.summary = replace(summary, webhook=notify(told, endpoint_of(self.settings), self.ledger.root))
        return self.summary


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Send Spotmill's log lines to a file for the time of a run; the terminal stays clear."""
    log = logging.getLogger("spotmill")
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(Redaction())
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
