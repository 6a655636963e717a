"""Figures of a run for Prometheus: OUT/<campaign>/metrics.prom, as its node exporter's textfile collector reads them.

A batch run is gone before a server could scrape it, so the figures are left as a file, renewed at the end of each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.costs import Costs
from flows.energy import Energy
from flows.files import write_whole

NAME = "metrics.prom"


def write_metrics(
    folder: Path, campaign: str, counts: Mapping[str, int], costs: Costs, ended: float, energy: Energy
) -> None:
    """Write the figures of the run that ended at `ended` (Unix seconds). Raises: NoSpace, CannotWrite."""
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, values: Mapping[str, float], label: str = "") -> None:
        names = ["campaign", label] if label else ["campaign"]
        one = Gauge(f"spotmill_{name}", meaning, names, registry=registry)
        for value_of, value in values.items():
            one.labels(campaign, *([value_of] if label else [])).set(value)

    gauge("deliveries", "Deliveries of the last run by state", counts, "state")
    kinds = costs.by_kind
    gauge("steps_made", "Steps made in the last run", {kind: cost.made for kind, cost in kinds.items()}, "kind")
    gauge("steps_found", "Steps found in the ledger", {kind: cost.found for kind, cost in kinds.items()}, "kind")
    gauge("step_seconds", "Wall seconds of steps", {kind: cost.seconds for kind, cost in kinds.items()}, "kind")
    gauge("step_cpu_seconds", "CPU seconds of steps", {kind: cost.cpu_seconds for kind, cost in kinds.items()}, "kind")
    gauge("gpu_seconds", "GPU seconds of the last run", {"": costs.gpu_seconds})
    gauge("last_run_ended_seconds", "When the last run ended, in Unix seconds", {"": ended})
    # What is unknown is left out: a 0 would be read as free.
    known = {"cost_usd": costs.usd, "energy_kwh": energy.kwh, "emissions_gco2": energy.gco2}
    for name, value in known.items():
        if value is not None:
            gauge(name, f"{name} of the last run", {"": value})
    write_whole(folder / NAME, generate_latest(registry))
