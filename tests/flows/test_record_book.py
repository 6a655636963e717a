"""The book of a run: every planned delivery once, in the plan's order, without holding them in memory."""

import random
import tracemalloc

import pytest

from flows.deliveries import CountMismatch, DeliveryRecord, in_plan_order
from flows.record_book import RecordBook

CELLS = {"row_id": "a", "product": "Cup, 'red'\n=1+1", "price": "9.90"}


def record(number, placement="x_square", **more):
    facts = {"status": "done", "path": f"c{number}/{placement}.mp4", "sha256": "0" * 64, "proof": "pass: signature"}
    facts |= {"disclosure": "not_ai_generated", **more}
    return DeliveryRecord(number, f"r{number}", CELLS, f"c{number}", placement, **facts)


def failed(number):
    return record(number, status="failed", code="no_space", message="the disk is full", proof="")


def book_of(records, keys=None):
    book = RecordBook()
    book.plan(keys or [one.key for one in records])
    return book


def test_records_come_back_in_the_plans_order_whatever_they_came_in():
    planned = [record(number, place) for number in range(40) for place in ("x_square", "ctv")]
    book = book_of(planned)
    shuffled = random.Random(3).sample(planned, len(planned))
    for one in shuffled:
        book.add([one])
    book.prove()
    assert tuple(book) == in_plan_order(shuffled, [one.key for one in planned]) == tuple(planned)
    assert [one.cells for one in book] == [CELLS] * 80
    assert (book[0], book[-1], book[3:7:2]) == (planned[0], planned[-1], tuple(planned[3:7:2]))
    assert (len(book), book.planned) == (80, 80)


def test_states_and_proofs_are_counted_as_they_come():
    book = book_of([record(0), record(1), failed(2)])
    book.add([record(1), failed(2)])
    assert (dict(book.counts), book.failed, dict(book.proofs)) == ({"done": 1, "failed": 1}, 1, {"pass": 1})
    assert book.creatives() == {"c0", "c1", "c2"}


@pytest.mark.parametrize(
    ("planned", "ended"),
    [
        ([0, 1, 2], [0, 2]),
        ([0, 1], [0, 1, 1]),
        ([0], [0, 5]),
        ([0, 1, 1], [0, 1]),
        ([0, 0, 1, 2], [0, 3, 4, 4]),
    ],
)
def test_a_count_that_is_not_the_plans_is_told_as_it_is_of_lists(planned, ended):
    keys, records = [record(number).key for number in planned], [record(number) for number in ended]
    book = book_of(records, keys)
    book.add(records)
    with pytest.raises(CountMismatch) as expected:
        in_plan_order(records, keys)
    with pytest.raises(CountMismatch) as told:
        book.prove()
    assert sorted(str(told.value).split("; ")) == sorted(str(expected.value).split("; "))


def test_ten_times_the_records_need_no_more_memory():
    def held(count):
        tracemalloc.start()
        book = RecordBook()
        book.plan(record(number).key for number in range(count))
        for number in range(count):
            book.add([record(number)])
        assert sum(1 for _ in book) == count
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return now

    held(10)
    assert held(2000) < held(200) + 50_000
