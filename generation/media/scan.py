"""Decodes a delivered file once, strictly, and measures it on the way: frames, stillness, blackness, loudness.

One ffmpeg process, one thread; the detectors see an eighth of the size, so they add a tenth to the decoding itself.
Knows no limits; that is `generation/check.py`. A damaged file is a result here, not an error.

Measured traps: a plain decode of a file with holes ends with exit code 0; a stretch that is frozen until the end gets
a start and no end; the first complaint tells what is wrong, the last one only that something was; the text of metadata
tags stands in the same log, but never at the start of a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from generation.media.ffmpeg import last_lines, run, source

#: Shorter ones are not reported: a held frame of an animation, a cut through black.
_FROZEN_FROM_SECONDS = 0.5
_BLACK_FROM_SECONDS = 0.1
#: Mean difference of pixels, of 1, from the first picture of a stretch. At an eighth of the size a still picture jumps
#: by up to 0.0019 where a new key frame encodes it anew (ffmpeg's default of 0.001 would end every stretch there); a
#: drift of 1.5 pixels a second exceeds 0.003 within 0.8 s.
_FROZEN_NOISE = 0.003
#: Luma, of 1: a night scene is not black; 98 % of the picture must be.
_BLACK_LUMA = 0.04
_SMALLER = 8

_FROZEN = re.compile(r"^\[\S*freezedetect\S* @ \S+\] lavfi\.freezedetect\.freeze_(start|end): (-?[\d.]+)", re.MULTILINE)
_BLACK = re.compile(r"^\[\S*blackdetect\S* @ \S+\] black_start:(-?[\d.]+) black_end:(-?[\d.]+)", re.MULTILINE)
_FRAMES = re.compile(r"^frame=\s*(\d+)", re.MULTILINE)
#: What the decoders and the demuxer say; not the lines of the detectors and of the output's summary.
_COMPLAINT = re.compile(r"^\[(?!out|\S*(?:freezedetect|blackdetect|ebur128)).*", re.MULTILINE)
_SUMMARY = re.compile(r"^\[\S*ebur128\S* @ \S+\] Summary:", re.MULTILINE)
_INTEGRATED = re.compile(r"^\s*I:\s+(-?[\d.]+|-inf|nan) LUFS", re.MULTILINE)
_PEAK = re.compile(r"^\s*Peak:\s+(-?[\d.]+|-inf|nan) dBFS", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the film, in seconds from its start."""

    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, slots=True)
class Scan:
    """What decoding showed. With a `fault` the other values cover the part before it."""

    #: The end of ffmpeg's log when the file could not be decoded to its end; "" when it could.
    fault: str
    frames: int
    frozen: tuple[Stretch, ...]
    black: tuple[Stretch, ...]
    #: BS.1770 integrated loudness and true peak to 0.1 dB; None without sound. Digital silence is -70 and -inf.
    integrated_lufs: float | None
    true_peak_dbtp: float | None


def scan(path: Path, *, sound: bool, seconds: float, frames: int = 0, deadline_seconds: float | None = None) -> Scan:
    """Decode all of an MP4 file of `seconds`; `sound` says whether it has a sound stream to be measured.

    Raises: ToolTimedOut, NotAvailable, and ToolFailed when ffmpeg was killed. A damaged file is `Scan.fault`.
    """
    finished = run(
        _graph(path, sound), deadline_seconds=deadline_seconds, frames=frames, log="info", failure_is_answer=True
    )
    log = finished.stderr
    counts = _FRAMES.findall(log)
    summary = _SUMMARY.split(log)[-1] if _SUMMARY.search(log) else ""
    return Scan(
        fault=_fault(log) if finished.exit_code else "",
        frames=int(counts[-1]) if counts else 0,
        frozen=_frozen(log, seconds),
        black=tuple(Stretch(float(start), float(end)) for start, end in _BLACK.findall(log)),
        integrated_lufs=_number(_INTEGRATED, summary),
        true_peak_dbtp=_number(_PEAK, summary),
    )


def _graph(path: Path, sound: bool) -> Any:
    film = source(path, threads=1, err_detect="explode")
    # `area` averages the encoder's noise away before stillness is judged; the format keeps limited range limited.
    pictures = (
        film.video.filter("scale", f"iw/{_SMALLER}", f"ih/{_SMALLER}", flags="area")
        .filter("format", "yuv420p")
        .filter("freezedetect", noise=_FROZEN_NOISE, duration=_FROZEN_FROM_SECONDS)
        .filter("blackdetect", d=_BLACK_FROM_SECONDS, pix_th=_BLACK_LUMA)
    )
    streams = [pictures]
    if sound:
        # Without framelog=quiet it writes a line every 0.1 s.
        streams.append(film.audio.filter("ebur128", peak="true", framelog="quiet"))
    # passthrough: frames are counted as decoded, none repeated or dropped to please a rate.
    output = ffmpeg.output(*streams, "-", format="null", fps_mode="passthrough")
    return output.global_args("-xerror", "-stats", "-filter_complex_threads", "1")


def _fault(log: str) -> str:
    return last_lines("\n".join(_COMPLAINT.findall(log)[:3]) or log)


def _frozen(log: str, seconds: float) -> tuple[Stretch, ...]:
    stretches: list[Stretch] = []
    start: float | None = None
    for edge, at in _FROZEN.findall(log):
        if edge == "start":
            start = float(at)
        elif start is not None:
            stretches.append(Stretch(start, float(at)))
            start = None
    if start is not None:
        stretches.append(Stretch(start, max(seconds, start)))
    return tuple(stretches)


def _number(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return float(found.group(1)) if found else None
