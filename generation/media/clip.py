"""A film that others made, for an engine to work from: what it is, whether it is whole, and its pictures at any rate.

Takes what cameras, phones and browsers write (MP4, MOV, WebM): any number of sound and data streams beside the
pictures, uneven spacing, lying on its side. `probe.py` and `frames.py` are stricter: they judge films that we wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from generation.errors import BadMedia
from generation.spec import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Demuxer by suffix. Named, so that a playlist or a script of edits is never opened, whatever its suffix.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm"}
#: 8K, 7680 by 4320, and a little. A picture beyond is refused before there is memory for it.
LIMIT_PIXELS = 40_000_000
#: A file that ends this much before its own index says was cut off; streams rarely end on the same picture.
_CUT_SECONDS = 0.5
#: How long the last picture is held: models render up to a quarter of a second more than a shot shows of them, and a
#: dissolve takes as much again.
HOLD_SECONDS = Fraction(1)
#: WebM writes times in milliseconds: a picture is due this much before its own time says.
_ROUNDING_SECONDS = Fraction(1, 1000)
#: Transfer functions of HDR (ISO/IEC 23091-2): PQ, and the HLG of phones. Shown as they are they look washed out.
_HDR = (16, 18)


@dataclass(frozen=True, slots=True)
class Clip:
    """What a film is; `size` as it is to be seen, `fps` its mean rate."""

    size: Size
    frames: int
    fps: Fraction
    seconds: float


def read_clip(path: Path) -> Clip:
    """Read the facts of a film: all its packets counted, its first picture decoded.

    Raises: BadMedia when it is no such film, has no pictures, is HDR, or ends before its index says.
    """
    with opened_film(path) as film:
        return _facts(path.name, film)


def clip_pictures(path: Path, frames: int, fps: Fraction) -> Iterator[NDArray[np.uint8]]:
    """`frames` pictures of a film at `fps`, each the one that is seen at its moment: (height, width, 3), RGB, upright.

    Raises: BadMedia when the film cannot be read, or is too short by more than `HOLD_SECONDS`.
    """
    given = 0
    with opened_film(path) as film:
        shown, until = None, Fraction(0)
        for frame, until in _until(film):
            shown = frame
            while given < frames and given / fps + _ROUNDING_SECONDS < until:
                yield _upright(frame)
                given += 1
            if given == frames:
                return
        while shown is not None and given < frames and given / fps < until + HOLD_SECONDS:
            yield _upright(shown)
            given += 1
    if given < frames:
        wanted = float(frames / fps)
        raise BadMedia(f"{path.name}: {float(until):.2f} s are too few for a shot of {wanted:.2f} s")


@contextmanager
def opened_film(path: Path) -> Iterator[av.container.InputContainer]:
    """A film that others made, open to be read by one thread. Raises: BadMedia."""
    container_format = FORMATS.get(path.suffix.lower())
    if container_format is None:
        raise BadMedia(f"{path.name}: not an MP4, MOV or WebM file")
    address, options = f"file:{path.absolute()}", {"protocol_whitelist": "file"}
    try:
        with av.open(address, format=container_format, options=options, metadata_errors="replace") as film:
            if not film.streams.video:
                raise BadMedia(f"{path.name}: no pictures in this file")
            # Against PyAV's types it is None where no decoder knows the codec.
            if (codec := film.streams.video[0].codec_context) is None:
                raise BadMedia(f"{path.name}: its pictures are in a codec that nothing here decodes")
            if codec.width * codec.height > LIMIT_PIXELS:
                raise BadMedia(f"{path.name}: {codec.width}x{codec.height} pixels are too many; 8K is the most")
            codec.thread_count = 1
            # The pictures may be larger than the container says.
            codec.options = {"max_pixels": str(LIMIT_PIXELS)}
            yield film
    except (av.FFmpegError, ValueError) as error:
        raise BadMedia(f"{path.name}: not a readable film ({error})") from error


def _facts(name: str, film: av.container.InputContainer) -> Clip:
    stream, size = film.streams.video[0], None
    frames, end_seconds = 0, 0.0
    for packet in film.demux(stream):
        if size is None:
            size = next((_seen_size(frame) for frame in packet.decode()), None)
        if packet.size and packet.pts is not None and packet.time_base is not None:
            frames += 1
            end_seconds = max(end_seconds, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    if size is None or not frames or end_seconds <= 0:
        raise BadMedia(f"{name}: no picture of it can be decoded ({stream.codec_context.name})")
    if int(stream.codec_context.color_trc) in _HDR:
        raise BadMedia(f"{name}: an HDR film; export it in standard range (BT.709)")
    promised = _promised_seconds(film, stream)
    if end_seconds < promised - _CUT_SECONDS:
        raise BadMedia(f"{name}: it ends after {end_seconds:.1f} s and should last {promised:.1f} s")
    return Clip(size, frames, stream.average_rate or frames / Fraction(end_seconds), end_seconds)


def _promised_seconds(film: av.container.InputContainer, stream: av.VideoStream) -> float:
    """How long the index says the pictures last; 0 when it does not (a recording of a browser)."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    alone = len(film.streams) == 1  # the file's length is the longest stream's
    return (film.duration or 0) / 1_000_000 if alone else 0.0


def _until(film: av.container.InputContainer) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """Every picture and when it gives way to the next, in seconds from the first."""
    before: tuple[av.VideoFrame, Fraction] | None = None
    start, length = Fraction(0), Fraction(0)
    for frame in film.decode(film.streams.video[0]):
        if frame.pts is None or frame.time_base is None:
            continue
        at = frame.pts * frame.time_base
        if before is None:
            start = at
        else:
            length = at - before[1]
            yield before[0], at - start
        before = (frame, at)
    if before is not None:
        rate = film.streams.video[0].average_rate
        yield before[0], before[1] - start + (length or (1 / rate if rate else 0))


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The picture as RGB, turned as the device that took it asks for."""
    import numpy as np

    from generation.media.frames import limited_709
    from generation.media.poster import to_rgb

    return np.ascontiguousarray(np.rot90(to_rgb(limited_709(frame)), frame.rotation // 90))


def _seen_size(frame: av.VideoFrame) -> Size:
    turned = frame.rotation // 90 % 2
    return Size(frame.height, frame.width) if turned else Size(frame.width, frame.height)
