"""What a run shows on a Prefect server of the user's: progress, failures. Without one nobody could look.

Also sees to it that a killed run does not leave Prefect's embedded server behind. Knows progress; not what is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.server.api.server import SubprocessASGIServer

from flows.embedded_server import watch
from flows.progress import Progress

#: Lines of the table of failures; results.csv has all.
MOST_FAILURES = 500


def has_server() -> bool:
    """Whether anybody can look at artifacts: the embedded server ends with the run."""
    return bool(os.environ.get("PREFECT_API_URL"))


def watch_embedded_server() -> None:
    """End the embedded server, where there is one, with this process, however that ends."""
    process = None if has_server() else SubprocessASGIServer().server_process
    if process is not None:
        watch(process.pid)


def show_progress(steps: Iterable[Progress], name: str) -> None:
    """Go through a production to its end, showing how far it is and what has failed."""
    if not has_server():
        for _ in steps:
            pass
        return
    artifact = create_progress_artifact(progress=0.0, key="progress", description=name)
    logger = get_run_logger()
    percent = failed = 0
    for progress in steps:
        if int(progress.percent) > percent:
            percent = int(progress.percent)
            update_progress_artifact(artifact, progress=progress.percent)  # type: ignore[arg-type]  # sync here
        if progress.deliveries_failed > failed:
            failed = progress.deliveries_failed
            logger.warning("%s deliveries failed so far: %s", failed, progress.last_failure)


def show_failures(failures: Sequence[Mapping[str, object]]) -> None:
    """A table of what failed."""
    if has_server() and failures:
        create_table_artifact(key="failures", table=[dict(line) for line in failures[:MOST_FAILURES]])
