"""approve.csv: the review for people who live in spreadsheets.

Written with one line for each delivery and three empty columns; read back with the decisions in them. A line decides
about exactly the bytes whose SHA-256 it carries. All lines are good, or none is recorded.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.deliveries import DeliveryRecord
from flows.files import CannotWrite, atomic_path, guard
from flows.ledger import Ledger
from flows.problems import Problems, did_you_mean
from flows.review.approvals import (
    APPROVE,
    COMMENT,
    KINDS,
    LIMIT_REVIEWER_CHARACTERS,
    LIMIT_TEXT_CHARACTERS,
    REJECT,
    Approvals,
    tidy,
)
from flows.review.gallery import Gallery, ledger_of, main_text, open_gallery
from flows.review.release import explained, release
from flows.table import Table, read_table

NAME = "approve.csv"
#: What the reader needs, then what is for people; the last three are theirs to fill in.
COLUMNS = ("creative_id", "placement", "variant", "locale", "main_text", "state", "said", "sha256", "film",
           "decision", "reason", "reviewer")  # fmt: skip
_NEEDED = ("creative_id", "placement", "sha256", "decision", "reason", "reviewer")
#: What people write when they mean one of the kinds.
_WORDS = {
    **{kind: kind for kind in KINDS},
    "approved": APPROVE, "ok": APPROVE, "yes": APPROVE, "y": APPROVE,
    "rejected": REJECT, "no": REJECT, "n": REJECT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line that decides."""

    record: DeliveryRecord
    kind: str
    reviewer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What was recorded from a sheet."""

    approved: int
    rejected: int
    commented: int
    #: What could not be brought into line in the folder, as sentences.
    notes: tuple[str, ...]


def write_sheet(folder: Path, ledger_setting: str = "") -> Path:
    """Write approve.csv into OUT/<campaign>/ and return its path.

    Raises: BadInput when no finished run is here, or the disk refuses.
    """
    gallery = open_gallery(folder)
    approvals, path = Approvals(ledger_of(gallery, ledger_setting).root), gallery.folder / NAME
    try:
        # Excel takes a file without the mark for the machine's old code page, and turns é into rubbish.
        with atomic_path(path) as part, part.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\r\n")
            writer.writerow(COLUMNS)
            writer.writerows([guard(cell) for cell in line] for line in _lines(gallery, approvals))
    except CannotWrite as error:
        raise explained(error, path) from error
    return path


def _lines(gallery: Gallery, approvals: Approvals) -> Iterator[list[str]]:
    for record in gallery.finished():
        history = approvals.history(record.sha256)
        said = "; ".join(f"{event.reviewer}: {event.kind} {event.text}".strip() for event in history.events)
        text, film = main_text(gallery.facts(record)), str(gallery.film(record) or record.path)
        yield [
            *(record.creative_id, record.placement, record.variant, record.locale, text),
            *(history.state, said, record.sha256, film, "", "", ""),
        ]


def read_sheet(folder: Path, file: Path, ledger_setting: str = "") -> Taken:
    """Record the decisions of a sheet; lines whose decision is empty are left alone.

    Raises: BadInput with every wrong line; then nothing is recorded.
    """
    gallery = open_gallery(folder)
    ledger, problems = ledger_of(gallery, ledger_setting), Problems(file.name)
    table = read_table(file, problems)
    verdicts = _Reader(gallery, table, problems).verdicts() if table else []
    problems.raise_if_any()
    if not verdicts:
        problems.add("no_decisions", "no line decides anything", "Write approve or reject into the column decision")
        problems.raise_if_any()
    try:
        return _record(gallery, ledger, verdicts)
    except CannotWrite as error:
        raise explained(error, ledger.root) from error


def _record(gallery: Gallery, ledger: Ledger, verdicts: list[Verdict]) -> Taken:
    approvals = Approvals(ledger.root)
    # Who fills in a sheet has seen what stood in it when it is read, not what the lines of the same sheet add.
    seen = {verdict.record.sha256: approvals.history(verdict.record.sha256).ids for verdict in verdicts}
    for verdict in verdicts:
        sha256, about = verdict.record.sha256, gallery.about(verdict.record)
        approvals.decide(sha256, verdict.kind, verdict.reviewer, verdict.reason, after=seen[sha256], about=about)
    problems = release(gallery.folder, ledger, frozenset(seen))
    kinds = [verdict.kind for verdict in verdicts]
    notes = tuple(problem.sentence() for problem in problems)
    return Taken(kinds.count(APPROVE), kinds.count(REJECT), kinds.count(COMMENT), notes)


class _Reader:
    """Turns the lines of one sheet into verdicts, or into complaints."""

    def __init__(self, gallery: Gallery, table: Table, problems: Problems) -> None:
        self._table, self._problems = table, problems
        self._records = {record.key: record for record in gallery.finished()}
        self._places = {name.strip().casefold(): index for index, name in enumerate(table.header)}
        self._first: dict[str, int] = {}

    def verdicts(self) -> list[Verdict]:
        """The lines that decide; complaints are in the problems."""
        for name in _NEEDED:
            if name not in self._places:
                fix = "Start from a sheet that `spotmill approve OUT` wrote; other columns may go"
                self._problems.add("column_missing", "this column is not in the sheet", fix, column=name)
        if self._problems.found:
            return []
        lines = zip(self._table.numbers, self._table.records, strict=True)
        found = [self._verdict(number, self._cells(record)) for number, record in lines]
        return [verdict for verdict in found if verdict]

    def _cells(self, record: tuple[str, ...]) -> dict[str, str]:
        return {name: record[self._places[name]].strip() for name in _NEEDED}

    def _verdict(self, number: int, cells: Mapping[str, str]) -> Verdict | None:
        if not cells["decision"]:
            return None
        before = len(self._problems.found)
        kind = self._kind(number, cells["decision"])
        record = self._record(number, cells)
        reviewer, reason = " ".join(tidy(cells["reviewer"]).split()), tidy(cells["reason"])
        self._check_words(number, kind, reviewer, reason)
        if record and len(self._problems.found) == before:
            self._check_first(number, record)
        if record is None or len(self._problems.found) > before:
            return None
        return Verdict(record, kind, reviewer, reason)

    def _kind(self, number: int, word: str) -> str:
        kind = _WORDS.get(word.casefold(), "")
        if not kind:
            fix = did_you_mean(word, KINDS) or "Write approve, reject or comment"
            self._complain(number, "decision", "bad_decision", "is no decision", fix, word)
        return kind

    def _record(self, number: int, cells: Mapping[str, str]) -> DeliveryRecord | None:
        """The delivery that the line is about, with the bytes that it is about."""
        record = self._records.get((cells["creative_id"], cells["placement"]))
        if record is None:
            names = {creative for creative, _ in self._records}
            hint = did_you_mean(cells["creative_id"], names - {cells["creative_id"]}) if names else ""
            fix = hint or "Write the sheet anew with `spotmill approve OUT`"
            value = f"{cells['creative_id']} / {cells['placement']}"
            self._complain(number, "creative_id", "unknown_delivery", "no such delivery was made here", fix, value)
        elif cells["sha256"].casefold() != record.sha256:
            fix = "Look at the new film, and write the sheet anew with `spotmill approve OUT`"
            message = "void: the film has changed since this sheet was written"
            self._complain(number, "sha256", "approval_void", message, fix, cells["sha256"])
            return None
        return record

    def _check_words(self, number: int, kind: str, reviewer: str, reason: str) -> None:
        if not reviewer:
            self._complain(number, "reviewer", "reviewer_missing", "a decision needs a name", "Write who decided")
        elif len(reviewer) > LIMIT_REVIEWER_CHARACTERS:
            message = f"the name has more than {LIMIT_REVIEWER_CHARACTERS} characters"
            self._complain(number, "reviewer", "reviewer_too_long", message, "Shorten it", reviewer)
        if kind in (REJECT, COMMENT) and not reason:
            message = "a rejection needs its reason" if kind == REJECT else "a comment needs a text"
            self._complain(number, "reason", "reason_missing", message, "Write it into the column reason")
        elif len(reason) > LIMIT_TEXT_CHARACTERS:
            message = f"the reason has more than {LIMIT_TEXT_CHARACTERS:,} characters"
            self._complain(number, "reason", "reason_too_long", message, "Shorten it")

    def _check_first(self, number: int, record: DeliveryRecord) -> None:
        """Two lines about one delivery would leave it to chance who had seen whom."""
        first = self._first.setdefault("\n".join(record.key), number)
        if first != number:
            message = f"row {first} decides about this delivery already"
            self._complain(number, "decision", "decided_twice", message, "Keep one of the two lines")

    def _complain(self, row: int, column: str, code: str, message: str, fix: str, value: str = "") -> None:
        self._problems.add(code, message, fix, value=value, row=row, column=column)
