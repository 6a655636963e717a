"""Runs the jobs of many creatives in the right order on a crew, and gives each creative back when it is finished.

Takes plans one by one through a bounded window, so ten thousand creatives need no more memory than fifty. A job runs
once however many creatives wait for it. The order, the retries and the accounting are the same whoever does the jobs
(`crew.py`). What a film needs is in `open_films.py`, what becomes of ended work in `settling.py`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from flows.attempts import Caps
from flows.crew import Crew
from flows.deadlines import Deadlines
from flows.film_plan import CreativePlan
from flows.graph import JobGraph
from flows.jobs import Batch, Failure, FilmJob, FootageJob, Job, Outcome, PromptJob, Spent, Terms
from flows.ledger import Ledger
from flows.live import LiveFolder
from flows.open_films import CreativeResult, Delivered, OpenFilms, Pending
from flows.ready import ReadyJobs
from flows.settling import Listeners, Settling
from flows.shift import Shift

__all__ = ["CreativeResult", "Delivered", "Production"]

POLL_SECONDS = 1.0


class Production:
    """One run over many creatives. `on_spent` hears of every step that was made or found by a job."""

    def __init__(
        self,
        ledger: Ledger,
        open_crew: Callable[[], Crew],
        *,
        attempts: int | Caps = 3,
        deadline_seconds: float | Deadlines = 1800.0,
        shots_per_job: int = 1,
        on_spent: Callable[[Spent], None] = lambda spent: None,
        on_failure: Callable[[Job, Failure], None] = lambda job, failure: None,
        on_again: Callable[[Job, Failure, float], None] = lambda job, failure, pause: None,
        on_detail: Callable[[str], None] = lambda detail: None,
        stop: Callable[[Sequence[Spent]], str] = lambda meanwhile: "",
    ) -> None:
        """`attempts` and `deadline_seconds` are one number for all kinds, or what is allowed to each."""
        self._open_crew = open_crew
        self._crew: Crew | None = None
        self._on_detail, self._detail = on_detail, ""
        #: Asked at each look, with what engines have spent on work that has not ended: a reason to stop, or "".
        self._stop = stop
        caps = attempts if isinstance(attempts, Caps) else Caps(attempts)
        deadlines = deadline_seconds if isinstance(deadline_seconds, Deadlines) else Deadlines(ledger, deadline_seconds)
        self._silence_seconds = deadlines.silence
        self._graph = JobGraph(ledger, self._push)
        self._films = OpenFilms(self._graph)
        self._shift = Shift(LiveFolder(ledger.root), deadlines)
        self._ready = ReadyJobs(shots_per_job)
        self._settling = Settling(
            self._graph, self._films, caps, Listeners(on_spent, on_failure, on_again), lambda: self._slots
        )
        #: Names of work, which no other run beside this one gives.
        self._name, self._numbers = secrets.token_hex(4), count()

    def run(self, plans: Iterable[CreativePlan]) -> Iterator[CreativeResult]:
        """Make everything; yields each creative as soon as its last film has ended, in no fixed order."""
        source = iter(plans)
        waiting = 0
        exhausted = False
        try:
            while True:
                while not exhausted and waiting < 8 * self._slots:
                    plan = next(source, None)
                    if plan is None:
                        exhausted = True
                        break
                    pending = self._films.admit(plan)
                    if pending.open_films:
                        waiting += 1
                    else:
                        yield pending.result()
                if not waiting:
                    return
                self._start_jobs()
                ended = self._collect()
                # Whoever takes a creative publishes it, and meanwhile no core is to wait. Engines do: what the next
                # creatives want of them belongs to the same call.
                self._start_jobs(self._has_core)
                for pending in ended:
                    waiting -= 1
                    yield pending.result()
        finally:
            if self._crew:
                self._crew.close()

    @property
    def _slots(self) -> int:
        return self._crew.slots if self._crew else 1

    def _push(self, identity: str) -> None:
        self._ready.push(identity, self._graph.nodes[identity].job)

    # -- starting jobs -----------------------------------------------------------------------------------------------

    def _start_jobs(self, has_room: Callable[[str], bool | None] | None = None) -> None:
        if self._is_to_stop():
            if not len(self._shift):
                self._settling.end_all()
            return
        for due in self._settling.due():
            self._push(due)
        while (identity := self._ready.take(has_room or self._has_room)) is not None:
            job = self._runnable(identity)
            assert job, "has_room asked the same a moment ago"
            self._submit(identity, job)

    def _is_to_stop(self) -> bool:
        """Whether nothing more is to be begun. Engines are told once, and stop where their next shot would begin."""
        if not self._settling.stopped and (reason := self._stop(self._shift.spent_meanwhile())):
            self._settling.stopped = reason
            self._shift.ask_engines_to_stop()
        return bool(self._settling.stopped)

    def _has_core(self, identity: str) -> bool | None:
        """Whether the job would start at once on a core; nothing for an engine would."""
        job = self._graph.nodes[identity].job
        return False if isinstance(job, PromptJob | FootageJob) else self._has_room(identity)

    def _has_room(self, identity: str) -> bool | None:
        """Whether the job would start at once; None when it cannot be done any more."""
        job = self._runnable(identity)
        if job is None:
            return None
        if self._crew is None:
            self._crew = self._open_crew()
        return self._crew.room(job)

    def _runnable(self, identity: str) -> Job | None:
        """The job as it can still be done, or None when what it builds on has failed and it ends here."""
        job: Job | None = self._graph.nodes[identity].job
        failures: dict[str, Failure] = {}
        if isinstance(job, FilmJob):
            job, failures = self._films.left_of(identity, job)
        elif broken := self._graph.broken(identity):
            job, failures = None, {"": broken}
        if job is None:
            self._settling.end(identity, Outcome(failures=failures))
        return job

    def _submit(self, identity: str, job: Job) -> None:
        """Start a job, with others that are ready and save time when they go along."""
        assert self._crew
        fellows: list[str] = []
        work: Job | Batch = job
        tries = self._graph.nodes[identity].tries
        if isinstance(job, PromptJob | FootageJob) and not tries.alone:
            fellows = self._ready.take_along(job, self._crew.engines, lambda other: self._joins(other, job.group))
            jobs = [self._graph.nodes[member].job for member in fellows]
            if fellows:
                work = Batch((job, *(one for one in jobs if isinstance(one, PromptJob | FootageJob))))
        members = (identity, *fellows)
        for member in members:
            self._graph.nodes[member].tries.begun += 1
        sign = f"work-{self._name}-{next(self._numbers)}"
        terms = Terms(sign, self._silence_seconds, tries.cores, tries.avoid)
        self._shift.begin(identity, members, work, terms)
        self._crew.submit(identity, work, terms)

    def _joins(self, identity: str, group: str) -> bool:
        node = self._graph.nodes[identity]
        if not isinstance(node.job, PromptJob | FootageJob) or node.tries.alone or node.job.group != group:
            return False
        return self._graph.broken(identity) is None

    # -- when jobs end -----------------------------------------------------------------------------------------------

    def _collect(self) -> list[Pending]:
        """Wait for jobs to end; the creatives that are finished by that."""
        assert self._crew or not len(self._shift)
        pause = self._settling.next_due_seconds()
        if len(self._shift) and self._crew:
            for ticket, outcome in self._crew.finished(POLL_SECONDS):
                self._settling.take(ticket, self._shift.end(ticket), outcome)
            self._end_overdue()
            self._tell()
        elif pause is not None:
            time.sleep(min(POLL_SECONDS, pause))
        return self._films.take_complete()

    def _end_overdue(self) -> None:
        """End work that has been silent for too long: nothing is running for ever."""
        assert self._crew
        for overdue in list(self._shift.overdue()):
            sign = self._shift.place_of(overdue.ticket)
            self._crew.end(overdue.ticket, sign.node if sign else "", sign.pid if sign else 0)
            self._settling.take_overdue(self._shift.end(overdue.ticket), overdue)

    def _tell(self) -> None:
        """Say what takes long, when it has changed."""
        detail = self._shift.detail(self._graph.shots_ended, self._graph.shots_known)
        if detail != self._detail:
            self._detail = detail
            self._on_detail(detail)
