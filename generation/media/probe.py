"""What a finished MP4 file is, read back from its bytes: sizes, counted frames, tags, times, order of boxes.

Counts packets instead of believing the header, and decodes nothing (a few milliseconds a file); whether the
pictures can be decoded is for `scan.py`. Judges nothing; that is for `generation/check.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from generation.errors import BadMedia
from generation.media.mp4 import Mp4, read_mp4
from generation.spec import Size

_IDR_SLICE, _OTHER_SLICE = 5, 1


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The picture stream. Colour numbers are those of ISO/IEC 23091-2; 1 is BT.709, 2 is "not said"."""

    codec: str
    profile: str
    #: 40 is level 4.0.
    level: int
    size: Size
    #: Exact where the spacing is constant, the average otherwise.
    fps: Fraction
    frames: int
    pixel_format: str
    matrix: int
    primaries: int
    transfer: int
    full_range: bool
    has_b_frames: bool
    constant_spacing: bool
    start_seconds: float
    seconds: float
    kbps: float
    #: Longest distance from one key frame to the next, or to the end.
    longest_gop_frames: int
    #: Every key frame is an IDR picture, so no picture refers across it. None: not H.264, not looked at.
    closed_gops: bool | None


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """The sound stream. `kbps` is the mean of the stored packets."""

    codec: str
    profile: str
    rate_hz: int
    channels: int
    language: str
    start_seconds: float
    seconds: float
    kbps: float


@dataclass(frozen=True, slots=True)
class Probe:
    """A file with one picture stream and at most one sound stream."""

    size_bytes: int
    #: As the container states it: the end of the longest stream.
    seconds: float
    mp4: Mp4
    video: VideoFacts
    audio: AudioFacts | None


@dataclass(slots=True)
class _Counted:
    """What was seen of one stream while its packets went by; times in units of the stream's time base."""

    pts: list[int] = field(default_factory=list)
    #: Times of the key frames.
    keys: list[int] = field(default_factory=list)
    end: int = 0
    stored_bytes: int = 0
    idr_only: bool = True

    def add(self, packet: av.Packet[Any], length_bytes: int) -> None:
        """Count a packet. `length_bytes` is the size of a NAL unit's length field, 0 for a codec without."""
        if packet.pts is None:
            raise BadMedia("a packet without a time")
        if packet.is_keyframe:
            self.keys.append(packet.pts)
            if length_bytes:
                self.idr_only &= _IDR_SLICE in _nal_types(bytes(packet), length_bytes)
        self.pts.append(packet.pts)
        self.end = max(self.end, packet.pts + (packet.duration or 0))
        self.stored_bytes += packet.size


def probe(path: Path) -> Probe:
    """Read the facts of an MP4 file.

    Raises: BadMedia for anything that is not a whole MP4 file with one picture stream and at most one sound stream.
    """
    boxes = read_mp4(path)
    try:
        with av.open(f"file:{path.absolute()}", format="mp4", options={"protocol_whitelist": "file"}) as container:
            return _facts(path, boxes, container)
    except (av.FFmpegError, ValueError) as error:
        raise BadMedia(f"{path.name}: not a readable film ({error})") from error
    except BadMedia as error:
        raise BadMedia(f"{path.name}: {error}") from error


def _facts(path: Path, boxes: Mp4, container: av.container.InputContainer) -> Probe:
    videos, audios = container.streams.video, container.streams.audio
    if len(videos) != 1 or len(audios) > 1 or len(container.streams) != len(videos) + len(audios):
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise BadMedia(f"one picture stream and at most one sound stream are wanted, found {kinds}")
    if any(stream.codec_context is None for stream in container.streams):  # against PyAV's types
        raise BadMedia("a stream in a codec that nothing here decodes")
    counted = {stream.index: _Counted() for stream in container.streams}
    length_bytes = {videos[0].index: _length_field_bytes(videos[0].codec_context)}
    for packet in container.demux():
        if packet.size:
            counted[packet.stream.index].add(packet, length_bytes.get(packet.stream.index, 0))
    if not all(stream.pts for stream in counted.values()):
        raise BadMedia("a stream without a single packet")
    return Probe(
        size_bytes=path.stat().st_size,
        seconds=(container.duration or 0) / 1_000_000,
        mp4=boxes,
        video=_video(videos[0], counted[videos[0].index], bool(length_bytes[videos[0].index])),
        audio=_audio(audios[0], counted[audios[0].index]) if audios else None,
    )


def _video(stream: av.VideoStream, counted: _Counted, h264: bool) -> VideoFacts:
    codec, base, frames = stream.codec_context, _time_base(stream), len(counted.pts)
    shown = sorted(counted.pts)
    seconds = float((counted.end - shown[0]) * base)
    return VideoFacts(
        codec=codec.name,
        profile=codec.profile or "",
        level=codec.level,
        size=Size(codec.width, codec.height),
        fps=_fps(shown, counted.end, base),
        frames=frames,
        pixel_format=codec.pix_fmt or "",
        matrix=int(codec.colorspace),
        primaries=int(codec.color_primaries),
        transfer=int(codec.color_trc),
        full_range=int(codec.color_range) == 2,
        has_b_frames=bool(codec.has_b_frames),
        constant_spacing=len({after - before for before, after in pairwise([*shown, counted.end])}) == 1,
        start_seconds=float(shown[0] * base),
        seconds=seconds,
        kbps=_kbps(counted, seconds),
        longest_gop_frames=_longest_gop(shown, counted.keys),
        closed_gops=counted.idr_only if h264 else None,
    )


def _audio(stream: av.AudioStream, counted: _Counted) -> AudioFacts:
    codec, base, start = stream.codec_context, _time_base(stream), min(counted.pts)
    seconds = float((counted.end - start) * base)
    return AudioFacts(
        codec=codec.name,
        profile=codec.profile or "",
        rate_hz=codec.sample_rate,
        channels=codec.channels,
        language=stream.language or "",
        start_seconds=float(start * base),
        seconds=seconds,
        kbps=_kbps(counted, seconds),
    )


def _time_base(stream: av.stream.Stream) -> Fraction:
    if not stream.time_base:
        raise BadMedia("a stream without a time base")
    return stream.time_base


def _longest_gop(shown: Sequence[int], keys: Sequence[int]) -> int:
    # In the order of presentation: in a file, pictures shown before an open GOP's key frame are stored after it.
    places = [bisect_left(shown, key) for key in keys]
    return max(after - before for before, after in pairwise([0, *places, len(shown)]))


def _fps(shown: Sequence[int], end: int, base: Fraction) -> Fraction:
    return len(shown) / ((end - shown[0]) * base) if end > shown[0] else Fraction(0)


def _kbps(counted: _Counted, seconds: float) -> float:
    return counted.stored_bytes * 8 / seconds / 1000 if seconds > 0 else 0.0


def _length_field_bytes(codec: av.CodecContext) -> int:
    """Bytes of the length before each NAL unit, from the decoder configuration record; 0 when it is not H.264."""
    record = codec.extradata or b""
    return (record[4] & 3) + 1 if codec.name == "h264" and len(record) > 6 and record[0] == 1 else 0


def _nal_types(packet: bytes, length_bytes: int) -> set[int]:
    """The kinds of slice in one packet: IDR, other, or neither where its lengths make no sense."""
    types, at = set(), 0
    while at + length_bytes < len(packet):
        length = int.from_bytes(packet[at : at + length_bytes], "big")
        types.add(packet[at + length_bytes] & 0x1F)
        at += length_bytes + max(length, 1)
    return types & {_IDR_SLICE, _OTHER_SLICE}
