"""A crew of workers on Ray, on this machine or on a cluster. Beside `nodes.py` and `placing.py` only this knows Ray.

Jobs and answers are small values; footage and films stay in the ledger's folder, which every worker can reach. Engines
live in actors, so that a model is loaded once; everything else is a task on one core. What dies is reported as a
failure that may be tried again: Ray's own retries are off, because the production counts the attempts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, RayError, WorkerCrashedError

from flows.faults import INFRASTRUCTURE
from flows.jobs import (
    FIXES,
    KILLED,
    Batch,
    ConformJob,
    EngineJob,
    Failure,
    FootageJob,
    Job,
    Outcome,
    PromptJob,
    Terms,
    failure_of,
    kind_of,
)
from flows.model import BadInput, Problem
from flows.nodes import ClusterSize, Watches, place_on_node
from flows.placing import elsewhere, end_worker, this_node, widest
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
def do_job(place: LedgerPlace, job: Job, terms: Terms) -> Outcome:
    """A CPU job in a worker process of the cluster."""
    guard_logs()
    return worker_of(place_on_node(place)).run(job, replace(terms, node=this_node()))


@ray.remote(max_restarts=0, max_task_retries=0)
class EngineActor:
    """A process that holds a loaded engine."""

    def __init__(self, place: LedgerPlace, on_gpu: bool) -> None:
        if not on_gpu:
            # One worker for each core: torch would start as many threads as there are cores in every one of them.
            os.environ["OMP_NUM_THREADS"] = "1"
        guard_logs()
        self._worker = Worker(place_on_node(place))

    def run(self, work: EngineJob | Batch, terms: Terms) -> Outcome:
        """Render shots or encode texts."""
        return self._worker.run(work, replace(terms, node=this_node()))


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
        #: Cores beyond the first, of jobs that have several for themselves.
        self._further_cores: dict[str, int] = {}
        #: Engine -> the machine that it is on, once it has said so.
        self._homes: dict[Any, str] = {}
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
        busy = len(self._running) - (rendering if self._needs_gpu else 0) + sum(self._further_cores.values())
        return busy < self.slots

    def submit(self, ticket: str, work: Job | Batch, terms: Terms) -> None:
        """Start the job on a free worker."""
        if failure := self._send_files(work):
            self._not_sent.append((ticket, Outcome(failures={"": failure})))
            return
        if isinstance(work, PromptJob | FootageJob | Batch):
            engine = self._engine(terms.avoid)
            self._running[engine.run.remote(work, terms)] = (ticket, engine)
            return
        part, cores = 0.0, widest(terms.cores)
        if cores > 1:
            self._further_cores[ticket] = cores - 1
        if self._needs_gpu and isinstance(work, ConformJob):
            self._conforming.add(ticket)
            part = CONFORM_GPU
        task = do_job.options(num_gpus=part, **({"num_cpus": cores} if cores > 1 else {}), **elsewhere(terms.avoid))
        self._running[task.remote(self._place, work, terms)] = (ticket, None)

    def _engine(self, avoid: tuple[str, ...]) -> Any:
        """An engine that waits for work, else a new one, on a machine that is not to be avoided if there is another."""
        where = elsewhere(avoid, "GPU" if self._needs_gpu else "CPU")
        fitting = [engine for engine in self._idle_engines if not where or self._homes.get(engine) not in avoid]
        if fitting:
            self._idle_engines.remove(fitting[-1])
            return fitting[-1]
        if self._idle_engines and self._needs_gpu:
            self._dismiss(self._idle_engines.pop())  # it would keep the GPU that the new one is to have
        # A CPU engine reserves no core for life: `room` keeps the count. Told nothing, Ray puts an actor where a core
        # is and takes none; with `num_cpus=0` it would put engines on a head that only leads.
        share = {"num_gpus": 1 - CONFORM_GPU, "num_cpus": 0} if self._needs_gpu else {}
        options = EngineActor.options(**share, **where)  # type: ignore[attr-defined]  # the decorator
        return options.remote(self._place, self._needs_gpu)

    def _dismiss(self, engine: Any) -> None:
        self._homes.pop(engine, None)
        ray.kill(engine)

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
        self._forget(ticket)
        try:
            outcome: Outcome = ray.get(reference)
        except RayError as error:
            self._homes.pop(engine, None)
            return ticket, _lost(error)
        if engine is not None and any(failure.fault == INFRASTRUCTURE for failure in outcome.failures.values()):
            self._dismiss(engine)  # it says itself that its process is of no use any more
        elif engine is not None:
            self._homes[engine] = outcome.node
            self._idle_engines.append(engine)
        return ticket, outcome

    def _forget(self, ticket: str) -> None:
        self._conforming.discard(ticket)
        self._further_cores.pop(ticket, None)

    def end(self, ticket: str, node: str, pid: int) -> None:
        """Kill the worker that has the job. One that hangs may not hear Ray: its machine ends it and its programs."""
        for reference, (other, engine) in list(self._running.items()):
            if other == ticket:
                del self._running[reference]
                self._forget(ticket)
                if engine is not None:
                    self._dismiss(engine)
                else:
                    ray.cancel(reference, force=True)
                if node and pid:
                    end_worker(node, pid)

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


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Ray takes SIGTERM for itself and ends the process from within, by an abort: a run is to end as at Ctrl-C."""
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@_sigterm_as_interrupt()
def _start(workers: int, address: str) -> None:
    """Connect to a cluster, or start one of our own on the loopback interface for the time of the run."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address:
        modules = [str(ROOT / name) for name in ("flows", "generation", "audio")]
        try:
            ray.init(address=address, runtime_env={"py_modules": modules}, **quiet)
        except ConnectionError as error:
            raise _unreachable(address, error) from error
        return
    ray.init(
        address="local",  # without it Ray joins whatever cluster somebody has started on this machine
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        **quiet,
    )


def _unreachable(address: str, error: ConnectionError) -> BadInput:
    """The sentence for a cluster that we cannot join."""
    refused = "AuthToken" in str(error.__cause__)
    message = "the Ray cluster refuses our token" if refused else "the Ray cluster does not answer"
    fix = "Set RAY_AUTH_TOKEN to that of the cluster" if refused else "Check the address, and that `ray status` answers"
    return BadInput((Problem(address, None, "cluster", "not_available", "", message, fix),))


def _lacking(what: str, address: str) -> BadInput:
    """The sentence for a cluster that cannot do the work at all."""
    where = f"the Ray cluster at {address}" if address else "this machine"
    if what == "core":
        message = "it has no machine with a free core"
        fix = "Add one, or set `cluster_wait_seconds` if it grows by itself"
    else:
        message = "the engine needs a GPU and Ray sees none"
        fix = "Name a cluster with a GPU by --cluster, or choose an engine that needs none by --engine"
    return BadInput((Problem(where, None, None, "not_available", "", message, fix),))


def _lost(error: RayError) -> Outcome:
    """The worker is gone: killed by somebody, by the system for its memory, or with its machine."""
    died = isinstance(error, WorkerCrashedError | RayActorError | NodeDiedError)
    said = redact(str(error))
    if isinstance(error, OutOfMemoryError):
        words = "its worker was ended, because the memory of its machine was nearly full"
        return Outcome(failures={"": Failure(KILLED, "", words, FIXES[KILLED], trace=said)})
    message = "its worker process died" if died else f"Ray: {said.splitlines()[0]}"
    failure = Failure("worker_died", "", message, FIXES["worker_died"], trace=said)
    return Outcome(failures={"": failure})
