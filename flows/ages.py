"""Spans of time as people write them on the command line: `90m`, `12h`, `7d`, `4w`."""

from __future__ import annotations

import re

from flows.model import BadInput, Problem

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds_of(text: str, option: str) -> int:
    """The seconds of a span; `option` is where it was given. Raises: BadInput."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if not found or not int(found[1]):
        fix = "Write a whole number with m, h, d or w: 12h, 7d"
        raise BadInput((Problem(option, None, None, "not_a_span", text[:20], "this is no span of time", fix),))
    return int(found[1]) * UNITS[found[2]]
