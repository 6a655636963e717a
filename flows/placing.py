"""Where on a Ray cluster a job goes, and how a process there is ended that hangs.

A job whose worker died somewhere goes to another machine while there is one. One that was killed for its memory gets
more cores, and so fewer neighbours, up to those of the largest machine. Knows machines, no jobs.
"""

from __future__ import annotations

from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from flows.ending import end_process
from flows.redaction import guard_logs

#: How the command line of Ray's workers begins.
WORKER = "ray::"
#: The label that Ray gives each machine.
NODE_LABEL = "ray.io/node-id"
ANYWHERE: list[dict[str, dict[str, str]]] = [{"label_selector": {}}]


def this_node() -> str:
    """The machine that this worker is on."""
    return str(ray.get_runtime_context().get_node_id())


def elsewhere(avoid: tuple[str, ...], resource: str = "CPU") -> dict[str, Any]:
    """Options of a task or an actor that is not to run on these machines; none when no other one has what it needs.

    Work on cores waits for a place elsewhere. GPUs are held for as long as the run lasts: where those elsewhere are all
    taken, one of the avoided machines is better than waiting for ever.
    """
    if not avoid:
        return {}
    able = {node["NodeID"]: node["Resources"].get(resource, 0) >= 1 for node in _alive()}
    others = [name for name, fits in able.items() if fits and name not in avoid]
    if not others or able.keys().isdisjoint(avoid):
        return {}
    refused = [name for name in able if name not in others]
    # No blank after the comma: Ray 2.60 takes it for a part of the name, and the machine is not refused.
    selector = {"label_selector": {NODE_LABEL: f"!in({','.join(refused)})"}}
    return selector | ({"fallback_strategy": ANYWHERE} if resource == "GPU" else {})


def widest(cores: int) -> int:
    """So many cores, or those of the largest machine: more would never be free at once."""
    return cores if cores == 1 else max(1, min(cores, int(max(node["Resources"].get("CPU", 0) for node in _alive()))))


def end_worker(node: str, pid: int) -> None:
    """Kill a worker and all that it has started, on whichever machine it is; does not wait for it."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    _end_here.options(scheduling_strategy=there).remote(pid)


@ray.remote(num_cpus=0, max_retries=0)
def _end_here(pid: int) -> None:
    guard_logs()
    end_process(pid, WORKER)


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
