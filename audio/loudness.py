"""Mastering: a mix becomes a track at a placement's loudness, proven on the encoded file.

Measure, one gain, a true-peak limiter, measure again until it is right; encode; decode what was written
and measure that.
`loudnorm` is not used: on tracks this short it changes the dynamics and misses by 0.3 to 1.5 LU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.errors import BadAudio
from audio.media import decode, encode_aac, measure
from audio.spec import SAMPLE_RATE_HZ, Loudness, Measured
from audio.waveform import Samples, gain, smooth_number

#: The samples are brought this close to the target; the encoded file has to stay within the tolerance.
_EXACT_LU, TOLERANCE_LU = 0.1, 0.5
#: AAC adds up to 0.4 dB of true peak, so the limiter begins below the target's ceiling.
_AAC_HEADROOM_DB = 0.5
_GAIN_ROUNDS, _ENCODE_ROUNDS = 12, 12
#: More than this is noise brought up to full level: a mistake, not a quiet mix.
_MOST_GAIN_DB = 40.0
#: The limiter thinks in blocks of 1 ms.
_BLOCK = SAMPLE_RATE_HZ // 1000
_ATTACK_BLOCKS, _RELEASE_BLOCKS = 4, 90


def true_peaks(samples: Samples) -> npt.NDArray[np.float32]:
    """Per block of 1 ms: the highest level between and on the samples, of both channels, at four times the rate."""
    blocks = -(-len(samples) // _BLOCK)
    # Spare blocks of silence on both sides: the transform is circular.
    padded = np.zeros((smooth_number(blocks + 2) * _BLOCK, samples.shape[1]), np.float32)
    padded[_BLOCK : _BLOCK + len(samples)] = samples
    peaks = np.zeros(len(padded) // _BLOCK, np.float32)
    for channel in range(padded.shape[1]):
        spectrum = np.fft.rfft(padded[:, channel])
        # The middle bin becomes two where the spectrum goes on above it.
        spectrum[-1] *= 0.5
        fine = np.fft.irfft(spectrum, 4 * len(padded)) * 4.0
        np.maximum(peaks, np.abs(fine).reshape(-1, 4 * _BLOCK).max(axis=1), out=peaks)
    return peaks[1 : blocks + 1]


def limit(samples: Samples, ceiling_dbtp: float) -> tuple[Samples, float]:
    """Bring every true peak under the ceiling with 4 ms of look-ahead and 90 ms of release; and the deepest gain in dB.

    The gain is one curve for both channels, straight within each block and never above what that block needs.
    """
    needed = np.minimum(1.0, gain(ceiling_dbtp) / np.maximum(true_peaks(samples), 1e-9))
    if float(needed.min()) >= 1.0:
        return samples, 0.0
    curve = _eased(needed.astype(np.float64))
    # Gains at the block borders, each not above its two neighbours: so a straight line never exceeds either.
    borders = np.minimum(np.concatenate([curve[:1], curve]), np.concatenate([curve, curve[-1:]]))
    at = np.arange(len(samples)) / _BLOCK
    shaped = np.interp(at, np.arange(len(borders)), borders).astype(np.float32)
    return samples * shaped[:, None], float(20 * math.log10(needed.min()))


def _eased(needed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Spread each dip: straight down in decibels over the attack before it, exponentially back after it."""
    db = (20.0 * np.log10(needed)).tolist()
    recover = math.exp(-1.0 / (_RELEASE_BLOCKS / 3.0))
    for index in range(1, len(db)):
        db[index] = min(db[index], db[index - 1] * recover)
    ahead = db.copy()
    for distance in range(1, _ATTACK_BLOCKS + 1):
        share = 1.0 - distance / (_ATTACK_BLOCKS + 1)
        for index in range(len(db) - distance):
            ahead[index] = min(ahead[index], db[index + distance] * share)
    return np.asarray(10.0 ** (np.asarray(ahead) / 20.0))


@dataclass(frozen=True, slots=True)
class _Levelled:
    samples: Samples
    limited_db: float


def _level(mix: Samples, before: Measured, integrated_lufs: float, ceiling_dbtp: float) -> _Levelled:
    """Gain and limiter, again and again until the samples measure what was asked for."""
    gain_db = integrated_lufs - before.integrated_lufs
    for _ in range(_GAIN_ROUNDS):
        if gain_db > _MOST_GAIN_DB:
            raise BadAudio(f"the mix measures {before.integrated_lufs:.1f} LUFS: too quiet to be brought to a target")
        samples, limited_db = limit(mix * np.float32(gain(gain_db)), ceiling_dbtp)
        error = integrated_lufs - measure(samples).integrated_lufs
        if abs(error) <= _EXACT_LU:
            return _Levelled(samples, limited_db)
        # Under a limiter a decibel of gain brings less than one of loudness: lean forward, or it takes twelve rounds.
        gain_db += error * (1.6 if limited_db < 0.0 else 1.0)
    raise BadAudio(
        f"the mix does not reach {integrated_lufs:g} LUFS under {ceiling_dbtp:g} dBTP: its peaks are too high"
    )


def master_track(wav: Path, path: Path, target: Loudness, *, kbps: int, seconds: float | None = None) -> Measured:
    """Write the mix as AAC-LC (48 kHz stereo, .m4a) at the target and return what the written file measures.

    A silent mix stays silent and measures -inf; whether that is right is the caller's to say.

    Args:
        seconds: if given, the length the mix must have, to one video frame.

    Raises: BadAudio when the file is no sound, has another length, or cannot be brought within 0.5 LU of the target
        and under its true peak.
    """
    mix = decode(wav)
    if seconds is not None and abs(len(mix) / SAMPLE_RATE_HZ - seconds) > 1 / 60:
        raise BadAudio(f"{wav.name}: the mix lasts {len(mix) / SAMPLE_RATE_HZ:.3f} s, expected {seconds:.3f} s")
    before = measure(mix)
    if before.integrated_lufs == float("-inf"):
        return _encoded(mix, path, kbps)
    aim, ceiling = target.integrated_lufs, target.true_peak_dbtp - _AAC_HEADROOM_DB
    for encodes in range(1, _ENCODE_ROUNDS + 1):
        levelled = _level(mix, before, aim, ceiling)
        found = _encoded(levelled.samples, path, kbps)
        over_db = found.true_peak_dbtp - target.true_peak_dbtp
        off_lu = target.integrated_lufs - found.integrated_lufs
        if over_db <= 0.0 and abs(off_lu) <= TOLERANCE_LU:
            return found
        # The codec's own error repeats: aim away from it. The samples may have been well below the ceiling already. In
        # three voices of a thousand it grew as fast as the ceiling fell: the step becomes longer each time.
        if over_db > 0.0:
            ceiling = min(ceiling, measure(levelled.samples).true_peak_dbtp) - over_db - 0.1 * encodes
        aim += off_lu if abs(off_lu) > TOLERANCE_LU / 2 else 0.0
    path.unlink(missing_ok=True)
    raise BadAudio(
        f"after AAC at {kbps} kbit/s the track measures {found.integrated_lufs:.1f} LUFS and "
        f"{found.true_peak_dbtp:.1f} dBTP; asked for {target.integrated_lufs:g} and at most {target.true_peak_dbtp:g}"
    )


def _encoded(samples: Samples, path: Path, kbps: int) -> Measured:
    """Write, read back, measure; the padding that AAC puts behind the end is not part of the track."""
    encode_aac(samples, path, kbps=kbps)
    heard = decode(path)
    if len(heard) < len(samples):
        raise BadAudio(f"{path.name}: {len(samples) - len(heard)} samples were lost in the encoder")
    return replace(measure(heard[: len(samples)]), seconds=len(samples) / SAMPLE_RATE_HZ)
