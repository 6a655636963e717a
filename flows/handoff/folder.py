"""A folder that holds what was handed over last: each file whole, nothing of ours left over, nothing else touched.

`handoff.json` lists the files that are ours. It is written before the first of them and again after the last, so that a
killed hand-off leaves nothing that the next one does not know. A file that is there already is not written again. Knows
names and bytes; not what they are for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from flows.files import CannotWrite, atomic_path, write_whole
from flows.model import BadInput, Problem

LIST = "handoff.json"
#: As `safe_slug` makes names, with an ending.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


class HandoffFolder:
    """`begin` with all names, then `bring` and `write` them, then `end`."""

    def __init__(self, folder: Path, campaign: str) -> None:
        self.folder = folder
        self._campaign = campaign
        self._before: set[str] = set()
        self._names: set[str] = set()
        #: Files that were written now, and those that were there.
        self.written, self.present = 0, 0

    def begin(self, names: Iterable[str]) -> None:
        """Take the folder for these files.

        Raises: BadInput when something else lies there; NoSpace, CannotWrite.
        """
        self._names = set(names)
        assert all(_is_ours(name) for name in self._names)
        self._before = self._listed()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _bad(self.folder, "not_writable", f"cannot be made ({error.strerror})", "Check its rights") from error
        self._list(self._names | self._before)

    def bring(self, source: Path, name: str, *, link: bool) -> None:
        """Put a film into place: as a hard link where that is wanted and possible, else as a copy.

        Raises: NoSpace, CannotWrite.
        """
        target = self._place(name)
        facts = source.stat()
        with suppress(OSError):
            there = target.stat()
            if (there.st_size, there.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
                self.present += 1
                return
        with atomic_path(target) as part:
            if not (link and _linked(source, part)):
                shutil.copyfile(source, part)
                os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        self.written += 1

    def write(self, name: str, content: bytes) -> None:
        """Write a file unless it says this already. Raises: NoSpace, CannotWrite."""
        target = self._place(name)
        with suppress(OSError):
            if target.read_bytes() == content:
                self.present += 1
                return
        write_whole(target, content)
        self.written += 1

    def end(self) -> None:
        """Remove what an earlier hand-off left and this one does not have. Raises: NoSpace, CannotWrite."""
        for name in sorted(self._before - self._names):
            path = self.folder / name
            path.unlink(missing_ok=True)
            for parent in PurePosixPath(name).parents[:-1]:
                with suppress(OSError):  # something else is in there
                    (self.folder / parent).rmdir()
        self._list(self._names)

    def _place(self, name: str) -> Path:
        assert name in self._names, name
        target = self.folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"{target.parent}: cannot be made ({error.strerror}). Check its rights") from error
        return target

    def _listed(self) -> set[str]:
        """The files of the hand-off before; nothing where the folder is new.

        Raises: BadInput when the folder is somebody else's.
        """
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return set()
        try:
            found = json.loads((self.folder / LIST).read_text("utf-8"))
            names = found["files"]
            assert isinstance(names, list)
        except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
            fix = "Name an empty folder, or one of an earlier hand-off"
            raise _bad(self.folder, "not_ours", "the folder holds other things", fix) from error
        if found.get("campaign") != self._campaign:
            fix = "Name a folder of its own for each campaign"
            raise _bad(self.folder, "other_campaign", f"holds the hand-off of {found.get('campaign')}", fix)
        # The list was a file in reach of others: it must not make us remove anything outside.
        return {name for name in names if isinstance(name, str) and _is_ours(name)}

    def _list(self, names: set[str]) -> None:
        content = {"schema": 1, "campaign": self._campaign, "files": sorted(names)}
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        with suppress(OSError):
            if (self.folder / LIST).read_text("utf-8") == text:
                return
        write_whole(self.folder / LIST, text)


def _linked(source: Path, target: Path) -> bool:
    """Whether a hard link could be made; another file system, or one without links, says no."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _is_ours(name: str) -> bool:
    """Whether a name leads to a file below the folder and nowhere else."""
    return all(_PART.fullmatch(part) and ".." not in part for part in name.split("/"))


def _bad(folder: Path, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(str(folder), None, None, code, "", message, fix),))
