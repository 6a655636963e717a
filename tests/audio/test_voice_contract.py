"""One suite for every voice, and the traps of the library behind eSpeak."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
import wave
from pathlib import Path

import pytest
from pydantic import ValidationError

from audio.errors import NoVoice, VoiceFailed
from audio.spec import SAMPLE_RATE_HZ, Utterance
from audio.voices import choose_voice, get_voice, voice_names
from audio.voices.espeak import EspeakOptions, EspeakVoice, _package
from audio.waveform import read_wav
from audio.words import is_spoken

needs_espeak = pytest.mark.skipif(_package() is None, reason="the espeak extra is not installed")
VOICES = [pytest.param("espeak", marks=needs_espeak), "none"]
TEXTS = {
    "en-US": "Save 50% on the new shoes, only $19.99 today. Don’t wait!",
    "de-DE": "Spare 50 % auf alles – nur heute, bei „Müller“.",
    "ar": "خصم خمسون بالمئة اليوم فقط.",
    "hi": "आज ही आधे दाम पर खरीदें।",
    "zh-CN": "全场五折，今天就来吧。",
    "ja": "きょうから はんがく です。",
    "th": "ลดราคาครึ่งหนึ่ง วันนี้เท่านั้น",
    "ko-KR": "오늘만 반값으로 만나보세요.",
    "ru": "Скидка 50% только сегодня!",
}


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("locale", TEXTS)
def test_speech_is_a_trimmed_mono_48k_file_whose_words_are_the_text_in_order(
    name: str, locale: str, tmp_path: Path
) -> None:
    text = TEXTS[locale]
    speech = get_voice(name).speak(Utterance(text, locale), tmp_path / "v.wav")
    with wave.open(str(speech.path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE_HZ)
        assert file.getnframes() == round(speech.seconds * SAMPLE_RATE_HZ)
    if name == "none":
        assert (speech.seconds, speech.words) == (0.0, ())
        return
    assert 0.8 < speech.seconds < 12
    spoken = "".join("".join(word.text.split()) for word in speech.words)
    assert spoken == "".join(text.split())
    last = 0.0
    for word in speech.words:
        assert text[word.offset : word.offset + len(word.text)] == word.text
        assert is_spoken(word.text)
        assert last <= word.start_seconds <= word.end_seconds <= speech.seconds
        last = word.start_seconds
    samples, _ = read_wav(speech.path)
    assert abs(samples[:2400]).max() > 0.01, "leading silence is not trimmed"
    assert abs(samples[-4800:]).max() > 0.001, "trailing silence is not trimmed"


@pytest.mark.parametrize("name", VOICES)
def test_the_same_utterance_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    for file in ("a.wav", "b.wav"):
        get_voice(name).speak(Utterance(TEXTS["en-US"], "en-US"), tmp_path / file)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("name", VOICES)
def test_an_unknown_option_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        get_voice(name).speak(Utterance("Hello", "en", options={"vairant": "f1"}), tmp_path / "v.wav")


@pytest.mark.parametrize("name", voice_names())
def test_a_voice_states_its_facts(name: str) -> None:
    voice = get_voice(name)
    assert voice.id == name
    assert all((voice.title, voice.revision, voice.licence))
    assert voice.quality in {"draft", "none", "final"}


@needs_espeak
def test_a_locale_without_a_voice_is_refused_and_not_spoken_in_another_language(tmp_path: Path) -> None:
    voice = EspeakVoice()
    assert not voice.speaks("fil")
    with pytest.raises(NoVoice, match="fil"):
        voice.speak(Utterance("Kumusta", "fil-PH"), tmp_path / "v.wav")
    assert not list(tmp_path.iterdir())


@needs_espeak
@pytest.mark.parametrize(
    ("locale", "voice"),
    [("en-CA", "gmw/en-US"), ("en-AU", "gmw/en"), ("es-MX", "roa/es-419"), ("es-AR", "roa/es-419"), ("es-ES", "roa/es"),
     ("fr-FR", "roa/fr"), ("pt-BR", "roa/pt-BR"), ("zh-TW", "sit/cmn"), ("zh-HK", "sit/yue"), ("de_AT", "gmw/de")],
)  # fmt: skip
def test_a_region_gets_the_voice_that_speaks_like_it(locale: str, voice: str) -> None:
    package = _package()
    assert package is not None
    assert EspeakVoice._find(package, locale) == voice


@needs_espeak
def test_kanji_are_refused_because_they_would_be_read_as_chinese_letter(tmp_path: Path) -> None:
    with pytest.raises(NoVoice, match="kana"):
        EspeakVoice().speak(Utterance("今日から半額です", "ja-JP"), tmp_path / "v.wav")


@needs_espeak
def test_a_variant_changes_the_voice_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    voice = EspeakVoice()
    for file, options in (("plain", {}), ("female", {"variant": "f3"})):
        voice.speak(Utterance("Hello there", "en-US", options=options), tmp_path / file)
    assert (tmp_path / "plain").read_bytes() != (tmp_path / "female").read_bytes()
    with pytest.raises(NoVoice, match="f99"):
        voice.speak(Utterance("Hello", "en-US", options={"variant": "f99"}), tmp_path / "v.wav")
    with pytest.raises(ValidationError):
        voice.speak(Utterance("Hello", "en-US", options={"variant": "../../en"}), tmp_path / "v.wav")


@needs_espeak
@pytest.mark.parametrize("voice", ["gmw/en-US+nobody", "gmw/nowhere", "en-US"])
def test_the_child_itself_refuses_a_voice_that_the_library_would_silently_replace(voice: str) -> None:
    package = _package()
    assert package is not None
    speaker = EspeakVoice()
    order = speaker._order(package, voice, Utterance("Hello", "en"), EspeakOptions())
    with pytest.raises(NoVoice, match="has no voice"):
        speaker._run(order, package)


@needs_espeak
@pytest.mark.parametrize("text", ["", "…", " \n", "!?"])
def test_a_text_without_words_is_an_error_and_not_an_empty_film(text: str, tmp_path: Path) -> None:
    with pytest.raises(VoiceFailed, match="nothing to say"):
        EspeakVoice().speak(Utterance(text, "en"), tmp_path / "v.wav")


@needs_espeak
def test_control_characters_neither_end_the_text_nor_move_the_words(tmp_path: Path) -> None:
    text = "One\x00two\nthree\x1b[31m four"
    speech = EspeakVoice().speak(Utterance(text, "en"), tmp_path / "v.wav")
    assert speech.words[-1].text == "four"
    assert speech.words[-1].start_seconds > 0.5


@needs_espeak
def test_a_package_in_a_very_deep_folder_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = _package()
    assert package is not None
    deep = tmp_path.joinpath(*["a-rather-long-folder-name-of-a-virtual-environment"] * 4)
    copy = deep / "espeakng_loader"
    data = copy / "espeak-ng-data"
    data.mkdir(parents=True)
    shutil.copy(package / "__init__.py", copy)
    for library in package.glob("*espeak-ng*.*"):
        shutil.copy(library, copy)
    for part in ("phondata", "phonindex", "phontab", "intonations", "en_dict"):
        shutil.copy(package / "espeak-ng-data" / part, data)
    for part in ("lang", "voices"):
        shutil.copytree(package / "espeak-ng-data" / part, data / part)
    monkeypatch.syspath_prepend(str(deep))
    assert _package() == copy
    assert len(str(data)) > 200
    speech = EspeakVoice().speak(Utterance("Hello from the deep", "en"), tmp_path / "v.wav")
    assert len(speech.words) == 4


def _children() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@needs_espeak
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the child through Linux's /proc")
def test_a_child_that_is_killed_is_a_failure_of_this_utterance_and_leaves_nothing(tmp_path: Path) -> None:
    before, killed = _children(), list[int]()

    def kill() -> None:
        until = time.monotonic() + 10
        while not killed and time.monotonic() < until:
            for pid in _children() - before:
                time.sleep(0.1)
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    hunter = threading.Thread(target=kill)
    hunter.start()
    with pytest.raises(VoiceFailed, match="SIGKILL"):
        EspeakVoice().speak(Utterance("many words to say and more. " * 3000, "en"), tmp_path / "v.wav")
    hunter.join()
    assert killed
    assert _children() == before
    assert not list(tmp_path.iterdir())


@needs_espeak
def test_a_child_past_its_deadline_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "sleeper.py"
    program.write_text("import time; time.sleep(60)")
    with pytest.raises(VoiceFailed, match=r"within 0\.3 s"):
        EspeakVoice(deadline_seconds=0.3, program=program).speak(Utterance("Hello", "en"), tmp_path / "v.wav")


@needs_espeak
def test_what_a_child_says_on_stderr_is_in_the_error(tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text("raise RuntimeError('no sound today')")
    with pytest.raises(VoiceFailed, match="no sound today"):
        EspeakVoice(program=program).speak(Utterance("Hello", "en"), tmp_path / "v.wav")
    program.write_text("print('not json')")
    with pytest.raises(VoiceFailed, match="gave no sound"):
        EspeakVoice(program=program).speak(Utterance("Hello", "en"), tmp_path / "v.wav")


@needs_espeak
def test_word_times_follow_the_pauses_that_are_heard(tmp_path: Path) -> None:
    speech = EspeakVoice().speak(Utterance("Stop here. Then go on.", "en-US"), tmp_path / "v.wav")
    samples, _ = read_wav(speech.path)
    here, then = speech.words[1], speech.words[2]
    gap = samples[
        round((here.end_seconds + 0.02) * SAMPLE_RATE_HZ) : round((then.start_seconds - 0.02) * SAMPLE_RATE_HZ)
    ]
    assert len(gap) > 0.1 * SAMPLE_RATE_HZ
    assert abs(gap).max() < 0.02


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(NoVoice, match="did you mean 'espeak'"):
        get_voice("espeek")


@needs_espeak
def test_auto_says_what_it_chose_and_refuses_to_leave_a_locale_mute() -> None:
    name, why = choose_voice("auto", ["en-US", "de-DE"])
    assert name == "espeak"
    assert "de-DE" in why
    assert "draft" in why
    with pytest.raises(NoVoice, match="does not speak fil"):
        choose_voice("auto", ["en-US", "fil"])
    assert choose_voice("none", ["fil"])[0] == "none"


def test_auto_without_any_voice_names_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EspeakVoice, "speaks", lambda self, locale: False)
    with pytest.raises(NoVoice, match=r"pip install 'spotmill\[espeak\]'.*voice: none"):
        choose_voice("auto", ["en-US"])
