"""Trying again: what may pass is asked for anew, with growing pauses, as often and as long as the limits say.

Knows no HTTP: a call raises `Passing` for what is worth another try, and anything else for what is not.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable
from typing import TypeVar

from generation.engines.videos_api.limits import Clock, Limits
from generation.errors import GenerationError

_T = TypeVar("_T")


class Passing(Exception):
    """A fault that is tried again: what it is in the end, when the server wants to be asked, whether it may be done."""

    def __init__(self, fault: GenerationError, wait_seconds: float | None = None, *, lost: bool = False) -> None:
        super().__init__(str(fault))
        self.fault, self.wait_seconds, self.lost = fault, wait_seconds, lost


class Retries:
    """`Retries(limits, clock).run(call)`."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._jitter = random.Random()  # noqa: S311 - spreads retries in time, guards nothing

    def run(self, once: Callable[[], _T], recover: Callable[[], _T | None] = lambda: None) -> _T:
        """What `once` returns, at last. After a lost answer `recover` looks for what it has done before.

        Raises: the fault of `Passing` when tries or patience end, and whatever else `once` raises.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return once()
            except Passing as passing:
                self._pause(passing, attempt)
                found = recover() if passing.lost else None
                if found is not None:
                    return found

    def _pause(self, passing: Passing, attempt: int) -> None:
        """Wait before the next try, or raise the fault when there is none."""
        limits, wait = self._limits, passing.wait_seconds
        lost = "; the server may be making the shot all the same" if passing.lost else ""
        if attempt >= limits.tries:
            raise type(passing.fault)(f"{passing.fault} (tried {attempt} times{lost})") from None
        if wait is not None and wait > limits.most_wait_seconds:
            raise type(passing.fault)(f"{passing.fault} (it wants to be asked again in {wait:.0f} s{lost})") from None
        backoff = min(limits.most_backoff_seconds, limits.backoff_seconds * 2.0 ** (attempt - 1))
        # Jitter: workers that were turned away together do not come back together.
        self._clock.sleep((wait or 0.0) + backoff * self._jitter.uniform(0.5, 1.0))


def retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header: a number, or a date; None where it is neither."""
    if text.strip().replace(".", "", 1).isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, IndexError):
        return None
