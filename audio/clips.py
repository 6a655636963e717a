"""Editing clips on a time line: loop, trim, place, fade. The only pydub code.

pydub gets samples in memory and gives samples back; it never opens a file, because without ffprobe it opens nothing but
WAV, and it never mixes by codec. Samples are 32 bits wide inside: nothing is rounded that is heard.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from audio.errors import BadAudio
from audio.spec import SAMPLE_RATE_HZ
from audio.waveform import Samples

with warnings.catch_warnings():
    # pydub 0.25.1 compiles old escapes, imports a deprecated module and looks for an ffmpeg that is not used here.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

_WIDTH_BYTES = 4
_FULL = 2.0**31 - 1
#: One bar of fast music; shorter than the shortest track that may be looped.
_CROSS_FADE_MS = 400


def _segment(samples: Samples) -> Any:
    """Stereo samples as a pydub segment."""
    data = np.round(np.clip(samples, -1.0, 1.0).astype(np.float64) * _FULL).astype("<i4").tobytes()
    return AudioSegment(data=data, sample_width=_WIDTH_BYTES, frame_rate=SAMPLE_RATE_HZ, channels=2)


def _samples(segment: Any, count: int) -> Samples:
    """Exactly `count` stereo samples: pydub counts in milliseconds, a film does not."""
    data = np.frombuffer(segment.raw_data, "<i4").reshape(-1, 2)[:count]
    out = np.zeros((count, 2), np.float32)
    out[: len(data)] = data.astype(np.float64) / _FULL
    return out


def fill(track: Samples, count: int) -> Samples:
    """`count` samples of a stereo track, repeated with a cross-fade when it is too short."""
    segment = piece = _segment(track)
    needed_ms = count * 1000 / SAMPLE_RATE_HZ
    cross_fade = min(_CROSS_FADE_MS, len(piece) // 3)
    # A cross-fade eats its own length each time.
    while len(segment) < needed_ms + 1:
        segment = segment.append(piece, crossfade=cross_fade)
    return _samples(segment[: needed_ms + 1], count)


def place(clip: Samples, at_seconds: float, count: int) -> Samples:
    """`count` samples of silence with a stereo clip in it, its edges faded over 5 ms.

    Raises: BadAudio when the clip would not end in time.
    """
    if round(at_seconds * SAMPLE_RATE_HZ) + len(clip) > count:
        late = at_seconds + (len(clip) - count) / SAMPLE_RATE_HZ
        raise BadAudio(f"a clip of {len(clip) / SAMPLE_RATE_HZ:.2f} s at {at_seconds:g} s ends {late:.2f} s too late")
    canvas = AudioSegment.silent(duration=count * 1000 / SAMPLE_RATE_HZ + 1, frame_rate=SAMPLE_RATE_HZ)
    canvas = canvas.set_sample_width(_WIDTH_BYTES).set_channels(2)
    faded = _segment(clip).fade_in(5).fade_out(5)
    return _samples(canvas.overlay(faded, position=round(at_seconds * 1000)), count)
