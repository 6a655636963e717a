"""A draft: every frame carries the word, what lies beneath stays readable, and it lasts as long as the film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.draft import draft_size, write_draft
from generation.errors import BadMedia
from generation.media.frames import VideoWriter, new_frame, read_frames
from generation.media.mux import mux_delivery
from generation.media.probe import probe
from generation.spec import Size
from tests.generation.test_media_frames import make_tone

FPS = Fraction(30000, 1001)
SIZE = Size(540, 960)


def film(path: Path, shade: int | None, size: Size = SIZE, frames: int = 8) -> Path:
    """A plain film, or one of bars that move where there is no shade."""
    with VideoWriter(path, size, FPS, "final") as writer:
        for number in range(frames):
            frame, planes = new_frame(size)
            columns = (np.arange(size.width_px) + 16 * number) // 60 % 2 * 160 + 40
            planes.y[:] = columns if shade is None else shade
            planes.u[:], planes.v[:] = 110, 150
            writer.write_frame(frame)
    return path


def difference(path: Path, draft: Path) -> list[np.ndarray]:
    """Where and by how much each frame's luma differs, at the draft's size."""
    return [
        np.abs(after.y.astype(int) - before.y.astype(int))
        for before, after in zip(read_frames(path), read_frames(draft), strict=True)
    ]


@pytest.mark.parametrize("shade", [16, 120, 235], ids=["black", "grey", "white"])
def test_the_word_is_seen_on_every_frame_of_any_footage(tmp_path: Path, shade: int) -> None:
    write_draft(film(tmp_path / "film.mp4", shade), tmp_path / "draft.mp4")
    frames = difference(tmp_path / "film.mp4", tmp_path / "draft.mp4")
    assert len(frames) == 8
    for changed in frames:
        assert 0.05 < float((changed > 20).mean()) < 0.4
        # In every part of the picture: no crop gets rid of it.
        for part in np.split(changed, 4, axis=0):
            assert float((part > 20).mean()) > 0.02


def test_what_lies_beneath_stays_readable(tmp_path: Path) -> None:
    write_draft(film(tmp_path / "film.mp4", None), tmp_path / "draft.mp4")
    for before, after in zip(read_frames(tmp_path / "film.mp4"), read_frames(tmp_path / "draft.mp4"), strict=True):
        bright, dark = before.y > 180, before.y < 60
        assert float(after.y[bright].min()) > float(after.y[dark].max()) - 10
        assert np.corrcoef(before.y.ravel(), after.y.ravel())[0, 1] > 0.9


def test_frames_rate_and_length_are_the_films(tmp_path: Path) -> None:
    silent = film(tmp_path / "silent.mp4", None, Size(1080, 1080), frames=30)
    sounding = tmp_path / "film.mp4"
    tone = make_tone(tmp_path / "tone.m4a", 30 / float(FPS))
    mux_delivery(silent, tone, sounding, language="de-DE", title="Tea")
    write_draft(sounding, tmp_path / "draft.mp4")
    before, after = probe(sounding), probe(tmp_path / "draft.mp4")
    assert after.video.size == Size(540, 540)
    assert (after.video.frames, after.video.fps) == (before.video.frames, before.video.fps) == (30, FPS)
    assert abs(after.video.seconds - before.video.seconds) < 1e-3
    assert before.audio
    assert after.audio
    assert (after.audio.language, after.audio.kbps) == ("deu", pytest.approx(before.audio.kbps, rel=0.01))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft.mp4", "film.mp4", "silent.mp4", "tone.m4a"]


def test_a_film_without_sound_has_a_draft_without(tmp_path: Path) -> None:
    write_draft(film(tmp_path / "film.mp4", 90, Size(64, 36)), tmp_path / "draft.mp4", text="ENTWURF")
    assert probe(tmp_path / "draft.mp4").audio is None


@pytest.mark.parametrize(
    ("full", "small"),
    [((1080, 1920), (540, 960)), ((1080, 1350), (540, 676)), ((1920, 1080), (960, 540)), ((320, 568), (320, 568))],
)
def test_a_draft_is_small_in_the_films_aspect(full: tuple[int, int], small: tuple[int, int]) -> None:
    assert draft_size(Size(*full)) == Size(*small)


def test_the_same_film_gives_the_same_draft(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", None, Size(180, 320))
    for name in ("one.mp4", "two.mp4"):
        write_draft(tmp_path / "film.mp4", tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_after_an_error_no_file_is_left(tmp_path: Path) -> None:
    whole = film(tmp_path / "film.mp4", 90)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(BadMedia):
        write_draft(tmp_path / "cut.mp4", tmp_path / "draft.mp4")
    with pytest.raises(ValueError, match="needs a word"):
        write_draft(whole, tmp_path / "draft.mp4", text=" \u200b ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.mp4", "film.mp4"]
