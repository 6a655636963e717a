"""template.yaml as typed declarations: variables, factors, length, shots, layers.

Each part refuses unknown keys and checks what it can see of itself; what one part says about another is checked in
`template.py`. Knows no files.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.values import KINDS, BadValue

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
    """One shot: which file asks for it, what part of the film it has, and what it is made from besides its words.

    Pictures and films are named by the variables that hold them; where a row's cell is empty the shot is made without.
    """

    share: Fraction = Field(Fraction(1), gt=0)
    #: Stem of the prompt's files.
    prompt: Name = "prompt"
    negative: str = Field("", max_length=1000)
    #: Name of a camera move (`camera.toml`).
    camera: str = ""
    #: Variable of type image: what the shot is about.
    picture: str = ""
    #: Variable of type image: what the shot ends with.
    last_picture: str = ""
    #: Variable of type video: a film to restyle, and how much of it may change.
    clip: str = ""
    strength: float = Field(0.7, ge=0, le=1)
    #: Variables of type image: what shall be recognised wherever it appears.
    references: tuple[str, ...] = Field((), max_length=8)
    #: The shot goes on from the last frame of the one before.
    continues: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> ShotPart:
        if "strength" in self.model_fields_set and not self.clip:
            raise ValueError("`strength` says how much of a clip may change: name the `clip`, or leave it out")
        if self.clip and (self.continues or self.last_picture):
            other = "continues" if self.continues else "last_picture"
            raise ValueError(f"a clip has a beginning and an end of its own: leave out `clip` or `{other}`")
        if len(set(self.references)) < len(self.references):
            raise ValueError("a variable stands twice under `references`")
        return self

    @property
    def files(self) -> tuple[tuple[str, str, str], ...]:
        """Every variable that names a file, with the key that names it and the type it must have."""
        named = [("picture", self.picture, "image"), ("last_picture", self.last_picture, "image")]
        named += [("clip", self.clip, "video"), *(("references", name, "image") for name in self.references)]
        return tuple(entry for entry in named if entry[1])


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
    seconds: Length = Length()
    variables: dict[Name, Variable] = {}
    factors: dict[Name, DeclaredFactor] = {}
    shots: tuple[ShotPart, ...] = Field(max_length=12)
    layers: tuple[LayerPart, ...] = Field((), max_length=24)
    #: Stem of the spoken text; "" makes a film without a voice.
    voiceover: str = "voiceover"
    look: str = "clean"
    music: str = "uplifting"
    #: Rows that `spotmill init` writes.
    example_rows: tuple[dict[str, str], ...] = Field((), max_length=10)
    example_locales: tuple[str, ...] = ("en-US",)

    @field_validator("shots")
    @classmethod
    def _whole(cls, shots: tuple[ShotPart, ...]) -> tuple[ShotPart, ...]:
        # Here and not as the field's own bound, which would also be complained of wherever a shot is wrong in itself.
        if not shots:
            raise ValueError("a film has at least one shot")
        total = sum((shot.share for shot in shots), Fraction(0))
        if total != 1:
            raise ValueError(f"the shares of the shots add up to {total}, not to 1")
        if shots[0].continues:
            raise ValueError("the first shot has none before it to go on from: leave out its `continues`")
        return shots
