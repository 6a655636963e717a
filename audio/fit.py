"""A voiceover that fits its film: speak, measure, shorten pauses, speed up within limits, or say what to cut.

Synthesis is measured, not guessed: a voice is asked again at another speed until the speech fits. Words are never
cut. How long a text would take without a voice at hand is in `estimate.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio.errors import VoiceTooLong
from audio.estimate import estimate_seconds as estimate_seconds
from audio.script import Lexicon, Script, as_spoken
from audio.spec import SAMPLE_RATE_HZ, Speech, Utterance, Word
from audio.voices.contract import Voice
from audio.waveform import find_pauses, read_wav, write_wav
from audio.words import split_words, time_words

#: Up to here nobody notices, up to the second the report has a note, and faster speech is refused.
UNNOTICED_SPEED, HIGHEST_SPEED = 1.15, 1.25
#: A pause that is shortened keeps this much.
LONGEST_PAUSE_SECONDS = 0.35
#: Two speeds closer than this sound the same.
_SPEED_STEP = 0.01
#: Speech that leaves less of the time empty than this is not slowed down again.
_SLACK = 0.02

_Say = Callable[[float], Speech]


def speak_to_fit(
    voice: Voice,
    text: str,
    locale: str,
    path: Path,
    *,
    available_seconds: float,
    options: Mapping[str, object] | None = None,
    lexicon: Lexicon | None = None,
) -> Speech:
    """Speak `text` into the WAV file `path` in at most `available_seconds`; the words are those of the written text.

    The natural speed is kept when it fits. `speed` of the result is what was needed; `notes` has `pauses_shortened`
    (a count) and, above 1.15, `speed_note`.

    Raises: VoiceTooLong, with the characters to cut (tried with this voice, from the end); and what `voice.speak` does.
    """
    teller = _Teller(voice, locale, path, dict(options or {}))
    script = as_spoken(text, locale, lexicon)
    speech = teller.tell(script, 1.0)
    if speech.seconds > available_seconds:
        speech = teller.tell(script, 1.0, tight=True)
    if speech.seconds <= available_seconds:
        return speech
    fitted = _speed_up(lambda speed: teller.tell(script, speed, tight=True), speech.seconds, available_seconds)
    if fitted is not None:
        return _noted(fitted)
    try:
        cut = _characters_to_cut(teller, script, available_seconds, lexicon)
    finally:
        path.unlink(missing_ok=True)
    raise VoiceTooLong(
        f"the voiceover needs {speech.seconds:.1f} s and has {available_seconds:.1f} s; spoken {HIGHEST_SPEED:g} times "
        f"as fast it is still too long: shorten it by about {cut} characters ({locale})",
        needs_seconds=speech.seconds,
        has_seconds=available_seconds,
        cut_characters=cut,
    )


@dataclass(frozen=True)
class _Teller:
    """One voice in one language, writing to one file."""

    voice: Voice
    locale: str
    path: Path
    options: Mapping[str, object]

    def tell(self, script: Script, speed: float, *, tight: bool = False) -> Speech:
        """Speak at a speed; `tight` also shortens long pauses. The words are the written ones."""
        utterance = Utterance(script.spoken, self.locale, speed, self.options)
        speech = self.voice.speak(utterance, self.path)
        if tight:
            speech = _shorten_pauses(speech)
        return _as_written(speech, script, self.locale)


def _speed_up(say: _Say, natural_seconds: float, available_seconds: float) -> Speech | None:
    """The slowest speed that fits, to 1 %, by bisection from a good first guess; None above the highest."""
    low, high, best = 1.0, None, None
    speed = min(HIGHEST_SPEED, natural_seconds / max(available_seconds, 0.01) * 1.005)
    while True:
        last = say(speed)
        if last.seconds <= available_seconds:
            high, best = speed, last
            if last.seconds >= available_seconds * (1.0 - _SLACK):
                return last
        elif speed >= HIGHEST_SPEED:
            return None
        else:
            low = speed
        if high is not None and high - low <= _SPEED_STEP:
            # The file holds the last try; a voice says the same again for the same speed.
            return last if last is best else say(high)
        speed = (low + (HIGHEST_SPEED if high is None else high)) / 2
        if high is None and HIGHEST_SPEED - speed < _SPEED_STEP:
            speed = HIGHEST_SPEED


def _noted(speech: Speech) -> Speech:
    if speech.speed <= UNNOTICED_SPEED:
        return speech
    note = f"spoken {speech.speed:.2f} times as fast as the voice's own pace to fit; a shorter text would sound calmer"
    return replace(speech, notes={**speech.notes, "speed_note": note})


def _shorten_pauses(speech: Speech) -> Speech:
    """Cut the middle out of pauses longer than the longest allowed; the word times follow."""
    samples, _ = read_wav(speech.path)
    long = find_pauses(samples, LONGEST_PAUSE_SECONDS + 0.02)
    if not long:
        return speech
    half = LONGEST_PAUSE_SECONDS / 2
    edges = [0, *(round(at * SAMPLE_RATE_HZ) for start, end in long for at in (start + half, end - half)), samples.size]
    kept = np.concatenate([samples[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)])
    write_wav(speech.path, kept)
    removed = [(start + half, end - half) for start, end in long]
    words = tuple(
        replace(word, start_seconds=_moved(word.start_seconds, removed), end_seconds=_moved(word.end_seconds, removed))
        for word in speech.words
    )
    notes = {**speech.notes, "pauses_shortened": len(long)}
    return replace(speech, seconds=kept.size / SAMPLE_RATE_HZ, words=words, notes=notes)


def _moved(at: float, removed: Sequence[tuple[float, float]]) -> float:
    """A time after the removal of those stretches."""
    return at - sum(min(max(at - start, 0.0), end - start) for start, end in removed)


def _as_written(speech: Speech, script: Script, locale: str) -> Speech:
    """The same speech with the words of the written text in place of the spoken ones."""
    if script.spoken == script.written:
        return speech
    anchors = [(script.to_written(word.offset), word.start_seconds) for word in speech.words]
    pauses = [(a.end_seconds, b.start_seconds) for a, b in pairwise(speech.words) if b.start_seconds > a.end_seconds]
    words: tuple[Word, ...] = time_words(script.written, locale, anchors, speech.seconds, pauses)
    return replace(speech, words=words)


def _characters_to_cut(teller: _Teller, script: Script, available_seconds: float, lexicon: Lexicon | None) -> int:
    """How many characters have to go, found by speaking ever shorter beginnings of the text at the highest speed."""
    text = script.written
    ends = [end for _, end in split_words(text, teller.locale)]
    whole = teller.tell(script, HIGHEST_SPEED, tight=True)
    # 8 % more than the proportion: the first try should be too long rather than needlessly short.
    reach = len(text) * min(1.0, available_seconds / whole.seconds * 1.08)
    index = min(bisect_right(ends, reach), len(ends) - 1)
    for end in reversed(ends[:index]):
        beginning = as_spoken(text[:end], teller.locale, lexicon)
        if teller.tell(beginning, HIGHEST_SPEED, tight=True).seconds <= available_seconds:
            return len(text) - end
    return len(text)
