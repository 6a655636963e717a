"""`spotmill watch` as a process: what it is told to do, how it runs the campaign, and how it ends within seconds.

`feed.py` has what happens at a look. Does not know what rows mean.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from flows.brief import load_campaign
from flows.feed import Say, Watcher
from flows.feed_sources import FileSource, open_source
from flows.model import BadInput, Problem
from flows.status import is_running
from flows.variants import slug

if TYPE_CHECKING:
    from flows.settings import Settings

#: What a run that is told to stop has for it, before its processes are killed.
STOP_SECONDS = 8.0


def command_line(campaign: Path, choice: Mapping[str, Any]) -> list[str]:
    """`spotmill run` with the options that `watch` was given."""
    words = [sys.executable, "-m", "flows", "run", str(campaign)]
    for name, value in choice.items():
        if value not in (None, False):
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return words


class Stop:
    """Set by SIGTERM or Ctrl+C; whoever waits for it wakes at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take both signals for the rest of this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def _set(self, number: int, frame: FrameType | None) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long; True when it is to end."""
        return self._event.wait(seconds)

    def run(self, words: list[str]) -> int:
        """Run a command to its end, or end it: the same Ctrl+C that a person gives, then by force."""
        child = subprocess.Popen(words, start_new_session=True)
        while child.poll() is None and not self.wait(0.2):
            pass
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
        return child.wait()


@contextmanager
def only_watcher(memory: Path) -> Iterator[None]:
    """Hold the campaign's feed. Raises: BadInput when another process watches it."""
    memory.parent.mkdir(parents=True, exist_ok=True)
    with memory.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            fix = "End it first, or leave this one out"
            problem = Problem(memory.stem, None, None, "watched", "", "this campaign is being watched already", fix)
            raise BadInput((problem,)) from error
        yield


def watch_campaign(
    campaign: Path, settings: Settings, choice: Mapping[str, Any], feed: str, *, every: float, once: bool, say: Say
) -> int:
    """What `spotmill watch` does. Returns the exit code: with `once` that of the run, 0 when there was nothing to do.

    Raises: BadInput for a campaign or a feed that cannot be read at all, or that is watched already.
    """
    read = load_campaign(campaign)
    name = slug(read.name)
    memory = settings.ledger_folder / "feeds" / f"{name}.json"
    home = settings.out.absolute() / name
    source = open_source(feed, settings.ledger_folder) if feed else FileSource(read.rows_file)
    stop = Stop()
    words = command_line(campaign, choice)
    with only_watcher(memory):
        stop.listen()
        watcher = Watcher(
            read.folder,
            read.rows_file,
            source,
            memory,
            lambda: stop.run(words),
            lambda: is_running(home),
            say,
            stop.wait,
        )
        if once:
            code = watcher.look()
            return code if code is not None else 2 if watcher.waiting else 0
        say(f"Watching {source.place}, every {every:g} s. Ctrl+C ends it.")
        watcher.watch(every)
    return 0
