"""The boxes of an MP4 file, as far as a delivery's rules speak of them: brands, order, edit lists.

Reads bytes only, no codec and no library: what decides here is the file as a platform's parser sees it, not what a
demuxer makes of it. Does not know streams, sizes or durations (see `probe.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from generation.errors import BadMedia

#: An index larger than this is not one of a film of minutes.
_INDEX_MAX_BYTES = 64 << 20
_BOXES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Mp4:
    """What the boxes say. `brands` starts with the major brand; `edit_lists` counts tracks that have one."""

    brands: tuple[str, ...]
    #: The index (moov) comes before the media data: playback starts before the file is loaded ("faststart").
    index_first: bool
    edit_lists: int
    fragmented: bool


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    #: First byte after the header, and first byte after the box, both counted from the start of the file.
    body: int
    end: int


def read_mp4(path: Path) -> Mp4:
    """Read the box structure of a file.

    Raises: BadMedia when it is not an MP4 file, or a box reaches beyond the end (a truncated file).
    """
    try:
        with path.open("rb") as file:
            return _facts(path.name, file, path.stat().st_size)
    except (OSError, struct.error) as error:
        raise BadMedia(f"{path.name}: not a readable MP4 file ({error})") from error


def _facts(name: str, file: IO[bytes], size: int) -> Mp4:
    top = list(_boxes(name, file, 0, size))
    first = {box.kind: box for box in reversed(top)}
    for kind, meaning in ((b"ftyp", "type"), (b"moov", "index"), (b"mdat", "media data")):
        if kind not in first:
            raise BadMedia(f"{name}: not a whole MP4 file, it has no {meaning} ({kind.decode()} box)")
    moov = first[b"moov"]
    if moov.end - moov.body > _INDEX_MAX_BYTES:
        raise BadMedia(f"{name}: an index of {moov.end - moov.body} bytes")
    return Mp4(
        brands=_brands(file, first[b"ftyp"]),
        index_first=moov.body < first[b"mdat"].body,
        edit_lists=_edit_lists(name, file, moov),
        fragmented=any(box.kind == b"moof" for box in top),
    )


def _boxes(name: str, file: IO[bytes], start: int, end: int) -> Iterator[_Box]:
    """The boxes between two places of the file, in order."""
    for _ in range(_BOXES_MAX):
        if start == end:
            return
        if start + 8 > end:
            raise BadMedia(f"{name}: ends inside a box's header, at byte {start}")
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", file.read(8))[0], 16
        elif length == 0:  # until the end
            length = end - start
        if length < header:
            raise BadMedia(f"{name}: a box of {length} bytes at byte {start}")
        if start + length > end:
            raise BadMedia(f"{name}: truncated, a box at byte {start} lacks {start + length - end} bytes")
        yield _Box(kind, start + header, start + length)
        start += length
    raise BadMedia(f"{name}: more than {_BOXES_MAX} boxes")


def _brands(file: IO[bytes], ftyp: _Box) -> tuple[str, ...]:
    file.seek(ftyp.body)
    body = file.read(min(ftyp.end - ftyp.body, 1024))
    # The second four bytes are a version, not a brand.
    words = [body[at : at + 4] for at in range(0, len(body) - 3, 4) if at != 4]
    return tuple(word.decode("latin-1") for word in words)


def _edit_lists(name: str, file: IO[bytes], moov: _Box) -> int:
    tracks = [box for box in _boxes(name, file, moov.body, moov.end) if box.kind == b"trak"]
    return sum(any(_has_edits(name, file, box) for box in _boxes(name, file, t.body, t.end)) for t in tracks)


def _has_edits(name: str, file: IO[bytes], box: _Box) -> bool:
    if box.kind != b"edts":
        return False
    return any(inner.kind == b"elst" for inner in _boxes(name, file, box.body, box.end))
