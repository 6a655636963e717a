"""The port for whoever does the jobs, and the crew of one: this process.

The other one is Ray's (`cluster.py`). A crew starts jobs, says which have ended, and can kill one; it neither orders
nor repeats them (`produce.py` does).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from flows.jobs import Batch, Job, Outcome, Terms
from flows.stores.shared import LedgerPlace
from flows.worker import worker_of


class Crew(Protocol):
    """Who does the jobs."""

    @property
    def slots(self) -> int:
        """Jobs worth having ready at once."""

    @property
    def engines(self) -> int:
        """Loaded engines that work side by side: what is ready is shared out among them."""

    def room(self, job: Job) -> bool:
        """Whether the job would start at once: a matter of its kind, the same for all jobs of one."""

    def submit(self, ticket: str, work: Job | Batch, terms: Terms) -> None:
        """Start the job, or several that belong together."""

    def finished(self, timeout_seconds: float) -> list[tuple[str, Outcome]]:
        """Wait for at least one job to end, or for the timeout; the tickets of those that ended."""

    def end(self, ticket: str, node: str, pid: int) -> None:
        """Kill the job, which is done by this process of this machine, if that is known; it will not be reported."""

    def close(self) -> None:
        """Let everybody go."""


class InlineCrew:
    """Does each job at once in this process: for tests, and for looking into a fault with a debugger."""

    slots = 1
    engines = 1

    def __init__(self, ledger: Path | LedgerPlace) -> None:
        self._worker = worker_of(LedgerPlace(ledger) if isinstance(ledger, Path) else ledger)
        self._done: list[tuple[str, Outcome]] = []

    def room(self, job: Job) -> bool:
        """One at a time."""
        return not self._done

    def submit(self, ticket: str, work: Job | Batch, terms: Terms) -> None:
        """Run it now."""
        self._done.append((ticket, self._worker.run(work, terms)))

    def finished(self, timeout_seconds: float) -> list[tuple[str, Outcome]]:
        """What has run."""
        done, self._done = self._done, []
        return done

    def end(self, ticket: str, node: str, pid: int) -> None:
        """Nothing runs behind our back here."""

    def close(self) -> None:
        """Nothing to let go."""
