"""What lies in OUT/<campaign>/ follows what people have decided: the finished film when approved, the draft when not.

Each exchange is one rename, so that whoever plays a film has one or the other. The bytes that were approved are hashed
again before they leave the ledger. Knows the folder and the ledger; asks nobody and publishes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flows.creative import VIDEO
from flows.deliveries import DeliveryRecord
from flows.files import CannotWrite, sha256_file
from flows.ledger import Finished, Ledger
from flows.model import BadInput, Problem
from flows.outputs import OutputFolder, bring
from flows.profile import DRAFT
from flows.results import write_results
from flows.review.approvals import APPROVED, REJECTED, WAITING, Approvals
from flows.review.gallery import Gallery, open_gallery
from flows.status import RESULTS, campaign_folder


def release(folder: Path, ledger: Ledger, only: Collection[str] | None = None) -> tuple[Problem, ...]:
    """Bring films and results.csv into line with the decisions, for all deliveries or those with these SHA-256.

    Returns what could not be brought into line; such a delivery shows its draft, or nothing.

    Raises: BadInput when a run is writing to the folder or nothing was run here; NoSpace, CannotWrite.
    """
    with held(folder):
        gallery = open_gallery(folder)
        records, problems = bring_into_line(gallery, ledger, only)
        keep(gallery, records)
    return problems


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Hold OUT/<campaign>/ against runs and other hands. Raises: BadInput when somebody keeps it for longer."""
    output = OutputFolder(campaign_folder(folder))
    output.open()
    try:
        yield output.folder
    finally:
        output.close()


def bring_into_line(
    gallery: Gallery, ledger: Ledger, only: Collection[str] | None = None
) -> tuple[tuple[DeliveryRecord, ...], tuple[Problem, ...]]:
    """The records as they are to stand in results.csv, and what could not be done. The folder must be held."""
    approvals, problems = Approvals(ledger.root), []
    finished = {record.key for record in gallery.finished()}
    records = []
    for record in gallery.records:
        if record.key in finished and (only is None or record.sha256 in only):
            state = approvals.state(record.sha256)
            record = standing(record, state, wanted=gallery.wants_person(record))
            problem = _show(gallery, ledger, record, state)
            problems += [problem] if problem else []
        records.append(record)
    return tuple(records), tuple(problems)


def keep(gallery: Gallery, records: tuple[DeliveryRecord, ...]) -> None:
    """Write results.csv when a line has changed. Raises: NoSpace, CannotWrite."""
    if records != gallery.records:
        expected = [record.key for record in records]
        write_results(gallery.folder / RESULTS, gallery.columns, records, expected=expected)


def standing(record: DeliveryRecord, state: str, *, wanted: bool) -> DeliveryRecord:
    """The delivery's line by what people have decided; `wanted` is whether somebody has to."""
    if record.status == DRAFT:
        return record  # nobody decides about what is never published
    published = record.status == "published"
    status = {
        APPROVED: "published" if published else "approved",
        REJECTED: "rejected",
        WAITING: "needs_review" if wanted else "published" if published else "done",
    }[state]
    return replace(record, status=status, approval=state if wanted else "")


def _show(gallery: Gallery, ledger: Ledger, record: DeliveryRecord, state: str) -> Problem | None:
    """Put the film that may be seen into its place. None when that went well, or nobody has to approve it."""
    film = gallery.film(record)
    if film is None or not gallery.wants_person(record):
        return None
    problem = None
    if state == APPROVED:
        final = gallery.step(record, "delivery", ledger)
        problem = None if final and _same(final.file(VIDEO), film) else _fault(gallery, record, final)
        if final and not problem:
            bring(final, VIDEO, film)
            return None
    draft = gallery.step(record, "draft", ledger)
    if draft and draft.file(VIDEO).is_file():
        bring(draft, VIDEO, film)
        return problem
    film.unlink(missing_ok=True)
    message = "is not approved and its draft is not in the ledger any more, so no film is shown"
    return problem or _problem(gallery, record, "no_draft", message, "Run the campaign again")


def _same(source: Path, film: Path) -> bool:
    """Whether the film in place is the copy that was hashed when it was brought."""
    try:
        there, facts = film.stat(), source.stat()
    except OSError:
        return False
    return (there.st_size, there.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)


def _fault(gallery: Gallery, record: DeliveryRecord, final: Finished | None) -> Problem | None:
    """Why the film in the ledger is not what was approved; None when it is, byte for byte."""
    fix = "Run the campaign again and review what comes out"
    if final is None or not final.file(VIDEO).is_file():
        return _problem(gallery, record, "bytes_missing", "the approved film is not in the ledger any more", fix)
    if sha256_file(final.file(VIDEO)) != record.sha256:
        return _problem(
            gallery, record, "bytes_changed", "the film in the ledger is not the one that was approved", fix
        )
    return None


def _problem(gallery: Gallery, record: DeliveryRecord, code: str, message: str, fix: str) -> Problem:
    place = f"{record.creative_id} / {record.placement}"
    return Problem(gallery.folder.name, record.row, "sha256", code, place, message, fix)


def explained(error: CannotWrite, place: Path) -> BadInput:
    """A disk's refusal as a sentence for the terminal."""
    return BadInput((Problem(str(place), None, None, error.code, "", str(error), ""),))
