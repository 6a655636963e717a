"""Prefect's environment for a run without a server of the user's: quiet, local, quick to start.

Must be applied before Prefect is imported. Where the user has named a server (PREFECT_API_URL, or a profile of theirs),
nothing is touched: it is theirs to configure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

#: Background services of the embedded server that a single run has no use for: 10 CPU seconds less at start.
SERVICES = (
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "TRIGGERS",
    "EVENT_PERSISTER",
    "EVENT_LOGGER",
    "CANCELLATION_CLEANUP",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
)


def use_embedded_server(home: Path, environment: MutableMapping[str, str] = os.environ) -> bool:
    """Configure Prefect's own embedded server with its state below `home`; False when the user has a server."""
    if environment.get("PREFECT_API_URL") or environment.get("PREFECT_PROFILE"):
        return False
    environment.setdefault("PREFECT_HOME", str(home.absolute()))
    # Prefect makes this folder but not the one above; without it the server starts over and over until the timeout.
    Path(environment["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    environment.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
    # 20 s, the default, is missed on a loaded machine; the start itself takes 8 s here.
    environment.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    environment.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    environment.setdefault("PREFECT_TELEMETRY_ENABLED", "false")
    environment.setdefault("DO_NOT_TRACK", "1")
    environment.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    environment.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    # Server and client of this run share a password that nobody else on the machine knows; it is in no file.
    names = ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING")
    given = next((environment[name] for name in names if environment.get(name)), "")
    environment.update(dict.fromkeys(names, given or f"spotmill:{secrets.token_hex(32)}"))
    for service in SERVICES:
        environment.setdefault(f"PREFECT_SERVER_SERVICES_{service}_ENABLED", "false")
    return True
