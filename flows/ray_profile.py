"""Ray's environment for a run that starts its own Ray: no telemetry, loopback only, a token that only this run knows.

Must be applied before Ray is imported: its core reads the environment then. A cluster of the user's is left alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping


def use_local_ray(environment: MutableMapping[str, str] = os.environ) -> None:
    """Configure a Ray of our own."""
    environment.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no network unless asked for
    environment.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Without it Ray takes 127.0.0.1 for a mistake, puts the machine's own address in its place, and its seven ports,
    # metrics among them, listen on every interface. The name is of the systems where Ray has this off by default.
    environment.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    environment.setdefault("RAY_AUTH_MODE", "token")
    if not environment.get("RAY_AUTH_TOKEN_PATH"):
        # In the environment of this run's processes only, never in a file: nobody else on the machine can send jobs.
        environment.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
