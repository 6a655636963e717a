"""Mix and mastering, measured on the files that were written."""

from __future__ import annotations

import wave
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audio import loudness
from audio.errors import BadAudio
from audio.loudness import limit, master_track, true_peaks
from audio.media import decode, encode_aac, measure
from audio.mix import DUCK_DB, duck_curve, make_mix
from audio.spec import SAMPLE_RATE_HZ, Loudness, Measured, Speech, Stem, Word
from audio.waveform import Samples, decibels, find_pauses, read_wav, resample, trim_silence, write_wav

SECONDS = 8.008


def _speech(path: Path, seconds: float = 3.0, level: float = 0.3) -> Speech:
    """Syllables of buzz at 4 a second: as dynamic as a voice."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    samples = (level * buzz * (0.15 + np.abs(np.sin(np.pi * 4 * t)) ** 3) / 2).astype(np.float32)
    write_wav(path, samples)
    return Speech(path, seconds, (Word("Hello", 0, 0.0, 1.0), Word("you.", 6, 1.0, seconds)))


def test_a_mix_is_stereo_of_exactly_its_length_and_the_words_move_with_the_voice(tmp_path: Path) -> None:
    words = make_mix(tmp_path / "m.wav", _speech(tmp_path / "v.wav"), seconds=SECONDS, mood="tech", seed=1)
    samples, rate_hz = read_wav(tmp_path / "m.wav")
    assert (rate_hz, samples.shape) == (SAMPLE_RATE_HZ, (round(SECONDS * SAMPLE_RATE_HZ), 2))
    assert [(word.start_seconds, word.end_seconds) for word in words] == [(0.3, 1.3), (1.3, 3.3)]


def test_without_music_the_voice_stands_exactly_at_the_lead_in(tmp_path: Path) -> None:
    speech = _speech(tmp_path / "v.wav")
    make_mix(tmp_path / "m.wav", speech, seconds=5, mood=None, seed=1, lead_in_seconds=0.5)
    mixed, _ = read_wav(tmp_path / "m.wav")
    assert not mixed[: SAMPLE_RATE_HZ // 2].any()
    voice, _ = read_wav(speech.path)
    heard = mixed[SAMPLE_RATE_HZ // 2 :][: len(voice), 0]
    middle = slice(4800, len(voice) - 4800)
    scale = float(heard[middle] @ voice[middle] / (voice[middle] @ voice[middle]))
    assert np.abs(heard[middle] - scale * voice[middle]).max() < 2e-4


def test_music_gives_way_by_12_db_before_the_first_word_and_comes_back_slowly(tmp_path: Path) -> None:
    speech = _speech(tmp_path / "v.wav")
    kwargs = {"seconds": SECONDS, "mood": "calm", "seed": 3}
    make_mix(tmp_path / "both.wav", speech, **kwargs)
    make_mix(tmp_path / "bed.wav", None, **kwargs)
    make_mix(tmp_path / "voice.wav", speech, seconds=SECONDS, mood=None, seed=3)
    both, bed, voice = (read_wav(tmp_path / f"{name}.wav")[0] for name in ("both", "bed", "voice"))
    ducked = both - voice

    def depth_db(start: float, end: float) -> float:
        window = slice(round(start * SAMPLE_RATE_HZ), round(end * SAMPLE_RATE_HZ))
        return decibels(float(np.sqrt(np.mean(bed[window] ** 2)))) - decibels(
            float(np.sqrt(np.mean(ducked[window] ** 2)))
        )

    assert depth_db(0.0, 0.05) < 0.3
    # At the first word the music is already down, and it stays there without pumping.
    steps = [depth_db(at, at + 0.1) for at in np.arange(0.3, 3.2, 0.1)]
    assert min(steps) > 10
    assert max(steps) < 14
    assert max(steps) - min(steps) < 0.5
    assert 1 < depth_db(3.6, 3.7) < 11
    assert depth_db(4.0, 5.0) < 0.3
    spoken = slice(round(0.3 * SAMPLE_RATE_HZ), round(3.3 * SAMPLE_RATE_HZ))
    over_music = measure(voice[spoken]).integrated_lufs - measure(ducked[spoken]).integrated_lufs
    assert 11 < over_music < 17


def _own_sound(path: Path, seconds: float, rate_hz: int = 16_000, level: float = 0.1, side: int | None = None) -> Path:
    """What a model might make: noise as a 16-bit WAV at its own rate; mono, or stereo with sound on one side only."""
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    noise = level * rng.uniform(-1, 1, round(seconds * rate_hz))
    channels = noise[:, None] if side is None else noise[:, None] * np.eye(2)[side]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(channels * 32767).astype("<i2").tobytes())
    return path


def _at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def _mixed(path: Path, **kwargs: object) -> Samples:
    """The written mix, read again."""
    make_mix(path, **{"speech": None, "seconds": SECONDS, "mood": None, "seed": 1, **kwargs})  # type: ignore[arg-type]
    return read_wav(path)[0]


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("level", [0.05, 0.5])
def test_a_films_own_sound_is_heard_at_its_time_for_its_seconds_at_one_loudness(
    rate_hz: int, level: float, tmp_path: Path
) -> None:
    own = _own_sound(tmp_path / "own.wav", 4.0, rate_hz, level)
    mix = _mixed(tmp_path / "m.wav", stems=[Stem(own, 1.5, 2.5)])
    assert mix.shape == (_at(SECONDS), 2)
    assert not mix[: _at(1.5)].any()
    assert not mix[_at(4.0) :].any()
    assert measure(mix[_at(1.5) : _at(4.0)]).integrated_lufs == pytest.approx(-32.0, abs=0.3)
    # 5 ms at both ends, and no longer.
    loud = _rms(mix[_at(2.0) : _at(3.5)])
    for edge in (mix[_at(1.5) :], mix[: _at(4.0)][::-1]):
        assert _rms(edge[: _at(0.001)]) < 0.4 * loud
        assert _rms(edge[_at(0.005) : _at(0.015)]) == pytest.approx(loud, rel=0.25)


def test_own_sound_stands_4_lu_under_the_music_and_both_give_way_to_the_voice(tmp_path: Path) -> None:
    own, speech = _own_sound(tmp_path / "own.wav", SECONDS), _speech(tmp_path / "v.wav")
    stems = [Stem(own, 0.0, SECONDS)]
    bed, both = _mixed(tmp_path / "b.wav", mood="calm"), _mixed(tmp_path / "m.wav", mood="calm", stems=stems)
    under = measure(bed).integrated_lufs - measure(both - bed).integrated_lufs
    assert under == pytest.approx(4.0, abs=0.4)
    assert measure(both).integrated_lufs - measure(bed).integrated_lufs == pytest.approx(1.5, abs=0.5)
    spoken = _mixed(tmp_path / "s.wav", speech=speech, stems=stems) - _mixed(tmp_path / "v2.wav", speech=speech)
    alone = both - bed
    while_spoken, behind = slice(_at(0.4), _at(3.2)), slice(_at(4.0), _at(7.5))
    assert decibels(_rms(spoken[while_spoken]) / _rms(alone[while_spoken])) == pytest.approx(-DUCK_DB, abs=0.3)
    assert decibels(_rms(spoken[behind]) / _rms(alone[behind])) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("held_seconds", [3.0, 4.0])
def test_where_two_shots_meet_their_sounds_cross_in_30_ms_without_a_dip(held_seconds: float, tmp_path: Path) -> None:
    left = _own_sound(tmp_path / "left.wav", held_seconds, side=0)
    right = _own_sound(tmp_path / "right.wav", 3.0, 48_000, side=1)
    mix = _mixed(tmp_path / "m.wav", stems=[Stem(right, 3.0, 3.0), Stem(left, 0.0, 3.0)])
    assert not mix[: _at(3.0), 1].any()
    assert mix[_at(3.0) : _at(3.025), 0].any(), "the first goes on under the second"
    assert not mix[_at(3.03) :, 0].any()
    halves = [
        (_rms(mix[_at(at) : _at(at + 0.01), 0]), _rms(mix[_at(at) : _at(at + 0.01), 1])) for at in (3.0, 3.01, 3.02)
    ]
    assert halves[0][0] > 2 * halves[0][1]
    assert halves[2][1] > 2 * halves[2][0]
    loud = [_rms(mix[_at(1.0) : _at(2.0), 0]), _rms(mix[_at(4.0) : _at(5.0), 1])]
    power = [(one / loud[0]) ** 2 + (other / loud[1]) ** 2 for one, other in halves]
    assert 10 * np.log10(min(power)) > -1.5
    assert 10 * np.log10(max(power)) < 1.5
    apart = _mixed(tmp_path / "a.wav", stems=[Stem(left, 0.0, 3.0), Stem(right, 3.1, 3.0)])
    assert not apart[_at(3.0) : _at(3.1)].any(), "shots that do not meet do not reach into the gap"


def test_silence_stays_silent_and_a_faint_hiss_faint(tmp_path: Path) -> None:
    silent = _own_sound(tmp_path / "silent.wav", 3.0, level=0.0)
    assert not _mixed(tmp_path / "m.wav", stems=[Stem(silent, 0.0, 3.0)]).any()
    hiss = _own_sound(tmp_path / "hiss.wav", 3.0, level=0.001)
    lifted = measure(_mixed(tmp_path / "h.wav", stems=[Stem(hiss, 0.0, 3.0)])[: _at(3.0)]).integrated_lufs
    assert lifted - measure(decode(hiss)).integrated_lufs == pytest.approx(12.0, abs=0.3)


def test_own_sound_that_is_too_short_ends_and_one_that_is_too_long_is_cut_with_the_mix(tmp_path: Path) -> None:
    own = _own_sound(tmp_path / "own.wav", 2.0)
    mix = _mixed(tmp_path / "m.wav", stems=[Stem(own, 1.0, 3.0), Stem(own, 7.0, 2.0)])
    assert mix[_at(1.0) : _at(2.99)].any()
    assert not mix[_at(3.01) : _at(7.0)].any()
    assert len(mix) == _at(SECONDS)
    assert abs(float(mix[-1, 0])) < 1e-3


@pytest.mark.parametrize(("at", "seconds"), [(-0.1, 1.0), (8.1, 1.0), (1.0, 0.0)])
def test_own_sound_outside_the_mix_is_refused(at: float, seconds: float, tmp_path: Path) -> None:
    own = _own_sound(tmp_path / "own.wav", 2.0)
    with pytest.raises(BadAudio, match=r"own\.wav: .* are not within a mix of 8\.008 s"):
        _mixed(tmp_path / "m.wav", stems=[Stem(own, at, seconds)])


def test_own_sound_that_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "own.wav").write_bytes(b"RIFF nothing")
    with pytest.raises(BadAudio, match=r"own\.wav"):
        _mixed(tmp_path / "m.wav", stems=[Stem(tmp_path / "own.wav", 0.0, 1.0)])


def test_the_duck_curve_is_smooth_reaches_its_depth_and_joins_what_is_close() -> None:
    curve = duck_curve([(1.0, 2.0), (2.75, 4.0)], 6 * SAMPLE_RATE_HZ)
    assert 20 * np.log10(curve.min()) == pytest.approx(-DUCK_DB, abs=0.01)
    assert curve[: round(0.74 * SAMPLE_RATE_HZ)].min() == 1.0
    assert curve[round(4.61 * SAMPLE_RATE_HZ) :].min() == 1.0
    assert np.abs(np.diff(20 * np.log10(curve))).max() < 0.005, "no step that clicks"


def test_speech_that_does_not_end_in_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match="too late"):
        make_mix(tmp_path / "m.wav", _speech(tmp_path / "v.wav", 5.0), seconds=5.0, mood="calm", seed=1)


@pytest.mark.parametrize("target", [Loudness(), Loudness(-16.0, -1.0), Loudness(-23.0, -1.0), Loudness(-24.0, -2.0)])
@pytest.mark.parametrize("content", ["voice and music", "music", "voice"])
def test_the_encoded_track_reaches_its_target_and_stays_under_its_peak(
    target: Loudness, content: str, tmp_path: Path
) -> None:
    speech = None if content == "music" else _speech(tmp_path / "v.wav")
    mood = None if content == "voice" else "uplifting"
    make_mix(tmp_path / "m.wav", speech, seconds=SECONDS, mood=mood, seed=2)
    said = master_track(tmp_path / "m.wav", tmp_path / "m.m4a", target, kbps=192, seconds=SECONDS)
    found = measure(decode(tmp_path / "m.m4a"))
    assert found.integrated_lufs == pytest.approx(target.integrated_lufs, abs=0.5)
    assert found.true_peak_dbtp <= target.true_peak_dbtp
    assert said.integrated_lufs == pytest.approx(found.integrated_lufs, abs=0.05)
    assert said.seconds == pytest.approx(SECONDS, abs=1e-4)


def test_a_codec_whose_peaks_grow_as_fast_as_the_ceiling_falls_is_outrun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mix(tmp_path / "m.wav", _speech(tmp_path / "v.wav"), seconds=SECONDS, mood="tech", seed=1)
    encoded, rounds = loudness._encoded, []

    def stubborn(samples: Samples, path: Path, kbps: int) -> Measured:
        """As voices did it: four times over by the same, however far the samples have come down."""
        rounds.append(measure(samples).true_peak_dbtp)
        found = encoded(samples, path, kbps)
        return replace(found, true_peak_dbtp=-0.7) if len(rounds) <= 4 else found

    monkeypatch.setattr(loudness, "_encoded", stubborn)
    found = master_track(tmp_path / "m.wav", tmp_path / "m.m4a", Loudness(), kbps=192)
    assert found.true_peak_dbtp <= -1.0
    assert found.integrated_lufs == pytest.approx(-14.0, abs=0.5)
    assert len(rounds) == 5
    steps = -np.diff(rounds)
    assert np.all(np.diff(steps) > 0.03), "each step down is longer than the one before"


def test_loudness_that_the_limiter_takes_is_given_back(tmp_path: Path) -> None:
    music = _music(6.0) * np.float32(0.2)
    for start in range(0, len(music) - 4800, 12_000):
        music[start + 2400 : start + 4800] *= 8.0
    write_wav(tmp_path / "m.wav", music)
    target = Loudness(-9.0, -1.0)
    once, depth_db = limit(music * np.float32(10 ** ((-9.0 - measure(music).integrated_lufs) / 20)), -1.5)
    assert depth_db < -3
    assert measure(once).integrated_lufs < -9.5, "one gain alone would miss"
    found = master_track(tmp_path / "m.wav", tmp_path / "m.m4a", target, kbps=192)
    assert found.integrated_lufs == pytest.approx(-9.0, abs=0.5)
    assert found.true_peak_dbtp <= -1.0


def test_a_silent_mix_stays_silent_and_says_so(tmp_path: Path) -> None:
    assert make_mix(tmp_path / "m.wav", None, seconds=3, mood=None, seed=1) == ()
    found = master_track(tmp_path / "m.wav", tmp_path / "m.m4a", Loudness(), kbps=128)
    assert found.integrated_lufs == float("-inf")
    assert np.abs(decode(tmp_path / "m.m4a")).max() < 1e-4


def test_what_cannot_reach_its_target_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    clicks = np.zeros((3 * SAMPLE_RATE_HZ, 2), np.float32)
    clicks[::24_000] = 0.9
    write_wav(tmp_path / "m.wav", clicks)
    with pytest.raises(BadAudio, match=r"peaks|quiet"):
        master_track(tmp_path / "m.wav", tmp_path / "m.m4a", Loudness(), kbps=128)
    assert not (tmp_path / "m.m4a").exists()


def test_a_mix_of_another_length_is_refused(tmp_path: Path) -> None:
    make_mix(tmp_path / "m.wav", None, seconds=3, mood="calm", seed=1)
    with pytest.raises(BadAudio, match=r"lasts 3\.000 s, expected 3\.100 s"):
        master_track(tmp_path / "m.wav", tmp_path / "m.m4a", Loudness(), kbps=128, seconds=3.1)


def _music(seconds: float) -> Samples:
    rng = np.random.default_rng(1)
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * (300 + 80 * t) * t)
    return (np.stack([tone, tone], axis=1) + 0.05 * rng.standard_normal((len(t), 2))).astype(np.float32)


def test_an_encoded_track_begins_at_zero_and_every_sample_is_where_it_was(tmp_path: Path) -> None:
    before = _music(4.004)
    for file in ("a.m4a", "b.m4a"):
        encode_aac(before, tmp_path / file, kbps=192)
    assert (tmp_path / "a.m4a").read_bytes() == (tmp_path / "b.m4a").read_bytes()
    assert b"elst" not in (tmp_path / "a.m4a").read_bytes()
    after = decode(tmp_path / "a.m4a")[: len(before)]
    size = 2**18
    likeness = np.fft.irfft(np.fft.rfft(before[:, 0], size) * np.conj(np.fft.rfft(after[:, 0], size)), size)
    assert int(np.argmax(likeness)) == 0


def test_the_limiter_keeps_every_true_peak_under_the_ceiling_and_leaves_the_rest_alone() -> None:
    loud = _music(2.0)
    loud[40_000:40_300] *= 3.0
    limited, depth_db = limit(loud, -3.0)
    assert measure(limited).true_peak_dbtp <= -2.9
    assert depth_db < -1
    assert np.array_equal(limited[:38_000], loud[:38_000])
    quiet, nothing_db = limit(_music(0.5) * np.float32(0.1), -3.0)
    assert nothing_db == 0.0
    assert np.array_equal(quiet, _music(0.5) * np.float32(0.1))


def test_true_peaks_see_between_the_samples() -> None:
    t = np.arange(48_000)
    # A quarter of the rate, 45 degrees off: every sample is 3 dB below the crest.
    sine = np.stack([np.sin(np.pi / 2 * t + np.pi / 4)] * 2, axis=1).astype(np.float32)
    assert np.abs(sine).max() == pytest.approx(0.7071, abs=1e-3)
    assert float(true_peaks(sine)[100:-100].max()) == pytest.approx(1.0, abs=0.01)


def test_the_meter_reads_a_reference_tone() -> None:
    t = np.arange(5 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = np.stack([0.1 * np.sin(2 * np.pi * 997 * t)] * 2, axis=1).astype(np.float32)
    found = measure(tone)
    # EBU Tech 3341: a stereo sine of -20 dBFS at 1 kHz reads -20 LUFS.
    assert found.integrated_lufs == pytest.approx(-20.0, abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(-20.0, abs=0.1)


def test_resampling_keeps_pitch_level_and_length_and_adds_nothing() -> None:
    t = np.arange(22_050 * 2) / 22_050
    tone = (0.5 * np.sin(2 * np.pi * 3000 * t)).astype(np.float32)
    up = resample(tone, 22_050)
    assert len(up) == 2 * SAMPLE_RATE_HZ
    ideal = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(len(up)) / SAMPLE_RATE_HZ)
    assert np.abs(up - ideal)[2000:-2000].max() < 2e-3


def test_pauses_and_ends_are_found() -> None:
    sound = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    sound[24_000:48_000] = sound[72_000:84_000] = 0.5
    assert find_pauses(sound, 0.2) == (pytest.approx((1.0, 1.5), abs=0.006),)
    trimmed, cut_seconds = trim_silence(sound)
    assert cut_seconds == pytest.approx(0.49, abs=0.006)
    assert len(trimmed) / SAMPLE_RATE_HZ == pytest.approx(1.27, abs=0.012)
