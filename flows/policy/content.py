"""`content_checks` of campaign.yaml: which models of one's own look at footage, and what follows from what they say.

    content_checks: {nsfw: {model: models/nsfw-vit, limit: 0.5}, faces: {model: models/faces, label: face}, frames: 8}

A model is a folder inside the campaign's, with safetensors weights. Loads no model (`generation/content/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import Field

from flows.brand import Line, WrittenFile
from flows.model import ContentBrief, ModelCheck
from flows.problems import Problems

if TYPE_CHECKING:
    from generation.content.check import Checks

COLUMN = "content_checks"
NOT_CHECKED = "not checked"


class NsfwFile(WrittenFile):
    """A classifier that says whether a picture is unfit for work."""

    model: Line = Field(min_length=1)
    #: Refused from here on.
    limit: float = Field(0.5, gt=0, le=1)
    label: Line = "nsfw"


class FacesFile(WrittenFile):
    """A detector that finds faces, or whole persons."""

    model: Line = Field(min_length=1)
    #: What the detector is surer of than this counts.
    limit: float = Field(0.8, ge=0.05, le=1)
    label: Line = "face"


class ContentFile(WrittenFile):
    """The keys of `content_checks`."""

    nsfw: NsfwFile | None = None
    faces: FacesFile | None = None
    frames: int = Field(8, ge=1, le=64)


def read_content(folder: Path, file: ContentFile, problems: Problems) -> ContentBrief:
    """The choice as a campaign holds it; complaints about models that cannot be used go to `problems`."""
    return ContentBrief(_model(folder, file.nsfw, problems), _model(folder, file.faces, problems), file.frames)


def _model(folder: Path, asked: NsfwFile | FacesFile | None, problems: Problems) -> ModelCheck | None:
    """A model that is there, whole, and has the label; None where none is asked for, and after a complaint."""
    if asked is None:
        return None
    from generation.content.folder import read_folder
    from generation.errors import NotAvailable

    rule = "Name a folder inside the campaign's, with config.json, preprocessor_config.json and safetensors weights"
    path = PurePosixPath(asked.model)
    found = (folder / asked.model).resolve()
    if path.is_absolute() or ".." in path.parts or "\\" in asked.model or not found.is_relative_to(folder.resolve()):
        message = "not a plain path inside the campaign's folder"
        problems.add("file_outside", message, rule, value=asked.model, column=COLUMN)
        return None
    try:
        label = read_folder(found).label(asked.label)
    except NotAvailable as error:
        problems.add("bad_content_model", str(error), rule, value=asked.model, column=COLUMN)
        return None
    return ModelCheck(found, asked.limit, label)


def checks_of(brief: ContentBrief) -> Checks:
    """The choice as `generation` takes it."""
    from generation.content.check import Checks, Look

    nsfw, faces = (Look(each.folder, each.label, each.limit) if each else None for each in (brief.nsfw, brief.faces))
    return Checks(nsfw, faces, brief.frames)


def content_identity(brief: ContentBrief) -> dict[str, object]:
    """What of the choice decides the findings, for a step's key: models count by their bytes, not by their names."""
    from generation.content.folder import read_folder

    models = {"nsfw": brief.nsfw, "faces": brief.faces}
    asked: dict[str, object] = {
        name: [read_folder(check.folder).sha256, check.label, check.limit] if check else None
        for name, check in models.items()
    }
    return {**asked, "frames": brief.frames}


def content_reviews(facts: Mapping[str, Any] | None, synthetic_person: bool | None) -> tuple[str, ...]:
    """Why a person must look at a film, by what was found in it; () where nobody must.

    `facts` is `ContentFindings.as_json()`, or None where no check is configured.
    """
    from generation.content.check import faces_seen

    seen = faces_seen(facts) if facts else None
    if seen and synthetic_person is False:
        label = facts["faces"]["label"] if facts else ""
        return (
            f"content: the row says that no synthetic person is seen, and the detector finds {seen} × {label!r}"
            " in one picture",
        )
    return ()


def content_facts(facts: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What the record of a delivery says of its content: what nobody looked at is not checked, never passed."""
    return facts if facts else {"nsfw": NOT_CHECKED, "faces": NOT_CHECKED}
