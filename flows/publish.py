"""Hands finished deliveries over to a folder or store: film, poster, captions, facts, under names that never change.

What is not approved where approval is required, whose bytes are not those of results.csv, whose marks are not proven
or whose disclosure is unset, stays here, each with a code, the reason and the way out. Names carry the film's hash:
nothing is overwritten in place, and a second run copies nothing. `published.json` is written last and lists everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.creative import VIDEO
from flows.deliveries import FINISHED_STATES, DeliveryRecord
from flows.disclosure import VALUES as DISCLOSURES
from flows.files import CannotWrite, sha256_file
from flows.ledger import Ledger
from flows.model import BadInput, Problem
from flows.problems import shown
from flows.profile import DRAFT
from flows.review.approvals import APPROVE, APPROVED, REJECTED, Approvals, heads
from flows.review.gallery import Gallery, open_gallery
from flows.review.links import write_links
from flows.review.publications import Publications
from flows.review.published import Listing
from flows.review.release import bring_into_line, explained, held, keep, release
from flows.review.shelves import BytesChanged, FolderShelf, NameTaken, Shelf, StoreShelf, bring_film
from flows.stores.contract import LIMIT_LINK_SECONDS, Store, StoreError
from flows.stores.opening import is_address, open_store

__all__ = ["Handover", "Refusal", "publish", "release"]

#: Endings of the files that go with a film, where they are there.
BESIDE = (".jpg", ".srt", ".vtt", ".json")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A delivery that was not published, and why."""

    creative_id: str
    placement: str
    code: str
    message: str
    fix: str

    def sentence(self) -> str:
        """One line for the terminal."""
        return f"{self.creative_id} / {self.placement}: {self.code}: {self.message}. {self.fix}"


@dataclass(slots=True)
class Handover:
    """How a publication went."""

    shelf: Shelf
    #: Deliveries that were copied now, and those that were there already.
    copied: int = 0
    present: int = 0
    refused: list[Refusal] = field(default_factory=list)
    #: Where the links are, if any were asked for, and whether they end with the login that signed them.
    links: Path | None = None
    links_temporary: bool = False


def publish(folder: Path, to: Path | Store, ledger: Ledger, links_seconds: int = 0) -> Handover:
    """Copy what may be published from OUT/<campaign>/ and the ledger into `to`/<campaign>/: files first, then the list.

    With `links_seconds` links.csv beside results.csv gets addresses that open the films in the store for so long.

    Raises: BadInput when a run is writing, nothing was run here, or `to` cannot be written. Publishing again goes on.
    """
    _check_links(to, links_seconds)
    with held(folder) as home:
        gallery = open_gallery(home)
        shelf = StoreShelf(to, gallery.folder.name) if isinstance(to, Store) else FolderShelf(_target(gallery, to))
        try:
            records, _ = bring_into_line(gallery, ledger)
            listing = Listing.read(shelf, gallery.campaign)
            done = Handover(shelf)
            gate = Gate(gallery, Approvals(ledger.root))
            kept = tuple(_hand_over(gallery, ledger, record, gate, listing, done) for record in records)
            listing.write(shelf)
            keep(gallery, kept)
            if links_seconds:
                _link(gallery, kept, done, links_seconds)
        except CannotWrite as error:
            raise explained(error, Path(shelf.place)) from error
        except StoreError as error:
            raise _unfinished(error, shelf.place) from error
    return done


def destination(to: str, ledger: Ledger, endpoint: str = "") -> Path | Store:
    """What `--to` names: a folder, or a store by its address. Raises: BadInput."""
    return open_store(to, state_folder=ledger.root, endpoint=endpoint) if is_address(to) else Path(to)


def _check_links(to: Path | Store, seconds: int) -> None:
    """Before anything is copied. Raises: BadInput for links that cannot be."""
    if seconds and not isinstance(to, Store):
        fix = "Publish to a bucket: --to s3://bucket/prefix"
        raise BadInput((Problem("--links", None, None, "no_links", "", "a folder has no links that expire", fix),))
    if seconds > LIMIT_LINK_SECONDS:
        fix = "Ask for 7d at most, and publish again for new ones: no film is copied twice"
        raise BadInput((Problem("--links", None, None, "too_long", "", "no link lives longer than 7 days", fix),))


def _unfinished(error: StoreError, place: str) -> BadInput:
    """A store that takes no more. What it has is whole; the list, which comes last, does not speak of it yet."""
    message = f"publishing stopped: {error}".rstrip(".")
    fix = "What is there is whole; publish again to go on"
    return BadInput((Problem(place, None, None, error.code, "", message, fix),))


def _link(gallery: Gallery, records: tuple[DeliveryRecord, ...], done: Handover, seconds: int) -> None:
    """Write links.csv: the films that are published now, each with an address and the day it ends."""
    assert isinstance(done.shelf, StoreShelf)
    published = [record for record in records if record.status == "published"]
    links = [(record, done.shelf.link(f"{_name(record)}.mp4", seconds)) for record in published]
    done.links = write_links(gallery.folder, links)
    done.links_temporary = any(link.temporary for _, link in links)


def _name(record: DeliveryRecord) -> str:
    """Name of a delivery's published files, without their ending."""
    return f"{record.creative_id}--{record.placement}--{record.sha256[:8]}"


def _target(gallery: Gallery, to: Path) -> Path:
    """The folder to publish into, made. Never inside the results: the next run would take it for its own."""
    target = to.absolute() / gallery.folder.name
    if target.resolve().is_relative_to(gallery.folder.resolve()):
        fix = "Name a folder outside of the results"
        raise BadInput((Problem(str(to), None, None, "inside_results", "", "lies inside the results' folder", fix),))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder cannot be made ({error.strerror})"
        raise BadInput((Problem(str(to), None, None, "not_writable", "", message, "Check its rights"),)) from error
    return target


def _hand_over(
    gallery: Gallery, ledger: Ledger, record: DeliveryRecord, gate: Gate, listing: Listing, done: Handover
) -> DeliveryRecord:
    """Publish one delivery or note why not. Returns its line for results.csv."""
    refusal = gate.refusal(record)
    if refusal is None:
        refusal = _copy(gallery, ledger, record, listing, done)
    elif refusal.code == "proof_failed":
        _forget(gallery, ledger, record)
    publications = Publications(ledger.root)
    if refusal is None:
        publications.note(record.sha256, gallery.about(record))
        return replace(record, status="published")
    done.refused.append(refusal)
    listing.withdraw(gallery.about(record))
    publications.withdraw(record.sha256, gallery.about(record))
    # What is no longer fit to be published does not go on being called so.
    before = "approved" if record.approval == APPROVED else "done"
    return replace(record, status=before) if record.status == "published" else record


def _forget(gallery: Gallery, ledger: Ledger, record: DeliveryRecord) -> None:
    """Have the next run make the film anew, as the refusal says; it would find what is finished as it is."""
    final = gallery.step(record, "delivery", ledger)
    proof = final.facts.get("proof") if final else None
    if not isinstance(proof, Mapping) or not str(proof.get("verdict")).startswith("fail"):
        return  # the ledger knows nothing of it: the line is another film's
    for kind in ("delivery", "package", "master"):
        if step := gallery.step(record, kind, ledger):
            ledger.remove(kind, step.key)


def _copy(gallery: Gallery, ledger: Ledger, record: DeliveryRecord, listing: Listing, done: Handover) -> Refusal | None:
    """Put the delivery's files on the shelf; the film comes last and vouches for the others."""
    final = gallery.step(record, "delivery", ledger)
    source = final.file(VIDEO) if final else None
    if source is None or not source.is_file():
        return _refused(record, "bytes_missing", "the film is not in the ledger any more", "Run the campaign again")
    name = _name(record)
    if not done.shelf.takes(f"{name}.mp4"):
        return _refused(record, "unsafe_name", "its name would lead out of the folder", "Run the campaign again")
    film = gallery.film(record)
    try:
        files = {}
        for ending in BESIDE:
            beside = film.with_suffix(ending) if film else None
            if beside and beside.is_file():
                files[f"{name}{ending}"] = listing.bring_beside(done.shelf, beside, f"{name}{ending}")
        new = bring_film(done.shelf, source, f"{name}.mp4", record.sha256)
    except BytesChanged:
        if final and final.facts.get("sha256") != sha256_file(source):
            ledger.remove("delivery", final.key)  # it is damaged: the next run makes it anew
        message = "the film in the ledger has other bytes than results.csv says"
        return _refused(record, "bytes_changed", message, "Run the campaign again and review what comes out")
    except NameTaken as error:
        message = f"another file has the name {error}"
        return _refused(record, "conflict", message, "Move it away, or publish into another folder")
    files[f"{name}.mp4"] = record.sha256
    listing.note(record, files, gallery.about(record))
    done.copied, done.present = done.copied + new, done.present + (not new)
    return None


def _refused(record: DeliveryRecord, code: str, message: str, fix: str) -> Refusal:
    return Refusal(record.creative_id or f"row {record.row}", record.placement, code, message, fix)


class Gate:
    """What may go out, by everything but the bytes themselves."""

    def __init__(self, gallery: Gallery, approvals: Approvals) -> None:
        self._gallery, self._approvals = gallery, approvals
        self._earlier: set[str] | None = None

    def refusal(self, record: DeliveryRecord) -> Refusal | None:
        """Why a delivery may not be published; None when it may."""
        if record.status not in FINISHED_STATES:
            fix = record.fix or "Run the campaign again with failed.csv"
            return _refused(record, "not_delivered", f"was not made ({record.code or record.status})", fix)
        if record.status == DRAFT:
            return _refused(record, "draft_profile", "it is a draft", "Run the campaign without the profile draft")
        return self._unapproved(record) or self._unproven(record) or self._undisclosed(record)

    def _unapproved(self, record: DeliveryRecord) -> Refusal | None:
        history = self._approvals.history(record.sha256)
        if history.state == REJECTED:
            said = next(event for event in reversed(heads(history.events)) if event.kind != APPROVE)
            message = f"{said.reviewer} rejected it: {shown(said.text).rstrip('.')}"
            return _refused(record, "rejected", message, "Mend it and run again, or have it approved after all")
        if history.state == APPROVED or not self._gallery.wants_person(record):
            return None
        if history.damaged:
            message = f"a decision about it cannot be read ({history.damaged[0]})"
            folder = self._approvals.folder(record.sha256)
            return _refused(record, "approval_damaged", message, f"Restore the file in {folder}, or decide again")
        fix = f"Have it approved: spotmill review {self._gallery.folder}"
        if self._gallery.about(record) in self._approved_earlier():
            return _refused(record, "approval_void", "the film has changed since it was approved", fix)
        return _refused(record, "not_approved", "nobody has approved it yet", fix)

    def _approved_earlier(self) -> set[str]:
        """Names of deliveries that were approved with any bytes; read when first asked for."""
        if self._earlier is None:
            histories = (self._approvals.history(sha256) for sha256 in self._approvals.decided())
            self._earlier = {
                event.about for history in histories for event in heads(history.events) if event.kind == APPROVE
            }
        return self._earlier

    def _unproven(self, record: DeliveryRecord) -> Refusal | None:
        verdict = record.proof.strip().casefold()
        if verdict.startswith("pass"):
            return None
        if verdict.startswith("fail"):
            return _refused(record, "proof_failed", f"its marks were not all found: {record.proof}", "Run it again")
        return _refused(record, "not_proven", "its marks were never measured", "Run the campaign again")

    def _undisclosed(self, record: DeliveryRecord) -> Refusal | None:
        facts = self._gallery.facts(record).get("disclosure")
        value = facts.get("value") if isinstance(facts, Mapping) else None
        if value in DISCLOSURES and value == record.disclosure:
            return None
        message = f"its disclosure is not set: {value or 'nothing'} beside the film, {record.disclosure} in results.csv"
        return _refused(record, "disclosure_unset", message, "Run the campaign again")
