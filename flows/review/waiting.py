"""Waiting for people: a flow may stop here until somebody has decided about every delivery, or until its deadline.

Reads the ledger again and again and says how many still wait. Knows no Prefect; time comes in as functions, so that a
test waits for days in a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.ledger import Ledger
from flows.review.approvals import APPROVED, REJECTED, WAITING, Approvals
from flows.review.gallery import Gallery, open_gallery
from flows.review.release import release

POLL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How the deliveries that somebody must approve stand."""

    approved: int
    rejected: int
    waiting: int
    #: The deadline has passed while some still waited.
    late: bool = False

    def sentence(self) -> str:
        """One line for a log."""
        end = " The deadline has passed." if self.late else ""
        return f"{self.approved} approved, {self.rejected} rejected, {self.waiting} wait for a decision.{end}"


def standing_of(gallery: Gallery, approvals: Approvals) -> Standing:
    """How they stand now."""
    records = (record for record in gallery.finished() if gallery.wants_person(record))
    states = [approvals.state(record.sha256) for record in records]
    return Standing(states.count(APPROVED), states.count(REJECTED), states.count(WAITING))


def wait_and_release(folder: Path, ledger: Ledger, hours: float) -> Iterator[str]:
    """Wait until nobody has to decide any more, or the hours are over; then put finals in their place.

    Yields what there is to say meanwhile. Raises: BadInput when no finished run is in the folder.
    """
    for standing in watch_decisions(folder, Approvals(ledger.root), until=time.time() + hours * 3600):
        yield f"{standing.sentence()} Review with: spotmill review {folder}"
    for problem in release(folder, ledger):
        yield problem.sentence()


def watch_decisions(
    folder: Path,
    approvals: Approvals,
    *,
    poll_seconds: float = POLL_SECONDS,
    until: float,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Standing]:
    """How the deliveries stand, whenever that has changed; the last one has nobody waiting, or is `late`.

    `until` is a moment as `now` gives it. Raises: BadInput when no finished run is in the folder.
    """
    before: Standing | None = None
    while True:
        standing = standing_of(open_gallery(folder), approvals)
        if standing != before:
            yield standing
        if not standing.waiting:
            return
        left = until - now()
        if left <= 0:
            yield Standing(standing.approved, standing.rejected, standing.waiting, late=True)
            return
        before = standing
        sleep(min(poll_seconds, left))
