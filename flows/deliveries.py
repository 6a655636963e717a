"""What became of each delivery, as records: states, counts, and the proof that none was lost.

Count in = count out: every row × locale × segment × variant × placement of the plan ends as exactly one record. Knows
no files; `results.py` writes and reads the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flows.disclosure import VALUES as DISCLOSURES

#: Every state of a delivery, in the order in which they are counted, with what it means.
STATES = {
    "done": "delivered and checked",
    "draft": "made small by the draft profile; never published",
    "failed": "could not be made; the code and the step say why",
    "invalid": "the row was not run because its data is wrong",
    "refused": "the engine declined the content",
    "budget_stopped": "not begun because the budget was spent",
    "interrupted": "not finished because the run was stopped",
    "pending": "not begun yet",
    "queued": "waits for a worker",
    "throttled": "waits because somebody else's limit was met",
    "running": "being made",
    "needs_review": "made, waits for a person",
    "approved": "approved by a person",
    "rejected": "turned down by a person",
    "published": "handed to the platform",
}
#: A run ends with every delivery in one of these.
FAILED_STATES = ("failed", "invalid", "refused", "budget_stopped", "interrupted")
FINISHED_STATES = ("done", "draft", "needs_review", "approved", "rejected", "published")


#: Creative and placement.
Key = tuple[str, str]


class CountMismatch(Exception):
    """The lines of the results are not the deliveries of the plan: a fault of ours, never written over."""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What became of one delivery: one line of results.csv."""

    #: 1 for the first data row of the input.
    row: int
    row_id: str
    #: The input row, by the header as it stood in the file.
    cells: Mapping[str, str] = field(hash=False)
    #: "" for a row that could not be expanded.
    creative_id: str
    placement: str
    status: str
    locale: str = ""
    segment: str = ""
    variant: str = ""
    control_id: str = ""
    differs_in: str = ""
    code: str = ""
    #: Class of the fault (`faults.py`); "" without one.
    fault: str = ""
    step: str = ""
    attempts: int = 0
    #: Wall seconds of work for this delivery in this run; None is unknown, 0 is nothing (all was there).
    seconds: float | None = None
    gpu_seconds: float | None = None
    #: In the currency that the manifest names; None is unknown and is written so, never as 0.
    cost: float | None = None
    film_seconds: float | None = None
    sha256: str = ""
    #: Relative to the results' folder, or an address.
    path: str = ""
    utm: str = ""
    url_with_utm: str = ""
    disclosure: str = ""
    disclosure_label: str = ""
    disclosure_fields: Mapping[str, str | bool | list[str]] = field(default_factory=dict, hash=False)
    marks: tuple[str, ...] = ()
    #: Payload of the invisible mark as hex; "" where there is none.
    mark_id: str = ""
    #: What was measured of the marks on these bytes: begins with pass or fail.
    proof: str = ""
    #: waiting, approved or rejected, where the campaign or a rule asks for a person; "" where not.
    approval: str = ""
    message: str = ""
    fix: str = ""

    def __post_init__(self) -> None:
        place = f"{self.key[0]} / {self.placement}"
        if self.status not in STATES:
            raise ValueError(f"{place}: {self.status!r} is no state")
        if self.status in FINISHED_STATES and not (self.path and self.sha256 and self.disclosure in DISCLOSURES):
            raise ValueError(f"{place}: a finished delivery needs a path, a hash and a disclosure")
        if self.status in FAILED_STATES and not (self.code and self.message):
            raise ValueError(f"{place}: a failed delivery needs a code and a message")

    @property
    def key(self) -> Key:
        """Creative and placement; rows that were never expanded go by their number."""
        return (self.creative_id or f"row {self.row}", self.placement)


def count_states(records: Iterable[DeliveryRecord]) -> dict[str, int]:
    """How many deliveries are in each state, in the order of `STATES`; states without any are left out."""
    return in_order_of_states(Counter(record.status for record in records))


def in_order_of_states(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by state, in the order of `STATES`; states without any are left out."""
    return {state: counts[state] for state in STATES if counts.get(state)}


def verdict(counts: Mapping[str, int]) -> str:
    """The whole run in a word: done, done with errors, failed, or running."""
    good = sum(counts.get(state, 0) for state in FINISHED_STATES)
    bad = sum(counts.get(state, 0) for state in FAILED_STATES)
    if good + bad < sum(counts.values()):
        return "running"
    return ("done with errors" if good else "failed") if bad else "done"


def in_plan_order(records: Iterable[DeliveryRecord], expected: Iterable[Key]) -> tuple[DeliveryRecord, ...]:
    """The records in the order of the plan's (creative, placement) pairs.

    Raises: CountMismatch naming what is missing, what is there twice and what nobody planned.
    """
    by_key: dict[Key, DeliveryRecord] = {}
    twice = [record.key for record in records if by_key.setdefault(record.key, record) is not record]
    planned = list(expected)
    missing = [key for key in planned if key not in by_key]
    unplanned = sorted(by_key.keys() - set(planned))
    planned_twice = [key for key, count in Counter(planned).items() if count > 1]
    wrong = {"missing": missing, "twice": twice, "not planned": unplanned, "planned twice": planned_twice}
    if any(wrong.values()):
        raise mismatch(len(planned), wrong)
    return tuple(by_key[key] for key in planned)


def mismatch(planned: int, wrong: Mapping[str, Sequence[Key]]) -> CountMismatch:
    """The fault in words: how many were planned, and some of what is wrong in each way."""
    parts = [f"{len(keys)} {what}: {_some(keys)}" for what, keys in wrong.items() if keys]
    return CountMismatch(f"{planned} deliveries were planned; " + "; ".join(parts))


def _some(keys: Sequence[Key]) -> str:
    named = ", ".join(" / ".join(filter(None, key)) for key in keys[:5])
    return named + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def with_utm(url: str, utm: Mapping[str, str]) -> str:
    """The landing page with the campaign's parameters: others are kept, the same ones replaced, the fragment last."""
    if not url:
        return ""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in utm]
    return urlunsplit(parts._replace(query=urlencode([*kept, *utm.items()])))
