"""A reviewer's copy of a film: small, with its sound, and with a word across every frame.

The word repeats over the whole picture along its diagonal, white inside a dark edge, translucent: it is seen on any
footage, cannot be cropped away, and what lies beneath stays readable. Frames, rate and length are the film's. Knows
files and pixels; not why somebody may only see a draft.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.layers.fonts import FONTS_VARIABLE, Typeface
from generation.layers.shaping import clean, shape
from generation.layers.text import draw
from generation.media.frames import Plane, Planes, VideoWriter, new_frame, read_frames
from generation.media.mux import mux_delivery
from generation.media.probe import probe
from generation.spec import Size

cv2.setNumThreads(1)

#: Half of a delivery's 1080: enough to judge a film beside its facts, and a fifth of a master's work. 720 took a third.
LIMIT_SHORT_SIDE_PX = 540
#: How much of the picture the letters and their edge cover. Below 0.2 the word is lost on busy footage.
_INK, _EDGE = 0.30, 0.32
#: The letters' size and the distance of lines, as parts of the short side; the edge as a part of the letters.
_LETTERS, _LINES, _EDGE_REACH = 0.20, 0.42, 0.045
_WHITE, _BLACK, _GREY = 235.0, 16.0, 128.0
#: Room between one word and the next, in ems.
_GAP_EM = 0.9
#: Reading upwards, like a stamp; steeper on an upright picture would leave corners bare.
_ANGLE_DEGREES = 30.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Stamp:
    """The word over a whole frame, as what is added and what is kept of the picture (0 to 255)."""

    ink: Plane
    keep: Plane
    ink_chroma: Plane
    keep_chroma: Plane


def write_draft(
    film: Path, path: Path, *, text: str = "DRAFT", fonts: tuple[Path, ...] = (), family: str = "manrope"
) -> None:
    """Write a copy of `film` to `path` with `text` over every frame. After an error no file is left.

    Raises: BadMedia for an unreadable film; MissingGlyphs when no font has the text; ToolFailed; ValueError for "".
    """
    facts = probe(film)
    size = draft_size(facts.video.size)
    stamp = _stamp(size, text, Typeface(fonts, family, 800, "en", 0.04, os.environ.get(FONTS_VARIABLE, "")))
    pictures = path.with_name(f".{path.stem}.pictures.mp4")
    try:
        with VideoWriter(pictures, size, facts.video.fps, "preview") as writer:
            frame, target = new_frame(size)
            for planes in read_frames(film):
                _shrink(planes, target)
                _press(stamp, target)
                writer.write_frame(frame)
        language = facts.audio.language if facts.audio else ""
        mux_delivery(pictures, film if facts.audio else None, path, language=language or "und", title=text)
    finally:
        pictures.unlink(missing_ok=True)


def draft_size(film: Size) -> Size:
    """At most 540 px on the short side, even sides, the film's aspect as near as even numbers allow."""
    scale = min(1.0, LIMIT_SHORT_SIDE_PX / min(film.width_px, film.height_px))
    return Size(*(max(16, 2 * round(side * scale / 2)) for side in (film.width_px, film.height_px)))


def _shrink(planes: Planes, target: Planes) -> None:
    for source, place in zip(planes, target, strict=True):
        if source.shape == place.shape:
            np.copyto(place, source)
        else:  # into a buffer of its own: the encoder's lines have padding, and OpenCV would make a new array
            height, width = place.shape
            np.copyto(place, cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA))


def _press(stamp: _Stamp, planes: Planes) -> None:
    """plane = plane * keep / 255 + ink."""
    for plane, ink, keep in (
        (planes.y, stamp.ink, stamp.keep),
        (planes.u, stamp.ink_chroma, stamp.keep_chroma),
        (planes.v, stamp.ink_chroma, stamp.keep_chroma),
    ):
        cv2.multiply(plane, keep, dst=plane, scale=1 / 255)
        cv2.add(plane, ink, dst=plane)


@lru_cache(maxsize=8)
def _stamp(size: Size, text: str, typeface: Typeface) -> _Stamp:
    """The word laid over a frame of this size; the same for all frames and, mostly, for all films of a campaign."""
    letters = _turned(_lines(size, text, typeface), size)
    reach = _EDGE_REACH * _LETTERS * min(size.width_px, size.height_px)
    round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * math.ceil(reach) + 1,) * 2)
    wide = cv2.GaussianBlur(cv2.dilate(letters, round_brush), (0, 0), max(0.6, reach / 2))
    ink, edge = letters * _INK, np.maximum(wide - letters, 0) * _EDGE
    cover = ink + edge
    half = (size.width_px // 2, size.height_px // 2)
    small = cv2.resize(cover, half, interpolation=cv2.INTER_AREA)
    return _Stamp(
        _bytes(ink * _WHITE + edge * _BLACK),
        _bytes(255 * (1 - cover)),
        _bytes(small * _GREY),
        _bytes(255 * (1 - small)),
    )


def _lines(size: Size, text: str, typeface: Typeface) -> Floats:
    """The word again and again, in lines that are shifted by half a word, on a square that covers the frame turned."""
    content = clean(text)
    if not content:
        raise ValueError("a draft needs a word to carry")
    short = min(size.width_px, size.height_px)
    line = shape(content, typeface)
    # A long word is set smaller, so that it is whole at least once.
    letters_px = min(_LETTERS * short, 0.9 * short / (line.right_em - line.left_em))
    word: Floats = np.asarray(draw(line, letters_px).coverage, np.float32) * np.float32(1 / 255)
    side = math.ceil(math.hypot(size.width_px, size.height_px)) + 2
    sheet = np.zeros((side, side), np.float32)
    across, down = word.shape[1] + round(_GAP_EM * letters_px), max(round(_LINES * short), word.shape[0])
    # One word stands in the middle of the picture.
    top, left = (side - word.shape[0]) // 2, (side - word.shape[1]) // 2
    for number in range(-(top // down) - 1, (side - top) // down + 2):
        start = left + (number % 2) * across // 2
        for place in range(start - across * (start // across + 1), side, across):
            _lay(sheet, word, top + number * down, place)
    return sheet


def _lay(sheet: Floats, word: Floats, row: int, column: int) -> None:
    """Put the word on the sheet, cut off at its edges."""
    top, left = max(0, row), max(0, column)
    bottom, right = min(sheet.shape[0], row + word.shape[0]), min(sheet.shape[1], column + word.shape[1])
    if bottom > top and right > left:
        sheet[top:bottom, left:right] = word[top - row : bottom - row, left - column : right - column]


def _turned(sheet: Floats, size: Size) -> Floats:
    """The middle of the sheet, turned, as large as the frame."""
    middle = sheet.shape[0] / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), _ANGLE_DEGREES, 1.0)
    matrix[:, 2] += (size.width_px / 2 - middle, size.height_px / 2 - middle)
    return np.asarray(
        cv2.warpAffine(sheet, matrix, (size.width_px, size.height_px), flags=cv2.INTER_LINEAR), np.float32
    )


def _bytes(plane: Floats) -> Plane:
    return np.asarray(np.rint(np.clip(plane, 0, 255)), np.uint8)
