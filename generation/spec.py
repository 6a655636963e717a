"""The values that cross the boundary of `generation`: sizes, shots, footage, encode settings.

Knows pictures and time. Does not know campaigns, rows, locales, placements, sound, Prefect or Ray.
All records are frozen and picklable; times are frames at an exact rate, never floating seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

#: One rate that every placement known to us accepts (LinkedIn: "less than 30", Facebook Reels: at least 24).
DELIVERY_FPS = Fraction(30000, 1001)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Width and height of a picture in pixels."""

    width_px: int
    height_px: int

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"

    @property
    def aspect(self) -> Fraction:
        """Width over height, exact."""
        return Fraction(self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; x to the right, y downwards, origin in the top left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row beyond the box."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Lora:
    """Weights added to a model for one look or product: a safetensors file and how strongly it counts."""

    path: Path
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One request to an engine: what to show, how large, how long, from which seed.

    An engine says in `ways` which of the pictures and films it can start from, and refuses a shot with others.
    """

    prompt: str
    size: Size
    frames: int
    fps: Fraction
    seed: int
    negative_prompt: str = ""
    #: A picture that the film is about (the row's product); the engine keeps it recognisable.
    image: Path | None = None
    #: The film begins with exactly this picture (the last frame of the shot before), and ends with that one.
    first_frame: Path | None = None
    last_frame: Path | None = None
    #: A film to restyle, and how much of it may change: 0 keeps it, 1 takes only its length.
    video: Path | None = None
    strength: float = 0.7
    #: Pictures of what shall be recognised, wherever it appears in the film.
    references: tuple[Path, ...] = ()
    loras: tuple[Lora, ...] = ()
    #: Files of `Engine.encode` for the prompt and the negative prompt; None has the engine encode them itself.
    prompt_file: Path | None = None
    negative_file: Path | None = None
    #: Engine options, already validated by the engine's own `Options` model.
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the shot."""
        return float(self.frames / self.fps)


@dataclass(frozen=True, slots=True)
class Footage:
    """The clip an engine made: one H.264 file without layers, and what the engine has to say about it."""

    path: Path
    size: Size
    frames: int
    fps: Fraction
    #: Facts for the report, JSON values only: `{"drawn": ["sea", "dawn"], "not_drawn": ["croissant"]}`.
    notes: Mapping[str, object] = field(default_factory=dict)
    #: The film's own sound, where the engine makes one: a WAV file beside `path`, at the model's rate and channels.
    sound: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an engine is with one shot of the batch: `done` of `total` steps or frames."""

    shot: int
    done: int
    total: int
    #: What the engine is doing, for people: "denoising", "decoding".
    phase: str = ""
    #: A JPEG of the film's first frame as it looks at this step, where one was made.
    preview: Path | None = None
