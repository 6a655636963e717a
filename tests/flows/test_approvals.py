"""Decisions: nothing is lost, a rejection made at the same time wins, and none outlives the bytes it was about."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from flows.review.approvals import APPROVED, REJECTED, WAITING, Approvals, BadDecision, Event, heads, state_of

FILM, OTHER = "a" * 64, "b" * 64


def event(name: str, kind: str, *after: str) -> Event:
    return Event(name, FILM, kind, "Ada", "because", "2026-11-26T10:00:00+00:00", after)


def test_without_a_decision_a_film_waits() -> None:
    assert state_of([]) == WAITING
    assert state_of([event("1", "comment")]) == WAITING


def test_the_last_decision_that_knew_the_others_holds() -> None:
    events = [event("1", "reject"), event("2", "approve", "1"), event("3", "comment", "1", "2")]
    assert state_of(events) == APPROVED
    assert state_of([*events, event("4", "reject", "1", "2", "3")]) == REJECTED


def test_a_rejection_made_at_the_same_time_as_an_approval_wins() -> None:
    for order in permutations([event("1", "approve"), event("2", "reject"), event("3", "approve")]):
        assert state_of(order) == REJECTED
        assert len(heads(order)) == 3


def test_somebody_who_has_seen_both_settles_it() -> None:
    both = [event("1", "approve"), event("2", "reject")]
    assert state_of([*both, event("3", "approve", "1")]) == REJECTED
    assert state_of([*both, event("3", "approve", "1", "2")]) == APPROVED


def test_a_comment_supersedes_nothing() -> None:
    assert state_of([event("1", "reject"), event("2", "comment", "1")]) == REJECTED


def test_an_event_cannot_unseat_itself_and_a_ring_of_events_approves_nothing() -> None:
    assert state_of([event("1", "reject", "1")]) == REJECTED
    assert state_of([event("1", "approve", "2"), event("2", "reject", "1")]) == WAITING


def test_what_was_decided_is_read_back_as_it_was_said(tmp_path: Path) -> None:
    approvals = Approvals(tmp_path)
    first = approvals.decide(FILM, "reject", "  Ada \u202e Lovelace ", "Logo\ncut \u200d\x07", about="tea/red/x")
    second = approvals.decide(FILM, "approve", "Ben", after=[first.id])
    assert (first.reviewer, first.text, first.about) == ("Ada Lovelace", "Logo\ncut \u200d", "tea/red/x")
    history = approvals.history(FILM)
    assert history.events == (first, second)
    assert history.state == approvals.state(FILM) == APPROVED
    assert list(approvals.decided()) == [FILM]


def test_an_approval_is_about_these_bytes_and_no_others(tmp_path: Path) -> None:
    approvals = Approvals(tmp_path)
    approvals.decide(FILM, "approve", "Ada")
    assert approvals.state(OTHER) == WAITING
    # Not even when its file is carried over to the other film's folder.
    stolen = approvals.folder(OTHER)
    stolen.mkdir(parents=True)
    for file in approvals.folder(FILM).iterdir():
        (stolen / file.name).write_bytes(file.read_bytes())
    assert approvals.state(OTHER) == WAITING
    assert len(approvals.history(OTHER).damaged) == 1


@pytest.mark.parametrize("damage", ["", "{}", "[]", "{", '{"kind": "approve"}'])
def test_beside_a_damaged_file_nothing_is_approved_and_it_is_named(tmp_path: Path, damage: str) -> None:
    approvals = Approvals(tmp_path)
    approvals.decide(FILM, "approve", "Ada")
    (approvals.folder(FILM) / "x.json").write_text(damage)
    assert approvals.history(FILM).damaged == ("x.json",)
    assert approvals.state(FILM) == WAITING


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "bless"),
        ("sha256", OTHER),
        ("id", "other"),
        ("at", "noon"),
        ("after", [1]),
        ("reviewer", ""),
        ("text", 3),
    ],
)
def test_an_event_that_was_tampered_with_counts_as_damaged(tmp_path: Path, field: str, value: object) -> None:
    approvals = Approvals(tmp_path)
    made = approvals.decide(FILM, "approve", "Ada")
    file = approvals.folder(FILM) / f"{made.id}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), field: value}))
    assert approvals.history(FILM).damaged == (file.name,)
    assert approvals.state(FILM) == WAITING


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((FILM, "reject", "Ada"), "needs its reason"),
        ((FILM, "reject", "Ada", " \u200b "), "needs its reason"),
        ((FILM, "comment", "Ada"), "needs a text"),
        ((FILM, "approve", " "), "name of who made it"),
        ((FILM, "approve", "x" * 81), "more than 80"),
        ((FILM, "reject", "Ada", "x" * 4001), "more than 4,000"),
        ((FILM, "bless", "Ada"), "Use one of: approve, reject, comment"),
        (("../" + "a" * 61, "approve", "Ada"), "not the SHA-256"),
        (("A" * 64, "approve", "Ada"), "not the SHA-256"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(BadDecision, match=says):
        Approvals(tmp_path).decide(*arguments)
    assert not list(tmp_path.rglob("*.json"))


def test_what_was_seen_must_be_events(tmp_path: Path) -> None:
    with pytest.raises(BadDecision, match="not events"):
        Approvals(tmp_path).decide(FILM, "approve", "Ada", after=["../../etc/passwd"])


DECIDE_MANY = """
import sys
from pathlib import Path
from flows.review.approvals import Approvals
for number in range(20):
    Approvals(Path(sys.argv[1])).decide("a" * 64, sys.argv[3], sys.argv[2], f"{number}")
"""


def test_processes_that_decide_at_once_lose_nothing(tmp_path: Path) -> None:
    people = (("Ada", "approve"), ("Ben", "reject"), ("Cem", "comment"))
    words = [[sys.executable, "-c", DECIDE_MANY, str(tmp_path), *person] for person in people]
    work = [subprocess.Popen(line, cwd=Path(__file__).parents[2]) for line in words]
    assert [process.wait(60) for process in work] == [0, 0, 0]
    history = Approvals(tmp_path).history(FILM)
    assert len(history.events) == 60
    assert not history.damaged
    assert history.state == REJECTED
