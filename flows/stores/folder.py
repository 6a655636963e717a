"""A store in a folder, also one that several machines share: `file:///mnt/ads`.

An object is a plain file under its own name, moved into place by one rename. Beside the objects lies `.store/`: for
each one the SHA-256 of its versions, the newest and the one before it, found by the file's size and time; so a reader
needs no lock, and a writer who dies between the two renames leaves the earlier version whole and provable.

    ROOT/<name>                      the object
    ROOT/.store/facts/<name>.json    [{size, modified_ns, sha256}, …]
    ROOT/.store/parts/  .store/lock  what is being written; held by writers
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from flows.files import CannotWrite, atomic_path, sha256_file, sync, write_whole
from flows.stores.contract import (
    BLOCK_BYTES,
    LIMIT_READ_BYTES,
    Conflict,
    Link,
    Listed,
    Store,
    Stored,
    StoreRefused,
    check_moment,
    check_name,
    check_prefix,
    check_seconds,
    conflict,
    corrupt,
    is_name,
    not_there,
    sha256_of,
    too_large,
)

OWN = ".store"
#: How often a reader looks again when a writer has come between the file and its facts.
_LOOKS = 5


class FolderStore(Store):
    """Objects as files below a folder."""

    def __init__(self, root: Path, address: str = "") -> None:
        self.root, self.address = root.absolute(), address or root.absolute().as_uri()

    def put(self, name: str, source: Path, *, if_absent: bool = False) -> Stored:
        """As the contract says."""
        target, facts = self._object(name), self._facts(name)
        with _explained(self.address), self._part() as part:
            shutil.copyfile(source, part)
            made = {**_version(part.stat()), "sha256": sha256_file(part)}
            sync(part)
            with self._held():
                if if_absent and target.exists():
                    there = self.head(name)
                    if there is None or there.sha256 != made["sha256"]:
                        raise conflict(name)
                else:
                    facts.parent.mkdir(parents=True, exist_ok=True)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(facts, json.dumps([made, *self._current(target, facts)]))
                    part.replace(target)
                    sync(target.parent)
        return Stored(name, int(made["size"]), str(made["sha256"]))

    def get(self, name: str, target: Path) -> Stored:
        """As the contract says."""
        with self._opened(name) as found:
            if found is None:
                raise not_there(name)
            stream, sha256 = found
            made, size = hashlib.sha256(), 0
            with atomic_path(target) as part, part.open("wb") as out:
                while block := stream.read(BLOCK_BYTES):
                    made.update(block)
                    size += out.write(block)
                if made.hexdigest() != (sha256 or made.hexdigest()):
                    raise corrupt(name)
        return Stored(name, size, made.hexdigest())

    def read(self, name: str) -> bytes | None:
        """As the contract says."""
        with self._opened(name) as found:
            if found is None:
                return None
            stream, sha256 = found
            size = os.fstat(stream.fileno()).st_size
            if size > LIMIT_READ_BYTES:
                raise too_large(name, size)
            content = stream.read()
        if sha256 and sha256_of(content) != sha256:
            raise corrupt(name)
        return content

    def head(self, name: str) -> Stored | None:
        """As the contract says."""
        with self._opened(name) as found:
            if found is None:
                return None
            return Stored(name, os.fstat(found[0].fileno()).st_size, found[1])

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """As the contract says."""
        folder = check_prefix(prefix)
        with _explained(self.address):
            found = [path for path in (self.root / folder).rglob("*") if path.is_file()]
        named = {path.relative_to(self.root).as_posix(): path for path in found}
        for name in sorted(named):
            if is_name(name):
                with suppress(FileNotFoundError):  # removed since
                    facts = named[name].stat()
                    yield Listed(name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def delete(self, name: str) -> None:
        """As the contract says. Folders that become empty go too."""
        target, facts = self._object(name), self._facts(name)
        if not target.exists():
            return
        with _explained(self.address), self._held():
            for path, top in ((target, self.root), (facts, self.root / OWN / "facts")):
                path.unlink(missing_ok=True)
                _prune(path.parent, top)

    def link(self, name: str, seconds: int) -> Link:
        """The file's own address: it does not expire, and opens for whoever can read the folder."""
        check_seconds(seconds)
        return Link(self._object(name).as_uri(), None)

    def sweep_uploads(self, before: datetime) -> int:
        """As the contract says: what writers who died have left."""
        swept = 0
        for part in sorted((self.root / OWN / "parts").glob("*")):
            with suppress(FileNotFoundError):  # finished since
                if part.stat().st_mtime < check_moment(before).timestamp():
                    part.unlink()
                    swept += 1
        return swept

    def check(self) -> None:
        """As the contract says."""
        name = f"check-{secrets.token_hex(6)}"
        self.write(name, b"a", if_absent=True)
        try:
            with suppress(Conflict):
                self.write(name, b"b", if_absent=True)
                raise StoreRefused(f"{self.address}: a second file of the same name was not refused")
            if self.read(name) != b"a":
                raise StoreRefused(f"{self.address}: what is written cannot be read back")
        finally:
            self.delete(name)

    def _object(self, name: str) -> Path:
        return self.root / check_name(name)

    def _facts(self, name: str) -> Path:
        return self.root / OWN / "facts" / f"{name}.json"

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """A fresh path on the same disk, gone afterwards."""
        part = self.root / OWN / "parts" / secrets.token_hex(8)
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep other writers away; freed by the system if we die."""
        path = self.root / OWN / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[BinaryIO, str] | None]:
        """An object opened, with the hash that it was put with ("" for a file of somebody else's).

        Raises: Corrupt when the file is no version that was put.
        """
        target, facts = self._object(name), self._facts(name)
        for look in range(_LOOKS):
            try:
                stream = target.open("rb")
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                yield None
                return
            with stream:
                versions = _read(facts)
                found = _version(os.fstat(stream.fileno()))
                matches = [one["sha256"] for one in versions if found.items() <= one.items()]
                if matches or not versions:
                    yield stream, str(matches[0]) if matches else ""
                    return
                if look == _LOOKS - 1:
                    raise corrupt(name)

    def _current(self, target: Path, facts: Path) -> list[dict[str, Any]]:
        """The facts of the version that lies there now."""
        with suppress(FileNotFoundError):
            found = _version(target.stat())
            return [one for one in _read(facts) if found.items() <= one.items()][:1]
        return []


def _version(facts: os.stat_result) -> dict[str, Any]:
    return {"size": facts.st_size, "modified_ns": facts.st_mtime_ns}


def _read(facts: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(facts.read_text("utf-8")))
    except FileNotFoundError:
        return []


def _prune(folder: Path, top: Path) -> None:
    """Remove empty folders upwards, the top one excepted."""
    with suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """A disk's refusal as a sentence; a missing source file is the caller's own fault and passes through."""
    try:
        yield
    except CannotWrite as error:
        raise StoreRefused(f"{address}: {error}") from error
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR):
            raise
        fix = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Check its rights"
        raise StoreRefused(f"{address}: this folder cannot be written ({error.strerror}). {fix}") from error
