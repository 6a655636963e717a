"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Take SIGINT as a terminal would give it: whoever starts the tests in the background hands on that it is ignored,
    and the tests that interrupt a run would wait for ever."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
