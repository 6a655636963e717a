"""Which bytes were published as which delivery, kept in the ledger: a run that makes nothing new takes nothing back.

    LEDGER/published/<first two of sha256>/<sha256>.<hash of the delivery's name>

Where they were published stands in `published.json` there. Knows names and hashes only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flows.files import write_whole


@dataclass(frozen=True, slots=True)
class Publications:
    """The publications below a ledger's folder."""

    root: Path

    def note(self, sha256: str, about: str) -> None:
        """These bytes are published as this delivery. Raises: NoSpace, CannotWrite."""
        path = self._path(sha256, about)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, f"{about}\n")

    def withdraw(self, sha256: str, about: str) -> None:
        """They are not any more."""
        self._path(sha256, about).unlink(missing_ok=True)

    def has(self, sha256: str, about: str) -> bool:
        """Whether they are."""
        return self._path(sha256, about).is_file()

    def _path(self, sha256: str, about: str) -> Path:
        name = hashlib.sha256(about.encode()).hexdigest()[:16]
        return self.root / "published" / sha256[:2] / f"{sha256}.{name}"
