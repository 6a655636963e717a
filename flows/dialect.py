"""How a CSV file is written: its encoding and delimiter, found in bounded memory before anything is parsed.

Spreadsheets export byte order marks, UTF-16, Windows-1252 and semicolons; each is read, and what had to be guessed is
said. Knows nothing of records and columns.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

#: 100,000 rows of 600 characters.
LIMIT_BYTES = 64 * 1024 * 1024
#: One line of the file; longer ones are refused before they are in memory. A record may have several, in quotes.
LIMIT_LINE_CHARACTERS = 1_000_000
LIMIT_CELL_CHARACTERS = 10_000
DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_LINES = 100


class UnreadableTable(Exception):
    """The file cannot be read as a table at all. `code` is stable, `fix` the way out."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.fix = code, fix

    def __reduce__(self) -> tuple[object, ...]:
        return (UnreadableTable, (self.code, str(self), self.fix))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written."""

    encoding: str
    delimiter: str
    #: Physical lines before the header (Excel's `sep=;`).
    skipped_lines: int = 0


def find_dialect(path: Path) -> tuple[Dialect, list[str]]:
    """The file's dialect, and what was assumed as sentences.

    Raises: UnreadableTable for an empty, oversized, irregular or undecodable file; OSError.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise UnreadableTable("not_a_file", "the rows are not a regular file", "Name a CSV file")
    if size > LIMIT_BYTES:
        message = f"the file has {size / 1e6:.0f} MB; the limit is {LIMIT_BYTES / 1e6:.0f} MB"
        raise UnreadableTable("table_too_large", message, "Split it into several campaigns")
    encoding, notes = _encoding(path)
    with path.open(encoding=encoding, newline="") as stream:
        lines = list(islice(safe_lines(stream), _SNIFFED_LINES))
    if not any(line.strip() for line in lines):
        raise UnreadableTable("empty_table", "the file is empty", "Write a header line and one line per row")
    declared = lines[0].strip("\r\n").strip('"').casefold()
    if declared.startswith("sep=") and declared[4:] in DELIMITERS:
        return Dialect(encoding, declared[4:], skipped_lines=1), notes
    return Dialect(encoding, _delimiter(lines)), notes


def safe_lines(stream: TextIO) -> Iterator[str]:
    """The lines of a stream with their ends, never more than a limited part of it in memory.

    Raises: UnreadableTable for a line beyond the limit or one with a NUL character.
    """
    number = 0
    while line := stream.readline(LIMIT_LINE_CHARACTERS + 1):
        number += 1
        if len(line) > LIMIT_LINE_CHARACTERS:
            message = f"line {number} has more than {LIMIT_LINE_CHARACTERS:,} characters"
            fix = f"A cell may have {LIMIT_CELL_CHARACTERS:,}; look for one that holds a whole file"
            raise UnreadableTable("cell_too_long", message, fix)
        if "\0" in line:
            message = f"line {number} contains a NUL character"
            raise UnreadableTable("nul", message, "Export the table as CSV text again")
        yield line


def _encoding(path: Path) -> tuple[str, list[str]]:
    """The encoding, from the byte order mark or by trying; a guess comes with a note."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", []
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", []
    # UTF-16 without a mark: text with ASCII punctuation has a zero in every other byte.
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = head[offset::2]
        if len(half) >= 8 and half.count(0) > 0.7 * len(half):
            return encoding, [f"No byte order mark: read as {encoding.upper()}."]
    if _decodes(path, "utf-8"):
        return "utf-8", []
    if _decodes(path, "cp1252"):
        return "cp1252", ["Not UTF-8: read as Windows-1252 (cp1252). Save the file as UTF-8 if letters look wrong."]
    raise UnreadableTable("encoding", "the file is neither UTF-8, UTF-16 nor Windows-1252 text", "Save it as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(lines: list[str]) -> str:
    """The delimiter that splits the header into most names and, among equals, most rows into as many cells."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            records = [record for record in csv.reader(lines, delimiter=delimiter) if record]
        except csv.Error:
            return (0, 0)
        width = len(records[0])
        return (width, sum(len(record) == width for record in records))

    return max(DELIMITERS, key=score)
