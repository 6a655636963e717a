"""What a run leaves in OUT/<campaign>/: each creative's files as soon as they are finished, then the tables.

Copies out of the ledger; a file that is there already with the ledger's own size and time is not copied again. What
failed in this run is not left lying from an earlier one. Knows results and files; makes no media.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

from flows.costs import Costs
from flows.deliveries import DeliveryRecord
from flows.files import atomic_path, write_whole
from flows.ledger import Finished, Ledger
from flows.model import BadInput, Problem
from flows.placements import get_placement
from flows.produce import CreativeResult, Delivered
from flows.records import done_record, facts_of, failed_record

#: Name in the ledger -> ending of the delivered file.
FILES = {"video.mp4": ".mp4", "poster.jpg": ".jpg", "captions.srt": ".srt", "captions.vtt": ".vtt"}


class OutputFolder:
    """OUT/<campaign>/, held by one run at a time."""

    def __init__(self, folder: Path, landing_url: str) -> None:
        self.folder = folder
        self._landing_url = landing_url
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
        return [self._publish_one(result, item, ledger, costs) for item in result.delivered]

    def _publish_one(self, result: CreativeResult, item: Delivered, ledger: Ledger, costs: Costs) -> DeliveryRecord:
        creative, placement = result.plan.creative, get_placement(item.step.placement)
        home = self.folder / creative.creative_id
        if item.finished is None:
            assert item.failure
            self._withdraw(home, placement.id)
            return failed_record(creative, placement.id, item.failure, item.attempts)
        home.mkdir(parents=True, exist_ok=True)
        for name, ending in FILES.items():
            _bring(item.finished, name, home / f"{placement.id}{ending}")
        record = done_record(creative, placement, item, costs.take(item), self._landing_url)
        facts = facts_of(creative, item, record, ledger)
        write_whole(home / f"{placement.id}.json", json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
        return record

    def _withdraw(self, home: Path, placement: str) -> None:
        """Take away what an earlier run delivered here: it is not what this run was asked for."""
        for ending in (*FILES.values(), ".json"):
            (home / f"{placement}{ending}").unlink(missing_ok=True)
        with suppress(OSError):  # other placements are still there
            home.rmdir()


def _bring(finished: Finished, name: str, target: Path) -> None:
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
