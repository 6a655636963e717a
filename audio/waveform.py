"""Samples in memory and in WAV files: read, write, resample, pauses, decibels.

Arrays are float32 between -1 and 1: one channel is `(n,)`, stereo is `(n, 2)`. Knows no codec (that is `media.py`), no
loudness and no language.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.errors import BadAudio
from audio.spec import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]

#: Levels are looked at in steps of 5 ms: shorter than any stop consonant's closure that matters to the ear.
_STEP = SAMPLE_RATE_HZ // 200
#: What is 45 dB under the loudest step is a pause; voices leave noise and room tails of -50 dB and less.
_PAUSE_DB = -45.0


def write_wav(path: Path, samples: Samples) -> None:
    """Write a 48 kHz 16-bit WAV file, mono for `(n,)` and stereo for `(n, 2)`; values beyond ±1 are an error."""
    if samples.size and float(np.abs(samples).max()) > 1.0:
        raise BadAudio(f"{path.name}: samples beyond full scale")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.round(samples * 32767.0).astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples and rate of a 16-bit WAV file. Raises: BadAudio."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise BadAudio(f"{path.name}: not a readable WAV file ({error})") from error
    if width != 2:
        raise BadAudio(f"{path.name}: {8 * width} bits a sample, expected 16")
    samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32767.0)
    return (samples if channels == 1 else samples.reshape(-1, channels)), rate_hz


def resample(samples: Samples, from_hz: int, to_hz: int = SAMPLE_RATE_HZ) -> Samples:
    """Another rate, exactly band-limited, by cutting or padding the spectrum; one channel.

    A raised-cosine slope over the last 4 % below the lower Nyquist frequency keeps the ringing short. The signal is
    padded by silence so that the circular transform cannot wrap its end into its start.
    """
    if from_hz == to_hz or not samples.size:
        return samples.astype(np.float32)
    divisor = int(np.gcd(from_hz, to_hz))
    unit_in, unit_out = from_hz // divisor, to_hz // divisor
    blocks = smooth_number(-(-(samples.size + 2048) // unit_in))
    spectrum = np.fft.rfft(samples.astype(np.float64), blocks * unit_in)
    bins = min(blocks * unit_in, blocks * unit_out) // 2
    slope = max(1, bins // 25)
    spectrum = spectrum[: bins + 1]
    spectrum[-slope:] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, slope))
    out = np.fft.irfft(spectrum, blocks * unit_out) * (unit_out / unit_in)
    return out[: -(-samples.size * unit_out // unit_in)].astype(np.float32)


def smooth_number(least: int) -> int:
    """The next number that is a product of 2, 3 and 5: such transforms are fast."""
    while True:
        rest = least
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return least
        least += 1


def decibels(value: float) -> float:
    """Level of an amplitude against full scale; -inf for nothing."""
    return float(20 * np.log10(value)) if value > 0 else float("-inf")


def gain(db: float) -> float:
    """Factor of a level in decibels."""
    return float(10.0 ** (db / 20.0))


def _sounding(samples: Samples) -> npt.NDArray[np.bool_]:
    """Per step of 5 ms: whether there is sound in it."""
    steps = -(-samples.size // _STEP)
    padded = np.zeros(steps * _STEP, np.float32)
    padded[: samples.size] = samples
    level = np.sqrt(np.mean(padded.reshape(steps, _STEP) ** 2, axis=1))
    if not steps or float(level.max()) <= 0.0:
        return np.zeros(steps, bool)
    return np.asarray(level > level.max() * gain(_PAUSE_DB))


def find_pauses(samples: Samples, at_least_seconds: float) -> tuple[tuple[float, float], ...]:
    """Start and end in seconds of every silence of that length between two sounds of a mono signal."""
    loud = np.flatnonzero(_sounding(samples))
    after = np.diff(loud)
    step_seconds = _STEP / SAMPLE_RATE_HZ
    return tuple(
        (float(loud[i] + 1) * step_seconds, float(loud[i + 1]) * step_seconds)
        for i in np.flatnonzero((after - 1) * step_seconds >= at_least_seconds)
    )


def trim_silence(samples: Samples) -> tuple[Samples, float]:
    """The mono signal from its first to its last sound (10 ms kept around), and the seconds cut at the start."""
    loud = np.flatnonzero(_sounding(samples))
    if not loud.size:
        return samples[:0], 0.0
    first = max(0, (int(loud[0]) - 2) * _STEP)
    last = min(samples.size, (int(loud[-1]) + 3) * _STEP)
    return samples[first:last], first / SAMPLE_RATE_HZ
