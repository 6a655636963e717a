"""The list of faults and the tests that inject them hold together, and its table says what failed."""

from __future__ import annotations

from collections import Counter

from benchmarks.faults import FAILED, NOT_COVERED, Fault, Shown, marked_tests, page, read_list, verdict
from tests.faults.ending import COMPLETE

LIST = read_list()
MARKED = list(marked_tests())


def test_every_fault_has_a_number_of_its_own_and_a_test_that_follows_it_to_its_end() -> None:
    assert [fault.number for fault in LIST] == list(range(1, len(LIST) + 1))
    assert {fault.number for fault in LIST} == {marked.number for marked in MARKED if marked.ends}


def test_every_test_that_is_marked_says_what_it_injects() -> None:
    assert {marked.number for marked in MARKED} <= {fault.number for fault in LIST}
    twice = [key for key, count in Counter((one.number, one.what) for one in MARKED).items() if count > 1]
    assert not twice
    assert all(marked.what.strip() and "|" not in marked.what for marked in MARKED)


def test_a_row_is_shown_only_when_all_its_tests_passed_and_one_saw_the_end() -> None:
    good = Shown("a", outcome="passed", end=COMPLETE)
    part, bad = Shown("b", outcome="passed"), Shown("c", outcome="failed", end=COMPLETE)
    skipped = Shown("d", outcome="skipped", end=COMPLETE)
    assert verdict([good, part]) == COMPLETE
    assert verdict([good, bad]) == FAILED
    for tests in ([], [part], [skipped]):
        assert verdict(tests) == NOT_COVERED


def test_the_table_holds_every_row_and_what_was_measured() -> None:
    rows = (Fault(1, "a worker dies", "made again"), Fault(2, "the disk is full", "said"))
    shown = Shown("tests/x.py::test_it", faults=[(1, "kill | -9")], end=COMPLETE, measured={"films": "2"}, seconds=3.2)
    text = page(rows, [shown], 60.0)
    assert f"| 1 | a worker dies | made again | {COMPLETE} | 1 | 3 |" in text
    assert f"| 2 | the disk is full | said | {NOT_COVERED} | 0 | 0 |" in text
    assert f"(`test_it`): {COMPLETE}; films: 2" in text
    assert "1 of 2 rows" in text
