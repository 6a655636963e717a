"""Voice, music and the films' own sound become one mix: each at a fixed loudness, ducked where somebody speaks.

Ducking knows beforehand where the speech is, so the music is out of the way before the first word and does not pump in
the gaps, as a side-chain compressor does. The mix is quiet on purpose; `loudness.py` brings it to a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audio.beds import load_track, make_bed
from audio.clips import place
from audio.errors import BadAudio
from audio.media import decode, measure
from audio.spec import SAMPLE_RATE_HZ, Speech, Stem, Word
from audio.waveform import Samples, decibels, find_pauses, gain, read_wav, write_wav

#: Loudness of voice and bed before they are added: 12 dB under any target, so that the sum stays below full scale.
_VOICE_LUFS, _BED_LUFS = -26.0, -28.0
#: A film's own sound stands 4 LU under the music: heard beside it, and adding 1.5 LU to it, not the 3 of an equal. Each
#: shot by itself, so that a cut is no jump; but by 12 dB at most, so that a model's faint hiss does not become a sound.
_STEM_LUFS, _STEM_LIFT_DB = -32.0, 12.0
#: Where a shot's sound begins and ends; where two shots meet; how near that is.
_EDGE_SECONDS, _CROSS_FADE_SECONDS, _MEETING_SECONDS = 0.005, 0.03, 0.005
#: With 2 dB between the two the voice stands 14 dB over the music while it speaks.
DUCK_DB = 12.0
#: Down before the first word, up slowly behind the last; gaps shorter than this are spoken through.
_ATTACK_SECONDS, _RELEASE_SECONDS, _JOINED_GAP_SECONDS = 0.25, 0.6, 0.7
_HIGHEST_PEAK = 0.97


def make_mix(
    path: Path,
    speech: Speech | None,
    *,
    seconds: float,
    mood: str | None,
    seed: int,
    lead_in_seconds: float = 0.3,
    bed_path: Path | None = None,
    cues: Sequence[float] = (),
    stems: Sequence[Stem] = (),
) -> tuple[Word, ...]:
    """Write the mix, a stereo 48 kHz WAV file of exactly `seconds`, and return the words as they are heard in it.

    Without speech, bed and stems play alone; without all three the file is silent.

    Args:
        mood: of the bed made from `seed`; None for no music.
        lead_in_seconds: silence before the voice, to the millisecond.
        bed_path: a user's track, played in place of the mood's bed.
        cues: see `beds.make_bed`.
        stems: the films' own sounds; what would outlast the mix is cut.

    Raises: BadAudio when the speech does not end within `seconds`, or a file or a mood is not what it should be.
    """
    count = round(seconds * SAMPLE_RATE_HZ)
    mix = _bed(seconds, mood, seed, bed_path, cues)
    if stems:
        mix = mix + _own_sound(stems, count)
    words: tuple[Word, ...] = ()
    if speech is not None and speech.seconds > 0:
        voice = _voice(speech)
        mix *= duck_curve(_speaking(voice, lead_in_seconds), count)[:, None]
        mix += place(np.stack([voice, voice], axis=1), lead_in_seconds, count)
        words = _later(speech.words, round(lead_in_seconds, 3))
    peak = float(np.abs(mix).max()) if count else 0.0
    write_wav(path, mix * np.float32(min(1.0, _HIGHEST_PEAK / peak)) if peak else mix)
    return words


def _bed(seconds: float, mood: str | None, seed: int, track: Path | None, cues: Sequence[float]) -> Samples:
    """The music at its own loudness, or silence."""
    if track is not None:
        return _levelled(load_track(track, seconds), _BED_LUFS)
    if mood is not None:
        return _levelled(make_bed(seconds, mood, seed, cues), _BED_LUFS)
    return np.zeros((round(seconds * SAMPLE_RATE_HZ), 2), np.float32)


def _own_sound(stems: Sequence[Stem], count: int) -> Samples:
    """The films' sounds on one time line; where two shots meet, one fades into the other at constant power."""
    track = np.zeros((count, 2), np.float32)
    ordered = sorted(stems, key=lambda stem: stem.at_seconds)
    for index, stem in enumerate(ordered):
        start = round(stem.at_seconds * SAMPLE_RATE_HZ)
        if start < 0 or start >= count or stem.seconds <= 0:
            raise BadAudio(
                f"{stem.path.name}: {stem.seconds:g} s of sound at {stem.at_seconds:g} s are not within a mix of "
                f"{count / SAMPLE_RATE_HZ:g} s"
            )
        joined = index > 0 and _meet(ordered[index - 1], stem)
        goes_on = index + 1 < len(ordered) and _meet(stem, ordered[index + 1])
        clip = _clip(stem, count - start, joined, goes_on)
        track[start : start + len(clip)] += clip
    return track


def _meet(one: Stem, other: Stem) -> bool:
    return abs(one.at_seconds + one.seconds - other.at_seconds) <= _MEETING_SECONDS


def _clip(stem: Stem, room: int, joined: bool, goes_on: bool) -> Samples:
    """A shot's sound at its loudness, with its edges, at most `room` samples.

    Where the next shot follows, it fades out under that one's beginning; what the file does not hold any more for it
    is its end played backwards, which goes on without a step.
    """
    length, edge, over = (
        round(seconds * SAMPLE_RATE_HZ) for seconds in (stem.seconds, _EDGE_SECONDS, _CROSS_FADE_SECONDS)
    )
    sound = decode(stem.path, at_most_seconds=stem.seconds + _CROSS_FADE_SECONDS)
    # Resampled, a sound of the film's length may lack a few samples.
    goes_on = goes_on and len(sound) >= length - edge > over
    if goes_on:
        sound = np.concatenate([sound, sound[::-1]])[: length + over]
    out = _levelled(sound[: length + over if goes_on else length][:room], _STEM_LUFS, _STEM_LIFT_DB).copy()
    for end, long in ((out, joined), (out[::-1], goes_on)):
        fade = min(over if long else edge, len(out) // 2)
        # Sine up and cosine down: two sounds that have nothing in common keep their power in the middle.
        end[:fade] *= np.sin(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32))[:, None]
    return out


def _voice(speech: Speech) -> Samples:
    """The speech at the voice's loudness: eSpeak's languages alone differ by 4 dB."""
    samples, rate_hz = read_wav(speech.path)
    if rate_hz != SAMPLE_RATE_HZ or samples.ndim != 1:
        raise BadAudio(f"{speech.path.name}: a voice is mono at {SAMPLE_RATE_HZ} Hz, this is not")
    return _levelled(np.stack([samples, samples], axis=1), _VOICE_LUFS)[:, 0]


def _levelled(samples: Samples, lufs: float, lift_db: float = float("inf")) -> Samples:
    """At an integrated loudness, lifted by `lift_db` at most.

    What is too short for the meter (0.4 s) goes by its RMS, what is silent stays so.
    """
    found = measure(samples).integrated_lufs
    if found == float("-inf"):
        found = decibels(float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0)
    return samples * np.float32(gain(min(lufs - found, lift_db))) if found > float("-inf") else samples


def _speaking(voice: Samples, lead_in_seconds: float) -> tuple[tuple[float, float], ...]:
    """From when until when somebody speaks, short gaps joined."""
    pauses = find_pauses(voice, _JOINED_GAP_SECONDS)
    starts = [0.0, *(end for _, end in pauses)]
    ends = [*(start for start, _ in pauses), len(voice) / SAMPLE_RATE_HZ]
    return tuple((start + lead_in_seconds, end + lead_in_seconds) for start, end in zip(starts, ends, strict=True))


def duck_curve(speaking: Sequence[tuple[float, float]], count: int) -> Samples:
    """The music's gain for `count` samples: 1 where nobody speaks, 12 dB down where somebody does.

    Slopes are half cosines in decibels. Where one span's way up meets the next one's way down, the lower gain holds.
    """
    at = np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
    depth = np.zeros(count, np.float32)
    for start, end in speaking:
        down = np.clip((at - np.float32(start - _ATTACK_SECONDS)) / np.float32(_ATTACK_SECONDS), 0.0, 1.0)
        up = np.clip((np.float32(end + _RELEASE_SECONDS) - at) / np.float32(_RELEASE_SECONDS), 0.0, 1.0)
        depth = np.maximum(depth, np.minimum(down, up))
    eased = 0.5 - 0.5 * np.cos(np.pi * depth)
    return np.asarray(10.0 ** (-DUCK_DB / 20.0 * eased), np.float32)


def _later(words: tuple[Word, ...], by_seconds: float) -> tuple[Word, ...]:
    return tuple(
        replace(word, start_seconds=word.start_seconds + by_seconds, end_seconds=word.end_seconds + by_seconds)
        for word in words
    )
