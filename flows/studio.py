"""One run from reading to report, as plain steps that a Prefect flow, a test or a script may call in this order.

Holds what the steps hand to each other. `Run.read`, then `Run.produce` until it is exhausted, then `Run.report`.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.attempts import Caps, read_caps
from flows.budget import Budget, read_budget
from flows.costs import Costs, chain_of
from flows.crew import Crew
from flows.deadlines import Deadlines, read_deadlines
from flows.deliveries import DeliveryRecord
from flows.events import EventLog, trace_id
from flows.files import CannotWrite
from flows.gc import using
from flows.gone import Feed, is_whole, settle_gone
from flows.jobs import Failure, Job, Spent, keys_of
from flows.ledger import Finished, Ledger
from flows.live import LiveFolder
from flows.marking import marking_for
from flows.model import BadInput
from flows.order import Order, Prepared, prepare
from flows.outputs import Asked, OutputFolder
from flows.produce import CreativeResult, Production
from flows.profile import results_name
from flows.progress import Progress
from flows.provenance import Measured
from flows.record_book import RecordBook
from flows.records import refused_record
from flows.review.release import explained
from flows.run_log import log_file
from flows.settings import Settings
from flows.steps import ConformStep, FootageStep
from flows.stores.opening import explaining
from flows.stores.shared import SharedLedger, open_ledger, place_of
from flows.summary import Summary, write_reports
from flows.timeline import Timesheet
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
        #: Why nothing was done, where another run of the campaign was going on.
        self.busy: BadInput | None = None
        self.started = time.time()
        self.records = RecordBook()
        #: When which worker made what in this run.
        self.made = Timesheet(self.started)
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
        return self.settings.out.absolute() / results_name(self.prepared.campaign)

    def read(self) -> None:
        """Read and check, once.

        Raises: BadInput with every complaint.
        """
        if self._prepared is None:
            endpoint_of(self.settings)  # a wrong one is told now, not after the films are made
            self._caps(), self._deadlines()
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
                    self.records.add(records)
                    self.seen.note(result, self.ledger)
                    self._tell_of(result, records)
                    yield self._tell("Producing")
                self.ledger.sweep()  # what killed workers left
                self.gone = settle_gone(self.folder, self._feed(), prepared.campaign.gone_rows)
        except CannotWrite as error:
            raise explained(error, self.folder) from error
        finally:
            output.close()

    def _feed(self) -> Feed:
        """What tells which films are still wanted."""
        rows = sum(row.enabled for row in self.prepared.rows)
        whole = is_whole(self.order, self.prepared.campaign.rows_file)
        return Feed(self.records.creatives(), rows, whole, self.order.accept_shrink)

    def _expect(self) -> None:
        """Count in: what the results must account for."""
        prepared = self.prepared
        self.records = RecordBook()
        self.records.plan(
            (creative.creative_id, placement) for creative in prepared.creatives() for placement in creative.placements
        )
        skipped = [refused_record(row) for row in prepared.skipped]
        self.records.plan(record.key for record in skipped)
        self.records.add(skipped)

    def _production(self) -> Production:
        return Production(
            self.ledger,
            self._open_crew,
            attempts=self._caps(),
            deadline_seconds=self._deadlines(),
            shots_per_job=self.prepared.engine.shots_per_job,
            on_spent=self._on_spent,
            on_failure=self._on_failure,
            on_again=self._on_again,
            on_detail=self._on_detail,
            stop=lambda meanwhile: self._budget.reached(self.costs, meanwhile) if self._budget else "",
        )

    def _caps(self) -> Caps:
        return read_caps(self.settings.attempts, self.settings.attempts_by_fault)

    def _deadlines(self) -> Deadlines:
        settings = self.settings
        return read_deadlines(
            self.ledger, settings.job_deadline_seconds, settings.silence_seconds, settings.step_deadlines
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
                fault=record.fault,
                step=record.step,
                attempt=record.attempts,
                message=record.message,
                fix=record.fix,
                sha256=record.sha256,
                steps=chain_of(item.step),
            )

    def _on_spent(self, spent: Spent) -> None:
        self.costs.add(spent)
        self.ledger.learn(spent.kind, spent.key)
        if not spent.cached:
            self.made.add(spent)
            self._events.write("step_made", **{name: getattr(spent, name) for name in SPENT})
            self._log.info("made %s %s in %.2f s (%.2f CPU s)", spent.kind, spent.key, spent.seconds, spent.cpu_seconds)

    def _on_failure(self, job: Job, failure: Failure) -> None:
        self._last_failure = f"{failure.step or job.id}: {failure.message}"
        self._write_failure("failed", job, failure)
        self._log.error("%s failed after %s attempts: %s\n%s", job.id, failure.attempts, failure.message, failure.trace)

    def _on_again(self, job: Job, failure: Failure, pause_seconds: float) -> None:
        self._write_failure("tried", job, failure, pause_seconds=round(pause_seconds, 1))
        words = "%s: attempt %s failed (%s), again in %.1f s: %s\n%s"
        self._log.warning(words, job.id, failure.attempts, failure.tried, pause_seconds, failure.message, failure.trace)

    def _write_failure(self, event: str, job: Job, failure: Failure, **more: object) -> None:
        self._events.write(
            event,
            keys=keys_of(job),
            step=failure.step,
            attempt=failure.attempts,
            fault=failure.fault,
            tried=failure.tried,
            code=failure.code,
            message=failure.message,
            fix=failure.fix,
            **more,
        )

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
        failed = self.records.failed
        made = sum(cost.made for cost in self.costs.by_kind.values())
        total = self.records.planned
        done = len(self.records) - failed
        return Progress(phase, total, done, failed, made, self._last_failure, self._detail)

    def report(self) -> Summary:
        """Write the tables and the report."""
        self._detail = ""
        self._tell("Writing the report")
        try:
            summary = write_reports(self)
        except CannotWrite as error:
            raise explained(error, self.folder) from error
        told = Told(summary.campaign, self.started, summary.seconds, self.records)
        self.summary = replace(summary, webhook=notify(told, endpoint_of(self.settings), self.ledger.root))
        return self.summary
