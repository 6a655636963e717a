"""What becomes of work that has ended: done, tried again, or failed for good with all that can be said about it.

What fails takes down only what builds on it. Another attempt is a matter of the fault's class and of how often the job
has met it (`attempts.py`): after a pause, elsewhere, or with more room. Starts nothing (`produce.py` does).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from flows.attempts import Caps
from flows.faults import BUDGET, INFRASTRUCTURE, MEMORY, pause_seconds
from flows.graph import JobGraph, Node
from flows.jobs import FIXES, KILLED, Batch, Failure, FootageJob, Job, Outcome, PromptJob, Spent, kind_of
from flows.open_films import OpenFilms
from flows.shift import Overdue, Running


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of what happens."""

    on_spent: Callable[[Spent], None] = lambda spent: None
    #: A job has failed for good.
    on_failure: Callable[[Job, Failure], None] = lambda job, failure: None
    #: A job has failed and goes again after so many seconds.
    on_again: Callable[[Job, Failure, float], None] = lambda job, failure, pause: None


@dataclass(slots=True)
class Settling:
    """Decides about ended work. What goes again waits here until its pause is over."""

    graph: JobGraph
    films: OpenFilms
    caps: Caps
    listeners: Listeners
    #: Cores that one job may have for itself at the most.
    most_cores: Callable[[], int]
    #: Why the run is to begin nothing more; "" as long as it may.
    stopped: str = ""
    _later: list[tuple[float, str]] = field(default_factory=list)

    # -- what goes again ---------------------------------------------------------------------------------------------

    def due(self) -> list[str]:
        """Jobs whose pause is over."""
        due = []
        while self._later and self._later[0][0] <= time.monotonic():
            due.append(heapq.heappop(self._later)[1])
        return due

    def next_due_seconds(self) -> float | None:
        """How long until the next pause is over; None when nothing waits."""
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    # -- what has ended ----------------------------------------------------------------------------------------------

    def take(self, ticket: str, running: Running, outcome: Outcome) -> None:
        """Work has ended: one job, or a batch of them, each with what became of it."""
        for spent in outcome.spent:
            self.listeners.on_spent(spent)
        named = {name: replace(one, step=one.step or running.step) for name, one in outcome.failures.items()}
        where = outcome.node or (running.sign.node if running.sign else "")
        outcome = Outcome(outcome.spent, named, where)
        if not isinstance(running.work, Batch):
            self._settle(ticket, outcome)
            return
        for member in running.members:
            failure = outcome.failures.get(member)
            if outcome.failure and not self._was_kept(member):
                failure = outcome.failure
            if failure and failure.fault == INFRASTRUCTURE:
                self.graph.nodes[member].tries.alone = True
            self._settle(member, Outcome((), {"": failure} if failure else {}, where))

    def take_overdue(self, running: Running, overdue: Overdue) -> None:
        """Work was ended because it hung."""
        failure = Failure("timed_out", overdue.step, overdue.reason, FIXES["timed_out"])
        self.take(overdue.ticket, running, Outcome(failures={"": failure}))

    def _was_kept(self, identity: str) -> bool:
        """Whether a job of a batch that was lost had been finished by then: it is booked as made."""
        job = self.graph.nodes[identity].job
        assert isinstance(job, PromptJob | FootageJob)
        found = self.graph.has(job.step)
        if found:
            self.listeners.on_spent(Spent(job.step.kind, job.step.key, False, found.seconds, found.cpu_seconds))
        return found is not None

    def _settle(self, identity: str, outcome: Outcome) -> None:
        node = self.graph.nodes[identity]
        if not outcome.failures:
            self.end(identity, outcome)
            return
        node.tries.note([failure.fault for failure in outcome.failures.values()])
        failures = {name: self._counted(failure, node) for name, failure in outcome.failures.items()}
        again = next((one for one in failures.values() if self._goes_again(node, one, outcome.node)), None)
        if again:
            pause = pause_seconds(again.fault, node.tries.ended[again.fault])
            self.listeners.on_again(node.job, again, pause)
            heapq.heappush(self._later, (time.monotonic() + pause, identity))
            return
        for failure in failures.values():
            if failure.fault != BUDGET:  # it has not been tried
                self.listeners.on_failure(node.job, failure)
        self.end(identity, Outcome(outcome.spent, failures))

    def _counted(self, failure: Failure, node: Node) -> Failure:
        message = self.stopped if failure.fault == BUDGET and self.stopped else failure.message
        return replace(failure, message=message, attempts=node.tries.begun, tried=node.tries.told(self.caps))

    def _goes_again(self, node: Node, failure: Failure, where: str) -> bool:
        """Whether the job goes again; if so, elsewhere or with more room where that may help."""
        if not node.tries.may_go_again(failure.fault, self.caps):
            return False
        if failure.fault == MEMORY:
            return self._has_more_room(node, failure.code)
        if failure.fault == INFRASTRUCTURE and where and where not in node.tries.avoid:
            node.tries.avoid += (where,)
        return True

    def _has_more_room(self, node: Node, code: str) -> bool:
        """The next rung of the ladder. An engine that says itself that memory is short has been down its own."""
        tries = node.tries
        if isinstance(node.job, PromptJob | FootageJob):
            if code != KILLED or tries.alone:
                return False
            tries.alone = True
            return True
        most = self.most_cores()
        if tries.cores >= most:
            return False
        tries.cores = min(2 * tries.cores, most)
        return True

    def end(self, identity: str, outcome: Outcome) -> None:
        """A job has ended for good. Its failures are kept for what builds on it; their traces have been logged."""
        failures = {name: replace(failure, trace="") for name, failure in outcome.failures.items()}
        is_film = identity in self.films
        node = self.graph.end(identity, Outcome(outcome.spent, failures), remember=not is_film)
        if is_film:
            self.films.end(identity, node, Outcome(outcome.spent, failures))

    def end_all(self) -> None:
        """Nothing is running and nothing is to be begun: what is left ends here, films last."""
        films = [identity for identity in self.graph.nodes if identity in self.films]
        others = [identity for identity in self.graph.nodes if identity not in self.films]
        for identity in (*others, *films):
            step = kind_of(self.graph.nodes[identity].job)
            failure = Failure("budget_stopped", step, self.stopped, FIXES["budget_stopped"])
            self.end(identity, Outcome(failures={"": failure}))
        self._later.clear()
