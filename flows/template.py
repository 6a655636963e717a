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
from functools import lru_cache
from pathlib import Path

from flows.camera import cameras
from flows.columns import ELSEWHERE, NOT_YET, RESERVED
from flows.localise import fallbacks, locale_tag
from flows.model import BadInput, Problem
from flows.problems import Problems, did_you_mean
from flows.template_file import ShotPart, TemplateFile, Variable
from flows.templating import Text, check_text
from flows.values import BadValue
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
#: Variables that every row may set although no template declares them.
IMPLIED_TYPES = {"currency": "currency"}
#: Factors that change how the film looks or sounds instead of its words.
STYLE_FACTORS = ("look", "music")


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
    def variables(self) -> Mapping[str, Variable]:
        """The declared variables and the implied ones."""
        return {name: Variable(type=kind) for name, kind in IMPLIED_TYPES.items()} | self.spec.variables

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
    kinds = {**GIVEN, **IMPLIED_TYPES, **{name: variable.type for name, variable in spec.variables.items()}}
    kinds |= dict.fromkeys((*spec.factors, *factors), "text")
    texts = {stem: _texts(folder, stem, kinds, problems) for stem in stems(spec)}
    problems.raise_if_any()
    return Template(folder.name, folder, spec, texts)


def _check_spec(spec: TemplateFile, problems: Problems) -> None:
    """What one part of template.yaml says about another."""
    from generation.layers.spec import KINDS as LAYER_KINDS

    taken = {*GIVEN, *IMPLIED_TYPES, *STYLE_FACTORS, *RESERVED, *ELSEWHERE, *NOT_YET}
    for name in sorted(taken & {*spec.variables, *spec.factors}):
        problems.add("name_taken", "the name has a meaning of its own", "Choose another name", column=name)
    for name in sorted({*spec.variables} & {*spec.factors}):
        problems.add("name_taken", "both a variable and a factor have this name", "Rename one", column=name)
    for name, factor in spec.factors.items():
        if factor.default and factor.default not in factor.arms:
            problems.add("unknown_arm", "the default is no arm", did_you_mean(factor.default, factor.arms), column=name)
    for shot in spec.shots:
        _check_shot(shot, spec, problems)
    for layer in spec.layers:
        if layer.kind not in LAYER_KINDS:
            problems.add(
                "unknown_layer", "unknown kind of layer", did_you_mean(layer.kind, LAYER_KINDS), value=layer.kind
            )


def _check_shot(shot: ShotPart, spec: TemplateFile, problems: Problems) -> None:
    """The camera move and the variables that a shot names."""
    if shot.camera and shot.camera not in cameras():
        fix = did_you_mean(shot.camera, cameras())
        problems.add("unknown_camera", "no such camera move", fix, value=shot.camera)
    for key, name, kind in shot.files:
        variable = spec.variables.get(name)
        if variable is None or variable.type != kind:
            fitting = [other for other, declared in spec.variables.items() if declared.type == kind]
            fix = did_you_mean(name, fitting) or f"Declare one under `variables:` with `type: {kind}`"
            message = f"a shot's {key} is no variable of type {kind}"
            problems.add("unknown_variable", message, fix, value=name)


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
