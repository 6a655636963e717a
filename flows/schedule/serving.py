"""`spotmill schedule` and `spotmill schedules serve`: one process on one machine that runs campaigns when they are due.

Where no server is named it keeps one of its own; beside it runs a Prefect worker, whose runs are processes. Both are
ended with it, however it ends. On several machines use a server and work pools of your own instead (`deploy/`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.brief import load_campaign
from flows.budget import read_budget
from flows.embedded_server import watch
from flows.feed_command import Stop
from flows.model import BadInput, Problem
from flows.order import Order
from flows.schedule import server
from flows.schedule.deployments import POOL, PROCESS, Wish, crash_left_over, ensure_pool, put
from flows.schedule.times import next_times, read_times, spoken
from flows.variants import slug

if TYPE_CHECKING:
    from flows.settings import Settings

Say = Callable[[str], None]
#: What a run that is told to stop has for it.
STOP_SECONDS = 15.0


def schedule_campaign(
    campaign: Path,
    settings: Settings,
    choice: Mapping[str, Any],
    crons: Sequence[str],
    *,
    timezone: str,
    pool: str,
    serve: bool,
    port: int,
    say: Say,
) -> None:
    """Put a campaign on the clock; with `serve`, run what is due until told to end.

    Raises: BadInput for a campaign, times, a server or a pool that cannot be used.
    """
    read = load_campaign(campaign)
    if choice.get("budget"):
        read_budget(choice["budget"], settings, gpu=True)
    name = slug(read.name)
    parameters = parameters_of(Order.of(read.folder, choice), settings)
    with _server(port, say) if serve else _connected() as running:
        times = read_times(crons, timezone)
        new = put(Wish(name, parameters, times, pool or POOL, Path.cwd()))
        say(f"{'Scheduled' if new else 'Rescheduled'} {name}: {times.sentence()}.")
        say("Next: " + "; ".join(map(spoken, next_times(times))) + ".")
        if serve:
            _work(running, pool or POOL, say)
        elif not pool:
            say("It runs while `spotmill schedules serve` does.")


def parameters_of(order: Order, settings: Settings) -> dict[str, Any]:
    """The flow's parameters that differ from its own defaults, as JSON has them; paths are absolute."""
    from dataclasses import fields

    given = {
        field.name: getattr(order, field.name) for field in fields(order) if field.default != getattr(order, field.name)
    }
    return {**given, "campaign": str(order.campaign), "out": str(settings.out.absolute())}


def serve_schedules(pool: str, port: int, say: Say) -> None:
    """Run what is due until told to end. Raises: BadInput when it cannot be begun, or its server or worker ends."""
    with _server(port, say) as running:
        _work(running, pool, say)


@contextmanager
def _connected() -> Iterator[None]:
    server.connect()
    yield None


@contextmanager
def _server(port: int, say: Say) -> Iterator[subprocess.Popen[bytes] | None]:
    """The user's server, or one of our own for the time of the block."""
    if server.is_users():
        say(f"Server: {server.connect()}")
        yield None
    else:
        with server.own_server(port, say) as process:
            yield process


def _work(running: subprocess.Popen[bytes] | None, pool: str, say: Say) -> None:
    """A worker beside the server, until a signal or the end of either."""
    _check_pool(pool)
    if running and (dead := crash_left_over()):
        say(f"{dead} earlier run(s) did not end by themselves, and are marked as crashed.")
    stop = Stop()
    stop.listen()
    words = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--install-policy", "never"]
    worker = subprocess.Popen(words, env=dict(os.environ), start_new_session=True)
    watch(worker.pid)
    say("Serving schedules. Ctrl+C ends it; a run that is going on is stopped, and goes on at its next time.")
    try:
        while not stop.wait(0.5):
            ended = (
                "worker" if worker.poll() is not None else "server" if running and running.poll() is not None else ""
            )
            if ended:
                message = f"Prefect's {ended} ended by itself"
                fix = f"See what it said above, or {server.home() / 'server.log'}; then begin again"
                raise BadInput((Problem("prefect", None, None, f"{ended}_ended", "", message, fix),))
    finally:
        _stop_runs(worker.pid)
        server.end(worker)


def _stop_runs(worker: int) -> None:
    """Stop the runs before their worker, so that they can still say that they were: else the server takes them for
    living, and cancels what comes due."""
    until = time.monotonic() + STOP_SECONDS
    runs = _children(worker)
    for run in runs:
        with suppress(ProcessLookupError):
            os.kill(run, signal.SIGTERM)
    while set(runs) & set(_children(worker)) and time.monotonic() < until:
        time.sleep(0.1)


def _children(process: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()]
    return []


def _check_pool(pool: str) -> None:
    """Raises: BadInput for a pool whose runs are no processes of this machine."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        kind = ensure_pool(client, pool)
    if kind != PROCESS:
        message = f"runs of this pool are made by workers of the kind {kind}"
        fix = f"Start one of them: prefect worker start --pool {pool}"
        raise BadInput((Problem("--pool", None, None, "other_pool", pool, message, fix),))
