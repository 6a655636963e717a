"""`conform` of campaign.yaml: how a model's footage is brought to the delivery rate, and what is asked of it.

    conform: {interpolation: motion, deflicker: 0.5, upscale: models/x2.onnx}

Models are files inside the campaign's folder. Does not know what conforming does (`generation/conform/`).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.brand import WrittenFile
from flows.model import ConformBrief
from flows.pictures import inside
from flows.problems import Problems, did_you_mean

#: `auto` is motion where torch is installed, else blend; the plan says which.
INTERPOLATIONS = ("auto", "motion", "blend", "nearest")
NO_UPSCALE = "none"


class ConformFile(WrittenFile):
    """The keys of `conform`."""

    interpolation: str = "auto"
    upscale: str = NO_UPSCALE
    #: Half of the pumping that is found: firelight and neon are meant, and keep their life.
    deflicker: float = Field(0.5, ge=0, le=1)


def read_conform(folder: Path, file: ConformFile, problems: Problems) -> ConformBrief:
    """The choice as a campaign holds it; complaints about models that are not there go to `problems`."""
    between = _model(folder, file.interpolation, INTERPOLATIONS, problems)
    larger = _model(folder, file.upscale, (NO_UPSCALE,), problems)
    return ConformBrief("learned" if between else file.interpolation, between, larger, file.deflicker)


def _model(folder: Path, name: str, words: tuple[str, ...], problems: Problems) -> Path | None:
    """The model's file; None for one of the words, and after a complaint."""
    if name in words:
        return None
    if not name.endswith(".onnx"):
        # A path is no misspelt word: only words are compared, and the way by a file is always said.
        near = did_you_mean(name, words) if "." not in name else ""
        near = near if near.startswith("Did") else ""
        fix = near or f"Write {', '.join(words)}, or the path of an .onnx file inside the campaign's folder"
        problems.add("bad_conform", "no such way", fix, value=name, column="conform")
        return None
    return inside(folder, name, problems, column="conform")
