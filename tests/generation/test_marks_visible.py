"""The visible watermark: on every frame, on any footage, in its corner."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.errors import TextDoesNotFit
from generation.layers.compose import compose_master
from generation.layers.grid import grid
from generation.layers.spec import BrandStyle, TitleSheet
from generation.marks.visible import watermark
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import Box, Size

FPS = Fraction(30000, 1001)
SIZE, SAFE = Size(540, 674), Box(32, 34, 476, 606)
BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")


def master(tmp_path: Path, luma: int, text: str, locale: str = "en-US") -> tuple[list[np.ndarray], dict[str, object]]:
    plate, path = tmp_path / "plate.mp4", tmp_path / "master.mp4"
    chroma = np.full((SIZE.height_px // 2, SIZE.width_px // 2), 128, np.uint8)
    with VideoWriter(plate, SIZE, FPS) as writer:
        for _ in range(10):
            writer.write(Planes(np.full((SIZE.height_px, SIZE.width_px), luma, np.uint8), chroma, chroma))
    sheet = TitleSheet(SIZE, SAFE, 10, FPS, locale, BRAND, watermark=text)
    notes = compose_master(plate, path, sheet)
    return [planes.y.copy() for planes in read_frames(path)], notes


@pytest.mark.parametrize("luma", [16, 110, 235])
def test_the_watermark_is_seen_on_every_frame_of_any_footage(tmp_path: Path, luma: int) -> None:
    frames, notes = master(tmp_path, luma, "CASA LUZ")
    layers = notes["layers"]
    assert isinstance(layers, list)
    box = Box(*layers[0]["box"])
    assert (layers[0]["kind"], layers[0]["frames"]) == ("watermark", [0, 10])
    for frame in frames:
        area = frame[box.y : box.bottom, box.x : box.right].astype(np.int16)
        assert np.quantile(area, 0.98) - np.quantile(area, 0.02) > 25


def test_the_watermark_is_semi_transparent(tmp_path: Path) -> None:
    frames, _notes = master(tmp_path, 16, "CASA LUZ")
    assert 100 < frames[5].max() < 190


@pytest.mark.parametrize(("locale", "side"), [("en-US", "right"), ("ar-SA", "left")])
def test_the_watermark_stands_in_the_lower_corner_at_the_end_side(tmp_path: Path, locale: str, side: str) -> None:
    frames, _ = master(tmp_path, 16, "CASA LUZ", locale)
    rows, columns = np.nonzero(frames[5] > 60)
    assert SAFE.bottom - 30 < rows.max() < SAFE.bottom
    edge = columns.max() if side == "right" else columns.min()
    assert abs(edge - (SAFE.right if side == "right" else SAFE.x)) < 6


def test_no_watermark_is_drawn_without_a_text(tmp_path: Path) -> None:
    frames, notes = master(tmp_path, 110, "")
    assert notes["layers"] == []
    assert max(int(frame.max()) - int(frame.min()) for frame in frames) <= 3


def test_a_watermark_that_is_too_long_is_an_error() -> None:
    page = grid(SIZE, SAFE)
    assert watermark("CASA LUZ", page, BRAND, "en").area.right <= SAFE.right
    with pytest.raises(TextDoesNotFit, match="watermark"):
        watermark("a very long watermark " * 8, page, replace(BRAND, family="source-sans"), "en")
