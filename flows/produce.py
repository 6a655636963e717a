"""Runs the jobs of many creatives in the right order on a crew, and gives each creative back when it is finished.

Takes plans one by one through a bounded window, so ten thousand creatives need no more memory than fifty. A job runs
once however many creatives wait for it. What fails takes down only what builds on it. The order, the retries and the
accounting are the same whoever does the jobs (`crew.py`).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from flows.crew import Crew
from flows.faults import BUDGET, INFRASTRUCTURE, goes_again, pause_seconds
from flows.graph import JobGraph, Node
from flows.jobs import (
    FIXES,
    Batch,
    Failure,
    FilmJob,
    FootageJob,
    Job,
    Outcome,
    PlateJob,
    PromptJob,
    SoundJob,
    Spent,
)
from flows.ledger import Finished, Ledger
from flows.plan import CreativePlan, Film
from flows.ready import ReadyJobs
from flows.shift import Shift
from flows.steps import DeliveryStep

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one placement of a creative."""

    film: Film
    step: DeliveryStep
    finished: Finished | None
    failure: Failure | None
    attempts: int
    #: True when nothing had to be made for it in this run.
    cached: bool


@dataclass(frozen=True, slots=True)
class CreativeResult:
    """A creative with one `Delivered` for each of its placements, in the plan's order."""

    plan: CreativePlan
    delivered: tuple[Delivered, ...]


@dataclass(slots=True)
class _Pending:
    """A creative with unfinished films."""

    plan: CreativePlan
    open_films: set[str]
    delivered: dict[str, Delivered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _OpenFilm:
    """A film that is not finished, whose it is, and the job that makes its sound, where one is needed."""

    pending: _Pending
    film: Film
    sound: str | None


class Production:
    """One run over many creatives. `spent` collects every step that was made or found by a job."""

    def __init__(
        self,
        ledger: Ledger,
        open_crew: Callable[[], Crew],
        *,
        attempts: int = 3,
        deadline_seconds: float = 1800.0,
        shots_per_job: int = 1,
        on_spent: Callable[[Spent], None] = lambda spent: None,
        on_failure: Callable[[Job, Failure], None] = lambda job, failure: None,
        on_detail: Callable[[str], None] = lambda detail: None,
        stop: Callable[[], str] = lambda: "",
    ) -> None:
        self._ledger = ledger
        self._open_crew = open_crew
        self._crew: Crew | None = None
        self._attempts = attempts
        self._deadline_seconds = deadline_seconds
        self._on_spent = on_spent
        self._on_failure = on_failure
        self._on_detail = on_detail
        #: Asked before each job: a reason to begin no other one, or "".
        self._stop = stop
        self._detail = ""
        self._graph = JobGraph(ledger, self._push)
        self._shift = Shift(ledger, deadline_seconds)
        self._ready = ReadyJobs(shots_per_job)
        self._later: list[tuple[float, str]] = []
        self._order = count()
        self._films: dict[str, _OpenFilm] = {}
        self._complete: list[_Pending] = []

    def run(self, plans: Iterable[CreativePlan]) -> Iterator[CreativeResult]:
        """Make everything; yields each creative as soon as its last film has ended, in no fixed order."""
        source = iter(plans)
        waiting = 0
        exhausted = False
        try:
            while True:
                while not exhausted and waiting < self._window():
                    plan = next(source, None)
                    if plan is None:
                        exhausted = True
                        break
                    pending = self._admit(plan)
                    if pending.open_films:
                        waiting += 1
                    else:
                        yield _result(pending)
                if not waiting:
                    return
                self._start_jobs()
                for pending in self._collect():
                    waiting -= 1
                    yield _result(pending)
        finally:
            if self._crew:
                self._crew.close()

    def _window(self) -> int:
        return 8 * (self._crew.slots if self._crew else 1)

    # -- taking a creative in ------------------------------------------------------------------------------------

    def _admit(self, plan: CreativePlan) -> _Pending:
        pending = _Pending(plan, set())
        open_films = []
        for film in plan.films:
            found = [self._graph.found(step) for step in film.deliveries]
            if all(found) and all(self._graph.has(step) for step in film.further):
                for step, finished in zip(film.deliveries, found, strict=True):
                    pending.delivered[step.placement] = Delivered(film, step, finished, None, 0, cached=True)
            else:
                open_films.append(film)
        for films in _with_one_sound(open_films):
            tracks = {step.track.key: step.track for film in films for step in film.deliveries if step.track}
            sound = self._graph.need_sound(films[0].master.voice, list(tracks.values()))
            for film in films:
                self._need_film(pending, film, sound)
        return pending

    def _need_film(self, pending: _Pending, film: Film, sound: str | None) -> None:
        needs = {sound} if sound else set()
        plate = film.master.plate
        if not self._graph.has(film.master) and not self._graph.has(plate):
            needs.add(self._graph.need_plate(plate))
        job = FilmJob(film.master, film.deliveries, film.further)
        # Two creatives may ask for the same film (a row twice under two names): each gets a job of its own, and the
        # ledger lets the second find what the first made.
        identity = f"{job.id}#{next(self._order)}"
        self._films[identity] = _OpenFilm(pending, film, sound)
        pending.open_films.add(identity)
        self._graph.add(job, needs, identity)

    def _push(self, identity: str) -> None:
        self._ready.push(identity, self._graph.nodes[identity].job)

    # -- running jobs --------------------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        if reason := self._stop():
            if not len(self._shift):
                self._end_all(reason)
            return
        while self._later and self._later[0][0] <= time.monotonic():
            self._push(heapq.heappop(self._later)[1])
        while (identity := self._ready.take(self._has_room)) is not None:
            job = self._runnable(identity)
            assert job, "has_room asked the same a moment ago"
            self._submit(identity, job)

    def _end_all(self, reason: str) -> None:
        """Nothing is running and nothing is to be begun: what is left ends here, films last."""
        films = [identity for identity in self._graph.nodes if identity in self._films]
        others = [identity for identity in self._graph.nodes if identity not in self._films]
        for identity in (*others, *films):
            step = _step_of(self._graph.nodes[identity].job)
            failure = Failure("budget_stopped", step, reason, FIXES["budget_stopped"])
            self._end(identity, Outcome(failures={"": failure}))

    def _has_room(self, identity: str) -> bool | None:
        """Whether the job would start at once; None when it cannot be done any more."""
        job = self._runnable(identity)
        if job is None:
            return None
        if self._crew is None:
            self._crew = self._open_crew()
        return self._crew.room(job)

    def _submit(self, identity: str, job: Job) -> None:
        """Start a job, with others that are ready and save time when they go along."""
        assert self._crew
        fellows: list[str] = []
        work: Job | Batch = job
        if isinstance(job, PromptJob | FootageJob) and not self._graph.nodes[identity].alone:
            fellows = self._ready.take_along(job, self._crew.engines, lambda other: self._joins(other, job.group))
            jobs = [self._graph.nodes[member].job for member in fellows]
            if fellows:
                work = Batch((job, *(one for one in jobs if isinstance(one, PromptJob | FootageJob))))
        members = (identity, *fellows)
        for member in members:
            self._graph.nodes[member].attempts += 1
        self._shift.begin(identity, members, work)
        self._crew.submit(identity, work)

    def _joins(self, identity: str, group: str) -> bool:
        node = self._graph.nodes[identity]
        if not isinstance(node.job, PromptJob | FootageJob) or node.alone or node.job.group != group:
            return False
        return self._graph.broken(identity) is None

    def _runnable(self, identity: str) -> Job | None:
        """The job as it can still be done, or None when what it builds on has failed and it ends here."""
        job = self._graph.nodes[identity].job
        if not isinstance(job, FilmJob):
            broken = self._graph.broken(identity)
            if broken:
                self._end(identity, Outcome(failures={"": broken}))
                return None
            return job
        open_film = self._films[identity]
        failures = self._lost_deliveries(open_film)
        if failures:
            left = tuple(step for step in open_film.film.deliveries if step.placement not in failures)
            if not left:
                self._end(identity, Outcome(failures=failures))
                return None
            further = tuple(step for step in job.further if step.placement not in failures)
            return replace(job, deliveries=left, further=further)
        return job

    def _lost_deliveries(self, open_film: _OpenFilm) -> dict[str, Failure]:
        """Placements of a film that cannot be made any more, and why."""
        film = open_film.film
        sound = self._graph.ended.get(open_film.sound) if open_film.sound else None
        whole = self._graph.failure(PlateJob(film.master.plate).id) or self._graph.failure(open_film.sound)
        lost = {}
        for step in film.deliveries:
            own = sound.failures.get(step.track.key) if sound and step.track else None
            if whole or own:
                lost[step.placement] = whole or own
        return {name: failure for name, failure in lost.items() if failure}

    # -- when jobs end -----------------------------------------------------------------------------------------------

    def _collect(self) -> Iterator[_Pending]:
        """Wait for jobs to end; yields creatives that are finished by that."""
        assert self._crew or not len(self._shift)
        if len(self._shift) and self._crew:
            for ticket, outcome in self._crew.finished(POLL_SECONDS):
                self._take(ticket, outcome)
            self._end_overdue()
            self._tell()
        elif self._later:
            time.sleep(max(0.0, min(POLL_SECONDS, self._later[0][0] - time.monotonic())))
        yield from self._finished_creatives()

    def _tell(self) -> None:
        """Say what takes long, when it has changed."""
        detail = self._shift.detail(self._graph.shots_ended, self._graph.shots_known)
        if detail != self._detail:
            self._detail = detail
            self._on_detail(detail)

    def _take(self, ticket: str, outcome: Outcome) -> None:
        for spent in outcome.spent:
            self._on_spent(spent)
        running = self._shift.end(ticket)
        if not isinstance(running.work, Batch):
            self._settle(ticket, outcome)
            return
        for member in running.members:
            failure = outcome.failures.get(member)
            if outcome.failure and not self._was_kept(member):
                failure = outcome.failure
            if failure and failure.fault == INFRASTRUCTURE:
                self._graph.nodes[member].alone = True
            self._settle(member, Outcome(failures={"": failure} if failure else {}))

    def _was_kept(self, identity: str) -> bool:
        """Whether a job of a batch that was lost had been finished by then: it is booked as made."""
        job = self._graph.nodes[identity].job
        assert isinstance(job, PromptJob | FootageJob)
        found = self._graph.has(job.step)
        if found:
            self._on_spent(Spent(job.step.kind, job.step.key, False, found.seconds, found.cpu_seconds))
        return found is not None

    def _settle(self, identity: str, outcome: Outcome) -> None:
        """A job is done, or goes again, or has failed for good."""
        node = self._graph.nodes[identity]
        faults = [failure.fault for failure in outcome.failures.values()]
        again = [fault for fault in faults if goes_again(fault, node.attempts, self._attempts)]
        if again:
            pause = pause_seconds(again[0], node.attempts)
            heapq.heappush(self._later, (time.monotonic() + pause, identity))
            return
        failures = {name: replace(failure, attempts=node.attempts) for name, failure in outcome.failures.items()}
        for failure in failures.values():
            self._on_failure(node.job, failure)
        self._end(identity, Outcome(outcome.spent, failures))

    def _end_overdue(self) -> None:
        """End jobs that have been silent for longer than the deadline: nothing is running for ever."""
        assert self._crew
        for ticket in self._shift.overdue():
            self._crew.end(ticket)
            step = _step_of(self._graph.nodes[ticket].job)
            engine = step in ("prompt", "footage")
            what = "showed no sign of life for" if engine else "did not end within"
            message = f"{what} {self._deadline_seconds:g} s and was killed"
            failure = Failure("timed_out", step, message, FIXES["timed_out"])
            self._take(ticket, Outcome(failures={"": failure}))

    def _end(self, identity: str, outcome: Outcome) -> None:
        open_film = self._films.pop(identity, None)
        node = self._graph.end(identity, outcome, remember=open_film is None)
        if open_film:
            self._end_film(identity, open_film, node, outcome)

    def _end_film(self, identity: str, open_film: _OpenFilm, node: Node, outcome: Outcome) -> None:
        pending, film = open_film.pending, open_film.film
        lost = {**self._lost_deliveries(open_film), **outcome.failures}
        made = {spent.key for spent in outcome.spent if not spent.cached}
        for step in film.deliveries:
            failure = outcome.failure or lost.get(step.placement)
            if failure and failure.fault == BUDGET and self._graph.found(step):
                failure = None  # it was there before, or was paid for
            finished = None if failure else self._graph.found(step)
            if not failure and not finished:
                failure = Failure("internal_error", "delivery", "the step ended without a result", "Please report it")
            pending.delivered[step.placement] = Delivered(
                film, step, finished, failure, max(1, node.attempts), cached=step.key not in made
            )
        pending.open_films.discard(identity)
        if not pending.open_films:
            self._complete.append(pending)

    def _finished_creatives(self) -> Iterator[_Pending]:
        done, self._complete = self._complete, []
        yield from done


def _result(pending: _Pending) -> CreativeResult:
    order = pending.plan.creative.placements
    return CreativeResult(pending.plan, tuple(pending.delivered[name] for name in order))


def _with_one_sound(films: list[Film]) -> list[list[Film]]:
    """Films that one job makes the sound of: all of a creative, or each for itself where its shots have their own."""
    own = any(step.track and step.track.mix.stems for film in films for step in film.deliveries)
    return [[film] for film in films] if own else [films] if films else []


def _step_of(job: Job) -> str:
    """The kind of step by which a failure of the whole job is named."""
    if isinstance(job, SoundJob):
        return "voice"
    return "master" if isinstance(job, FilmJob) else job.step.kind
