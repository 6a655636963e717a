"""A few frames of a film, cheaply: near its beginning, about its middle, within its last second.

Goes from key frame to key frame and decodes only what leads to a wanted frame, skipping frames that no other builds on
and the smoothing of block edges: what is looked for must be plain enough to be seen without. `scan.py` and `frames.py`
decode strictly and whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from generation.errors import BadMedia
from generation.media.frames import Planes, limited_709

_FAST = {"skip_loop_filter": "all"}
#: Times are rounded in the file; a frame lasts 17 ms and more.
_ROUNDING_SECONDS = 0.002


def glimpses(path: Path, start_seconds: float, end_seconds: float) -> Iterator[tuple[float, Planes]]:
    """Moments and frames of a stretch of the film: its first frame, one about its middle, one of its last second.

    A view is valid until the next one is asked for. Fewer come from a film that ends before the stretch does.

    Raises: BadMedia when the file cannot be read.
    """
    try:
        with av.open(f"file:{path.absolute()}", format="mp4", options={"protocol_whitelist": "file"}) as film:
            stream = film.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.skip_frame = "NONREF"
            stream.codec_context.options = dict(_FAST)
            yield from _stretch(film, stream, start_seconds, end_seconds)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadMedia(f"{path.name}: not a readable video ({error})") from error


def _stretch(
    film: av.container.InputContainer, stream: av.VideoStream, start: float, end: float
) -> Iterator[tuple[float, Planes]]:
    start, third = start - _ROUNDING_SECONDS, (end - start) / 3 - _ROUNDING_SECONDS
    last = max(start, end - 1 - _ROUNDING_SECONDS)
    for moment, frame in _from(film, stream, start):
        if moment >= start:
            yield moment, limited_709(frame)
            break
    seen_middle = False
    for moment, frame in _from(film, stream, last):
        if moment >= last and moment > start + 2 * _ROUNDING_SECONDS:
            yield moment, limited_709(frame)
            break
        # The key frame on the way is decoded anyway: where it lies about the middle, it serves.
        if not seen_middle and start + third <= moment <= end - third:
            seen_middle = True
            yield moment, limited_709(frame)
    if not seen_middle:
        yield from _middle(film, stream, start, last)


def _middle(
    film: av.container.InputContainer, stream: av.VideoStream, start: float, last: float
) -> Iterator[tuple[float, Planes]]:
    """The key frame before the middle; none where that is the first frame itself."""
    for moment, frame in _from(film, stream, (start + last) / 2):
        if start + 2 * _ROUNDING_SECONDS < moment < last:
            yield moment, limited_709(frame)
        return


def _from(
    film: av.container.InputContainer, stream: av.VideoStream, seconds: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Frames from the key frame before a moment on."""
    assert stream.time_base is not None
    film.seek(max(0, int((seconds + _ROUNDING_SECONDS) / stream.time_base)), stream=stream)
    for frame in film.decode(stream):
        if frame.time is not None:
            yield frame.time, frame
