"""The port's side of the animatic: facts, options, and the loop over a batch. Drawing is in `film`, loaded when needed.

This module imports nothing heavy, so that a plan can read an engine's facts without numpy or a codec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from pydantic import Field

from generation.engines.contract import Engine, EngineOptions
from generation.errors import BadShot
from generation.spec import Footage, Progress, Shot

_SMALLEST_PX, _LARGEST_PX = 64, 4096


class AnimaticOptions(EngineOptions):
    """What a campaign may set; `auto` follows the words of the prompt."""

    camera: Literal["auto", "push", "pull", "pan_left", "pan_right", "rise", "sink", "orbit", "static", "handheld"] = (
        Field("auto", description="camera move")
    )
    motion: float = Field(1.0, ge=0.0, le=2.0, description="how far the camera travels; 1 is a slow move")
    place: Literal[
        "auto",
        "sea",
        "beach",
        "lake",
        "mountain",
        "desert",
        "field",
        "forest",
        "city",
        "street",
        "road",
        "market",
        "shop",
        "room",
        "kitchen",
        "cafe",
        "office",
        "bedroom",
        "gym",
        "studio",
        "sky",
        "space",
        "abstract",
    ] = Field("auto", description="where the scene is set")
    time: Literal["auto", "dawn", "morning", "day", "golden", "dusk", "night"] = Field(
        "auto", description="time of day"
    )


def _sources(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry)
        elif entry.name.endswith((".py", ".toml")):
            yield entry.name, entry.read_bytes()


def _revision() -> str:
    """A digest of everything that decides a pixel: this folder's own sources."""
    digest = hashlib.sha256()
    for name, content in _sources(files(__package__)):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return f"animatic-1-{digest.hexdigest()[:12]}"


class Animatic(Engine):
    """Draws each shot on the CPU from the words of its prompt: layered scenes, parallax, weather, people, things."""

    id = "animatic"
    title = "Animatic: drawn on the CPU from the prompt's words"
    revision = _revision()
    licence = "Apache-2.0"
    licence_url = "https://www.apache.org/licenses/LICENSE-2.0"
    needs_gpu = False
    notice = "The footage is an animatic, drawn by code from the prompt; no text-to-video model was used"
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
    composes_any_aspect = True
    reads_style_words = False
    Options = AnimaticOptions

    def refuse(self, shot: Shot) -> None:
        """See `Engine`; also refuses sizes that cannot be drawn well, and pictures that are none."""
        super().refuse(shot)
        for name, value in (("width", shot.size.width_px), ("height", shot.size.height_px)):
            if not _SMALLEST_PX <= value <= _LARGEST_PX:
                nearest = _SMALLEST_PX if value < _SMALLEST_PX else _LARGEST_PX
                raise BadShot(
                    f"{self.id}: {name} {value} px is outside {_SMALLEST_PX}-{_LARGEST_PX}; nearest is {nearest}"
                )
        self.validated(shot.options)
        if shot.image is not None:
            from generation.engines.animatic.hero import check_picture

            check_picture(shot.image)

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        """See `Engine`."""
        from generation.engines.animatic.film import film_shot, set_stage

        for index, (shot, path) in enumerate(zip(shots, paths, strict=True)):
            self.refuse(shot)
            options = self.validated(shot.options)
            stage, notes = set_stage(shot, **options.model_dump())
            for done in film_shot(shot, stage, path):
                yield Progress(index, done, shot.frames)
            yield Footage(path, shot.size, shot.frames, shot.fps, notes)
