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
from flows.jobs import (
    FIXES,
    INFRASTRUCTURE,
    NEVER,
    Failure,
    FilmJob,
    FootageJob,
    Job,
    Outcome,
    PlateJob,
    SoundJob,
    Spent,
)
from flows.ledger import Finished, Ledger
from flows.plan import CreativePlan, Film
from flows.steps import DeliveryStep, Step

#: Films first: what is nearly done is finished before more is begun, so results come early and little lies about.
PRIORITY = {FilmJob: 0, SoundJob: 1, PlateJob: 2, FootageJob: 3}
#: Pause before another attempt after a passing fault; doubled each time.
PAUSE_SECONDS = 2.0
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
class _Node:
    """A job that is not done yet."""

    job: Job
    waits_for: set[str]
    wanted_by: list[str] = field(default_factory=list)
    attempts: int = 0


@dataclass(slots=True)
class _Pending:
    """A creative with unfinished films."""

    plan: CreativePlan
    sound: str | None
    open_films: set[str]
    delivered: dict[str, Delivered] = field(default_factory=dict)


class Production:
    """One run over many creatives. `spent` collects every step that was made or found by a job."""

    def __init__(
        self,
        ledger: Ledger,
        open_crew: Callable[[], Crew],
        *,
        attempts: int = 3,
        deadline_seconds: float = 1800.0,
        on_spent: Callable[[Spent], None] = lambda spent: None,
        on_failure: Callable[[Job, Failure], None] = lambda job, failure: None,
    ) -> None:
        self._ledger = ledger
        self._open_crew = open_crew
        self._crew: Crew | None = None
        self._attempts = attempts
        self._deadline_seconds = deadline_seconds
        self._on_spent = on_spent
        self._on_failure = on_failure
        self._nodes: dict[str, _Node] = {}
        self._ended: dict[str, Outcome | None] = {}  # shared jobs: None went well, an outcome holds failures
        self._ready: list[tuple[int, int, str]] = []
        self._later: list[tuple[float, str]] = []
        self._running: dict[str, float] = {}
        self._order = count()
        self._films: dict[str, tuple[_Pending, Film]] = {}
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
        pending = _Pending(plan, None, set())
        open_films = []
        for film in plan.films:
            found = [self._found(step) for step in film.deliveries]
            if all(found):
                for step, finished in zip(film.deliveries, found, strict=True):
                    pending.delivered[step.placement] = Delivered(film, step, finished, None, 0, cached=True)
            else:
                open_films.append(film)
        if open_films:
            pending.sound = self._need_sound(open_films)
            for film in open_films:
                self._need_film(pending, film)
        return pending

    def _found(self, step: Step) -> Finished | None:
        return self._ledger.find(step.kind, step.key)

    def _need_sound(self, films: list[Film]) -> str | None:
        tracks = {step.track.key: step.track for film in films for step in film.deliveries if step.track}
        voice = films[0].master.voice
        missing = [track for track in tracks.values() if not self._found(track)]
        if missing or (voice and not self._found(voice)):
            return self._add(SoundJob(voice, tuple(missing)), set())
        return None

    def _need_film(self, pending: _Pending, film: Film) -> None:
        waits_for = {pending.sound} if pending.sound else set()
        plate = film.master.plate
        if not self._found(film.master) and not self._found(plate):
            shots = {self._add(FootageJob(step), set()) for step in plate.footage if not self._found(step)}
            waits_for.add(self._add(PlateJob(plate), shots))
        job = FilmJob(film.master, film.deliveries)
        # Two creatives may ask for the same film (a row twice under two names): each gets a job of its own, and the
        # ledger lets the second find what the first made.
        identity = f"{job.id}#{next(self._order)}"
        self._films[identity] = (pending, film)
        pending.open_films.add(identity)
        self._add(job, waits_for, identity)

    def _add(self, job: Job, waits_for: set[str], identity: str = "") -> str:
        """Register a job unless it is known; returns its identity."""
        identity = identity or job.id
        if identity in self._ended or identity in self._nodes:
            return identity
        node = self._nodes[identity] = _Node(job, {other for other in waits_for if other in self._nodes})
        for other in node.waits_for:
            self._nodes[other].wanted_by.append(identity)
        if not node.waits_for:
            self._push(identity)
        return identity

    def _push(self, identity: str) -> None:
        priority = PRIORITY[type(self._nodes[identity].job)]
        heapq.heappush(self._ready, (priority, next(self._order), identity))

    # -- running jobs --------------------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            self._push(heapq.heappop(self._later)[1])
        put_back = []
        while self._ready:
            entry = heapq.heappop(self._ready)
            job = self._runnable(entry[2])
            if job is None:
                continue
            if self._crew is None:
                self._crew = self._open_crew()
            if not self._crew.room(job):
                put_back.append(entry)
                if len(put_back) > 64:  # enough looked at: the crew is busy
                    break
                continue
            self._running[entry[2]] = time.monotonic()
            self._nodes[entry[2]].attempts += 1
            self._crew.submit(entry[2], job)
        for entry in put_back:
            heapq.heappush(self._ready, entry)

    def _runnable(self, identity: str) -> Job | None:
        """The job as it can still be done, or None when what it builds on has failed and it ends here."""
        node = self._nodes[identity]
        if not isinstance(node.job, FilmJob):
            broken = self._broken_by(node)
            if broken:
                self._end(identity, Outcome(failures={"": broken}))
                return None
            return node.job
        pending, film = self._films[identity]
        failures = self._lost_deliveries(pending, film)
        if failures:
            left = tuple(step for step in film.deliveries if step.placement not in failures)
            if not left:
                self._end(identity, Outcome(failures=failures))
                return None
            return replace(node.job, deliveries=left)
        return node.job

    def _broken_by(self, node: _Node) -> Failure | None:
        """The failure of a shot that a plate needs."""
        if isinstance(node.job, PlateJob):
            for step in node.job.step.footage:
                outcome = self._ended.get(FootageJob(step).id)
                if outcome and outcome.failure:
                    return outcome.failure
        return None

    def _lost_deliveries(self, pending: _Pending, film: Film) -> dict[str, Failure]:
        """Placements of a film that cannot be made any more, and why."""
        plate = self._ended.get(PlateJob(film.master.plate).id)
        sound = self._ended.get(pending.sound) if pending.sound else None
        whole = (plate and plate.failure) or (sound and sound.failure)
        lost = {}
        for step in film.deliveries:
            own = sound.failures.get(step.track.key) if sound and step.track else None
            if whole or own:
                lost[step.placement] = whole or own
        return {name: failure for name, failure in lost.items() if failure}

    def _collect(self) -> Iterator[_Pending]:
        """Wait for jobs to end; yields creatives that are finished by that."""
        assert self._crew or not self._running
        if self._running and self._crew:
            for identity, outcome in self._crew.finished(POLL_SECONDS):
                self._take(identity, outcome)
            self._end_overdue()
        elif self._later:
            time.sleep(max(0.0, min(POLL_SECONDS, self._later[0][0] - time.monotonic())))
        yield from self._finished_creatives()

    def _take(self, identity: str, outcome: Outcome) -> None:
        for spent in outcome.spent:
            self._on_spent(spent)
        self._running.pop(identity)
        node = self._nodes[identity]
        again = [failure for failure in outcome.failures.values() if failure.retry != NEVER]
        if again and node.attempts < self._attempts:
            pause = 0.0 if again[0].retry == INFRASTRUCTURE else PAUSE_SECONDS * 2 ** (node.attempts - 1)
            heapq.heappush(self._later, (time.monotonic() + pause, identity))
            return
        failures = {name: replace(failure, attempts=node.attempts) for name, failure in outcome.failures.items()}
        for failure in failures.values():
            self._on_failure(node.job, failure)
        self._end(identity, Outcome(outcome.spent, failures))

    def _end_overdue(self) -> None:
        """End jobs that have run longer than the deadline: nothing is running for ever."""
        assert self._crew
        now = time.monotonic()
        for identity, started in list(self._running.items()):
            if now - started > self._deadline_seconds:
                node = self._nodes[identity]
                self._crew.end(identity)
                message = f"did not end within {self._deadline_seconds:g} s and was killed"
                failure = Failure("timed_out", _step_of(node.job), message, FIXES["timed_out"], INFRASTRUCTURE)
                self._take(identity, Outcome(failures={"": failure}))

    def _end(self, identity: str, outcome: Outcome) -> None:
        node = self._nodes.pop(identity)
        if identity in self._films:
            self._end_film(identity, node, outcome)
        else:
            self._ended[identity] = outcome if outcome.failures else None
        for other in node.wanted_by:
            waiting = self._nodes.get(other)
            if waiting:
                waiting.waits_for.discard(identity)
                if not waiting.waits_for:
                    self._push(other)

    def _end_film(self, identity: str, node: _Node, outcome: Outcome) -> None:
        pending, film = self._films.pop(identity)
        lost = {**self._lost_deliveries(pending, film), **outcome.failures}
        made = {spent.key for spent in outcome.spent if not spent.cached}
        for step in film.deliveries:
            failure = outcome.failure or lost.get(step.placement)
            finished = None if failure else self._found(step)
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


def _step_of(job: Job) -> str:
    return {FootageJob: "footage", PlateJob: "plate", SoundJob: "voice", FilmJob: "master"}[type(job)]
