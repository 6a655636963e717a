"""Signs of life: whoever decodes, draws or encodes frames says how many there are by now, to whoever listens.

A film of an hour takes its time and a hung program takes for ever; what tells them apart is whether another frame has
come. Does not know who listens, nor what becomes of work that has fallen silent: only that a program which `ffmpeg.py`
has started is ended there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

#: An encoder holds some sixty frames back at the most and the slowest machine that was measured makes two in a second.
SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody who listens."""

    #: Told what is being done, how many frames are there, and how many there will be; 0 where that is not known.
    seen: Callable[[str, int, int], None]
    #: A program that shows no new frame for so long is ended.
    silence_seconds: float = SILENCE_SECONDS


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """What is done in here, by this thread, is told to the watch."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tell(what: str, done: int, total: int = 0) -> None:
    """Say how many frames there are. Equal numbers mean that this is over, and that what follows has none to count."""
    watch = _WATCH.get()
    if watch is not None:
        watch.seen(what, done, total)


def silence_seconds() -> float:
    """How long a program may show no new frame."""
    watch = _WATCH.get()
    return watch.silence_seconds if watch is not None else SILENCE_SECONDS
