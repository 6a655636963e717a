"""Captions: the rules hold for any text and any times, and the files say what the cues say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.captions import GAP_SECONDS, SHORTEST_SECONDS, columns, make_cues, too_fast, write_srt, write_vtt
from audio.spec import Cue, Word
from audio.words import split_words, time_words

TEXT = "Meet the bag that carries everything. It is light, tough and waterproof. Only $49.99 this week, so order now!"


def _spoken(text: str, locale: str, seconds_a_word: float = 0.35, start: float = 0.3) -> tuple[Word, ...]:
    return tuple(
        Word(text[a:b], a, start + index * seconds_a_word, start + (index + 1) * seconds_a_word)
        for index, (a, b) in enumerate(split_words(text, locale))
    )


def _bare(text: str) -> str:
    return "".join(text.split())


def _shown(cues: tuple[Cue, ...]) -> str:
    return _bare("".join(line for cue in cues for line in cue.lines))


TEXTS = st.lists(
    st.text("abcdefghij.,!?-äß$ 7é", min_size=1, max_size=14)
    | st.sampled_from(["spotmill.example/sale", "Don’t!", "—"]),
    min_size=1,
    max_size=40,
).map(" ".join)


@settings(max_examples=120, deadline=None)
@given(
    text=TEXTS,
    times=st.lists(st.floats(0, 1.5), min_size=90, max_size=90),
    width=st.integers(8, 42),
    lines=st.integers(1, 3),
)
def test_cues_never_overlap_hold_every_word_once_and_stay_within_the_lines(
    text: str, times: list[float], width: int, lines: int
) -> None:
    at, words = 0.3, []
    for (start, end), step in zip(split_words(text, "en"), times, strict=False):
        words.append(Word(text[start:end], start, at, at + step * 0.8))
        at += step
    cues = make_cues(text, words, "en", max_characters=width, max_lines=lines)
    assert _shown(cues) == (_bare(text) if words else "")
    for cue in cues:
        assert cue.start_seconds < cue.end_seconds
        assert 1 <= len(cue.lines) <= lines
        assert all(0 < columns(line) <= width for line in cue.lines)
    for before, after in pairwise(cues):
        assert before.end_seconds <= after.start_seconds - GAP_SECONDS + 0.0015


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("ja", "今日から新しいくつが半額です。ぜひお店でお試しください。"),
        ("zh-CN", "你的早晨从这里开始。本周新鲜烘焙的咖啡，送到家门口。"),
        ("zh-TW", "您的早晨從這裡開始。本週新鮮烘焙的咖啡，送到家門口。"),
        ("th", "เช้าของคุณเริ่มต้นที่นี่ กาแฟสดคั่วใหม่สัปดาห์นี้ส่งถึงหน้าบ้าน"),
        ("ar", "صباحك يبدأ هنا. قهوة طازجة محمصة هذا الأسبوع تصل إلى بابك."),
        ("ko", "당신의 아침은 여기서 시작됩니다. 신선한 커피를 집 앞까지."),
        ("hi", "आपकी सुबह यहाँ से शुरू होती है। ताज़ी कॉफ़ी आपके दरवाज़े तक।"),
    ],
)
def test_every_script_is_broken_between_its_own_words(locale: str, text: str) -> None:
    cues = make_cues(text, _spoken(text, locale), locale, max_characters=20)
    assert len(cues) > 1
    assert _shown(cues) == _bare(text)
    starts = {a for a, _ in split_words(text, locale)}
    at = 0
    for line in (line for cue in cues for line in cue.lines):
        at = text.index(line[0], at) if text[at].isspace() else at
        assert at in starts
        assert columns(line) <= 20
        at += len(line)


def test_wide_characters_count_twice_and_combining_marks_nothing() -> None:
    assert columns("abc") == 3
    assert columns("日本") == 4
    assert columns("ที่") == 1
    assert columns("e\u0301") == 1


def test_breaks_come_behind_sentences_and_commas() -> None:
    cues = make_cues(TEXT, _spoken(TEXT, "en"), "en", max_characters=24)
    ends = [cue.lines[-1][-1] for cue in cues]
    assert sum(end in ".,!" for end in ends) >= len(ends) - 1
    assert not any(". " in " ".join(cue.lines) for cue in cues), "no cue runs across the end of a sentence"


def test_two_lines_are_balanced() -> None:
    text = "one two three four five six seven eight"
    (cue,) = make_cues(text, _spoken(text, "en", 0.3), "en", max_characters=24)
    widths = [columns(line) for line in cue.lines]
    assert len(widths) == 2
    assert abs(widths[0] - widths[1]) <= 5


def test_a_cue_begins_with_its_first_word_lingers_and_ends_before_the_track() -> None:
    words = _spoken(TEXT, "en")
    cues = make_cues(TEXT, words, "en", max_characters=24, until_seconds=words[-1].end_seconds + 0.1)
    starts = [word.start_seconds for word in words]
    for cue in cues:
        assert min(abs(cue.start_seconds - start) for start in starts) < 0.1
    assert cues[-1].end_seconds == pytest.approx(words[-1].end_seconds + 0.1, abs=0.001)
    lone = make_cues("Go!", (Word("Go!", 0, 0.3, 0.5),), "en", max_characters=20)
    assert lone[0].end_seconds - lone[0].start_seconds >= SHORTEST_SECONDS - 0.001


def test_a_word_wider_than_a_line_is_divided_behind_a_mark_of_the_address() -> None:
    text = "Visit www.spotmill.example/summer-sale-of-the-year today"
    cues = make_cues(text, _spoken(text, "en", 1.0), "en", max_characters=20)
    lines = [line for cue in cues for line in cue.lines]
    assert _shown(cues) == _bare(text)
    assert any(line.endswith(("/", "-", ".")) for line in lines)


def test_nothing_spoken_has_no_captions_and_an_impossible_layout_is_refused() -> None:
    assert make_cues("Hello", (), "en", max_characters=20) == ()
    with pytest.raises(ValueError, match="3 columns"):
        make_cues("Hello", _spoken("Hello", "en"), "en", max_characters=3)


def test_speech_too_fast_to_read_is_reported() -> None:
    slow = make_cues(TEXT, _spoken(TEXT, "en", 0.4), "en", max_characters=24)
    fast = make_cues(TEXT, _spoken(TEXT, "en", 0.12), "en", max_characters=24)
    assert not too_fast(slow, "en")
    assert too_fast(fast, "en")


def test_words_without_a_time_of_their_own_get_one_between_their_neighbours() -> None:
    text = "one two “three” four"
    words = time_words(text, "en", [(0, 0.0), (9, 1.0)], 2.0, pauses=[(0.8, 1.0)])
    assert [word.text for word in words] == ["one", "two", "“three”", "four"]
    assert words[2].start_seconds == 1.0
    assert 0 < words[1].start_seconds < words[1].end_seconds == 0.8
    assert 1.0 < words[3].start_seconds < 2.0


def test_a_word_reported_inside_a_pause_begins_when_the_pause_ends() -> None:
    words = time_words("one two", "en", [(0, 0.0), (4, 0.9)], 2.0, pauses=[(0.8, 1.2)])
    assert (words[0].end_seconds, words[1].start_seconds) == (0.8, 1.2)


CUES = (
    Cue(0.3, 1.55, ("Save {50%} & more", "<b>today</b> {\\an8}x")),
    Cue(1.617, 3661.5, ("one --> two", "ünïcode 日本")),
    Cue(3662.0, 3663.0, ("خصم 50% من Spotmill.",)),
)


def test_srt_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_srt(CUES, tmp_path / "c.srt")
    raw = (tmp_path / "c.srt").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert "00:00:00,300 --> 00:00:01,550" in raw.decode()
    assert raw.decode().count(" --> ") == len(CUES)
    assert "<b>" not in raw.decode()
    read = pysubs2.load(str(tmp_path / "c.srt"), encoding="utf-8")
    assert [(event.start, event.end) for event in read] == [(300, 1550), (1617, 3_661_500), (3_662_000, 3_663_000)]
    assert "Save {50%} & more" in raw.decode()
    assert read[1].plaintext == "one → two\nünïcode 日本"
    assert "\u200fخصم" in read[2].plaintext
    assert raw.decode().count("\u200f") == 1, "left-to-right lines have no mark"


def test_vtt_is_escaped_names_its_language_and_is_read_back(tmp_path: Path) -> None:
    write_vtt(CUES, tmp_path / "c.vtt", "es-MX")
    raw = (tmp_path / "c.vtt").read_text(encoding="utf-8")
    assert raw.startswith("WEBVTT\n")
    assert "Language: es-MX" in raw
    assert "Save {50%} &amp; more\n&lt;b&gt;today&lt;/b&gt;" in raw
    assert raw.count("-->") == len(CUES)
    read = pysubs2.load(str(tmp_path / "c.vtt"), encoding="utf-8")
    assert [(event.start, event.end) for event in read] == [(300, 1550), (1617, 3_661_500), (3_662_000, 3_663_000)]


def test_no_cues_give_a_valid_empty_file(tmp_path: Path) -> None:
    write_srt((), tmp_path / "c.srt")
    write_vtt((), tmp_path / "c.vtt", "en")
    assert (tmp_path / "c.srt").read_bytes() == b""
    assert (tmp_path / "c.vtt").read_text().startswith("WEBVTT")
