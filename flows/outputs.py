"""What a run leaves in OUT/<campaign>/: each creative's files as soon as they are finished, then the tables.

Copies out of the ledger; a file that is there already with the ledger's own size and time is not copied again. What
failed in this run is not left lying from an earlier one. Knows results and files; makes no media.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flows.costs import Costs
from flows.creative import VIDEO, need
from flows.deliveries import DeliveryRecord
from flows.disclosure_payload import payloads, write_payloads
from flows.files import atomic_path, write_whole
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

    def open(self) -> None:
        """Take the folder.

        Raises: BadInput when another run has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / ".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            fix = "Wait for it to end, or write elsewhere with --out"
            problem = Problem(str(self.folder), None, None, "in_use", "", "another run is writing here", fix)
            raise BadInput((problem,)) from error
        self._lock = lock

    def close(self) -> None:
        """Give the folder back."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def publish(self, result: CreativeResult, ledger: Ledger, costs: Costs) -> list[DeliveryRecord]:
        """Bring a creative's files into place and say what became of each placement."""
        records = [self._publish_one(result, item, ledger, costs) for item in result.delivered]
        self._declare(result)
        return records

    def _declare(self, result: CreativeResult) -> None:
        """Write what to tell each platform about AI."""
        creative = result.plan.creative
        declared = [declared_of(item) for item in result.delivered if item.finished]
        made = payloads(declared, campaign=self._campaign, creative_id=creative.creative_id, locale=creative.locale)
        write_payloads(self.folder / creative.creative_id, made)

    def _publish_one(self, result: CreativeResult, item: Delivered, ledger: Ledger, costs: Costs) -> DeliveryRecord:
        creative, placement = result.plan.creative, get_placement(item.step.placement)
        home = self.folder / creative.creative_id
        if item.finished is None:
            assert item.failure
            self._withdraw(home, placement.id)
            return failed_record(creative, placement.id, item.failure, item.attempts)
        home.mkdir(parents=True, exist_ok=True)
        content = content_of(item, ledger)
        reasons = self._asked.reasons(creative, content)
        approval = self._approval(item, ledger) if self._asked.required or reasons else ""
        film = item.finished if approval in ("", "approved") else need(ledger, _draft(item))
        bring(film, VIDEO, home / f"{placement.id}{FILM}")
        package = need(ledger, item.step.package)
        for name, ending in BESIDE.items():
            bring(package, name, home / f"{placement.id}{ending}")
        record = done_record(creative, placement, item, costs.take(item), self._landing_url, approval, reasons)
        self._register(record, item, ledger)
        facts = facts_of(creative, item, record, ledger)
        write_whole(home / f"{placement.id}.json", json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
        return record

    def _approval(self, item: Delivered, ledger: Ledger) -> str:
        """What people have said of exactly these bytes."""
        from flows.review.approvals import Approvals

        assert item.finished
        return Approvals(ledger.root).state(str(item.finished.facts["sha256"]))

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


def _draft(item: Delivered) -> DraftStep:
    drafts = (step for step in item.film.further if isinstance(step, DraftStep))
    return next(step for step in drafts if step.placement == item.step.placement)


def bring(finished: Finished, name: str, target: Path) -> None:
    """Copy a file out of the ledger unless the same one is there; remove what the ledger does not have."""
    source = finished.folder / name
    if not source.is_file():
        target.unlink(missing_ok=True)
        return
    facts = source.stat()
    with suppress(OSError):
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
            return
    with atomic_path(target) as part:
        shutil.copyfile(source, part)
        os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
