"""One frame of a film as a JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.errors import BadMedia
from generation.media.frames import Planes, VideoWriter
from generation.media.poster import to_rgb, write_poster
from generation.spec import DELIVERY_FPS, Size
from tests.generation.test_media_frames import damaged, hole, make_film

SIZE = Size(160, 288)


def steps(path: Path, frames: int = 90) -> Path:
    """Every frame has a grey of its own."""
    with VideoWriter(path, SIZE, DELIVERY_FPS, "final") as writer:
        for index in range(frames):
            writer.write(flat(20 + 2 * index, 128, 128))
    return path


def flat(y: int, u: int, v: int) -> Planes:
    return Planes(
        np.full((SIZE.height_px, SIZE.width_px), y, np.uint8),
        *(np.full((SIZE.height_px // 2, SIZE.width_px // 2), value, np.uint8) for value in (u, v)),
    )


@pytest.mark.parametrize("index", [0, 1, 31, 60, 61, 88, 89])
def test_the_frame_is_the_one_shown_at_that_moment(tmp_path: Path, index: int) -> None:
    film = steps(tmp_path / "film.mp4")
    for part in (0.01, 0.5, 0.99):
        write_poster(film, (index + part) / float(DELIVERY_FPS), tmp_path / "poster.jpg")
        grey = np.asarray(Image.open(tmp_path / "poster.jpg")).mean()
        assert grey == pytest.approx((20 + 2 * index - 16) * 255 / 219, abs=1.1)


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    # BT.709 limited range of white, black and the three primaries.
    [
        ((235, 128, 128), (255, 255, 255)),
        ((16, 128, 128), (0, 0, 0)),
        ((63, 102, 240), (255, 0, 0)),
        ((173, 42, 26), (0, 255, 0)),
        ((32, 240, 118), (0, 0, 255)),
    ],
)
def test_colours_are_those_of_bt_709(tmp_path: Path, yuv: tuple[int, int, int], rgb: tuple[int, int, int]) -> None:
    with VideoWriter(tmp_path / "film.mp4", SIZE, DELIVERY_FPS, "final") as writer:
        writer.write(flat(*yuv))
    write_poster(tmp_path / "film.mp4", 0, tmp_path / "poster.jpg")
    seen = np.asarray(Image.open(tmp_path / "poster.jpg")).reshape(-1, 3).mean(0)
    assert np.abs(seen - rgb).max() < 4


def test_chroma_is_placed_where_h264_has_it() -> None:
    # Left-aligned with every second column, halfway between two rows.
    y, v, edge = np.full((16, 16), 126, np.uint8), np.full((8, 8), 128, np.uint8), 4
    across, down = np.full((8, 8), 100, np.uint8), np.full((8, 8), 100, np.uint8)
    across[:, edge:], down[edge:] = 140, 140
    blue = to_rgb(Planes(y, across, v))[8, :, 2].astype(int)
    assert blue[2 * edge - 1] == pytest.approx((blue[0] + blue[-1]) / 2, abs=1.5)
    assert blue[2 * edge - 2] == blue[0]
    assert blue[2 * edge] == blue[-1]
    blue = to_rgb(Planes(y, down, v))[:, 8, 2].astype(int)
    steps_of_quarters = (blue[2 * edge - 2 : 2 * edge + 2] - blue[0]) / (blue[-1] - blue[0])
    assert steps_of_quarters == pytest.approx([0, 0.25, 0.75, 1], abs=0.03)


def test_a_poster_has_the_films_size_or_the_one_asked_for(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=10, size=SIZE)
    for size in (None, Size(80, 144), Size(320, 576)):
        write_poster(film, 0.1, tmp_path / "poster.jpg", size=size)
        with Image.open(tmp_path / "poster.jpg") as picture:
            assert (picture.format, picture.mode) == ("JPEG", "RGB")
            assert Size(*picture.size) == (size or SIZE)


def test_a_poster_of_another_aspect_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=2, size=SIZE)
    with pytest.raises(ValueError, match="aspects differ"):
        write_poster(film, 0, tmp_path / "poster.jpg", size=Size(160, 160))


def test_quality_falls_until_the_file_fits_and_then_it_is_an_error(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=2, size=SIZE)
    write_poster(film, 0, tmp_path / "best.jpg")
    best = (tmp_path / "best.jpg").stat().st_size
    write_poster(film, 0, tmp_path / "small.jpg", max_bytes=best - 1)
    assert (tmp_path / "small.jpg").stat().st_size < best
    with pytest.raises(BadMedia, match="does not fit 500 bytes"):
        write_poster(film, 0, tmp_path / "none.jpg", max_bytes=500)
    assert not (tmp_path / "none.jpg").exists()


def test_the_same_film_gives_the_same_poster(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=20, size=SIZE)
    for name in ("a.jpg", "b.jpg"):
        write_poster(film, 0.5, tmp_path / name)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_a_moment_after_the_end_and_a_damaged_film_are_sentences(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=60)
    for path, moment in (
        (film, 60 / float(DELIVERY_FPS)),
        (film, 99),
        (damaged(film, hole), 1.9),
        (tmp_path / "no.mp4", 0),
    ):
        with pytest.raises(BadMedia, match="no poster"):
            write_poster(path, moment, tmp_path / "poster.jpg")
        assert not (tmp_path / "poster.jpg").exists()
