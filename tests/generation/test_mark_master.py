"""The invisible mark lies over the whole master, titles included, and is proven on its bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generation.layers.compose import compose_master
from generation.layers.spec import BrandStyle, Layer, TitleSheet
from generation.marks.invisible import get_mark
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import DELIVERY_FPS, Box, Size

SIZE, FRAMES = Size(540, 960), 31
PAYLOAD = bytes.fromhex("aabbccddeeff")
BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")
LAYERS = (Layer("headline", "Fresh bread every day", 0, FRAMES),)


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey, the emptiest of plates."""
    path = tmp_path_factory.mktemp("plate") / "plate.mp4"
    with VideoWriter(path, SIZE, DELIVERY_FPS) as writer:
        for _ in range(FRAMES):
            writer.write(Planes(*(np.full((960 // by, 540 // by), 118, np.uint8) for by in (1, 2, 2))))
    return path


def sheet() -> TitleSheet:
    return TitleSheet(SIZE, Box(60, 144, 384, 480), FRAMES, DELIVERY_FPS, "en-US", BRAND, LAYERS)


def test_a_marked_master_is_read_and_noted(plate: Path, tmp_path: Path) -> None:
    mark = get_mark("spread")
    master = tmp_path / "master.mp4"
    notes = compose_master(plate, master, sheet(), mark=mark.writer(SIZE, DELIVERY_FPS, PAYLOAD, strength=0.9))
    assert notes["invisible"] == {"id": "spread", "revision": mark.revision, "strength": 0.9}
    assert mark.read(master, effort="quick", deadline_seconds=30).payload == PAYLOAD


def test_the_mark_lies_over_the_titles_too(plate: Path, tmp_path: Path) -> None:
    """The same sheet with and without: they differ inside the title's own pixels."""
    films = [tmp_path / "plain.mp4", tmp_path / "marked.mp4"]
    notes = compose_master(plate, films[0], sheet())
    compose_master(plate, films[1], sheet(), mark=get_mark("spread").writer(SIZE, DELIVERY_FPS, PAYLOAD, strength=3.0))
    plain, marked = (next(iter(read_frames(path))).y.astype(int) for path in films)
    layers = notes["layers"]
    assert isinstance(layers, list)
    x, y, width, height = layers[0]["box"]
    assert np.abs(plain - marked)[y : y + height, x : x + width].max() >= 2


def test_a_master_without_a_mark_says_nothing_of_one_and_stays_the_same(plate: Path, tmp_path: Path) -> None:
    films = [tmp_path / "one.mp4", tmp_path / "other.mp4"]
    notes = [compose_master(plate, films[0], sheet()), compose_master(plate, films[1], sheet(), mark=None)]
    assert films[0].read_bytes() == films[1].read_bytes()
    assert notes[0] == notes[1]
    assert "invisible" not in notes[0]
