"""Where published files are put: a folder, or a store such as a bucket. Both take a file whole or not at all.

Knows names and hashes; decides nothing about what may be published, nor about what may be replaced.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path, PurePath

from flows.files import atomic_path, sha256_file, write_whole
from flows.stores.contract import Conflict, Link, Store, is_name


class BytesChanged(Exception):
    """The file to be published has other bytes than it should have."""


class NameTaken(Exception):
    """Somebody else's file has this name. Its text is the name."""


class Shelf(ABC):
    """Files by plain names, in one place."""

    #: For people.
    place: str

    @abstractmethod
    def takes(self, name: str) -> bool:
        """Whether a file may be called so here."""

    @abstractmethod
    def present(self, name: str) -> str | None:
        """SHA-256 of what has this name; "" where that is not known; None where the name is free."""

    @abstractmethod
    def put(self, source: Path, name: str, sha256: str, *, replace: bool) -> None:
        """Put a copy with exactly this hash. Raises: BytesChanged; NameTaken where it is not to replace."""

    @abstractmethod
    def read(self, name: str) -> str | None:
        """A text, None where there is none."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write a text whole, instead of what was there."""


class FolderShelf(Shelf):
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, str(folder)

    def takes(self, name: str) -> bool:
        """As the class above says."""
        return PurePath(name).name == name and "\\" not in name and not name.startswith(".")

    def present(self, name: str) -> str | None:
        """As the class above says."""
        path = self.folder / name
        return (sha256_file(path) if path.is_file() else "") if path.exists() else None

    def put(self, source: Path, name: str, sha256: str, *, replace: bool) -> None:
        """As the class above says. What is hashed is the copy itself, before it gets its name."""
        with atomic_path(self.folder / name) as part:
            shutil.copyfile(source, part)
            if sha256_file(part) != sha256:
                raise BytesChanged
            os.utime(part, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))

    def read(self, name: str) -> str | None:
        """As the class above says."""
        path = self.folder / name
        return path.read_text("utf-8") if path.exists() else None

    def write(self, name: str, text: str) -> None:
        """As the class above says."""
        write_whole(self.folder / name, text)


class StoreShelf(Shelf):
    """A folder of a store."""

    def __init__(self, store: Store, folder: str) -> None:
        self.store, self._folder = store, folder
        self.place = f"{store.address}/{folder}"

    def takes(self, name: str) -> bool:
        """As the class above says."""
        return "/" not in name and is_name(self._name(name))

    def present(self, name: str) -> str | None:
        """As the class above says."""
        there = self.store.head(self._name(name))
        return there.sha256 if there else None

    def put(self, source: Path, name: str, sha256: str, *, replace: bool) -> None:
        """As the class above says. The store hashes what it is given; the wrong bytes are taken away again."""
        if sha256_file(source) != sha256:
            raise BytesChanged
        try:
            stored = self.store.put(source=source, name=self._name(name), if_absent=not replace)
        except Conflict as error:
            raise NameTaken(name) from error
        if stored.sha256 != sha256:  # changed between the two looks
            self.store.delete(self._name(name))
            raise BytesChanged

    def read(self, name: str) -> str | None:
        """As the class above says."""
        content = self.store.read(self._name(name))
        return content.decode("utf-8") if content is not None else None

    def write(self, name: str, text: str) -> None:
        """As the class above says."""
        self.store.write(self._name(name), text.encode("utf-8"))

    def link(self, name: str, seconds: int) -> Link:
        """An address that opens the file for so long."""
        return self.store.link(self._name(name), seconds)

    def _name(self, name: str) -> str:
        return f"{self._folder}/{name}"


def bring_film(shelf: Shelf, source: Path, name: str, sha256: str) -> bool:
    """Put the film on the shelf unless it is there. Returns whether it was put now. Raises: BytesChanged, NameTaken."""
    present = shelf.present(name)
    if present is None:
        shelf.put(source, name, sha256, replace=False)
        return True
    if sha256_file(source) != sha256:
        raise BytesChanged
    if present != sha256:
        raise NameTaken(name)
    return False
