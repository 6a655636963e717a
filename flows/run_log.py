"""run.log: what was made when, and every failure with its trace, without secrets. Knows no run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.redaction import Redaction


class _Log(logging.FileHandler):
    """A log for which the disk has no room is no fault of the films, nor news for the terminal at every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing."""

    def close(self) -> None:
        """Close the file; its last lines may not fit any more."""
        with suppress(OSError):
            super().close()


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Send Spotmill's log lines to a file for the time of a run; the terminal stays clear."""
    log = logging.getLogger("spotmill")
    handler = _Log(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(Redaction())
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = before
        handler.close()
