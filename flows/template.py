"""A template: a folder that says what is asked of the model, what is said, what is written on the picture, and when.

`template.yaml` declares variables, factors, shots and layers; `.j2` files beside it hold the texts. The most specific
file wins: `voiceover.es-MX.gamers.j2`, `voiceover.es-MX.j2`, `voiceover.es.gamers.j2`, `voiceover.es.j2`,
`voiceover.gamers.j2`, `voiceover.j2`. All files are checked when the template is loaded, before any row is read. A new
template is a new folder in `templates/`. Knows no campaign and no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.localise import fallbacks, locale_tag
from flows.model import BadInput, Problem
from flows.problems import Problems, did_you_mean
from flows.templating import Text, check_text
from flows.values import KINDS, BadValue
from flows.yaml_file import read_model

#: The templates that come with Spotmill.
SHIPPED = Path(__file__).resolve().parent.parent / "templates"
FILE = "template.yaml"

#: Variables that every template has, and their types.
GIVEN = {
    "row_id": "text",
    "campaign": "text",
    "brand": "text",
    "locale": "text",
    "language": "text",
    "segment": "text",
    "landing_url": "url",
    "domain": "text",
}
#: Factors that change how the film looks or sounds instead of its words.
STYLE_FACTORS = ("look", "music")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Variable(_Part):
    """A column of the rows CSV that the template uses."""

    type: Literal[tuple(KINDS)] = "text"  # type: ignore[valid-type]  # the table in values.py is the list
    required: bool = False
    max_length: int = Field(200, ge=1, le=2000)
    default: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""
    #: Examples for languages or locales, written as columns of their own (`product.es`).
    examples: dict[str, str] = {}
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Variable:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`choices` and `type: choice` go together")
        if self.required and self.default:
            raise ValueError("a required variable has no default")
        for text in filter(None, (self.default, self.example)):
            try:
                KINDS[self.type].read(text)
            except BadValue as error:
                raise ValueError(f"{text!r} is {error}") from error
        return self


class DeclaredFactor(_Part):
    """An A/B factor that the template's texts understand."""

    arms: tuple[Name, ...] = Field(min_length=1)
    #: The arm when the campaign does not test this factor; the first one unless named.
    default: str = ""
    description: str = ""


class Length(_Part):
    """Seconds a film of this template may last."""

    min: float = Field(6.0, ge=1, le=180)
    default: float = Field(8.0, ge=1, le=180)
    max: float = Field(15.0, ge=1, le=180)

    @model_validator(mode="after")
    def _ordered(self) -> Length:
        if not self.min <= self.default <= self.max:
            raise ValueError("write min <= default <= max")
        return self


class ShotPart(_Part):
    """One shot: which file asks for it, and what part of the film it has."""

    share: Fraction = Field(Fraction(1), gt=0)
    #: Stem of the prompt's files.
    prompt: Name = "prompt"
    negative: str = Field("", max_length=1000)
    #: Variable of type image; "" for a shot without a picture.
    picture: str = ""


class LayerPart(_Part):
    """One layer; times are seconds from the start, negative ones from the end, no end means until the last frame."""

    kind: str
    #: Stem of the text's files; "" for kinds that need none (logo).
    text: str = ""
    start: float = Field(0.0, ge=-60, le=60)
    end: float | None = Field(None, ge=-60, le=180)
    #: Further texts by role, as stems.
    extra: dict[str, Name] = {}


class TemplateFile(_Part):
    """template.yaml."""

    title: str = Field(max_length=80)
    description: str = Field("", max_length=600)
    seconds: Length = Length()  # type: ignore[call-arg]  # the mypy plug-in does not see Field's defaults
    variables: dict[Name, Variable] = {}
    factors: dict[Name, DeclaredFactor] = {}
    shots: tuple[ShotPart, ...] = Field(min_length=1, max_length=12)
    layers: tuple[LayerPart, ...] = Field((), max_length=24)
    #: Stem of the spoken text; "" makes a film without a voice.
    voiceover: str = "voiceover"
    look: str = "clean"
    music: str = "uplifting"

    @field_validator("shots")
    @classmethod
    def _whole(cls, shots: tuple[ShotPart, ...]) -> tuple[ShotPart, ...]:
        total = sum((shot.share for shot in shots), Fraction(0))
        if total != 1:
            raise ValueError(f"the shares of the shots add up to {total}, not to 1")
        return shots


@dataclass(frozen=True, slots=True)
class Template:
    """A loaded and checked template."""

    name: str
    folder: Path
    spec: TemplateFile
    #: Stem -> selector ("es-MX.gamers", "es", "") -> text.
    texts: Mapping[str, Mapping[str, Text]]

    def text(self, stem: str, locale: str, segment: str) -> Text | None:
        """The most specific text of a stem, None when no file serves this locale and segment."""
        candidates = self.texts[stem]
        return next((candidates[selector] for selector in selectors(locale, segment) if selector in candidates), None)

    @property
    def stems(self) -> tuple[str, ...]:
        """Stems of all texts that the film needs."""
        return stems(self.spec)

    def reads(self, name: str) -> bool:
        """Whether any text reads this variable."""
        return any(name in text.names for files in self.texts.values() for text in files.values())


def stems(spec: TemplateFile) -> tuple[str, ...]:
    """Stems that shots, layers and the voice name, in that order."""
    named = [shot.prompt for shot in spec.shots]
    for layer in spec.layers:
        named += [layer.text, *layer.extra.values()]
    return tuple(dict.fromkeys(stem for stem in (*named, spec.voiceover) if stem))


@lru_cache(maxsize=4096)
def selectors(locale: str, segment: str) -> tuple[str, ...]:
    """What may stand between stem and `.j2`, most specific first."""
    found: list[str] = []
    for tag in (*fallbacks(locale), ""):
        if segment:
            found.append(f"{tag}.{segment}" if tag else segment)
        if tag:
            found.append(tag)
    return (*found, "")


def template_names() -> tuple[str, ...]:
    """Names of the templates that come with Spotmill."""
    return tuple(sorted(file.parent.name for file in SHIPPED.glob(f"*/{FILE}")))


def find_template(name: str, folder: Path) -> Path | None:
    """The folder of a template: a shipped one by name, or one inside the campaign's folder by path."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name) and (SHIPPED / name / FILE).is_file():
        return SHIPPED / name
    inside = (folder / name).resolve()
    return inside if inside.is_relative_to(folder.resolve()) and (inside / FILE).is_file() else None


def load_template(folder: Path, *, factors: Iterable[str] = ()) -> Template:
    """Load a template's folder. `factors` are the campaign's own factor names, which texts may read too.

    Raises: BadInput with every complaint about every file.
    """
    found: list[Problem] = []
    problems = Problems(f"{folder.name}/{FILE}", found)
    spec = read_model(folder / FILE, TemplateFile, problems)
    if spec is None:
        raise BadInput(tuple(found))
    _check_spec(spec, problems)
    kinds = {**GIVEN, **{name: variable.type for name, variable in spec.variables.items()}}
    kinds |= dict.fromkeys((*spec.factors, *factors), "text")
    texts = {stem: _texts(folder, stem, kinds, problems) for stem in stems(spec)}
    problems.raise_if_any()
    return Template(folder.name, folder, spec, texts)


def _check_spec(spec: TemplateFile, problems: Problems) -> None:
    """What one part of template.yaml says about another."""
    from generation.layers.spec import KINDS as LAYER_KINDS

    for name in sorted({*GIVEN, *STYLE_FACTORS} & {*spec.variables, *spec.factors}):
        problems.add("name_taken", "every template has this variable already", "Choose another name", column=name)
    for name in sorted({*spec.variables} & {*spec.factors}):
        problems.add("name_taken", "both a variable and a factor have this name", "Rename one", column=name)
    for name, factor in spec.factors.items():
        if factor.default and factor.default not in factor.arms:
            problems.add("unknown_arm", "the default is no arm", did_you_mean(factor.default, factor.arms), column=name)
    for shot in spec.shots:
        variable = spec.variables.get(shot.picture)
        if shot.picture and (variable is None or variable.type != "image"):
            images = [name for name, declared in spec.variables.items() if declared.type == "image"]
            problems.add("unknown_variable", "a shot's picture is no variable of type image", did_you_mean(shot.picture, images))
    for layer in spec.layers:
        if layer.kind not in LAYER_KINDS:
            problems.add("unknown_layer", "unknown kind of layer", did_you_mean(layer.kind, LAYER_KINDS), value=layer.kind)


def _texts(folder: Path, stem: str, kinds: Mapping[str, str], problems: Problems) -> dict[str, Text]:
    """Every file of a stem by its selector, checked."""
    texts: dict[str, Text] = {}
    for path in sorted([*folder.glob(f"{stem}.j2"), *folder.glob(f"{stem}.*.j2")]):
        label = f"{folder.name}/{path.name}"
        selector = path.name.removeprefix(stem).removesuffix(".j2").removeprefix(".")
        try:
            source = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            problems.of(label).add("encoding", "the file is not readable UTF-8 text", "Save it as UTF-8")
            continue
        text = check_text(label, source, kinds, problems.of(label))
        if text is not None and _tidy(selector, label, problems):
            texts[selector] = text
        elif text is None:
            texts.setdefault(selector, Text(label, "", (), localised=False))  # complained of already, not missing
    if not texts:
        problems.add("text_missing", "no file holds this text", f"Write {folder.name}/{stem}.j2", value=f"{stem}.j2")
    return texts


def _tidy(selector: str, label: str, problems: Problems) -> bool:
    """Whether a selector's locale is written as `selectors` looks for it: `es-mx` would never be found."""
    first = selector.split(".")[0]
    if "-" not in first and not re.fullmatch(r"[A-Za-z]{2}", first):
        return True  # a segment, or nothing
    try:
        right = locale_tag(first)
    except BadValue:
        return True  # a segment with a hyphen
    if right != first:
        fix = f"Rename it to {label.replace(first, right)}"
        problems.of(label).add("file_name", "the locale in the file's name is not in its usual case", fix)
    return right == first
