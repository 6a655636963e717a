"""Pictures that a film starts from: sizes, cut-outs, photographs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.engines.diffusion.pictures import check_picture, covering, exact_frame, first_frame, reference
from generation.errors import BadMedia
from generation.media.poster import to_rgb
from generation.media.rgb import from_rgb
from generation.spec import Size

TALL, WIDE = Size(96, 160), Size(160, 96)


def saved(path: Path, picture: np.ndarray, mode: str = "RGB") -> Path:
    Image.fromarray(picture, mode).save(path)
    return path


def cut_out(path: Path) -> Path:
    picture = np.zeros((200, 200, 4), np.uint8)
    picture[40:180, 70:130] = (10, 120, 60, 255)
    return saved(path, picture, "RGBA")


@pytest.mark.parametrize("size", [TALL, WIDE])
def test_a_cut_out_stands_whole_on_a_light_ground(size: Size, tmp_path: Path) -> None:
    frame = first_frame(cut_out(tmp_path / "a.png"), size).astype(int)
    assert frame.shape == (size.height_px, size.width_px, 3)
    green = (np.abs(frame - (10, 120, 60)).max(axis=-1) < 12).nonzero()
    height, width = np.ptp(green[0]) + 1, np.ptp(green[1]) + 1
    assert abs(height / width - 140 / 60) < 0.2
    assert 0.5 * size.height_px < height < 0.62 * size.height_px or 0.66 * size.width_px < width < 0.74 * size.width_px
    assert abs(green[1].mean() - (size.width_px - 1) / 2) < 1.5
    assert frame[:4].min() > 215
    foot = frame[green[0].max() + 2, size.width_px // 2]
    assert foot.max() < frame[green[0].max() + 2, 2].min() - 20, "the product throws a shadow"


def test_transparent_colour_does_not_bleed_into_the_edge(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[:, :, 0] = 255  # red wherever it is transparent
    picture[16:48, 16:48] = (0, 0, 255, 255)
    frame = first_frame(saved(tmp_path / "a.png", picture, "RGBA"), TALL).astype(int)
    assert (frame[:, :, 0] - frame[:, :, 2]).max() < 20


def test_a_photograph_of_nearly_the_same_shape_fills_the_frame(tmp_path: Path) -> None:
    picture = np.full((300, 200, 3), (200, 60, 20), np.uint8)
    frame = first_frame(saved(tmp_path / "a.png", picture), TALL)
    assert np.abs(frame.astype(int) - (200, 60, 20)).max() <= 1


def test_a_photograph_of_another_shape_is_shown_whole_over_its_blur(tmp_path: Path) -> None:
    picture = np.full((100, 300, 3), 90, np.uint8)
    picture[:, :6], picture[:, -6:] = (250, 0, 0), (0, 0, 250)
    frame = first_frame(saved(tmp_path / "a.png", picture), TALL).astype(int)
    middle = frame[TALL.height_px // 2]
    assert middle[0, 0] > 200
    assert middle[-1, 2] > 200
    assert frame.shape == (160, 96, 3)


def test_an_exact_frame_is_not_touched(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (96, 160, 3), np.uint8)
    assert np.array_equal(exact_frame(saved(tmp_path / "a.png", picture), WIDE), picture)


def test_a_turned_photograph_is_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (160, 96), (10, 10, 10))
    image.paste((250, 250, 250), (0, 0, 80, 96))
    turned = Image.Exif()
    turned[0x0112] = 6  # rotate by 90 degrees to show
    image.save(tmp_path / "a.jpg", exif=turned, quality=95)
    frame = first_frame(tmp_path / "a.jpg", TALL).astype(int)
    assert frame[:60].mean() > 200
    assert frame[100:].mean() < 60


def test_a_reference_is_on_white(tmp_path: Path) -> None:
    picture = reference(cut_out(tmp_path / "a.png"))
    assert tuple(picture[0, 0]) == (255, 255, 255)
    assert tuple(picture[100, 100]) == (10, 120, 60)


def test_what_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("This is a text.")
    whole = saved(tmp_path / "b.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    whole.write_bytes(whole.read_bytes()[:3000])
    clear = saved(tmp_path / "c.png", np.zeros((8, 8, 4), np.uint8), "RGBA")
    for path in (tmp_path / "a.png", whole, tmp_path / "missing.png"):
        with pytest.raises(BadMedia, match=path.name):
            check_picture(path)
    with pytest.raises(BadMedia, match="wholly transparent"):
        first_frame(clear, TALL)


def test_covering_crops_equally_on_both_sides() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 140:160] = 255
    covered = covering(picture, Size(96, 96)).astype(int)
    bright = (covered[48, :, 0] > 128).nonzero()[0]
    assert abs(bright.mean() - 47.5) < 1


def test_flat_colours_survive_the_way_through_the_encoders_planes() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (200, 3))
    for colour in colours:
        flat = np.full((16, 16, 3), colour, np.uint8)
        assert np.abs(to_rgb(from_rgb(flat)).astype(int) - flat).max() <= 2


def test_chroma_lies_where_the_way_back_looks_for_it() -> None:
    ramp = np.zeros((64, 64, 3), np.uint8)
    ramp[:, :, 0], ramp[:, :, 2] = np.arange(64) * 4, np.arange(64)[:, None] * 4
    there_and_back = to_rgb(from_rgb(ramp)).astype(int)
    assert np.abs(there_and_back - ramp)[4:-4, 4:-4].max() <= 3
