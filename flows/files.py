"""Files that are whole or not there, names that are safe everywhere, and cells that no spreadsheet runs.

Everything that a run writes outside the ledger goes through here. Knows nothing about what the files say.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson


class CannotWrite(Exception):
    """A file could not be written; its text names the file, the reason and what to do. Nothing half-written is left."""

    code = "not_writable"


class NoSpace(CannotWrite):
    """The disk, or the user's share of it, is full."""

    code = "no_space"


# --- whole or not there -------------------------------------------------------------------------------------------


@contextmanager
def atomic_path(path: Path, *, settle: bool = True) -> Iterator[Path]:
    """A fresh path beside `path` to write to; moved onto `path` in one step when the block ends without an exception.

    The block must write the file and close it. Whatever happens, the fresh path is gone afterwards, and `path` holds
    either what it held before or all of the new bytes, on the disk. The suffix is kept: ffmpeg and Pillow go by it.
    Who writes many files into one folder may leave its names to one `sync(folder)` of their own: `settle=False`.

    Raises: NoSpace, CannotWrite instead of the OSError of a disk; other exceptions of the block pass through.
    """
    # Names have at most 255 bytes; a stem of 60 characters has at most 240 with the random part.
    part = path.with_name(f".{path.stem[:20]}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        yield part
        sync(part)
        part.replace(path)
        if settle:
            sync(path.parent)
    except OSError as error:
        named = {Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if name is not None}
        if named and not (named & {part, path, path.parent} and (len(named) == 1 or _is_full(error))):
            raise  # about another file that the block reads; a copy names both, and only the new one needs space
        raise _explained(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str, *, settle: bool = True) -> None:
    """Write a file so that it is complete or as it was before. Text is UTF-8; `settle` is that of `atomic_path`.

    Raises: NoSpace, CannotWrite.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, settle=settle) as part:
        part.write_bytes(data)


def write_json(path: Path, value: object) -> bool:
    """Write JSON for people and programs, unless exactly that is there already; whether it was written.

    The folder's names are left to the caller's `sync`. Raises: NoSpace, CannotWrite.
    """
    # Beside each of ten thousand films: Python's own encoder takes ten times as long where lines are to be indented.
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    with suppress(OSError):
        if path.read_bytes() == data:
            return False
    write_whole(path, data, settle=False)
    return True


def sync(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to the disk: a rename alone survives a crash only by luck."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def appending(path: Path) -> Iterator[None]:
    """For what is written to a file in place: a log, a lock. Raises: NoSpace, CannotWrite in place of any OSError."""
    try:
        yield
    except OSError as error:
        raise _explained(path, error) from error


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _explained(path: Path, error: OSError) -> CannotWrite:
    reason = error.strerror or str(error)
    if _is_full(error):
        return NoSpace(f"{path.name}: no space left in {path.parent}. Free some and run again; finished steps are kept")
    if error.errno == errno.ENOENT:
        return CannotWrite(f"{path.name}: the folder {path.parent} does not exist, or nothing was written")
    return CannotWrite(f"{path.name}: cannot be written in {path.parent} ({reason}). Check its rights")


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; the file is never in memory as a whole."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- names --------------------------------------------------------------------------------------------------------

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
#: Windows gives these to devices, with any extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def is_safe_name(name: str) -> bool:
    """Whether a name is the same, and is a plain file, on every file system, in every bucket and in every URL."""
    plain = _SAFE_NAME.fullmatch(name) and ".." not in name and not name.endswith(".")
    return bool(plain) and not _DEVICE.match(name)


def safe_slug(text: str, max_characters: int = 60) -> str:
    """A safe name that still reads like `text`: `Café à Paris` becomes `Cafe-a-Paris`.

    Texts that lose letters on the way (other scripts, too long) end in eight hex digits of their hash, so that two of
    them stay apart. Two slugs may still be equal in other letter case or accents: whoever makes ids compares them.
    """
    folded = unicodedata.normalize("NFKD", text)
    letters = [character for character in folded if unicodedata.category(character) != "Mn"]
    ascii_only = "".join(character if character.isascii() else "-" for character in letters)
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", ascii_only)
    slug = re.sub(r"\.\.+", ".", slug).strip("-._")
    lost = any(not character.isascii() and character.isalnum() for character in letters)
    if lost or not slug or len(slug) > max_characters:
        mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        slug = "-".join(part for part in (slug[: max_characters - 9].rstrip("-._"), mark) if part)
    return f"x-{slug}" if _DEVICE.match(slug) else slug


# --- cells --------------------------------------------------------------------------------------------------------

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection), full-width forms included.
_TRIGGERS = "=+-@＝＋－＠"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?%?")


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet might run the cell. A signed number stays a number."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    # Some programs drop spaces and invisible characters before they look.
    start = 0
    while start < len(cell) and (cell[start].isspace() or unicodedata.category(cell[start]) in ("Cc", "Cf")):
        start += 1
    return cell[start : start + 1] in tuple(_TRIGGERS) and not _NUMBER.fullmatch(cell.strip())


def guard(cell: str) -> str:
    """The cell as it may stand in a CSV file: one `'` in front if a spreadsheet would run it as a formula.

    Exactly reversible by `unguard`: a cell that already consists of apostrophes and a formula gets one more.
    """
    return f"'{cell}" if _is_formula(cell.lstrip("'")) else cell


def unguard(cell: str) -> str:
    """The cell without the one apostrophe that `guard` (or a person, to the same end) put in front of a formula."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell
