"""Where a campaign's rows come from, for `spotmill watch`: a file, the newest CSV of a folder, an object of a bucket.

Each answers cheaply whether it may have changed, and copies itself. A new kind of source is a class here and a line in
`open_source`. Does not know what the rows mean, nor when to run.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from flows.model import BadInput, Problem
from flows.stores.contract import Store, StoreError, StoreFailed, is_name
from flows.stores.opening import explained, is_address, open_store


class NoFeed(Exception):
    """There is nothing to read now; its text is a sentence. It may be there at the next look."""


class Source(Protocol):
    """A CSV file that somebody else renews."""

    #: As it is told to people.
    place: str

    def sign(self) -> str:
        """Something that differs whenever the bytes may differ. Raises: NoFeed."""

    def copy(self, target: Path) -> None:
        """Write the bytes to a file. Raises: NoFeed."""


class FileSource:
    """A file on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = str(path)

    def sign(self) -> str:
        """Size, time and number of the file."""
        try:
            facts = self._path.stat()
        except OSError as error:
            raise NoFeed(f"{self.place} cannot be read ({error.strerror})") from error
        return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ino}"

    def copy(self, target: Path) -> None:
        """The bytes as they are now, which may be half of a file that is being written."""
        try:
            shutil.copyfile(self._path, target)
        except OSError as error:
            raise NoFeed(f"{self.place} cannot be read ({error.strerror})") from error


class FolderSource:
    """A folder that exports are put into: the newest CSV file is the feed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.place = f"{folder}/*.csv"

    def _newest(self) -> FileSource:
        try:
            files = [path for path in self._folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file()]
            newest = max(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
        except OSError as error:
            raise NoFeed(f"{self._folder} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise NoFeed(f"{self._folder} holds no CSV file yet") from error
        return FileSource(newest)

    def sign(self) -> str:
        """That of the newest file."""
        newest = self._newest()
        return f"{newest.place} {newest.sign()}"

    def copy(self, target: Path) -> None:
        """The newest file."""
        self._newest().copy(target)


class BucketSource:
    """An object in a store, such as s3://bucket/feeds/products.csv."""

    def __init__(self, store: Store, name: str, place: str) -> None:
        self._store, self._name = store, name
        self.place = place

    def sign(self) -> str:
        """Size and time of the object, from a listing: nothing is fetched."""
        folder = self._name.rpartition("/")[0]
        try:
            found = [listed for listed in self._store.listing(folder) if listed.name == self._name]
        except StoreFailed as error:
            raise NoFeed(str(error)) from error
        except StoreError as error:
            raise explained(error, self.place) from error
        if not found:
            raise NoFeed(f"{self.place} is not there yet")
        return f"{found[0].size} {found[0].modified.isoformat()}"

    def copy(self, target: Path) -> None:
        """Fetch the object."""
        try:
            self._store.get(self._name, target)
        except StoreError as error:
            raise NoFeed(str(error)) from error


def open_source(given: str, state_folder: Path) -> Source:
    """The source that `--from` names: an address of a store, a folder, or a file.

    Raises: BadInput for an address without a file's name, or one that cannot be opened.
    """
    if is_address(given):
        above, _, name = given.rpartition("/")
        if not name.lower().endswith(".csv") or above.endswith("/") or not is_name(name):
            fix = "Write it like s3://bucket/feeds/products.csv, in letters, digits, '.', '_' and '-'"
            raise BadInput((Problem("--from", None, None, "no_feed", given[:80], "this names no CSV file", fix),))
        return BucketSource(open_store(above, state_folder=state_folder), name, given)
    path = Path(given)
    return FolderSource(path) if path.is_dir() else FileSource(path)
