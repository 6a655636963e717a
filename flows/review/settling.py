"""Keeps OUT/<campaign>/ in step with decisions while a review goes on, without making anybody wait.

Decisions are in the ledger when the page hears of them; exchanging drafts for films and writing results.csv follows
here, on one thread, many decisions at once. While a run holds the folder it is tried again; the run itself, the next
review and `publish` do the same work, so nothing is lost with this thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from flows.files import CannotWrite
from flows.ledger import Ledger
from flows.model import BadInput
from flows.review.release import release

_PAUSE_SECONDS = 0.25
_AGAIN_SECONDS = 2.0


class Settler:
    """A thread that releases what was decided."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder, self._ledger = folder, ledger
        self._due: set[str] = set()
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="settler", daemon=True)
        #: What could not be done last time, as one sentence; "" when all is well.
        self.note = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do what is due once more, then end."""
        self._ended.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, films: Iterable[str]) -> None:
        """These films have been decided about."""
        with self._lock:
            self._due.update(films)
        self._news.set()

    def _work(self) -> None:
        while not self._ended.is_set():
            self._news.wait()
            self._news.clear()
            self._ended.wait(_PAUSE_SECONDS)  # decisions often come in bursts
            if not self._settle() and not self._ended.wait(_AGAIN_SECONDS):
                self._news.set()
        self._settle()

    def _settle(self) -> bool:
        """Release what is due. False when it has to be tried again."""
        with self._lock:
            due, self._due = self._due, set()
        if not due:
            return True
        try:
            problems = release(self._folder, self._ledger, due)
        except (BadInput, CannotWrite) as error:
            first = error.problems[0].sentence() if isinstance(error, BadInput) else str(error)
            self.note = f"Decisions are kept; the films in the folder follow later. {first}"
            with self._lock:
                self._due |= due
            return False
        self.note = problems[0].sentence() if problems else ""
        return True
