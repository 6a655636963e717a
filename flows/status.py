"""How a campaign stands, read from what is on disk: the last run's results, and whether a run is going on now."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.deliveries import FAILED_STATES, count_states, verdict
from flows.model import BadInput, Problem
from flows.results import read_results

RESULTS = "results.csv"


@dataclass(frozen=True, slots=True)
class Status:
    """What `spotmill status` prints."""

    headline: str
    counts: Mapping[str, int]
    failures: tuple[str, ...]


def read_status(folder: Path) -> Status:
    """The state of OUT/<campaign>/; of OUT, when it holds one campaign.

    Raises: BadInput when nothing was run here.
    """
    home = campaign_folder(folder)
    if is_running(home):
        films = sum(1 for _ in home.glob("*/*.mp4"))
        return Status(f"{home.name}: a run is going on; {films} films are here so far", {}, ())
    if not (home / RESULTS).is_file():
        films = sum(1 for _ in home.glob("*/*.mp4"))
        return Status(f"{home.name}: the last run did not end; {films} films are here. Run it again to go on", {}, ())
    _, records = read_results(home / RESULTS)
    counts = count_states(records)
    reasons = Counter((record.code, record.message, record.fix) for record in records if record.status in FAILED_STATES)
    failures = tuple(f"{count} × {code}: {text}. {fix}" for (code, text, fix), count in reasons.most_common())
    return Status(f"{home.name}: {verdict(counts)}", counts, failures)


def campaign_folder(folder: Path) -> Path:
    """OUT/<campaign>/, also from OUT when it holds one campaign. Raises: BadInput when nothing was run here."""
    if (folder / RESULTS).is_file() or (folder / ".lock").is_file():
        return folder
    inside = sorted(path.parent for path in folder.glob("*/.lock"))
    if len(inside) == 1:
        return inside[0]
    names = ", ".join(path.name for path in inside)
    fix = f"Name one of: {names}" if names else "Name the folder that `spotmill run` wrote to, OUT/<campaign>"
    raise BadInput((Problem(str(folder), None, None, "no_results", "", "no results of one campaign are here", fix),))


def is_running(home: Path) -> bool:
    """Whether a living process holds the folder."""
    lock = home / ".lock"
    if not lock.is_file():
        return False
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
