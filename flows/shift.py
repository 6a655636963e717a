"""What is being worked on at this moment: which jobs, since when, how far, and whether they still live.

Work lives while its signs change (`live.py`). It is overdue when they have not for as long as its step may be silent
(`deadlines.py`); then this says which step it was and how far it had come. Ends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from flows.deadlines import Deadlines
from flows.jobs import Batch, FilmJob, FootageJob, Job, PromptJob, SoundJob, Spent, Terms, kind_of
from flows.live import LEAST_PAUSE_SECONDS, LiveFolder, Sign
from flows.steps import Step


@dataclass(slots=True)
class Running:
    """Work that a crew has been given: one job, or a batch of them."""

    #: Identities of the jobs, in the batch's order.
    members: tuple[str, ...]
    work: Job | Batch
    terms: Terms
    #: When it was begun or last showed a sign of life, by this process's clock.
    alive: float
    #: The newest sign of the whole work; since when its worker is at what is not made yet, by this process's clock.
    sign: Sign | None = None
    since: float = 0.0
    #: When the signs of its shots were written, by key.
    shots: dict[str, float] = field(default_factory=dict)

    @property
    def engine_jobs(self) -> tuple[PromptJob | FootageJob, ...]:
        """The jobs, where they are an engine's."""
        if isinstance(self.work, Batch):
            return self.work.jobs
        return (self.work,) if isinstance(self.work, PromptJob | FootageJob) else ()

    @property
    def step(self) -> str:
        """The kind of step that it is at, as far as we know."""
        if self.sign and self.sign.step:
            return self.sign.step
        return kind_of(self.work.jobs[0] if isinstance(self.work, Batch) else self.work)


@dataclass(frozen=True, slots=True)
class Overdue:
    """Work that hangs, and why we think so."""

    ticket: str
    step: str
    reason: str


class Shift:
    """The work under way, by ticket."""

    def __init__(self, live: LiveFolder, deadlines: Deadlines) -> None:
        self._live, self._deadlines = live, deadlines
        self._running: dict[str, Running] = {}
        self._looked = 0.0
        self._newest: tuple[str, Sign] | None = None

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, ticket: str, members: tuple[str, ...], work: Job | Batch, terms: Terms) -> None:
        """The crew has it."""
        self._running[ticket] = Running(members, work, terms, time.monotonic())

    def end(self, ticket: str) -> Running:
        """It has ended, whoever ended it. What died has left its last sign behind, which says where that was."""
        running = self._running.pop(ticket)
        running.sign = self._live.read(running.terms.sign) or running.sign
        self._live.forget(running.terms.sign)
        for job in running.engine_jobs:
            self._live.forget(job.step.key)
            self._looked = 0.0  # what was said of it last does not hold any more
        return running

    def place_of(self, ticket: str) -> Sign | None:
        """The sign that says which process has the work."""
        return self._running[ticket].sign

    def overdue(self) -> Iterator[Overdue]:
        """What hangs."""
        late = [ticket for ticket, one in self._running.items() if self._silence(one) > self._deadlines.least]
        if late:
            self._look(late)
        for ticket in late:
            running = self._running[ticket]
            allowed, reason = self._judged(running)
            if self._silence(running) > allowed:
                yield Overdue(ticket, running.step, reason)

    def detail(self, shots_ended: int, shots_known: int) -> str:
        """What an engine is doing just now, as a few words; "" while none is."""
        if time.monotonic() - self._looked >= LEAST_PAUSE_SECONDS:
            self._look([ticket for ticket, one in self._running.items() if one.engine_jobs])
        if self._newest is None:
            return ""
        kind, sign = self._newest
        what = f"footage {min(shots_ended + 1, shots_known)} of {shots_known}" if kind == "footage" else "prompts"
        return f"{what}: {sign.sentence()}"

    def spent_meanwhile(self) -> list[Spent]:
        """What engines have spent on work that has not ended, the shots that they are at included."""
        return [_spent(one.sign, one.step, one.since) for one in self._running.values() if one.sign and one.engine_jobs]

    def ask_engines_to_stop(self) -> None:
        """Let each engine stop where its next shot would begin."""
        for running in self._running.values():
            if isinstance(running.work, Batch):
                self._live.ask_to_stop(running.terms.sign)

    def _silence(self, running: Running) -> float:
        return time.monotonic() - running.alive

    def _judged(self, running: Running) -> tuple[float, str]:
        """How long the work may be silent, and how it is named when it has been for longer."""
        sign, deadlines = running.sign, self._deadlines
        if sign and sign.counting and not running.engine_jobs:
            allowed = deadlines.counting(sign.gap_seconds)
            frames = f"frame {sign.done} of {sign.total}" if sign.total else f"frame {sign.done}"
            return allowed, f"showed no sign of life for {allowed:g} s ({sign.phase} {frames}) and was ended"
        if not (sign or running.shots):
            allowed = deadlines.general
            return allowed, f"showed no sign of life for {allowed:g} s, not even that it had begun, and was ended"
        allowed = deadlines.of(_step_of(running))
        return allowed, f"showed no sign of life for {allowed:g} s and was ended"

    def _look(self, tickets: list[str]) -> None:
        """Read the signs of this work."""
        self._looked = time.monotonic()
        newest: list[tuple[float, str, Sign]] = []
        for running in (self._running[ticket] for ticket in tickets):
            sign = self._live.read(running.terms.sign)
            if sign and sign != running.sign:
                if running.sign is None or running.sign.made != sign.made:
                    running.since = self._looked
                running.sign, running.alive = sign, self._looked
            for job in running.engine_jobs:
                newest += self._look_at_shot(running, job)
        self._newest = max(newest, key=lambda one: one[0])[1:] if newest else None

    def _look_at_shot(self, running: Running, job: PromptJob | FootageJob) -> Iterator[tuple[float, str, Sign]]:
        sign = self._live.read(job.step.key)
        when = sign.when if sign else 0.0
        if running.shots.get(job.step.key, 0.0) != when:
            running.shots[job.step.key], running.alive = when, self._looked
        if sign:
            yield sign.when, job.step.kind, sign


def _spent(sign: Sign, step: str, since: float) -> Spent:
    """What the work has taken by now. A core is taken to be busy until the first shot has told how busy it is."""
    now = time.monotonic() - since
    busy = sign.cpu_seconds / sign.seconds if sign.seconds else 1.0
    return Spent(step, "", False, sign.seconds + now, sign.cpu_seconds + now * busy)


def _step_of(running: Running) -> Step:
    """The step that the work is at."""
    work = running.work.jobs[0] if isinstance(running.work, Batch) else running.work
    steps = [step for step in _steps(work) if step.kind == running.step]
    return steps[0] if steps else next(iter(_steps(work)))


def _steps(job: Job) -> Iterator[Step]:
    if isinstance(job, FilmJob):
        yield from (step for step in (job.master, job.master.content) if step)
        for delivery in job.deliveries:
            yield from (delivery.package, delivery)
        yield from job.further
    elif isinstance(job, SoundJob):
        yield from (step for step in (job.voice,) if step)
        for track in job.tracks:
            yield from (step for step in (track, track.mix, track.mix.bed) if step)
    else:
        yield job.step
