"""The user's files on the store that machines share: pictures, fonts, music, LoRAs, by their bytes.

assets/<first two of sha256>/<sha256>
LEDGER/assets/<first two of sha256>/<sha256>/<name>      on each machine, under the name that the user gave it
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from flows.files import atomic_path, sha256_file
from flows.stores.contract import Store, corrupt

ASSETS = "assets"
#: A name that a file system takes, whatever the user's took.
LIMIT_NAME_CHARACTERS = 120


class AssetChanged(Exception):
    """A file has other bytes than when the campaign was read."""

    code = "bad_media"


class AssetSender:
    """Brings files to the store, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sent: set[str] = set()

    def send(self, path: Path, sha256: str) -> Path:
        """Have the file on the store; it stays where it is. Raises: AssetChanged; errors of the store."""
        if sha256 not in self._sent:
            name = _name(sha256)
            if self._store.head(name) is None:
                if not path.is_file() or sha256_file(path) != sha256:
                    raise AssetChanged(f"{path.name} was changed or removed while the campaign ran")
                self._store.put(name, path, if_absent=True)
            self._sent.add(sha256)
        return path


def bring_asset(store: Store, root: Path, path: Path, sha256: str) -> Path:
    """The file on this machine, from the store. Raises: errors of the store."""
    target = root / ASSETS / sha256[:2] / sha256 / path.name[-LIMIT_NAME_CHARACTERS:]
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            if store.get(_name(sha256), part).sha256 != sha256:
                raise corrupt(_name(sha256))
    return target


def as_planned(path: Path, sha256: str) -> Path:
    """The file where it lies. Raises: AssetChanged when it is not the one any more that the steps' keys were made of:
    what came of another would be found under those keys for ever."""
    try:
        facts = path.stat()
        same = _sha256_at(path, facts.st_size, facts.st_mtime_ns) == sha256
    except OSError:
        same = False
    if not same:
        raise AssetChanged(f"{path.name} was changed or removed while the campaign ran")
    return path


@lru_cache(maxsize=1024)
def _sha256_at(path: Path, size: int, modified_ns: int) -> str:
    return sha256_file(path)


def _name(sha256: str) -> str:
    return f"{ASSETS}/{sha256[:2]}/{sha256}"
