"""When a campaign runs: cron expressions and a timezone, checked, with the next times as people read them.

The times come from Prefect's own reading of a cron expression, so that what is printed is what the server will do.
"""

from __future__ import annotations

import asyncio
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.model import BadInput, Problem
from flows.problems import did_you_mean, shown

FORM = 'Write minute, hour, day, month and weekday, like "0 5 * * *" for five in the morning'
#: How many times to come are shown.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Times:
    """One or more cron expressions in one timezone."""

    crons: tuple[str, ...]
    timezone: str

    def sentence(self) -> str:
        """As it stands in lists."""
        return f"{', '.join(self.crons)} ({self.timezone})"


def read_times(crons: Sequence[str], timezone: str) -> Times:
    """The times, checked.

    Raises: BadInput for each expression that cannot be read or never comes, and for an unknown timezone.
    """
    known = zoneinfo.available_timezones()
    if timezone not in known:
        fix = did_you_mean(timezone, known)
        fix = fix if fix.startswith("Did") else "Write it like Europe/Berlin or UTC"
        raise _bad("--timezone", "unknown_timezone", timezone, "there is no such timezone", fix)
    times = Times(tuple(dict.fromkeys(" ".join(cron.split()) for cron in crons)), timezone)
    for cron in times.crons:
        _check(cron, timezone)
    return times


def next_times(times: Times, count: int = SHOWN) -> list[datetime]:
    """The next times at which it runs, the soonest first."""
    found = {moment for cron in times.crons for moment in _dates(cron, times.timezone, count)}
    return sorted(found)[:count]


def spoken(moment: datetime) -> str:
    """A time for people, with its zone."""
    return f"{moment:%a %d %b %Y %H:%M %Z}"


def _check(cron: str, timezone: str) -> None:
    # Prefect takes a sixth field for seconds: five out of six such expressions are a mistake that runs all day.
    if len(cron.split()) != 5 and not cron.startswith("@"):
        raise _bad("--cron", "bad_cron", cron, f"{len(cron.split())} fields, five are expected", FORM)
    try:
        dates = _dates(cron, timezone, 1)
    except ValueError as error:
        raise _bad("--cron", "bad_cron", cron, "this is no cron expression", FORM) from error
    if not dates:
        raise _bad("--cron", "never", cron, "such a day never comes", "Check the day and the month")


def _dates(cron: str, timezone: str, count: int) -> list[datetime]:
    """Raises: ValueError for an expression that cannot be read."""
    from prefect._vendor.croniter.croniter import CroniterBadDateError
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone=timezone)
    try:
        return list(asyncio.run(schedule.get_dates(count)))
    except CroniterBadDateError:
        return []


def _bad(option: str, code: str, value: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(option, None, None, code, shown(value), message, fix),))
