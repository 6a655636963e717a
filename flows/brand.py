"""brand.yaml: how the brand looks and is named, checked.

Also the base of the files that a campaign's owner writes. Files named here lie inside the campaign's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from flows import values
from flows.model import Brand
from flows.pictures import inside
from flows.problems import Problems
from flows.table import clean
from flows.values import BadValue
from flows.yaml_file import read_model


def one_or_many(value: Any) -> Any:
    """A single word where a list is expected is a list of one."""
    return [value] if isinstance(value, str) else value


def _words(value: str) -> str:
    if not isinstance(value, str):
        return value
    return clean(value)


Words = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
Line = Annotated[str, BeforeValidator(_words), Field(max_length=120)]


class WrittenFile(BaseModel):
    """Base of files written by people: unknown keys are refused, numbers may stand for text, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


def read_as(kind: Any, text: str) -> Any:
    """A value of `values.py` with its fix in the message, as pydantic wants it."""
    try:
        return kind(text)
    except BadValue as error:
        raise ValueError(f"{text!r} is {error}. {error.fix}") from error


class Colours(WrittenFile):
    """The brand's four colours, `#rrggbb`."""

    primary: str = "#1d3557"
    accent: str = "#e63946"
    ink: str = "#14213d"
    paper: str = "#ffffff"

    @field_validator("*")
    @classmethod
    def _colour(cls, text: str) -> str:
        return str(read_as(values.colour, text))


class BrandFile(WrittenFile):
    """brand.yaml."""

    name: Line = Field(min_length=1)
    colours: Colours = Colours()
    logo: str = ""
    fonts: Words = ()
    font_family: str = "manrope"
    #: Text of the visible watermark; the brand's name unless written, "" for none.
    watermark: Line | None = None


def load_brand(folder: Path, name: str, problems: Problems) -> Brand | None:
    """Read brand.yaml; None after a complaint."""
    path = inside(folder, name, problems, column="brand")
    if path is None:
        return None
    mine = problems.of(path.name)
    before = len(mine.found)
    file = read_model(path, BrandFile, mine)
    if file is None:
        return None
    logo = inside(folder, file.logo, mine, column="logo") if file.logo else None
    fonts = tuple(inside(folder, font, mine, column="fonts") for font in file.fonts)
    if len(mine.found) > before:
        return None
    colours = file.colours
    return Brand(
        name=file.name,
        primary=colours.primary,
        accent=colours.accent,
        ink=colours.ink,
        paper=colours.paper,
        logo=logo,
        fonts=tuple(font for font in fonts if font is not None),
        font_family=file.font_family,
        watermark=file.name if file.watermark is None else file.watermark,
    )
