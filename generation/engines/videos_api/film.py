"""The server's film, checked and brought to exactly what the shot asked for.

Servers round lengths, ignore rates and answer their own sizes. The pictures are decoded strictly and encoded again:
surplus frames are left out, another rate is met by the nearest frame in time, another size is cropped and scaled. Each
change is a sentence for the report. What is too short cannot be mended. Knows no HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from generation.engines.videos_api.options import same_rate
from generation.errors import BadMedia, Transient
from generation.media.ffmpeg import file_url, run, source
from generation.media.frames import Plane, Planes, VideoWriter, read_frames
from generation.media.probe import Probe, probe
from generation.spec import Shot, Size

_SOUND_DEADLINE_SECONDS = 120.0
_SOUND_RATE_HZ = 48_000


class Unreadable(Transient):
    """The server's film is not whole; another try may bring one that is."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server's film is, and what was changed about it."""

    size: Size
    frames: int
    fps: Fraction
    sound: bool
    changes: tuple[str, ...]


def conform(film: Path, shot: Shot, path: Path) -> Answered:
    """Write `film` to `path` as the shot asks.

    Raises: Unreadable, or BadMedia when it is too short.
    """
    facts = _facts(film)
    picks = _picks(facts, shot)
    with VideoWriter(path, shot.size, shot.fps) as writer:
        try:
            for planes in _picked(film, picks):
                writer.write(planes if facts.video.size == shot.size else scaled(planes, shot.size))
        except BadMedia as fault:
            raise Unreadable(f"videos-api: the server's film cannot be decoded: {fault}") from fault
        if writer.frames < shot.frames:
            raise Unreadable(f"videos-api: the server's film breaks off after {writer.frames} frames")
    video = facts.video
    return Answered(video.size, video.frames, video.fps, facts.audio is not None, tuple(_changes(facts, shot)))


def _facts(film: Path) -> Probe:
    try:
        facts = probe(film)
    except BadMedia as fault:
        raise Unreadable(f"videos-api: the server's film is not whole: {fault}") from fault
    if facts.video.fps <= 0 or min(facts.video.size.width_px, facts.video.size.height_px) < 16:
        raise Unreadable(f"videos-api: the server's film is {facts.video.size} at {facts.video.fps} frames a second")
    return facts


def _picks(facts: Probe, shot: Shot) -> list[int]:
    """For each frame of the shot the frame of the film that is shown at its time."""
    rate = facts.video.fps
    if same_rate(rate, shot.fps):
        picks = list(range(shot.frames))
    else:
        picks = [math.floor(index * rate / shot.fps) for index in range(shot.frames)]
    if picks[-1] >= facts.video.frames:
        raise BadMedia(
            f"videos-api: the server made {facts.video.frames} frames at {float(rate):g} a second, and the shot needs"
            f" {picks[-1] + 1} of them ({shot.seconds:.2f} s); set the options fps and seconds to what the server makes"
        )
    return picks


def _picked(film: Path, picks: list[int]) -> Iterator[Planes]:
    """The frames of `picks`, which only grow; decoding goes on to the end, so that damage behind is noticed too."""
    at = 0
    for index, planes in enumerate(read_frames(film)):
        while at < len(picks) and picks[at] == index:
            yield planes
            at += 1


def scaled(planes: Planes, size: Size) -> Planes:
    """A frame at another size: the middle of it, in the wanted shape."""
    height, width = planes.y.shape
    shape = float(size.aspect)
    wide, high = min(width, round(height * shape)), min(height, round(width / shape))
    # Half the crop in whole chroma samples, so that luma and chroma stay on each other.
    wide, high = max(2, wide // 2 * 2), max(2, high // 2 * 2)
    left, top = (width - wide) // 4 * 2, (height - high) // 4 * 2
    return Planes(
        _resized(planes.y[top : top + high, left : left + wide], size.width_px, size.height_px),
        *(
            _resized(
                plane[top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2],
                size.width_px // 2,
                size.height_px // 2,
            )
            for plane in (planes.u, planes.v)
        ),
    )


def _resized(plane: Plane, width: int, height: int) -> Plane:
    method = cv2.INTER_AREA if width < plane.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(plane), (width, height), interpolation=method), np.uint8)


def _changes(facts: Probe, shot: Shot) -> Iterator[str]:
    video = facts.video
    if video.size != shot.size:
        yield f"the server made {video.size}; cropped and scaled to {shot.size}"
    if not same_rate(video.fps, shot.fps):
        yield (
            f"the server made {float(video.fps):g} frames a second; {float(shot.fps):g} by showing the nearest frame"
        )
    elif video.frames > shot.frames:
        yield f"the server made {video.frames} frames; the first {shot.frames} are used"


def write_sound(film: Path, shot: Shot, path: Path) -> None:
    """The film's sound as a stereo 48 kHz WAV file of at most the shot's length. Raises: ToolFailed."""
    options = {"ac": 2, "ar": _SOUND_RATE_HZ, "t": f"{shot.seconds:.6f}", "fflags": "+bitexact", "f": "wav"}
    run(
        source(film).audio.output(file_url(path), acodec="pcm_s16le", map_metadata=-1, **options),
        deadline_seconds=_SOUND_DEADLINE_SECONDS,
    )
