"""News for the pages that are open: events in the order in which this server met them, whoever wrote them.

A page says how much it has heard and gets the rest. Other servers and `spotmill approve` write to the same ledger, so
the folders are listed again and again: by names, because time stamps of file systems are too coarse to trust.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import asdict

from flows.review.approvals import Approvals, History, event_names

#: Listing is at most a fifth of a core's work, however many films there are.
_REST = 4.0
_SHORTEST_SECONDS = 0.4


class Wire:
    """Every event about some films, in the order of arrival."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals
        self._lock = threading.Lock()
        self._log: list[dict[str, object]] = []
        self._names: dict[str, tuple[str, ...]] = {}
        self._heard: set[str] = set()
        self._histories: dict[str, History] = {}
        self._next_scan = 0.0

    def look(self, films: Iterable[str], *, at_once: bool = False) -> None:
        """List the folders of these films and take in what is new."""
        with self._lock:
            began = time.monotonic()
            if not at_once and began < self._next_scan:
                return
            for sha256 in films:
                self._look_at(sha256)
            ended = time.monotonic()
            self._next_scan = ended + max(_SHORTEST_SECONDS, _REST * (ended - began))

    def _look_at(self, sha256: str) -> None:
        names = event_names(self._approvals.folder(sha256))
        if names == self._names.get(sha256, ()):
            return
        history = self._approvals.history(sha256)
        self._names[sha256], self._histories[sha256] = names, history
        fresh = [event for event in history.events if event.id not in self._heard]
        self._heard.update(event.id for event in fresh)
        self._log += [asdict(event) for event in fresh]
        if not fresh:  # a damaged file, or one that is gone: the state may be another
            self._log.append({"sha256": sha256, "kind": "changed"})

    def since(self, number: int) -> tuple[int, list[dict[str, object]], dict[str, dict[str, object]]]:
        """How many events there are now, those after the first `number`, and how the films they are about stand."""
        with self._lock:
            fresh = self._log[max(0, number) :]
            about = {str(event["sha256"]) for event in fresh}
            return len(self._log), fresh, {sha256: self._standing(sha256) for sha256 in sorted(about)}

    def _standing(self, sha256: str) -> dict[str, object]:
        history = self._histories.get(sha256, History())
        return {"state": history.state, "damaged": list(history.damaged)}

    def knows(self, sha256: str, ids: Iterable[str]) -> bool:
        """Whether all these events are about this film: nobody can have seen what is not there."""
        with self._lock:
            return set(ids) <= set(self._histories.get(sha256, History()).ids)
