"""A flow may wait for people: until nobody waits or the deadline has come, and it says how many do."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.model import BadInput
from flows.review.waiting import Standing, watch_decisions
from tests.flows.reviewed import Reviewed, reviewed


@pytest.fixture
def made(tmp_path: Path) -> Reviewed:
    return reviewed(tmp_path / "out", ("red",))


class Clock:
    """Time that passes only in sleep; something may happen while it does."""

    def __init__(self, *happens: object) -> None:
        self.time, self.happens, self.slept = 0.0, list(happens), []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)
        if self.happens:
            self.happens.pop(0)()  # type: ignore[operator]


def watched(made: Reviewed, clock: Clock, *, poll_seconds: float, until: float) -> list[Standing]:
    """All that was said until nobody waited or the deadline had come."""
    told = watch_decisions(
        made.folder, made.approvals, poll_seconds=poll_seconds, until=until, now=clock.now, sleep=clock.sleep
    )
    return list(told)


def test_it_waits_until_everything_is_decided(made: Reviewed) -> None:
    def decide(kind: str, *numbers: int) -> object:
        def happens() -> None:
            for number in numbers:
                made.approvals.decide(made.records[number].sha256, kind, "Ada", "because")

        return happens

    clock = Clock(decide("approve", 0), lambda: None, decide("reject", 1, 2), decide("approve", 3))
    told = watched(made, clock, poll_seconds=60, until=1e9)
    assert told == [Standing(0, 0, 4), Standing(1, 0, 3), Standing(1, 2, 1), Standing(2, 2, 0)]
    assert clock.slept == [60] * 4


def test_the_deadline_ends_it_and_says_who_still_waits(made: Reviewed) -> None:
    clock = Clock()
    *_, end = watched(made, clock, poll_seconds=40, until=100)
    assert end == Standing(0, 0, 4, late=True)
    assert end.sentence() == "0 approved, 0 rejected, 4 wait for a decision. The deadline has passed."
    assert clock.slept == [40, 40, 20]


def test_a_film_that_changes_meanwhile_waits_again(made: Reviewed) -> None:
    for record in made.records[1:]:
        made.approvals.decide(record.sha256, "approve", "Ada")
    made.approvals.decide(made.records[0].sha256, "approve", "Ada")
    made.render_again(*made.records[0].key)
    clock = Clock()
    *_, end = watched(made, clock, poll_seconds=1, until=1)
    assert (end.approved, end.waiting, end.late) == (3, 1, True)


def test_nobody_is_waited_for_where_nobody_is_asked(tmp_path: Path) -> None:
    made = reviewed(tmp_path / "out", ("red",), required=False)
    assert list(watch_decisions(made.folder, made.approvals, until=0)) == [Standing(0, 0, 0)]


def test_without_a_finished_run_it_is_a_sentence(tmp_path: Path, made: Reviewed) -> None:
    with pytest.raises(BadInput, match="no results"):
        next(watch_decisions(tmp_path / "nothing", made.approvals, until=0))
