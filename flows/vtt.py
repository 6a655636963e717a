"""Reads the cues back from a WebVTT file, for players that cannot load one by themselves.

Knows the part of WebVTT that `audio.captions` writes; settings and regions are passed over.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_TIMING = re.compile(r"(?:(\d+):)?(\d\d):(\d\d)\.(\d\d\d)[ \t]+-->[ \t]+(?:(\d+):)?(\d\d):(\d\d)\.(\d\d\d)")


class Cue(NamedTuple):
    """One caption: seconds from the start, and its text as WebVTT writes it."""

    start_seconds: float
    end_seconds: float
    text: str


def read_vtt(path: Path) -> tuple[Cue, ...]:
    """The cues of a file; none when there is no file or nothing in it that is a cue."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    cues = []
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((index for index, line in enumerate(lines[:2]) if _TIMING.match(line)), None)
        if at is not None and (found := _TIMING.match(lines[at])):
            cues.append(Cue(_seconds(*found.groups()[:4]), _seconds(*found.groups()[4:]), "\n".join(lines[at + 1 :])))
    return tuple(cues)


def _seconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> float:
    return round(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(thousandths) / 1000, 3)
