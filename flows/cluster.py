"""The only file that knows Ray: a crew of workers on this machine or on a cluster.

Jobs and answers are small values; footage and films stay in the ledger's folder, which every worker can reach. Engines
live in actors, so that a model is loaded once; everything else is a task on one core. What dies is reported as a
failure that may be tried again: Ray's own retries are off, because the production counts the attempts.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import NodeDiedError, RayActorError, RayError, WorkerCrashedError

from flows.faults import INFRASTRUCTURE
from flows.jobs import (
    FIXES,
    Batch,
    ConformJob,
    EngineJob,
    Failure,
    FootageJob,
    Job,
    Outcome,
    PromptJob,
    failure_of,
    kind_of,
)
from flows.model import BadInput, Problem
from flows.nodes import ClusterSize, Watches, place_on_node
from flows.redaction import guard_logs, redact
from flows.steps import Signing
from flows.steps.files import with_files
from flows.stores.assets import AssetChanged, AssetSender
from flows.stores.contract import StoreError
from flows.stores.opening import open_store
from flows.stores.shared import LedgerPlace
from flows.worker import Worker, worker_of

#: Only paths and numbers travel: Ray's default, a third of the machine's memory, would be taken from the encoders.
OBJECT_STORE_BYTES = 150_000_000
#: The part of each GPU that Ray keeps for conforming footage while an engine holds the rest: one such job at a time.
CONFORM_GPU = 0.1
ROOT = Path(__file__).resolve().parent.parent


@ray.remote(num_cpus=1, max_retries=0)
def do_job(place: LedgerPlace, job: Job) -> Outcome:
    """A CPU job in a worker process of the cluster."""
    guard_logs()
    return worker_of(place_on_node(place)).run(job)


@ray.remote(max_restarts=0, max_task_retries=0)
class EngineActor:
    """A process that holds a loaded engine."""

    def __init__(self, place: LedgerPlace, on_gpu: bool) -> None:
        if not on_gpu:
            # One worker for each core: torch would start as many threads as there are cores in every one of them.
            os.environ["OMP_NUM_THREADS"] = "1"
        guard_logs()
        self._worker = Worker(place_on_node(place))

    def run(self, work: EngineJob | Batch) -> Outcome:
        """Render shots or encode texts."""
        return self._worker.run(work)


class RayCrew:
    """Does jobs on Ray. `slots` CPU jobs run at once; a CPU engine shares those slots, a GPU engine has its own.

    On a cluster of the user's both follow the machines that join and leave. With a store, those need not see the
    driver's disk: the user's files go to the store before the jobs that need them.
    """

    def __init__(
        self, place: LedgerPlace, *, workers: int, address: str = "", needs_gpu: bool = False, wait_seconds: float = 0.0
    ) -> None:
        """Raises: BadInput for a cluster without a core, or a GPU that is needed, after waiting so long for them."""
        self._apart = bool(address and place.store)
        self._place = replace(place, brings_files=self._apart)
        self._needs_gpu = needs_gpu
        self._own_cluster = not address
        self._idle_engines: list[Any] = []
        self._running: dict[Any, tuple[str, Any]] = {}  # reference -> ticket, engine actor or None
        self._conforming: set[str] = set()
        self._not_sent: list[tuple[str, Outcome]] = []
        self._watches: Watches | None = None
        self._sender: AssetSender | None = None
        _start(workers, address)
        self._size = ClusterSize(workers, fixed=not address, needs_gpu=needs_gpu)
        if self._apart:
            self._watches = Watches(place)
            self._sender = AssetSender(open_store(place.store, state_folder=place.root, endpoint=place.endpoint))
        if lacks := self._size.lacks(wait_seconds):
            self.close()
            raise _lacking(lacks, address)

    @property
    def slots(self) -> int:
        """CPU jobs that run at once."""
        return self._size.slots

    @property
    def engines(self) -> int:
        """Loaded engines that work side by side."""
        return self._size.gpus if self._needs_gpu else self._size.slots

    def refuse_lacking(self, signing: Signing | None) -> None:
        """Ask the machines that share no disk with us whether they have what the run needs. Raises: BadInput."""
        lacking = self._watches.lacking(signing) if self._watches else []
        if lacking:
            self.close()
            fix = "Give every machine of the cluster the same settings and secrets: deploy/README.md"
            raise BadInput(tuple(Problem("cluster", None, None, "machine_lacks", "", one, fix) for one in lacking))

    def room(self, job: Job) -> bool:
        """Whether a slot of the job's kind is free; where none is, a cluster that can grow is asked to."""
        free = self._has_room(job)
        if not free:
            self._size.ask_for_more(gpu=self._needs_gpu and isinstance(job, PromptJob | FootageJob))
        return free

    def _has_room(self, job: Job) -> bool:
        rendering = sum(1 for _, engine in self._running.values() if engine is not None)
        if self._needs_gpu and isinstance(job, PromptJob | FootageJob):
            return rendering < self.engines
        if self._needs_gpu and isinstance(job, ConformJob) and len(self._conforming) >= self.engines:
            return False
        busy = len(self._running) - (rendering if self._needs_gpu else 0)
        return busy < self.slots

    def submit(self, ticket: str, work: Job | Batch) -> None:
        """Start the job on a free worker."""
        if failure := self._send_files(work):
            self._not_sent.append((ticket, Outcome(failures={"": failure})))
            return
        if isinstance(work, PromptJob | FootageJob | Batch):
            engine = self._idle_engines.pop() if self._idle_engines else self._hire()
            self._running[engine.run.remote(work)] = (ticket, engine)
            return
        part = 0.0
        if self._needs_gpu and isinstance(work, ConformJob):
            self._conforming.add(ticket)
            part = CONFORM_GPU
        self._running[do_job.options(num_gpus=part).remote(self._place, work)] = (ticket, None)

    def _hire(self) -> Any:
        """A new engine actor. A CPU engine reserves no core for life: `room` keeps the count."""
        return EngineActor.options(  # type: ignore[attr-defined]  # added by the decorator
            num_gpus=1 - CONFORM_GPU if self._needs_gpu else 0, num_cpus=0
        ).remote(self._place, self._needs_gpu)

    def _send_files(self, work: Job | Batch) -> Failure | None:
        """Have the user's files of a job on the store, for machines that do not see them; why not, where that fails."""
        if self._sender:
            try:
                with_files(work, self._sender.send)
            except (StoreError, AssetChanged, OSError) as error:
                return failure_of(error, kind_of(work.jobs[0] if isinstance(work, Batch) else work))
        return None

    def finished(self, timeout_seconds: float) -> list[tuple[str, Outcome]]:
        """Jobs that ended, at least one unless the timeout passes."""
        if self._watches:
            self._watches.look()
        not_sent, self._not_sent = self._not_sent, []
        if not_sent or not self._running:
            return not_sent
        done, _ = ray.wait(list(self._running), num_returns=1, timeout=timeout_seconds)
        if done:  # take all that are there, not only the first
            done, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        return [self._answer(reference) for reference in done]

    def _answer(self, reference: Any) -> tuple[str, Outcome]:
        ticket, engine = self._running.pop(reference)
        self._conforming.discard(ticket)
        try:
            outcome: Outcome = ray.get(reference)
        except RayError as error:
            return ticket, _lost(error)
        if engine is not None and any(failure.fault == INFRASTRUCTURE for failure in outcome.failures.values()):
            ray.kill(engine)  # it says itself that its process is of no use any more
        elif engine is not None:
            self._idle_engines.append(engine)
        return ticket, outcome

    def end(self, ticket: str) -> None:
        """Kill the worker that has the job."""
        for reference, (other, engine) in list(self._running.items()):
            if other == ticket:
                del self._running[reference]
                self._conforming.discard(ticket)
                if engine is not None:
                    ray.kill(engine)
                else:
                    ray.cancel(reference, force=True)

    def close(self) -> None:
        """Stop our workers, and Ray if we started it."""
        if not self._own_cluster:
            # Our own Ray ends with all its processes. Cancelling there as well can trip an assertion in Ray's core.
            for reference, (_, engine) in self._running.items():
                with contextlib.suppress(RayError, ValueError):
                    ray.kill(engine) if engine is not None else ray.cancel(reference, force=True)
            for engine in self._idle_engines:
                ray.kill(engine)
        self._running.clear()
        self._size.close()
        if self._watches:
            self._watches.close()
        ray.shutdown()


def _start(workers: int, address: str) -> None:
    """Connect to a cluster, or start one of our own on the loopback interface for the time of the run."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address:
        modules = [str(ROOT / name) for name in ("flows", "generation", "audio")]
        ray.init(address=address, runtime_env={"py_modules": modules}, **quiet)
        return
    ray.init(
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        **quiet,
    )


def _lacking(what: str, address: str) -> BadInput:
    """The sentence for a cluster that cannot do the work at all."""
    where = f"the Ray cluster at {address}" if address else "this machine"
    if what == "core":
        message, fix = (
            "it has no machine with a free core",
            "Add one, or set `cluster_wait_seconds` if it grows by itself",
        )
    else:
        message = "the engine needs a GPU and Ray sees none"
        fix = "Name a cluster with a GPU by --cluster, or choose an engine that needs none by --engine"
    return BadInput((Problem(where, None, None, "not_available", "", message, fix),))


def _lost(error: RayError) -> Outcome:
    """The worker is gone: killed by somebody, by the system for its memory, or with its machine."""
    died = isinstance(error, WorkerCrashedError | RayActorError | NodeDiedError)
    said = redact(str(error))
    message = "its worker process died" if died else f"Ray: {said.splitlines()[0]}"
    failure = Failure("worker_died", "", message, FIXES["worker_died"], trace=said)
    return Outcome(failures={"": failure})
