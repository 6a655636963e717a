"""What happened in the runs of a campaign, one JSON object a line: OUT/<campaign>/events.jsonl.

Every line has `at` (Unix seconds), `run` and `event`; lines about one ad have its `trace`, the same in every run. Made
for log collectors, and read back by `spotmill why` and the report's timeline. Holds no texts of customers and no
secrets: ids, keys, figures, and messages of failures as results.csv has them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flows.files import appending

NAME = "events.jsonl"
#: A log of a million events is set aside when the next run begins; the one before it is dropped.
LIMIT_BYTES = 128 << 20

Event = dict[str, Any]


def trace_id(campaign: str, creative_id: str) -> str:
    """32 hex digits, as tracing systems take them: one ad, in all its runs."""
    return hashlib.sha256(f"{campaign}\0{creative_id}".encode()).hexdigest()[:32]


class EventLog:
    """The log of one run, open for appending: `with EventLog(folder, run) as log: log.write("step_made", kind=…)`."""

    def __init__(self, folder: Path, run: str) -> None:
        self._path, self._run = folder / NAME, run

    def __enter__(self) -> Self:
        if self._path.is_file() and self._path.stat().st_size > LIMIT_BYTES:
            self._path.replace(self._path.with_suffix(".jsonl.old"))
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        return self

    def write(self, event: str, **facts: object) -> None:
        """Append one event. A line is written in one call: a process killed in between leaves whole lines."""
        line = {"at": round(time.time(), 3), "run": self._run, "event": event, **facts}
        with appending(self._path):
            os.write(self._file, (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


def read_events(folder: Path) -> Iterator[Event]:
    """All events of a campaign, oldest first; a line that a full disk cut off is left out."""
    path = folder / NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event
