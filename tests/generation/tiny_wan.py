"""Presets over tiny Wans, for tests of the diffusion engine: real folders, real loading code, a second to build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule
from generation.spec import Shot, Size

#: Small enough for half a second, large enough that every stage has more than one of everything.
SIZE, FRAMES, FPS = Size(48, 32), 9, Fraction(8)

WAYS = {
    "text": {"text", "video", "loras"},
    "image": {"image", "first_frame", "last_frame", "loras"},
    "two_experts": {"text", "loras"},
    "five": {"text", "image", "first_frame", "loras"},
    "references": {"text", "references", "loras"},
}


def preset(folder: Path, kind: str = "text", **changes: Any) -> Preset:
    """A preset for the tiny model of that kind at `folder`."""
    made = Preset(
        name=f"tiny-{kind}", title="Tiny", family="wan",
        checkpoint=Checkpoint("", "", 0.001, folder=str(folder)),
        licence="Apache-2.0", licence_url="https://www.apache.org/licenses/LICENSE-2.0", commercial_use="yes",
        fps=FPS, sizes=(SIZE, Size(32, 48)), size_multiple_px=32 if kind == "five" else 16, frames_step=4,
        frames_offset=1, min_frames=5, max_frames=81, schedule=Schedule(steps=4), guidance=1.0,
        ways=frozenset(WAYS[kind]), needs_gpu=False,
    )  # fmt: skip
    return replace(made, **changes)


def shot(
    prompt: str = "a red cube spins", *, size: Size = SIZE, options: Mapping[str, object] | None = None, **rest: Any
) -> Shot:
    """A shot that every tiny model can make."""
    return Shot(prompt, size, rest.pop("frames", FRAMES), FPS, rest.pop("seed", 7), options=options or {}, **rest)
