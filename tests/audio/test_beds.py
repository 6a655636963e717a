"""Beds: length, determinism, moods that differ, clean sound, and the music theory they stand on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audio import instruments
from audio.beds import load_track, make_bed, mood_names
from audio.errors import BadAudio
from audio.harmony import MODES, _voicings, chord, spread, voice
from audio.score import FIRST_BEAT_SECONDS, compose, fill_bars, moods
from audio.spec import SAMPLE_RATE_HZ
from audio.waveform import Samples, write_wav

LENGTHS = (6.006, 10.01, 2.5)


def _spectrum(bed: Samples) -> tuple[Samples, Samples]:
    power = np.abs(np.fft.rfft(bed.mean(axis=1))) ** 2
    return np.fft.rfftfreq(len(bed), 1 / SAMPLE_RATE_HZ), power / power.sum()


def _onsets_per_second(bed: Samples) -> float:
    """Rises of the level above 1 kHz, where attacks are."""
    frequency = np.fft.rfftfreq(len(bed), 1 / SAMPLE_RATE_HZ)
    high = np.fft.irfft(np.fft.rfft(bed.mean(axis=1)) * (frequency > 1000), len(bed))
    step = SAMPLE_RATE_HZ // 50
    level = np.log(np.sqrt(np.mean(high[: len(high) // step * step].reshape(-1, step) ** 2, axis=1)) + 1e-4)
    return float((np.diff(level) > 0.5).sum()) / (len(bed) / SAMPLE_RATE_HZ)


@pytest.mark.parametrize("mood", mood_names())
@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_bed_has_exactly_its_length_is_stereo_ends_in_silence_and_does_not_clip(mood: str, seconds: float) -> None:
    bed = make_bed(seconds, mood, 7)
    assert bed.shape == (round(seconds * SAMPLE_RATE_HZ), 2)
    assert bed.dtype == np.float32
    assert 0.6 < np.abs(bed).max() <= 0.71
    assert np.abs(bed[-480:]).max() < 0.01
    assert np.abs(bed[: len(bed) // 2]).max() > 0.2, "music from the beginning"
    assert np.corrcoef(bed.T)[0, 1] < 0.99, "not mono"


@pytest.mark.parametrize("mood", mood_names())
def test_a_bed_has_no_click_no_aliasing_and_no_offset(mood: str) -> None:
    bed = make_bed(10.01, mood, 3)
    # Full scale in one sample would be a jump of 1.4; the sharpest attack of a drum is far below.
    assert np.abs(np.diff(bed, axis=0)).max() < 0.35
    frequency, power = _spectrum(bed)
    assert power[frequency > 18_000].sum() < 1e-4
    assert power[frequency < 20].sum() < 1e-3
    assert np.abs(bed.mean(axis=0)).max() < 1e-3


def test_the_same_seed_gives_the_same_samples_also_in_another_process() -> None:
    here = make_bed(3.0, "tech", 11)
    program = (
        "import hashlib; from audio.beds import make_bed; print(hashlib.sha256(make_bed(3.0, 'tech', 11)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    ).stdout.strip()  # fmt: skip
    assert hashlib.sha256(here).hexdigest() == there
    assert not np.array_equal(here, make_bed(3.0, "tech", 12))


def test_moods_sound_different() -> None:
    beds = {mood: make_bed(10.01, mood, 5) for mood in mood_names()}
    onsets = {mood: _onsets_per_second(bed) for mood, bed in beds.items()}
    assert onsets["calm"] < onsets["uplifting"]
    assert onsets["calm"] < onsets["tech"]
    highs = {}
    for mood, bed in beds.items():
        frequency, power = _spectrum(bed)
        highs[mood] = float(power[frequency > 4000].sum())
    assert min(highs, key=lambda mood: highs[mood]) == "calm"
    assert moods()["calm"].tempo_bpm[1] < moods()["uplifting"].tempo_bpm[0]


@pytest.mark.parametrize("mood", mood_names())
@pytest.mark.parametrize("seconds", [6.006, 8.0, 10.01, 15.0, 30.0])
def test_whole_bars_fill_the_clip_at_a_tempo_of_the_mood(mood: str, seconds: float) -> None:
    score = compose(moods()[mood], seconds, np.random.default_rng(1))
    assert score.bars * score.bar_seconds == pytest.approx(seconds - FIRST_BEAT_SECONDS)
    low, high = moods()[mood].tempo_bpm
    assert low <= 240 / score.bar_seconds <= high
    assert all(FIRST_BEAT_SECONDS <= note.at_seconds < seconds for note in score.notes)


def test_a_clip_shorter_than_a_bar_still_gets_one() -> None:
    assert fill_bars(0.8, (66, 84), 70) == 1
    assert make_bed(0.8, "calm", 1).shape == (38_400, 2)


def test_chords_are_stacked_from_their_scale() -> None:
    assert chord("I", "major", 0) == (0, 4, 7)
    assert chord("vi7", "major", 0) == (9, 0, 4, 7)
    assert chord("Vsus4", "major", 2) == (9, 2, 4)
    assert chord("i9", "dorian", 9) == (9, 0, 7, 11)
    with pytest.raises(ValueError, match="viii"):
        chord("viii", "major", 0)


@pytest.mark.parametrize("mood", mood_names())
def test_voices_move_less_than_in_root_position_and_every_note_is_in_the_key(mood: str) -> None:
    chosen = moods()[mood]
    led = naive = 0
    for key in chosen.keys:
        scale = {(key + step) % 12 for step in MODES[chosen.mode]}
        for progression in chosen.progressions:
            before = stacked = None
            for name in (*progression, chosen.final):
                classes = chord(name, chosen.mode, key)
                notes = voice(classes, before)
                assert {note % 12 for note in notes} == set(classes) <= scale
                # The naive way: every chord with its root lowest.
                plain = min(_voicings(classes), key=lambda laid: (laid[0] % 12 != classes[0], laid))
                if before and stacked:
                    moved = sum(abs(a - b) for a, b in zip(notes, before, strict=True))
                    assert moved <= 16, "four semitones a voice"
                    led += moved
                    naive += sum(abs(a - b) for a, b in zip(plain, stacked, strict=True))
                before, stacked = notes, plain
    assert led < naive


def test_a_progression_begins_with_its_first_chord_and_comes_home_through_its_last() -> None:
    four = ("I", "V", "vi", "IV")
    assert spread(four, "home", 5) == (*four, "home")
    assert spread(four, "home", 9) == (*four, *four, "home")
    assert spread(four, "home", 1) == ("home",)
    assert spread(four, "home", 2) == ("IV", "home")
    for bars in range(3, 20):
        chords = spread(four, "home", bars)
        assert len(chords) == bars
        assert (chords[0], chords[-2], chords[-1]) == ("I", "IV", "home")


@pytest.mark.parametrize("name", sorted(instruments.PITCHED))
def test_a_tone_has_the_pitch_of_its_note_and_starts_and_ends_at_zero(name: str) -> None:
    sound = instruments.PITCHED[name](69)
    frequency = np.fft.rfftfreq(len(sound) * 8, 1 / SAMPLE_RATE_HZ)
    loudest = frequency[np.argmax(np.abs(np.fft.rfft(sound, len(sound) * 8)))]
    assert loudest == pytest.approx(440, rel=0.01)
    assert abs(sound[0]) < 1e-3
    assert abs(sound[-1]) < 1e-3


@pytest.mark.parametrize("name", sorted(instruments.PITCHED))
@pytest.mark.parametrize("note", [84, 95, 103])
def test_a_high_tone_holds_nothing_above_its_limit_and_nothing_folded_back_below_its_pitch(
    name: str, note: int
) -> None:
    sound = instruments.PITCHED[name](note)[2400:] if name != "blip" else instruments.PITCHED[name](note)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    stray = (frequency > 17_000) | (frequency < instruments.hertz(note) * 0.8)
    assert 10 * np.log10(power[stray].sum() / power.sum()) < -60


def test_a_cue_is_marked_by_a_hit_and_nothing_changes_long_before_it() -> None:
    plain, marked = make_bed(8.0, "calm", 4), make_bed(8.0, "calm", 4, cues=(4.0,))
    difference = np.abs(plain / np.abs(plain[:96_000]).max() - marked / np.abs(marked[:96_000]).max()).max(axis=1)
    assert difference[: round(2.7 * SAMPLE_RATE_HZ)].max() < 0.01
    assert difference[round(4.0 * SAMPLE_RATE_HZ) : round(4.2 * SAMPLE_RATE_HZ)].max() > 0.1


def test_an_unknown_mood_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(BadAudio, match="did you mean 'uplifting'"):
        make_bed(5, "upliftin", 1)


def _tone(seconds: float) -> Samples:
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    # No whole number of periods in any of the lengths used: a joint without a cross-fade would click.
    return np.stack([0.4 * np.sin(2 * np.pi * 221.37 * t + 0.5)] * 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("length", [2.0, 3.3, 10.01, 30.0])
def test_a_users_track_fills_the_clip_without_a_gap_or_a_click(length: float, tmp_path: Path) -> None:
    write_wav(tmp_path / "t.wav", _tone(length))
    bed = load_track(tmp_path / "t.wav", 10.01)
    assert bed.shape == (round(10.01 * SAMPLE_RATE_HZ), 2)
    level = np.sqrt(np.mean(bed[: 480 * 800].reshape(-1, 4800, 2) ** 2, axis=(1, 2)))
    assert level[1:].min() > 0.02, "no hole where the loop is joined"
    assert np.abs(np.diff(bed, axis=0)).max() < 0.03
    assert np.abs(bed[-10:]).max() < 1e-3


def test_a_track_that_is_no_sound_silent_or_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.mp3").write_text("this is not music")
    with pytest.raises(BadAudio, match=r"t\.mp3"):
        load_track(tmp_path / "t.mp3", 5)
    write_wav(tmp_path / "s.wav", np.zeros((96_000, 2), np.float32))
    with pytest.raises(BadAudio, match="silent"):
        load_track(tmp_path / "s.wav", 5)
    write_wav(tmp_path / "k.wav", _tone(0.4))
    with pytest.raises(BadAudio, match="too short"):
        load_track(tmp_path / "k.wav", 5)
