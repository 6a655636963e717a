"""Ray's environment for a run that starts its own Ray: no telemetry, loopback only, a token that only this run knows.

Must be applied before Ray is imported: its core reads the environment then. A cluster of the user's is left alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping

#: How often Ray's daemons look at things that one machine and one run have no use for. They take a part of the cores
#: for as long as a run lasts: 43 ms of CPU in each second as Ray comes, a fifth less so. Events of tasks, which nobody
#: reads without a dashboard, would also be kept in memory. What looks for dead workers keeps Ray's pace.
TIMERS = {
    "RAY_task_events_report_interval_ms": "0",
    "RAY_event_stats": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_enable_open_telemetry": "0",
    "RAY_metrics_report_interval_ms": "60000",
    "RAY_raylet_check_gc_period_milliseconds": "10000",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "5000",
    "RAY_report_worker_backlog_interval_ms": "5000",
    "RAY_object_manager_timer_freq_ms": "1000",
    "AUTOSCALER_UPDATE_INTERVAL_S": "60",
    "LOG_NAME_UPDATE_INTERVAL_S": "30",
}


def use_local_ray(environment: MutableMapping[str, str] = os.environ) -> None:
    """Configure a Ray of our own."""
    environment.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no network unless asked for
    environment.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Without it Ray takes 127.0.0.1 for a mistake, puts the machine's own address in its place, and its seven ports,
    # metrics among them, listen on every interface. The name is of the systems where Ray has this off by default.
    environment.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    environment.setdefault("RAY_AUTH_MODE", "token")
    for name, value in TIMERS.items():
        environment.setdefault(name, value)
    if not environment.get("RAY_AUTH_TOKEN_PATH"):
        # In the environment of this run's processes only, never in a file: nobody else on the machine can send jobs.
        environment.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
