"""How patient the client is, and which clock it goes by: objects that are handed in, so that tests wait for nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times and sizes. With the defaults a server may be away for about a minute before a shot is given up."""

    backoff_seconds: float = 1.0
    most_backoff_seconds: float = 30.0
    tries: int = 7
    #: A server that asks for more than this (Retry-After) is not waited for in a worker.
    most_wait_seconds: float = 300.0
    poll_seconds: float = 2.0
    most_poll_seconds: float = 15.0
    connect_seconds: float = 10.0
    #: Between two packets of an answer; a first request may load a model.
    answer_seconds: float = 120.0
    download_seconds: float = 900.0
    #: A minute of 1080p at 60 Mbit/s is 450 MB.
    most_film_bytes: int = 512 << 20
    most_answer_bytes: int = 1 << 20


class Clock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
