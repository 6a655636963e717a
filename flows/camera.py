"""Camera moves that a template may name: `camera.toml`, read and checked.

The words are what every engine is told. Knows no engine. A new move is one table in the file beside this one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Camera:
    """One move: its words for the prompt, and what it does, for people."""

    name: str
    words: str
    description: str


@cache
def cameras() -> Mapping[str, Camera]:
    """Every move by its name, in the order of the file."""
    text = Path(__file__).with_name("camera.toml").read_text(encoding="utf-8")
    return {name: Camera(name, **entry) for name, entry in tomllib.loads(text).items()}


def directed(camera: str, prompt: str) -> str:
    """The prompt with the words of a move before it; "" leaves it as it is.

    Before it: text encoders cut a prompt that is too long at its end, and of two moves the first one named counts.
    """
    return f"{cameras()[camera].words}. {prompt}" if camera else prompt
