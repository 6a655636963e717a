"""One run of a campaign, exactly as `spotmill run` makes it, with notes of its memory as it goes.

Started by `soak.py` as a process of its own, so that the memory is that of the driver and of nothing else. Every so
many creatives it notes how much of this process is resident and how full Ray's object store is; at the end what every
kind of step took. `python -m benchmarks.soak_driver CAMPAIGN OUT NOTES [EVERY]`
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from flows.order import Order
from flows.prefect_profile import use_embedded_server
from flows.progress import Progress
from flows.redaction import guard_logs
from flows.settings import load_settings
from flows.studio import Run


def main() -> None:
    """Run, and write what was noted."""
    campaign, out, notes = map(Path, sys.argv[1:4])
    every = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    guard_logs()
    began = time.monotonic()
    run = Run(Order(campaign), load_settings({"out": out}, {}, Path.cwd()))
    run.read()
    looks = Looks(every)
    use_embedded_server(run.settings.ledger_folder / "prefect")
    from flows.campaign import run_order

    summary = run_order(run, looks)
    notes.write_text(
        json.dumps(
            {
                "sentence": summary.sentence(),
                "counts": dict(summary.counts),
                "planned": run.records.planned,
                "wall_seconds": round(time.monotonic() - began, 1),
                "steps": {kind: asdict(cost) for kind, cost in run.costs.by_kind.items()},
                "looks": looks.taken,
                "driver_cpu_seconds": time.process_time(),
                "resident_at_end_mib": resident_mib(),
            },
            indent=2,
        ),
        "utf-8",
    )


class Looks:
    """Listens to a run; every so many deliveries it looks at the memory of this process and of the object store."""

    def __init__(self, every: int) -> None:
        self._every, self._next = every, 0
        self.taken: list[dict[str, float]] = []

    def __call__(self, progress: Progress) -> None:
        """Look, when it is time."""
        done = progress.deliveries_done + progress.deliveries_failed
        if done < self._next and done < progress.deliveries_total:
            return
        self._next = done + self._every
        look = {"deliveries": done, "resident_mib": resident_mib(), "store_mib": object_store_mib()}
        look["cpu_seconds"] = round(time.process_time(), 2)
        if not self.taken or self.taken[-1]["deliveries"] != done:
            self.taken.append(look)


def resident_mib() -> float:
    """What of this process is in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * 4096 / 2**20, 1)


def object_store_mib() -> float:
    """How much of Ray's object store is taken; 0 while Ray is not there."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return 0.0
    total, free = (kind().get("object_store_memory", 0.0) for kind in (ray.cluster_resources, ray.available_resources))
    return round((total - free) / 2**20, 2)


if __name__ == "__main__":
    main()
