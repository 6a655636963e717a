"""The last gate: does the file that would be delivered hold what it has to hold?

Judges the delivered bytes themselves, by two readings (`media/probe.py` for facts, `media/scan.py` for one strict
decode). Every breach is a finding with the measured value and the limit; an unreadable file is a finding too. Knows
no placement: the caller brings the limits. A flipped bit that still decodes is beyond it; that is what hashes are for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from generation.errors import BadMedia
from generation.media.probe import AudioFacts, Probe, VideoFacts, probe
from generation.media.scan import Scan, scan
from generation.spec import Size

#: Facebook Reels asks for closed GOPs of at least, X and others for no more than about, two seconds.
_GOP_MAX_SECONDS = 2
#: What ebur128 reports for digital silence.
_SILENCE_LUFS = -70.0
_BT709 = 1


@dataclass(frozen=True, slots=True)
class Expected:
    """What a delivery has to be. `audio_codec` None asks for a silent film and leaves the loudness unasked."""

    size: Size
    fps: Fraction
    frames: int
    #: Shortest and longest allowed, of the whole container.
    min_seconds: float
    max_seconds: float
    max_bytes: int
    #: Mean rate of the pictures below which a placement may complain; a warning, a calm film needs less.
    min_video_kbps: float = 0.0
    video_codec: str = "h264"
    audio_codec: str | None = "aac"
    integrated_lufs: float = -14.0
    loudness_tolerance_lu: float = 0.5
    true_peak_dbtp: float = -1.0
    #: Between the starts, and between the ends, of pictures and sound. AAC's frames round an end up by 43 ms at most.
    sync_tolerance_seconds: float = 0.05
    #: Longest stretch without any movement; an end card may stand still for a while.
    max_frozen_seconds: float = 2.5
    max_black_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach. `severity` is `error` (not to be delivered) or `warning`."""

    code: str
    message: str
    measured: object
    limit: object
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict: all breaches, and what was measured (JSON values)."""

    findings: tuple[Finding, ...]
    measures: dict[str, object]

    @property
    def passed(self) -> bool:
        """No finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)


def check_delivery(path: Path, expected: Expected, *, deadline_seconds: float | None = None) -> Checked:
    """Measure a delivered MP4 file and compare it with what it has to be.

    Raises: ToolTimedOut, ToolFailed, NotAvailable when the check itself could not be done. Never for a bad file.
    """
    try:
        facts = probe(path)
    except BadMedia as error:
        return Checked((Finding("unreadable", str(error), None, "a whole MP4 file"),), {})
    seen = scan(
        path,
        sound=facts.audio is not None,
        seconds=facts.video.seconds,
        frames=facts.video.frames,
        deadline_seconds=deadline_seconds,
    )
    findings = (
        *_decoding(facts, seen, expected),
        *_container(facts, expected),
        *_pictures(facts.video, expected),
        *_sound(facts.audio, expected),
        *_sync(facts.video, facts.audio, expected),
        # What was seen of half a film says nothing about the whole.
        *(() if seen.fault else (*_loudness(facts, seen, expected), *_content(seen, expected))),
    )
    return Checked(findings, _measures(facts, seen))


def _decoding(facts: Probe, seen: Scan, expected: Expected) -> Iterator[Finding]:
    if seen.fault:
        yield Finding("does_not_decode", f"decoding stopped: {seen.fault}", seen.frames, expected.frames)
    # Stored and decoded are counted apart: a file may hold packets that give no picture.
    stored, decoded = facts.video.frames, seen.frames
    for code, what, count in (("frames_stored", "stored", stored), ("frames_decoded", "decoded", decoded)):
        if count != expected.frames:
            yield Finding(code, f"{count} frames are {what}, {expected.frames} were made", count, expected.frames)


def _container(facts: Probe, expected: Expected) -> Iterator[Finding]:
    low, high = expected.min_seconds, expected.max_seconds
    # Container durations are rounded to the millisecond.
    if not low - 0.0005 <= facts.seconds <= high + 0.0005:
        yield Finding("length", f"lasts {facts.seconds:.3f} s", facts.seconds, [low, high])
    if facts.size_bytes > expected.max_bytes:
        yield Finding("too_large", f"{facts.size_bytes} bytes", facts.size_bytes, expected.max_bytes)
    if facts.mp4.edit_lists:
        yield Finding("edit_list", "has edit lists, which YouTube and Meta refuse", facts.mp4.edit_lists, 0)
    if not facts.mp4.index_first or facts.mp4.fragmented:
        yield Finding("not_faststart", "the index is not in front of the media data", "moov after mdat", "moov first")


def _pictures(video: VideoFacts, expected: Expected) -> Iterator[Finding]:
    gop_max = math.ceil(_GOP_MAX_SECONDS * expected.fps)
    colour = (video.matrix, video.primaries, video.transfer, video.full_range)
    for code, what, measured, wanted in (
        ("size", "the picture's size", str(video.size), str(expected.size)),
        ("frame_rate", "the frame rate", str(video.fps), str(expected.fps)),
        ("video_codec", "the picture codec", video.codec, expected.video_codec),
        ("pixel_format", "the pixel format", video.pixel_format, "yuv420p"),
        ("variable_rate", "even spacing of the frames", video.constant_spacing, True),
        ("late_start", "the time of the first picture", video.start_seconds, 0.0),
        ("colour_tags", "matrix, primaries, transfer, full range", colour, (_BT709, _BT709, _BT709, False)),
    ):
        if measured != wanted:
            yield Finding(code, f"{what}: {measured}, not {wanted}", _plain(measured), _plain(wanted))
    if video.longest_gop_frames > gop_max:
        message = f"{video.longest_gop_frames} frames from key frame to key frame"
        yield Finding("long_gop", message, video.longest_gop_frames, gop_max)
    if video.closed_gops is False:
        yield Finding("open_gop", "a key frame is not an IDR picture", False, True)
    if video.kbps < expected.min_video_kbps:
        message = f"{video.kbps:.0f} kbps of picture, {expected.min_video_kbps:.0f} are advised"
        yield Finding("low_bitrate", message, round(video.kbps), expected.min_video_kbps, "warning")


def _sound(audio: AudioFacts | None, expected: Expected) -> Iterator[Finding]:
    if expected.audio_codec is None or audio is None:
        if (audio is None) != (expected.audio_codec is None):
            present = "no sound" if audio is None else audio.codec
            wanted = expected.audio_codec or "no sound"
            yield Finding("sound_stream", f"{present} where {wanted} belongs", present, wanted)
        return
    form = [audio.codec, audio.profile, audio.rate_hz, audio.channels]
    wanted_form = [expected.audio_codec, "LC", 48000, 2]
    if form != wanted_form:
        yield Finding("audio_codec", f"sound is {form}, not {wanted_form}", form, wanted_form)


def _loudness(facts: Probe, seen: Scan, expected: Expected) -> Iterator[Finding]:
    level, peak, target = seen.integrated_lufs, seen.true_peak_dbtp, expected.integrated_lufs
    if expected.audio_codec is None or facts.audio is None:
        return
    if level is None or peak is None:
        yield Finding("loudness", "the loudness could not be measured", None, target)
    elif not level > _SILENCE_LUFS:
        yield Finding("silent", "the sound track is silent", level, target)
    else:
        # The meter reports tenths; a millionth keeps a float's last bit from deciding.
        if not abs(level - target) <= expected.loudness_tolerance_lu + 1e-6:
            yield Finding("loudness", f"{level:.1f} LUFS where {target:.1f} are wanted", level, target)
        if not peak <= expected.true_peak_dbtp + 1e-6:
            yield Finding("true_peak", f"true peak {peak:.1f} dBTP", peak, expected.true_peak_dbtp)


def _sync(video: VideoFacts, audio: AudioFacts | None, expected: Expected) -> Iterator[Finding]:
    if audio is None:
        return
    start = audio.start_seconds - video.start_seconds
    end = start + audio.seconds - video.seconds
    for code, edge, apart in (("sync_start", "starts", start), ("sync_end", "ends", end)):
        if abs(apart) > expected.sync_tolerance_seconds:
            message = f"the sound {edge} {abs(apart):.3f} s {'after' if apart > 0 else 'before'} the picture"
            yield Finding(code, message, round(apart, 6), expected.sync_tolerance_seconds)


def _content(seen: Scan, expected: Expected) -> Iterator[Finding]:
    for code, what, stretches, limit in (
        ("frozen", "nothing moves", seen.frozen, expected.max_frozen_seconds),
        ("black", "the picture is black", seen.black, expected.max_black_seconds),
    ):
        for stretch in stretches:
            if stretch.seconds > limit:
                message = f"{what} from {stretch.start_seconds:.2f} s to {stretch.end_seconds:.2f} s"
                yield Finding(code, message, round(stretch.seconds, 3), limit)


def _measures(facts: Probe, seen: Scan) -> dict[str, object]:
    video, audio, peak = facts.video, facts.audio, seen.true_peak_dbtp
    return {
        "bytes": facts.size_bytes,
        "seconds": facts.seconds,
        "size": str(video.size),
        "fps": str(video.fps),
        "frames": seen.frames,
        "video": f"{video.codec} {video.profile} {video.level / 10:g}",
        "video_kbps": round(video.kbps),
        "gop_frames": video.longest_gop_frames,
        "audio": f"{audio.codec} {audio.profile}" if audio else None,
        "audio_kbps": round(audio.kbps) if audio else None,
        "language": audio.language if audio else None,
        "integrated_lufs": seen.integrated_lufs,
        # JSON has no infinity: digital silence has no peak.
        "true_peak_dbtp": peak if peak is not None and math.isfinite(peak) else None,
        "frozen_seconds": [[stretch.start_seconds, stretch.end_seconds] for stretch in seen.frozen],
        "black_seconds": [[stretch.start_seconds, stretch.end_seconds] for stretch in seen.black],
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
