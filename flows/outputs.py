"""What a run leaves in OUT/<campaign>/: each creative's files as soon as they are finished, then the tables.

Copies out of the ledger; a file that is there already with the ledger's own size and time is not copied again. What
failed in this run is not left lying from an earlier one. Knows results and files; makes no media.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from flows.costs import Costs
from flows.creative import VIDEO, need
from flows.deliveries import DeliveryRecord
from flows.disclosure_payload import payloads, write_payloads
from flows.files import atomic_path, sync, write_json
from flows.ledger import Finished, Ledger
from flows.model import BadInput, Creative, Problem
from flows.placements import get_placement
from flows.policy.content import content_reviews
from flows.produce import CreativeResult, Delivered
from flows.records import content_of, declared_of, done_record, facts_of, failed_record
from flows.registry import Entry, Registry
from flows.sealing import MANIFEST
from flows.steps import DraftStep

FILM = ".mp4"
#: Code of a folder that somebody else writes to.
IN_USE = "in_use"
#: A review that exchanges a draft for a film has the folder for some milliseconds, a run for much longer.
PATIENCE_SECONDS = 1.0
#: Name in the package -> ending of the file beside the film.
BESIDE = {"poster.jpg": ".jpg", "captions.srt": ".srt", "captions.vtt": ".vtt"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which films a person must look at before they are more than drafts."""

    #: All of them.
    required: bool = False
    #: Why the campaign's policy wants somebody to look at a creative.
    reviews: Callable[[Creative], tuple[str, ...]] = lambda creative: ()

    def reasons(self, creative: Creative, content: Mapping[str, Any] | None) -> tuple[str, ...]:
        """Why somebody must look at a film, besides that the campaign asks for it of all."""
        return (*self.reviews(creative), *content_reviews(content, creative.synthetic_person))


class OutputFolder:
    """OUT/<campaign>/, held by one run at a time."""

    def __init__(self, folder: Path, campaign: str = "", landing_url: str = "", asked: Asked | None = None) -> None:
        self.folder = folder
        self._campaign, self._landing_url = campaign, landing_url
        self._asked = asked or Asked()
        self._lock: IO[str] | None = None

    def open(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Take the folder, from hands that work as briefly as a review's after a moment.

        Raises: BadInput when somebody keeps it for longer, as runs do.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / ".lock").open("w")
        until = time.monotonic() + patience_seconds
        while not _taken(lock):
            if time.monotonic() > until:
                lock.close()
                fix = "Wait for it to end, or write elsewhere with --out"
                message = "another run is writing here"
                raise BadInput((Problem(str(self.folder), None, None, IN_USE, "", message, fix),))
            time.sleep(0.05)
        self._lock = lock
        for half in (*self.folder.glob(".*.part*"), *self.folder.glob("*/.*.part*")):
            half.unlink(missing_ok=True)  # of a run that was killed; nobody else writes here while we hold the lock

    def close(self) -> None:
        """Give the folder back."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def publish(self, result: CreativeResult, ledger: Ledger, costs: Costs) -> list[DeliveryRecord]:
        """Bring a creative's files into place and say what became of each placement."""
        published = [self._publish_one(result, item, ledger, costs) for item in result.delivered]
        changed = [self._declare(result), *(changed for _, changed in published)]
        home = self.folder / result.plan.creative.creative_id
        if any(changed) and home.is_dir():
            sync(home)  # once for all of its files
        return [record for record, _ in published]

    def _declare(self, result: CreativeResult) -> bool:
        """Write what to tell each platform about AI; whether anything was written."""
        creative = result.plan.creative
        declared = [declared_of(item) for item in result.delivered if item.finished]
        made = payloads(declared, campaign=self._campaign, creative_id=creative.creative_id, locale=creative.locale)
        return write_payloads(self.folder / creative.creative_id, made)

    def _publish_one(
        self, result: CreativeResult, item: Delivered, ledger: Ledger, costs: Costs
    ) -> tuple[DeliveryRecord, bool]:
        """Bring one delivery into place; its record, and whether any file of it was written."""
        creative, placement = result.plan.creative, get_placement(item.step.placement)
        home = self.folder / creative.creative_id
        if item.finished is None:
            assert item.failure
            self._withdraw(home, placement.id)
            return failed_record(creative, placement.id, item.failure, item.attempts), True
        home.mkdir(parents=True, exist_ok=True)
        content = content_of(item, ledger)
        reasons = () if item.film.draft else self._asked.reasons(creative, content)
        approval = self._approval(item, ledger) if self._asked.required or reasons else ""
        film = item.finished if approval in ("", "approved") else need(ledger, _draft(item))
        changed = bring(film, VIDEO, home / f"{placement.id}{FILM}", settle=False)
        package = need(ledger, item.step.package)
        for name, ending in BESIDE.items():
            changed |= bring(package, name, home / f"{placement.id}{ending}", settle=False)
        record = done_record(creative, placement, item, costs.take(item), self._landing_url, approval, reasons)
        record = self._still_published(record, ledger)
        self._register(record, item, ledger)
        changed |= write_json(home / f"{placement.id}.json", facts_of(creative, item, record, ledger, package))
        return record, changed

    def _approval(self, item: Delivered, ledger: Ledger) -> str:
        """What people have said of exactly these bytes."""
        from flows.review.approvals import Approvals

        assert item.finished
        return Approvals(ledger.root).state(str(item.finished.facts["sha256"]))

    def _still_published(self, record: DeliveryRecord, ledger: Ledger) -> DeliveryRecord:
        """The line with what became of exactly these bytes before, unless people think otherwise of them now."""
        from flows.review.publications import Publications

        about = f"{self.folder.name}/{record.creative_id}/{record.placement}"
        if record.status in ("done", "approved") and Publications(ledger.root).has(record.sha256, about):
            return replace(record, status="published")
        return record

    def _register(self, record: DeliveryRecord, item: Delivered, ledger: Ledger) -> None:
        """Remember whose film this is, for a copy that comes back from a platform."""
        registry = Registry(ledger.root)
        registry.add(
            Entry(
                mark=record.mark_id,
                sha256=record.sha256,
                campaign=self._campaign,
                creative_id=record.creative_id,
                row=record.row,
                row_id=record.row_id,
                placement=record.placement,
                delivery=item.step.key,
            )
        )
        assert item.finished
        manifest = item.finished.file(MANIFEST)
        if manifest.is_file():
            registry.keep_manifest(record.sha256, manifest)

    def _withdraw(self, home: Path, placement: str) -> None:
        """Take away what an earlier run delivered here: it is not what this run was asked for."""
        for ending in (FILM, *BESIDE.values(), ".json"):
            (home / f"{placement}{ending}").unlink(missing_ok=True)
        with suppress(OSError):  # other placements are still there
            home.rmdir()


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_busy(error: BadInput) -> bool:
    """Whether nothing is wrong but that another run has the folder."""
    return all(problem.code == IN_USE for problem in error.problems)


def _draft(item: Delivered) -> DraftStep:
    drafts = (step for step in item.film.further if isinstance(step, DraftStep))
    return next(step for step in drafts if step.placement == item.step.placement)


def bring(finished: Finished, name: str, target: Path, *, settle: bool = True) -> bool:
    """Copy a file out of the ledger unless the same one is there; remove what the ledger does not have.

    Returns whether anything was written; `settle` is that of `atomic_path`.
    """
    source = finished.folder / name
    if not source.is_file():
        target.unlink(missing_ok=True)
        return False
    facts = source.stat()
    with suppress(OSError):
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
            return False
    with atomic_path(target, settle=settle) as part:
        shutil.copyfile(source, part)
        os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return True
