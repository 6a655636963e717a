"""How far a running ffmpeg is, read from what `-progress` writes, and for how long it has shown nothing new.

A hung ffmpeg goes on reporting: what counts is that a number in the report changes, not that a report comes. Starts and
ends nothing (`ffmpeg.py` does).
"""

from __future__ import annotations

import os
import re
import time
from typing import IO

#: The last report is in here: one is about 300 bytes long.
_TAIL_BYTES = 2048
_NUMBERS = re.compile(rb"^(frame|out_time_us|total_size)=\s*(-?\d+)", re.MULTILINE)


class Progress:
    """The newest report of one run, and the silence since the last change."""

    def __init__(self, report: IO[bytes]) -> None:
        self._report = report
        self._numbers: dict[bytes, int] = {}
        self._looked = time.monotonic()
        self.silent_seconds = 0.0

    @property
    def frames(self) -> int:
        """Frames that are done; 0 where only sound is."""
        return self._numbers.get(b"frame", 0)

    def look(self, at_most_seconds: float) -> bool:
        """Whether anything has changed since the last look.

        A look later than `at_most_seconds` after the one before means that we ourselves have stood still, as a machine
        that was suspended does: only so much of that time counts as silence.
        """
        now = time.monotonic()
        self.silent_seconds += min(now - self._looked, at_most_seconds)
        self._looked = now
        # Reading at a place: ffmpeg writes where this file's position is.
        number = self._report.fileno()
        tail = os.pread(number, _TAIL_BYTES, max(0, os.fstat(number).st_size - _TAIL_BYTES))
        numbers = {name: int(value) for name, value in _NUMBERS.findall(tail)}
        if numbers == self._numbers:
            return False
        self._numbers, self.silent_seconds = numbers, 0.0
        return True
