"""Fitting, estimating, and the text as spoken."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from audio.errors import VoiceTooLong
from audio.estimate import estimate_error_seconds
from audio.fit import HIGHEST_SPEED, LONGEST_PAUSE_SECONDS, UNNOTICED_SPEED, estimate_seconds, speak_to_fit
from audio.script import as_spoken
from audio.spec import SAMPLE_RATE_HZ, Speech, Utterance, Word
from audio.voices import get_voice
from audio.voices.contract import Voice
from audio.voices.espeak import _package
from audio.waveform import find_pauses, read_wav, write_wav
from audio.words import split_words

needs_espeak = pytest.mark.skipif(_package() is None, reason="the espeak extra is not installed")
TEXT = "Save 50% on the new trail shoes, only $19.99 today. Hurry up, don’t wait! Order now at Spotmill."


class Metronome(Voice):
    """A tone of 0.3 s for each word, 0.05 s between words and 0.8 s after a full stop, all by the speed."""

    id, title, revision, licence = "metronome", "metronome", "1", "none"

    def __init__(self) -> None:
        self.said: list[Utterance] = []

    def speaks(self, locale: str) -> bool:
        return True

    def speak(self, utterance: Utterance, path: Path) -> Speech:
        self.said.append(utterance)
        parts, words, at = [], [], 0
        spans = split_words(utterance.text, utterance.locale)
        for index, (start, end) in enumerate(spans):
            tone = np.sin(np.arange(round(0.3 / utterance.speed * SAMPLE_RATE_HZ)) * 0.05) * 0.5
            words.append(Word(utterance.text[start:end], start, at / SAMPLE_RATE_HZ, (at + len(tone)) / SAMPLE_RATE_HZ))
            pause = 0.8 if utterance.text[end - 1] == "." else 0.05
            silence = np.zeros(round(pause / utterance.speed * SAMPLE_RATE_HZ) if index < len(spans) - 1 else 0)
            parts += [tone, silence]
            at += len(tone) + len(silence)
        write_wav(path, np.concatenate(parts).astype(np.float32))
        return Speech(path, at / SAMPLE_RATE_HZ, tuple(words), utterance.speed)


def test_a_text_that_fits_is_spoken_at_its_own_pace_with_its_pauses(tmp_path: Path) -> None:
    voice = Metronome()
    speech = speak_to_fit(voice, "One two. Three four.", "en", tmp_path / "v.wav", available_seconds=10)
    assert speech.speed == 1.0
    assert not speech.notes
    assert len(voice.said) == 1
    assert speech.seconds == pytest.approx(4 * 0.3 + 0.8 + 2 * 0.05, abs=0.001)


def test_long_pauses_are_shortened_before_anything_is_sped_up_and_the_words_follow(tmp_path: Path) -> None:
    speech = speak_to_fit(Metronome(), "One two. Three four.", "en", tmp_path / "v.wav", available_seconds=1.8)
    assert speech.speed == 1.0
    assert speech.notes == {"pauses_shortened": 1}
    samples, _ = read_wav(speech.path)
    assert len(samples) / SAMPLE_RATE_HZ == pytest.approx(speech.seconds)
    ((start, end),) = find_pauses(samples, 0.2)
    assert end - start == pytest.approx(LONGEST_PAUSE_SECONDS, abs=0.02)
    three = next(word for word in speech.words if word.text == "Three")
    assert three.start_seconds == pytest.approx(end, abs=0.01)


def test_the_slowest_speed_that_fits_is_taken_and_noted_only_when_it_is_heard(tmp_path: Path) -> None:
    text = "one two three four five six seven eight nine ten"
    natural = 10 * 0.3 + 9 * 0.05
    for factor in (1.05, 1.14, 1.2, 1.24):
        available = natural / factor
        speech = speak_to_fit(Metronome(), text, "en", tmp_path / "v.wav", available_seconds=available)
        assert speech.seconds <= available
        assert factor <= speech.speed <= min(factor * 1.03, HIGHEST_SPEED)
        assert ("speed_note" in speech.notes) == (speech.speed > UNNOTICED_SPEED)
        samples, _ = read_wav(tmp_path / "v.wav")
        assert len(samples) / SAMPLE_RATE_HZ == pytest.approx(speech.seconds)


@pytest.mark.parametrize("available", [0.0, 0.5, 1.3, 2.2])
def test_too_long_leaves_no_file_and_its_number_is_true(available: float, tmp_path: Path) -> None:
    text = "one two three four five six seven eight nine ten"
    with pytest.raises(VoiceTooLong) as caught:
        speak_to_fit(Metronome(), text, "en", tmp_path / "v.wav", available_seconds=available)
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.needs_seconds > error.has_seconds == available
    assert str(error.cut_characters) in str(error)
    assert not list(tmp_path.iterdir())
    shorter = text[: len(text) - error.cut_characters]
    if shorter:
        speech = speak_to_fit(Metronome(), shorter, "en", tmp_path / "v.wav", available_seconds=available)
        assert speech.seconds <= available
        longer = text[: text.find(" ", len(shorter) + 1)]
        with pytest.raises(VoiceTooLong):
            speak_to_fit(Metronome(), longer, "en", tmp_path / "v.wav", available_seconds=available)


@needs_espeak
@pytest.mark.parametrize("available", [7.6, 6.6, 5.0, 3.0])
def test_espeak_fits_or_names_a_cut_that_fits(available: float, tmp_path: Path) -> None:
    voice, text = get_voice("espeak"), TEXT
    try:
        speech = speak_to_fit(voice, text, "en-US", tmp_path / "v.wav", available_seconds=available)
    except VoiceTooLong as error:
        text = text[: -error.cut_characters]
        speech = speak_to_fit(voice, text, "en-US", tmp_path / "v.wav", available_seconds=available)
    assert speech.seconds <= available
    assert "".join(word.text for word in speech.words) == "".join(text.split())


@needs_espeak
def test_money_is_spoken_as_people_say_it_and_written_as_it_was(tmp_path: Path) -> None:
    text = "Only $19.99 🎉 today"
    speech = speak_to_fit(get_voice("espeak"), text, "en-US", tmp_path / "v.wav", available_seconds=10)
    assert [word.text for word in speech.words] == ["Only", "$19.99 🎉", "today"]
    starts = [word.start_seconds for word in speech.words]
    # "nineteen dollars ninety-nine" takes its time; "today" follows it.
    assert starts[0] < starts[1] < starts[1] + 0.8 < starts[2] < speech.seconds


@pytest.mark.parametrize(
    ("locale", "written", "spoken"),
    [
        ("en-US", "$19.99", "19 dollars 99"),
        ("en-US", "$1,299", "1299 dollars"),
        ("en-GB", "£0.99", "99 pence"),
        ("en", "$1", "1 dollar"),
        ("en", "$20.05", "20 dollars 5 cents"),
        ("de-DE", "19,99 €", "19 Euro 99"),
        ("de-DE", "1.299 €", "1299 Euro"),
        ("fr", "1 299,50 €", "1299 euros 50"),
        ("es-ES", "19,99 €", "19 euros con 99"),
        ("es-MX", "$499.50", "499 pesos con 50"),
        ("es-MX", "US$5", "5 dólares"),
        ("pt-BR", "R$ 19,90", "19 reais e 90"),
        ("pl", "19,99 €", "19,99 €"),
        ("en", "version 2.50", "version 2.50"),
        ("en", "$1.2.3", "$1.2.3"),
        ("en", "Nike™ 👟", "Nike "),
    ],
)
def test_money_marks_and_pictographs_are_rewritten_for_the_ear(locale: str, written: str, spoken: str) -> None:
    assert as_spoken(written, locale).spoken == spoken


def test_the_lexicon_replaces_whole_words_of_its_language_and_leads_back_to_the_written_ones() -> None:
    lexicon = {"en": {"Qashqai": "cash kai"}, "en-GB": {"Nike": "nikey"}, "de": {"Order": "Auftrag"}}
    script = as_spoken("Order the QASHQAI or Nike, not Qashqais.", "en-GB", lexicon)
    assert script.spoken == "Order the cash kai or nikey, not Qashqais."
    for word in ("Order", "or", "not", "Qashqais"):
        written = script.to_written(script.spoken.index(f" {word}") + 1 if word != "Order" else 0)
        assert script.written[written:].startswith(word)
    assert script.written[script.to_written(script.spoken.index("kai")) :].startswith("QASHQAI")
    assert as_spoken("a+b (c) .*", "en", {"en": {"a+b": "sum", ".*": "all"}}).spoken == "sum (c) all"


@needs_espeak
@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en-US", "Your kitchen deserves better. Sharp knives, forged by hand and guaranteed for thirty years."),
        ("de-DE", "Deine Küche verdient Besseres. Scharfe Messer, von Hand geschmiedet, für nur 89,00 €."),
        ("fr-FR", "Votre cuisine mérite mieux. Des couteaux forgés à la main et garantis trente ans."),
        ("es-MX", "Tu cocina merece algo mejor. Cuchillos forjados a mano por solo $499."),
        ("pt-BR", "A sua cozinha merece mais. Facas forjadas à mão, com garantia de trinta anos."),
        ("it", "La tua cucina merita di meglio. Coltelli forgiati a mano e garantiti trent'anni."),
        ("ru", "Ваша кухня заслуживает лучшего. Острые ножи, выкованные вручную."),
        ("zh-CN", "你的厨房值得更好。手工锻造的刀具，三十年保修。"),
        ("hi", "आपकी रसोई बेहतर की हकदार है। हाथ से बने तेज़ चाकू।"),
        ("ar", "مطبخك يستحق الأفضل. سكاكين حادة مصنوعة يدويا."),
    ],
)
def test_the_estimate_is_within_its_stated_error_on_texts_it_was_not_fitted_to(
    locale: str, text: str, tmp_path: Path
) -> None:
    speech = speak_to_fit(get_voice("espeak"), text, locale, tmp_path / "v.wav", available_seconds=60)
    guess = estimate_seconds(text, locale)
    assert abs(guess - speech.seconds) <= estimate_error_seconds(guess, locale)


def test_nothing_takes_no_time_and_more_text_takes_more() -> None:
    assert estimate_seconds("", "en") == estimate_seconds(" …", "en") == 0.0
    assert (
        0 < estimate_seconds("Buy", "en") < estimate_seconds("Buy now", "en") < estimate_seconds("Buy now. Now!", "en")
    )
    assert estimate_error_seconds(10, "xx") > estimate_error_seconds(10, "en")
