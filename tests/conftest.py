"""What holds for all tests."""

import signal
from collections.abc import Iterator

import pytest

from tests.faults.ending import ended

__all__ = ["ended"]


def pytest_configure() -> None:
    """Take SIGINT as a terminal would give it: whoever starts the tests in the background hands on that it is ignored,
    and the tests that interrupt a run would wait for ever."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread for torch: tiny tensors on two busy cores are ten times slower with two."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts Ray and Prefect goes first: begun last, it would keep one of two processes busy alone for minutes."""
    items.sort(key=lambda item: item.get_closest_marker("cluster") is None)
    for item in items:  # for the table of `make faults`, which hears of a test only what its report says
        item.user_properties += [("fault", list(mark.args)) for mark in item.iter_markers("fault")]
