"""Sounds for the beds, one note or stroke each: pads, plucks, keys, bells, bass, drums, risers, a room.

Everything is a mono float32 array at 48 kHz that starts and ends at zero, peaks near 1 and holds nothing above 16 kHz:
tones are sums of partials that stay below, noise is shaped in the spectrum. Knows no music.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from audio.spec import SAMPLE_RATE_HZ
from audio.waveform import Samples, smooth_number

_TABLE_SIZE = 4096
_HIGHEST_HZ = 16_000.0


def hertz(note: float) -> float:
    """Frequency of a MIDI note."""
    return float(440.0 * 2.0 ** ((note - 69.0) / 12.0))


def _time(seconds: float) -> Samples:
    return np.arange(max(1, round(seconds * SAMPLE_RATE_HZ)), dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)


def _edges(sound: Samples, attack_seconds: float, release_seconds: float) -> Samples:
    """Cosine slopes at both ends: no clicks."""
    up = min(len(sound) // 2, max(1, round(attack_seconds * SAMPLE_RATE_HZ)))
    down = min(len(sound) - up, max(1, round(release_seconds * SAMPLE_RATE_HZ)))
    sound[:up] *= (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, up))).astype(np.float32)
    sound[len(sound) - down :] *= (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, down))).astype(np.float32)
    return sound


@lru_cache(maxsize=512)
def _table(slope: float, roll_off_hz: float, odd: float, hz: float) -> Samples:
    """One period: harmonic k has level k^-slope, less above the roll-off; `odd` scales the even ones."""
    k = np.arange(1, max(2, int(_HIGHEST_HZ / hz) + 1))
    level = k.astype(np.float64) ** -slope / (1.0 + (k * hz / roll_off_hz) ** 4) ** 0.5
    level[1::2] *= odd
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, np.complex128)
    count = min(len(k), _TABLE_SIZE // 2 - 1)
    spectrum[1 : count + 1] = level[:count] * -0.5j * _TABLE_SIZE
    period = np.fft.irfft(spectrum, _TABLE_SIZE)
    period /= np.abs(period).max()
    # One more value at the end spares the wrap in the interpolation.
    return np.append(period, period[0]).astype(np.float32)


def _play(table: Samples, hz: float, samples: int, phase: float = 0.0) -> Samples:
    """The period repeated at a frequency, linearly interpolated."""
    at = (phase + np.arange(samples) * (hz / SAMPLE_RATE_HZ)) % 1.0 * _TABLE_SIZE
    index = at.astype(np.int32)
    part = (at - index).astype(np.float32)
    return np.asarray(table[index] * (1.0 - part) + table[index + 1] * part)


#: name -> (slope of the harmonics, roll-off in Hz, level of even harmonics).
_PADS = {"warm": (1.3, 900.0, 1.0), "bright": (1.1, 2200.0, 0.9), "glass": (1.6, 3200.0, 0.35)}


def pad(name: str, note: int, seconds: float, phase: float) -> npt.NDArray[np.float32]:
    """A held note, stereo `(n, 2)`: three slightly mistuned voices from left to right, swelling in and out."""
    slope, roll_off, odd = _PADS[name]
    table = _table(slope, roll_off, odd, round(hertz(note), 3))
    samples = round(seconds * SAMPLE_RATE_HZ)
    out = np.zeros((samples, 2), np.float32)
    for cents, left, right, turn in ((-6.0, 0.9, 0.35, 0.0), (0.0, 0.6, 0.6, 0.37), (6.5, 0.35, 0.9, 0.71)):
        sound = _play(table, hertz(note + cents / 100.0), samples, (phase + turn) % 1.0)
        out[:, 0] += left * sound
        out[:, 1] += right * sound
    for channel in (0, 1):
        out[:, channel] = _edges(out[:, channel], 0.28, 0.5)
    return out * np.float32(0.5)


def _decaying(note: int, seconds: float, bright: Samples, dark: Samples, fade: float, dull: float) -> Samples:
    """From a bright table to a dark one while it dies away."""
    t = _time(seconds)
    hz = hertz(note)
    edge = np.exp(-t / np.float32(dull))
    sound = _play(bright, hz, len(t)) * edge + _play(dark, hz, len(t)) * (1.0 - edge)
    return _edges(np.asarray(sound * np.exp(-t / np.float32(fade))), 0.003, 0.06)


def pluck(note: int) -> Samples:
    """A soft synthetic string."""
    hz = round(hertz(note), 3)
    return _decaying(note, 0.9, _table(1.0, 5200.0, 0.8, hz), _table(1.8, 1100.0, 0.8, hz), 0.22, 0.05)


def blip(note: int) -> Samples:
    """Short and dry, with few even harmonics: a sequencer."""
    hz = round(hertz(note), 3)
    return _decaying(note, 0.34, _table(1.1, 3600.0, 0.25, hz), _table(2.0, 900.0, 0.2, hz), 0.09, 0.035)


def keys(note: int) -> Samples:
    """An electric piano: a tine's overtone that fades quickly over a round tone."""
    t = _time(1.8)
    hz = np.float32(2 * np.pi * hertz(note))
    body = np.sin(hz * t + np.float32(0.9) * np.exp(-t / np.float32(0.5)) * np.sin(hz * t))
    overtone = 7.0 if hertz(note) * 7 < _HIGHEST_HZ / 2 else 3.0
    tine = np.float32(0.16) * np.sin(np.float32(overtone) * hz * t) * np.exp(-t / np.float32(0.06))
    return _edges(np.asarray((body * np.exp(-t / np.float32(0.6)) + tine) * np.float32(0.85)), 0.004, 0.2)


def _partials(note: int, seconds: float, parts: tuple[tuple[float, float, float], ...], attack: float) -> Samples:
    """Sum of (frequency ratio, level, seconds of decay), as far as they stay below the limit."""
    t, sound = _time(seconds), np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)
    for ratio, level, decay in parts:
        if hertz(note) * ratio < _HIGHEST_HZ:
            wave = np.sin(np.float32(2 * np.pi * hertz(note) * ratio) * t)
            sound += np.float32(level) * wave * np.exp(-t / np.float32(decay))
    return _edges(sound, attack, 0.1)


def bell(note: int) -> Samples:
    """A small bell with one inharmonic partial."""
    return _partials(note, 2.0, ((1.0, 0.7, 0.6), (2.0, 0.2, 0.4), (2.76, 0.16, 0.25), (5.4, 0.06, 0.1)), 0.003)


def mallet(note: int) -> Samples:
    """Wood: a marimba's fundamental and fourth harmonic."""
    return _partials(note, 0.7, ((1.0, 0.85, 0.16), (3.93, 0.22, 0.045), (9.2, 0.06, 0.015)), 0.002)


PITCHED: dict[str, Callable[[int], Samples]] = {
    "pluck": pluck,
    "blip": blip,
    "keys": keys,
    "bell": bell,
    "mallet": mallet,
}


def bass(note: int, seconds: float) -> Samples:
    """A round bass note that holds, then lets go."""
    t = _time(seconds)
    hz = hertz(note)
    sound = _play(_table(1.3, 520.0, 0.8, round(hz, 3)), hz, len(t)) * np.float32(0.75)
    sound += np.float32(0.35) * np.sin(np.float32(2 * np.pi * hz) * t)
    return _edges(np.asarray(sound * (0.6 + 0.4 * np.exp(-t / np.float32(0.25)))), 0.008, 0.06)


def _noise(rng: np.random.Generator, samples: int, low_hz: float, high_hz: float) -> Samples:
    """Noise between two frequencies with slopes of an octave, peak 1."""
    size = smooth_number(samples + 1024)
    spectrum = np.fft.rfft(rng.standard_normal(size).astype(np.float32))
    frequency = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    shape = 1.0 / (1.0 + (low_hz / np.maximum(frequency, 1.0)) ** 4) / (1.0 + (frequency / high_hz) ** 8)
    sound = np.fft.irfft(spectrum * shape, size)[:samples]
    return np.asarray(sound / np.abs(sound).max(), np.float32)


def kick(rng: np.random.Generator) -> Samples:
    """A soft bass drum: a falling sine."""
    t = _time(0.42)
    phase = 2 * np.pi * (46.0 * t + 78.0 * 0.028 * (1.0 - np.exp(-t / np.float32(0.028))))
    return _edges(np.asarray(np.sin(phase) * np.exp(-t / np.float32(0.13)), np.float32), 0.002, 0.08)


def hat(rng: np.random.Generator) -> Samples:
    """A closed hi-hat."""
    t = _time(0.12)
    return _edges(_noise(rng, len(t), 7000.0, 13000.0) * np.exp(-t / np.float32(0.022)), 0.001, 0.03)


def shaker(rng: np.random.Generator) -> Samples:
    """Grains that swell and fall."""
    t = _time(0.14)
    return _edges(_noise(rng, len(t), 4500.0, 11000.0) * np.exp(-((t - 0.035) ** 2) / np.float32(0.0008)), 0.004, 0.03)


def clap(rng: np.random.Generator) -> Samples:
    """Several hands that do not quite meet."""
    t = _time(0.28)
    bursts = sum(
        np.where(t >= start, np.exp(-(t - start) / np.float32(decay)), 0.0) * level
        for start, decay, level in ((0.0, 0.006, 0.6), (0.011, 0.006, 0.7), (0.023, 0.07, 1.0))
    )
    return _edges(np.asarray(_noise(rng, len(t), 900.0, 5200.0) * bursts, np.float32), 0.001, 0.08)


def snap(rng: np.random.Generator) -> Samples:
    """Finger and rim."""
    t = _time(0.16)
    body = _noise(rng, len(t), 1500.0, 6500.0) * np.exp(-t / np.float32(0.028))
    ring = np.float32(0.4) * np.sin(np.float32(2 * np.pi * 1750.0) * t) * np.exp(-t / np.float32(0.012))
    return _edges(np.asarray(body + ring, np.float32), 0.001, 0.04)


STRUCK: dict[str, Callable[[np.random.Generator], Samples]] = {
    "kick": kick,
    "clap": clap,
    "snap": snap,
    "hat": hat,
    "shaker": shaker,
}


def riser(rng: np.random.Generator, seconds: float) -> Samples:
    """Noise that opens upwards and is loudest at its end."""
    t = _time(seconds) / np.float32(seconds)
    bands = ((300.0, 900.0), (900.0, 2600.0), (2600.0, 7000.0))
    sound = sum(
        _noise(rng, len(t), low, high) * np.exp(-((t - centre) ** 2) / np.float32(0.09))
        for (low, high), centre in zip(bands, (0.45, 0.75, 1.0), strict=True)
    )
    return _edges(np.asarray(sound * t**2 * np.float32(0.6), np.float32), 0.05, 0.012)


def impact(rng: np.random.Generator) -> Samples:
    """A deep, soft hit with air around it."""
    t = _time(1.4)
    deep = np.sin(2 * np.pi * (38.0 * t + 40.0 * 0.06 * (1.0 - np.exp(-t / np.float32(0.06))))) * np.exp(-t / 0.35)
    air = _noise(rng, len(t), 400.0, 5000.0) * np.exp(-t / np.float32(0.16)) * np.float32(0.22)
    return _edges(np.asarray(deep * 0.9 + air, np.float32), 0.003, 0.3)


def room(rng: np.random.Generator, seconds: float) -> npt.NDArray[np.float32]:
    """Impulse response of a room, stereo: highs die first, 18 ms until the first reflection, energy 1."""
    t = _time(seconds)
    out = np.zeros((len(t), 2), np.float32)
    for channel in (0, 1):
        for low, high, share in ((120.0, 700.0, 1.0), (700.0, 2600.0, 0.7), (2600.0, 8000.0, 0.4)):
            decay = np.exp(-6.9 * t / np.float32(seconds * share))
            out[:, channel] += _noise(rng, len(t), low, high) * decay
        out[:, channel] = _edges(out[:, channel], 0.004, 0.05)
    delayed = np.concatenate([np.zeros((round(0.018 * SAMPLE_RATE_HZ), 2), np.float32), out])
    return np.asarray(delayed / np.sqrt((delayed**2).sum() / 2), np.float32)
