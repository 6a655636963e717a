"""Looks at pictures of a film with a classifier and a detector, and says what they said.

The models run through transformers' own pipelines, on the CPU, from the folder alone: no network, no code of theirs, no
pickles. To be used on footage or a plate, where nothing is written on the picture yet. What was not asked is None,
which is never the same as clean.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.content.folder import read_folder
from generation.errors import ContentRefused, NotAvailable
from generation.media.clip import read_clip
from generation.media.frames import read_frames

if TYPE_CHECKING:
    from PIL.Image import Image

CLASSIFY, DETECT = "image-classification", "object-detection"
#: A detector is asked for everything down to here, so that what falls short of the limit is in the record too.
LEAST_SCORE = 0.05


@dataclass(frozen=True, slots=True)
class Look:
    """A model and what counts of what it says."""

    folder: Path
    label: str
    #: A classifier: from here on refused. A detector: from here on it counts as one.
    limit: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What is looked for; None leaves it unchecked."""

    nsfw: Look | None = None
    faces: Look | None = None
    #: Pictures that are looked at, spread over the film.
    frames: int = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """What one model said of each picture."""

    label: str
    limit: float
    #: Of the model's folder.
    model_sha256: str
    #: The label's highest score in each picture.
    scores: tuple[float, ...]
    #: How often it was found in each picture, at the limit or above.
    counts: tuple[int, ...]

    @property
    def worst(self) -> float:
        """The highest score of all pictures."""
        return max(self.scores)

    def as_json(self) -> dict[str, object]:
        """For the record."""
        return {
            "label": self.label,
            "limit": self.limit,
            "model_sha256": self.model_sha256,
            "worst": round(self.worst, 6),
            "scores": [round(score, 6) for score in self.scores],
            "counts": list(self.counts),
        }


@dataclass(frozen=True, slots=True)
class ContentFindings:
    """What was seen in a film."""

    #: Numbers, from 0, of the pictures that were looked at.
    frames: tuple[int, ...]
    nsfw: Finding | None
    faces: Finding | None

    def as_json(self) -> dict[str, object]:
        """For the record; what was not asked stands there as `not checked`."""
        parts = {"nsfw": self.nsfw, "faces": self.faces}
        said = {name: finding.as_json() if finding else NOT_CHECKED for name, finding in parts.items()}
        return {"frames": list(self.frames), **said}


NOT_CHECKED = "not checked"


def check_content(path: Path, checks: Checks) -> ContentFindings:
    """Look at pictures of a film that we wrote.

    Raises: NotAvailable when a model cannot be loaded; BadMedia when the film cannot be read.
    """
    numbers = sample(read_clip(path).frames, checks.frames)
    pictures = _pictures(path, numbers)
    nsfw = _classified(pictures, checks.nsfw) if checks.nsfw else None
    faces = _detected(pictures, checks.faces) if checks.faces else None
    return ContentFindings(numbers, nsfw, faces)


def refuse_content(facts: Mapping[str, Any]) -> None:
    """Refuse a film by the record of its findings.

    Raises: ContentRefused when a picture's score is at the limit or above.
    """
    found = facts["nsfw"]
    if isinstance(found, Mapping) and found["worst"] >= found["limit"]:
        frame = facts["frames"][found["scores"].index(max(found["scores"]))]
        raise ContentRefused(
            f"the model that looks at footage says {found['label']!r} of picture {frame} with {found['worst']:.2f};"
            f" the limit is {found['limit']:g}"
        )


def faces_seen(facts: Mapping[str, Any]) -> int | None:
    """The most faces in one picture by the record of the findings; None where nobody looked."""
    found = facts["faces"]
    return max(found["counts"]) if isinstance(found, Mapping) else None


def sample(frames: int, count: int) -> tuple[int, ...]:
    """Numbers of pictures spread evenly over a film, none twice: the middles of equal stretches."""
    return tuple(dict.fromkeys((2 * index + 1) * frames // (2 * count) for index in range(count)))


def _pictures(path: Path, numbers: tuple[int, ...]) -> list[Image]:
    from PIL import Image

    from generation.media.poster import to_rgb

    wanted = set(numbers)
    return [Image.fromarray(to_rgb(planes)) for number, planes in enumerate(read_frames(path)) if number in wanted]


def _classified(pictures: list[Image], look: Look) -> Finding:
    model = read_folder(look.folder)
    label = model.label(look.label)
    run = _pipeline(CLASSIFY, look.folder, model.sha256)
    scores = []
    for picture in pictures:
        said = run(picture, top_k=len(model.labels))
        scores.append(max(float(one["score"]) for one in said if one["label"] == label))
    counts = tuple(int(score >= look.limit) for score in scores)
    return Finding(label, look.limit, model.sha256, tuple(scores), counts)


def _detected(pictures: list[Image], look: Look) -> Finding:
    model = read_folder(look.folder)
    label = model.label(look.label)
    run = _pipeline(DETECT, look.folder, model.sha256)
    scores, counts = [], []
    for picture in pictures:
        said = [float(one["score"]) for one in run(picture, threshold=LEAST_SCORE) if one["label"] == label]
        scores.append(max(said, default=0.0))
        counts.append(sum(score >= look.limit for score in said))
    return Finding(label, look.limit, model.sha256, tuple(scores), tuple(counts))


@lru_cache(maxsize=2)
def _pipeline(task: str, folder: Path, sha256: str) -> Any:
    """The loaded model; `sha256` has it loaded again where the folder has changed."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformers
    except ImportError as error:
        raise NotAvailable(
            f"content checks need torch and transformers ({error}); install them: make diffusion"
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    kinds = {CLASSIFY: "AutoModelForImageClassification", DETECT: "AutoModelForObjectDetection"}
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = getattr(transformers, kinds[task]).from_pretrained(folder, use_safetensors=True, **local)
            processor = transformers.AutoImageProcessor.from_pretrained(folder, **local)
            # On the CPU: footage is looked at by workers of cores, and a GPU's memory is the engine's.
            return transformers.pipeline(task, model=model, image_processor=processor, device="cpu")
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NotAvailable(f"{folder.name}: no model for {task} that can be loaded ({reason})") from error
