"""What is being worked on at this moment: which jobs, since when, and whether they still live.

A job on a core is overdue when it has taken too long. A job of an engine may take an hour and be well: it is overdue
when it has shown nothing for that long, neither a newer sign of life (`live.py`) nor a finished step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from flows.jobs import Batch, FootageJob, Job, PromptJob
from flows.ledger import Ledger
from flows.live import LEAST_PAUSE_SECONDS, LiveFolder, Sign


@dataclass(slots=True)
class Running:
    """Work that a crew has been given: one job, or a batch of them."""

    #: Identities of the jobs, in the batch's order.
    members: tuple[str, ...]
    work: Job | Batch
    #: When it was begun or last showed a sign of life, by this process's clock.
    alive: float
    #: Signs and finished steps by key of step, as they were seen last.
    seen: dict[str, float | bool] = field(default_factory=dict)

    @property
    def engine_jobs(self) -> tuple[PromptJob | FootageJob, ...]:
        """The jobs, where they are an engine's."""
        if isinstance(self.work, Batch):
            return self.work.jobs
        return (self.work,) if isinstance(self.work, PromptJob | FootageJob) else ()


class Shift:
    """The work under way, by ticket."""

    def __init__(self, ledger: Ledger, deadline_seconds: float) -> None:
        self._ledger, self._live = ledger, LiveFolder(ledger.root)
        self._deadline_seconds = deadline_seconds
        self._running: dict[str, Running] = {}
        self._looked = 0.0
        self._newest: tuple[str, Sign] | None = None

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, ticket: str, members: tuple[str, ...], work: Job | Batch) -> None:
        """The crew has it."""
        self._running[ticket] = Running(members, work, time.monotonic())

    def end(self, ticket: str) -> Running:
        """It has ended, whoever ended it."""
        running = self._running.pop(ticket)
        for job in running.engine_jobs:
            self._live.forget(job.step.key)
            self._looked = 0.0  # what was said of it last does not hold any more
        return running

    def overdue(self) -> list[str]:
        """Tickets of what has been silent for longer than the deadline."""
        late = [ticket for ticket, one in self._running.items() if self._silent(one)]
        if late:
            self._look()
        return [ticket for ticket in late if self._silent(self._running[ticket])]

    def detail(self, shots_ended: int, shots_known: int) -> str:
        """What an engine is doing just now, as a few words; "" while none is."""
        if time.monotonic() - self._looked >= LEAST_PAUSE_SECONDS:
            self._look()
        if self._newest is None:
            return ""
        kind, sign = self._newest
        what = f"footage {min(shots_ended + 1, shots_known)} of {shots_known}" if kind == "footage" else "prompts"
        return f"{what}: {sign.sentence()}"

    def _silent(self, running: Running) -> bool:
        return time.monotonic() - running.alive > self._deadline_seconds

    def _look(self) -> None:
        """Read all signs of life."""
        self._looked = time.monotonic()
        newest: list[tuple[float, str, Sign]] = []
        for running in self._running.values():
            for job in running.engine_jobs:
                kind, key = job.step.kind, job.step.key
                sign = self._live.read(key)
                state = sign.when if sign else self._ledger.find(kind, key) is not None
                if running.seen.setdefault(key, False) != state:
                    running.seen[key], running.alive = state, self._looked
                if sign:
                    newest.append((sign.when, kind, sign))
        self._newest = max(newest, key=lambda one: one[0])[1:] if newest else None
