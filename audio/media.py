"""The only PyAV code of `audio`: decode any sound file, encode AAC, measure loudness with ffmpeg's own meter.

Works on stereo float32 arrays `(n, 2)` at 48 kHz. Knows no targets and no mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np

from audio.errors import BadAudio
from audio.spec import SAMPLE_RATE_HZ, Measured
from audio.waveform import Samples, decibels

#: Samples that an AAC-LC encoder emits before the first real one.
AAC_PRIMING_SAMPLES = 1024
#: The meter reports every 100 ms.
_METER_STEP = SAMPLE_RATE_HZ // 10
#: What ebur128 prints for "below the gate": nothing at all was heard.
_NOTHING_LUFS = -70.0
#: A file that claims to be longer is refused unless the caller says how much is wanted.
_LONGEST_SECONDS = 4 * 3600.0
_OPEN = {"protocol_whitelist": "file"}
_WRITE = {"movflags": "+faststart", "use_editlist": "0", "fflags": "+bitexact"}


def decode(path: Path, *, at_most_seconds: float = _LONGEST_SECONDS) -> Samples:
    """The first sound stream of a file as stereo 48 kHz; mono is put on both sides. Raises: BadAudio."""
    try:
        with av.open(f"file:{path.absolute()}", options=_OPEN) as container:
            blocks = list(_blocks(container, round(at_most_seconds * SAMPLE_RATE_HZ)))
    except (av.FFmpegError, OSError) as error:
        raise BadAudio(f"{path.name}: not a readable sound file ({error})") from error
    samples = np.concatenate(blocks, axis=1).T if blocks else np.zeros((0, 2), np.float32)
    samples = np.ascontiguousarray(samples[: round(at_most_seconds * SAMPLE_RATE_HZ)], np.float32)
    if not np.isfinite(samples).all():
        raise BadAudio(f"{path.name}: holds values that are not numbers")
    return samples


def _blocks(container: av.container.InputContainer, wanted: int) -> Iterator[Samples]:
    if not container.streams.audio:
        raise BadAudio(f"{Path(container.name).name}: has no sound")
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE_HZ)
    count = 0
    for frame in container.decode(stream):
        for out in resampler.resample(frame):
            yield out.to_ndarray().astype(np.float32)
            count += out.samples
        if count >= wanted:
            return
    for out in resampler.resample(None):
        yield out.to_ndarray().astype(np.float32)


def _frame(samples: Samples, start: int) -> av.AudioFrame:
    """Stereo samples as a planar float frame that begins at sample `start`."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
    return frame


def encode_aac(samples: Samples, path: Path, *, kbps: int) -> None:
    """Write stereo samples as AAC-LC in an MP4 (.m4a) whose packets begin at 0 and have no edit list.

    An AAC encoder starts with 1024 samples of its own (21 ms): players that ignore edit lists would be late by them,
    and a mux without edit lists would shift the picture. So that packet is left out: every sample is heard exactly
    where it was, in every player, and the first 21 ms fade in, as they would not be whole without it. The same
    samples give the same bytes.
    """
    # Copied: the fade must not reach the caller's array.
    body = samples.copy()
    fade = min(AAC_PRIMING_SAMPLES, len(body))
    body[:fade] *= (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, fade, dtype=np.float32)))[:, None]
    with av.open(str(path), "w", format="mp4", options=_WRITE) as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="stereo", format="fltp", bit_rate=kbps * 1000)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for frame in (_frame(body, 0), None):
            for packet in stream.encode(frame):
                if packet.pts is not None and packet.pts >= 0:
                    container.mux(packet)


def measure(samples: Samples) -> Measured:
    """Integrated loudness (BS.1770-4 with gates) and true peak of stereo samples, by ffmpeg's ebur128.

    Sound shorter than the meter's first block of 400 ms, and silence, measure -inf.
    """
    seconds = len(samples) / SAMPLE_RATE_HZ
    padded = np.zeros((-(-max(len(samples), 1) // _METER_STEP) * _METER_STEP, 2), np.float32)
    padded[: len(samples)] = samples
    found = _meter(padded)
    integrated = float(found.get("lavfi.r128.I", _NOTHING_LUFS))
    peak = max(float(found.get(f"lavfi.r128.true_peaks_ch{channel}", 0.0)) for channel in (0, 1))
    return Measured(integrated if integrated > _NOTHING_LUFS else float("-inf"), decibels(peak), seconds)


def _meter(samples: Samples) -> dict[str, str]:
    """The meter's last report; the ones before are about the beginning."""
    graph = av.filter.Graph()
    source = graph.add(
        "abuffer", f"sample_rate={SAMPLE_RATE_HZ}:sample_fmt=fltp:channel_layout=stereo:time_base=1/48000"
    )
    meter = graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    source.push(_frame(samples, 0))
    source.push(None)
    found: dict[str, str] = {}
    while True:
        try:
            frame = sink.pull()
        except (av.EOFError, av.BlockingIOError):
            return found
        assert isinstance(frame, av.AudioFrame)
        found = dict(frame.metadata) or found
