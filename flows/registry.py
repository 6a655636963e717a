"""Which film is this? From a mark found in a picture, or from a file's hash, to the creative, row and placement.

Each delivery of each run has a small file under its mark and under its hash; they outlive the steps they speak of.
Beside them lie the signed manifests, for films whose platform has stripped them. Knows no marks and no signatures.

    LEDGER/registry/marks/<payload>/<sha256>.<campaign hash>.json
    LEDGER/registry/files/<first two of sha256>/<sha256>.<campaign hash>.json
    LEDGER/registry/manifests/<first two of sha256>/<sha256>.c2pa
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.files import write_whole
from flows.ledger import digest

_HEX = re.compile(r"[0-9a-f]{2,64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery as it was made for one creative."""

    #: The invisible mark's payload as hex; "" where the film has none.
    mark: str
    #: Of the delivered file, signature included.
    sha256: str
    campaign: str
    creative_id: str
    row: int
    row_id: str
    placement: str
    #: Key of the step in the ledger that holds the film.
    delivery: str

    @property
    def identity(self) -> str:
        """The same delivery of the same creative is written once."""
        return digest([self.campaign, self.creative_id, self.placement])[:12]


@dataclass(frozen=True, slots=True)
class Registry:
    """The entries below a ledger's folder."""

    root: Path

    def add(self, entry: Entry) -> None:
        """Remember a delivery. Raises: NoSpace, CannotWrite."""
        name = f"{entry.sha256}.{entry.identity}.json"
        for folder in self._folders(entry):
            if not (folder / name).is_file():
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(folder / name, json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True) + "\n")

    def by_mark(self, payload: str) -> tuple[Entry, ...]:
        """Deliveries that carry this mark, in a fixed order."""
        return tuple(_read(self._marks / payload, "*.json")) if _HEX.fullmatch(payload) else ()

    def by_sha256(self, sha256: str) -> tuple[Entry, ...]:
        """Deliveries with exactly these bytes."""
        return tuple(_read(self._files / sha256[:2], f"{sha256}.*.json")) if _HEX.fullmatch(sha256) else ()

    def entries(self) -> Iterator[Entry]:
        """Every delivery of every run, in a fixed order."""
        yield from _read(self._files, "??/*.json")

    def keep_manifest(self, sha256: str, manifest: Path) -> None:
        """Keep the signed manifest of a film, for when a platform has stripped it. Raises: NoSpace, CannotWrite."""
        path = self._manifest(sha256)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, manifest.read_bytes())

    def manifest(self, sha256: str) -> bytes | None:
        """The signed manifest of a file, or None."""
        path = self._manifest(sha256)
        return path.read_bytes() if _HEX.fullmatch(sha256) and path.is_file() else None

    @property
    def _marks(self) -> Path:
        return self.root / "registry" / "marks"

    @property
    def _files(self) -> Path:
        return self.root / "registry" / "files"

    def _folders(self, entry: Entry) -> Iterator[Path]:
        yield self._files / entry.sha256[:2]
        if entry.mark:
            yield self._marks / entry.mark

    def _manifest(self, sha256: str) -> Path:
        return self.root / "registry" / "manifests" / sha256[:2] / f"{sha256}.c2pa"


def _read(folder: Path, pattern: str) -> Iterator[Entry]:
    for path in sorted(folder.glob(pattern)):
        yield Entry(**json.loads(path.read_text("utf-8")))
