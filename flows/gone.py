"""Films whose ads are no longer in the campaign: kept and counted, or moved aside, as campaign.yaml says.

A feed of yesterday had rows that today's has not. Nothing is deleted here: `retire` moves a creative's folder to
`retired/<date>/` and lists it in retired.csv, and a row that comes back is delivered again and leaves the list. A part
of a campaign says nothing about the rest, and a feed that has lost more than half of its rows is taken for a cut-off
export. Knows the results' folder; does not know why a row has gone.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from flows.files import CannotWrite, atomic_path, guard, sync, unguard, write_whole
from flows.order import Order

KEEP, RETIRE = "keep", "retire"
FOLDER, LIST = "retired", "retired.csv"
#: How many rows the last whole run had; beside the results, because it is about what lies there.
MEMORY = ".rows.json"
#: What `write_failed` calls the rows to run again: a part of the campaign, whatever campaign.yaml says.
FAILED_ROWS = "failed.csv"


@dataclass(frozen=True, slots=True)
class Retired:
    """One line of retired.csv: a film that was taken out of the results."""

    creative_id: str
    row_id: str
    placement: str
    sha256: str
    url: str
    retired_at: str
    #: Relative to the results' folder.
    path: str


COLUMNS = tuple(field.name for field in fields(Retired))


@dataclass(frozen=True, slots=True)
class Feed:
    """What a run was asked for, as far as it tells which films are still wanted."""

    #: Every creative of the plan, made or failed.
    creatives: Collection[str]
    #: Rows that are switched on.
    rows: int
    #: The order covers all of the campaign.
    whole: bool
    #: The user has said that the feed is right although it has lost more than half of its rows.
    accept_shrink: bool = False


def is_whole(order: Order, rows_file: Path) -> bool:
    """Whether an order covers a campaign as a whole: only then is a creative that it does not name gone."""
    parts = (order.rows, order.sample, order.where, order.placements)
    return parts == (None,) * len(parts) and not order.skip_bad_rows and rows_file.name != FAILED_ROWS


def settle_gone(folder: Path, feed: Feed, gone_rows: str, now: datetime | None = None) -> str:
    """Do with the films of ads that are gone as the campaign says; what was done, as a sentence, "" for nothing.

    The caller holds the folder. A film that cannot be moved stays, and the sentence says so.
    """
    if not feed.whole:
        return ""
    there = creatives_in(folder)
    gone = sorted(there - set(feed.creatives))
    before = _rows_before(folder)
    # Without a memory (films of an older version): more films have gone than stay.
    shrunk = feed.rows * 2 < before if before else len(gone) * 2 > len(there)
    if shrunk and not feed.accept_shrink:
        return _suspicious(feed, before, gone, gone_rows)
    try:
        write_whole(folder / MEMORY, json.dumps({"rows": feed.rows}) + "\n")
        if gone_rows == RETIRE:
            return _retire(folder, gone, feed, now or datetime.now(UTC))
    except (OSError, CannotWrite, NotOurs) as error:
        return f"Films of ads that are no longer in the campaign could not be retired: {error}"
    return f"{_ads(gone)} no longer in the campaign; the films are kept (gone_rows: keep)." if gone else ""


def creatives_in(folder: Path) -> set[str]:
    """The creatives that have films in a results' folder."""
    homes = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {home.name for home in homes if home.name != FOLDER and any(home.glob("*.mp4"))}


def _rows_before(folder: Path) -> int:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((folder / MEMORY).read_text("utf-8"))["rows"])
    return 0


def _ads(gone: Sequence[str]) -> str:
    return f"{len(gone)} ad is" if len(gone) == 1 else f"{len(gone)} ads are"


def _suspicious(feed: Feed, before: int, gone: Sequence[str], gone_rows: str) -> str:
    """Why nothing was retired."""
    if not gone or gone_rows != RETIRE:
        return f"{_ads(gone)} no longer in the campaign; the films are kept (gone_rows: keep)." if gone else ""
    rows = "1 row" if feed.rows == 1 else f"{feed.rows} rows"
    less = f"The feed has {rows}, the last one had {before}" if before else f"{_ads(gone)} gone, more than stay"
    return f"{less}: nothing was retired, since a cut-off export looks the same. If it is right: --accept-shrink."


def _retire(folder: Path, gone: Sequence[str], feed: Feed, now: datetime) -> str:
    """Move the creatives that are gone, and renew the list; the list is written first, so that no film is unlisted."""
    listed = {(line.creative_id, line.placement): line for line in read_retired(folder / LIST)}
    targets = {name: _free(folder / FOLDER / now.date().isoformat() / name) for name in gone}
    for name, target in targets.items():
        lines = list(_lines(folder, name, target, now))
        listed |= {(line.creative_id, line.placement): line for line in lines}
    back = [key for key in listed if key[0] in set(feed.creatives)]
    kept = [line for key, line in listed.items() if key not in back]
    if targets or back:
        _write(folder / LIST, kept)
    for name, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target)
        sync(target.parent)
    if not gone:
        return ""
    where = f"{FOLDER}/{now.date().isoformat()}"
    return f"{_ads(gone)} no longer in the campaign; the films were moved to {where} and are listed in {LIST}."


def _free(target: Path) -> Path:
    """A path that is not taken: an ad may go, come back and go again on the same day."""
    number, free = 2, target
    while free.exists():
        free, number = target.with_name(f"{target.name}.{number}"), number + 1
    return free


def _lines(folder: Path, creative: str, target: Path, now: datetime) -> Iterable[Retired]:
    """The films of a creative; what a run that was killed did not write beside one is left empty."""
    for film in sorted((folder / creative).glob("*.mp4")):
        facts: dict[str, object] = {}
        with suppress(OSError, ValueError):
            facts = dict(json.loads(film.with_suffix(".json").read_text("utf-8")))
        row_id, sha256, url = (str(facts.get(name, "")) for name in ("row_id", "sha256", "url_with_utm"))
        path = (target / film.name).relative_to(folder).as_posix()
        yield Retired(creative, row_id, film.stem, sha256, url, now.isoformat(timespec="seconds"), path)


# --- retired.csv --------------------------------------------------------------------------------------------------


class NotOurs(Exception):
    """retired.csv is there, and was not written by Spotmill; its text says what to do."""


def read_retired(path: Path) -> tuple[Retired, ...]:
    """The films that are retired now; none where there is no list.

    Raises: NotOurs.
    """
    if not path.is_file():
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *lines = csv.reader(stream, strict=True)
            if tuple(header) != COLUMNS or any(len(line) != len(COLUMNS) for line in lines):
                raise NotOurs(f"{path.name} does not have the columns that Spotmill writes. Move it away")
            return tuple(Retired(*map(unguard, line)) for line in lines)
    except (ValueError, csv.Error) as error:
        raise NotOurs(f"{path.name} cannot be read ({error}). Move it away") from error


def _write(path: Path, lines: Sequence[Retired]) -> None:
    with atomic_path(path) as part, part.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows([guard(getattr(line, name)) for name in COLUMNS] for line in lines)
