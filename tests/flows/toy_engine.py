"""A small engine that has every trait of the large ones: it encodes prompts apart, takes shots by fours, renders eight
frames a second and no more than two seconds, goes on from a frame, makes sound, and fails as a test scripts it.

Its films are real H.264 whose brightness tells the frame: it rises by one level each, from where the shot begins.
"""

from __future__ import annotations

import math
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.engines.contract import Engine, EngineOptions
from generation.spec import Footage, Progress, Shot, Size

NAME = "toy"
FPS = Fraction(8)


@dataclass
class Script:
    """What happens to a test's engine, and what was asked of it."""

    #: Called before each shot is begun and before each text is encoded; raises what shall go wrong.
    on_shot: Callable[[Shot, Sequence[Shot]], None] = lambda shot, batch: None
    on_text: Callable[[str, Sequence[str]], None] = lambda text, bundle: None
    facts: Mapping[str, object] = field(default_factory=dict)
    calls: list[tuple[Shot, ...]] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)
    rendered: list[Shot] = field(default_factory=list)
    #: Mean brightness of the pictures that shots began with.
    begun_with: list[float] = field(default_factory=list)


SCRIPT = Script()


class ToyOptions(EngineOptions):
    mood: str = "plain"
    speed: str = "exact"


class Toy(Engine):
    id = NAME
    title = "A toy"
    revision = "toy-1"
    licence = "Apache-2.0"
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    ways = frozenset({"first_frame", "image"})
    size_multiple_px = 16
    max_seconds = 2.0
    shots_per_job = 4
    encodes_prompts = True
    makes_audio = True
    neutral_options = frozenset({"speed"})
    Options = ToyOptions

    def __init__(self) -> None:
        for name, value in SCRIPT.facts.items():
            setattr(self, name, value)

    def native_fps(self, wanted: Fraction) -> Fraction:
        return FPS

    def native_size(self, wanted: Size) -> Size:
        return Size(64, 64) if wanted.width_px == wanted.height_px else Size(64, 96)

    def encode(self, texts: Sequence[str], paths: Sequence[Path]) -> Iterator[Progress]:
        SCRIPT.texts.append(tuple(texts))
        for index, (text, path) in enumerate(zip(texts, paths, strict=True)):
            SCRIPT.on_text(text, texts)
            path.write_bytes(text.encode())
            yield Progress(index, 1, 1, "encoding")

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        SCRIPT.calls.append(tuple(shots))
        for index, (shot, path) in enumerate(zip(shots, paths, strict=True)):
            self.refuse(shot)
            SCRIPT.on_shot(shot, shots)
            if self.encodes_prompts:
                assert shot.prompt_file is not None
                assert shot.negative_file is not None
                assert shot.prompt_file.read_bytes() == shot.prompt.encode()
                assert shot.negative_file.read_bytes() == shot.negative_prompt.encode()
            (path.parent / "scratch.bin").write_bytes(b"of no use later")
            for done in range(shot.frames):
                yield Progress(index, done + 1, shot.frames, "denoising")
            yield self._film(shot, path)

    def _film(self, shot: Shot, path: Path) -> Footage:
        from generation.media.frames import VideoWriter, new_frame

        first = _brightness(shot.first_frame) if shot.first_frame else 60
        with VideoWriter(path, shot.size, shot.fps) as writer:
            for number in range(shot.frames):
                frame, planes = new_frame(shot.size)
                planes.y[:] = first + number
                planes.u[:] = planes.v[:] = 128
                writer.write_frame(frame)
        sound = path.with_suffix(".wav")
        _tone(sound, shot.seconds)
        SCRIPT.rendered.append(shot)
        return Footage(path, shot.size, shot.frames, shot.fps, {"drawn": ["sea"]}, sound)


def _brightness(picture: Path) -> int:
    """Luma code (BT.709, limited range) of an even grey picture."""
    from PIL import Image

    with Image.open(picture) as image:
        assert image.format == "PNG"
        mean = float(np.asarray(image.convert("RGB")).mean())
    SCRIPT.begun_with.append(16 + mean * 219 / 255)
    return round(16 + mean * 219 / 255)


def _tone(path: Path, seconds: float) -> None:
    at = np.arange(math.ceil(seconds * 48_000)) / 48_000
    samples = (8000 * np.sin(2 * np.pi * 440 * at)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.repeat(samples, 2).tobytes())


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """The engine is in the table, and its script is new."""
    yield register(monkeypatch)
    _reset()


def _reset() -> None:
    for name, value in vars(Script()).items():
        setattr(SCRIPT, name, value)


def register(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Put the engine into the table until the patch is undone."""
    from generation.engines import BUILT_IN

    monkeypatch.setitem(BUILT_IN, NAME, (f"{__name__}:Toy", "it is part of the tests"))
    _reset()
    return SCRIPT
