"""links.csv: addresses that open the published films in a bucket for some days. Whoever has one has the film.

So they are written to this one file, readable by its owner alone, and to no table, log or page. Knows nothing of who
may see what.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from flows.deliveries import DeliveryRecord
from flows.files import atomic_path
from flows.stores.contract import Link

LINKS = "links.csv"
COLUMNS = ("creative_id", "placement", "row_id", "locale", "variant", "sha256", "url", "expires_at")


def write_links(folder: Path, links: Iterable[tuple[DeliveryRecord, Link]]) -> Path:
    """Write the links beside results.csv, instead of those from before. Raises: NoSpace, CannotWrite."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for record, link in links:
        about = [getattr(record, name) for name in COLUMNS[:-2]]
        table.writerow([*about, link.url, _moment(link.expires_at)])
    with atomic_path(folder / LINKS) as part:
        # Made with these rights, not given them afterwards: there is no instant in which others can read it.
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())
    return folder / LINKS


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
