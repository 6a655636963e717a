"""How a test that injects a fault says what came of it: only two ends count, and each is checked before it is noted.

`make faults` puts what is noted here into its table. Whatever a test measured besides goes along as words and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest

COMPLETE = "complete, same bytes"
FAILED = "failed lines with causes, next run completes"

Films = Mapping[str, str]


class Ending:
    """Notes how a run ended under a fault. A film is known by its place, and told from others by a hash."""

    def __init__(self, note: Callable[[str, object], None]) -> None:
        self._note = note

    def complete(self, films: Films, undisturbed: Films, **measured: object) -> None:
        """The run under the fault made everything itself, with the bytes of an undisturbed run."""
        self._compare(films, undisturbed)
        self._say(COMPLETE, {"films": len(films)} | measured)

    def failed(self, causes: Collection[str], films: Films, undisturbed: Films, **measured: object) -> None:
        """The run named its causes, and the one after it, without the fault, made what was missing."""
        assert causes, "no line says what failed"
        for cause in causes:
            assert len(cause) > 10, f"this names no cause: {cause!r}"
        self._compare(films, undisturbed)
        said = " / ".join(dict.fromkeys(causes))
        self._say(FAILED, {"films then": len(films), **measured, "said": said})

    def _compare(self, films: Films, undisturbed: Films) -> None:
        assert undisturbed, "there is nothing to compare with"
        assert dict(films) == dict(undisturbed), "other films than those of an undisturbed run"

    def _say(self, end: str, measured: Mapping[str, object]) -> None:
        self._note("fault_end", end)
        self._note("fault_measured", {name.replace("_", " "): str(value) for name, value in measured.items()})


@pytest.fixture
def ended(record_property: Callable[[str, object], None]) -> Ending:
    """Notes how the run ended for the table of `make faults`."""
    return Ending(record_property)
