"""Fonts: which file draws which character.

The order is: the brand's own files, the packaged family, the other packaged families, DejaVu where matplotlib is
installed, and the fonts of the folders named in `SPOTMILL_FONTS`. Fonts of the system are not searched unasked: the
same campaign must look the same on every machine. Knows files, weights and coverage; not shaping, nor sizes in pixels.
A new packaged family is one line in `FAMILIES`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import freetype
import uharfbuzz

from generation.errors import BadMedia, NotAvailable

#: Folders (or files) of further fonts, separated like PATH.
FONTS_VARIABLE = "SPOTMILL_FONTS"
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")

#: Family -> package, its distribution, and the static file of each weight. Variable files are left aside: a static
#: weight is drawn as its designer saw it.
FAMILIES: Mapping[str, tuple[str, str, Mapping[int, str]]] = MappingProxyType(
    {
        "manrope": (
            "font_manrope",
            "font-manrope",
            {
                400: "Manrope-Regular.ttf",
                500: "Manrope-Medium.ttf",
                600: "Manrope-SemiBold.ttf",
                700: "Manrope-Bold.ttf",
                800: "Manrope-ExtraBold.ttf",
            },
        ),
        "hanken-grotesk": (
            "font_hanken_grotesk",
            "font-hanken-grotesk",
            {
                400: "HankenGrotesk-Regular.otf",
                500: "HankenGrotesk-Medium.otf",
                600: "HankenGrotesk-SemiBold.otf",
                700: "HankenGrotesk-Bold.otf",
            },
        ),
        "source-sans": (
            "font_source_sans_pro",
            "font-source-sans-pro",
            {
                400: "SourceSansPro-Regular.ttf",
                600: "SourceSansPro-Semibold.ttf",
                700: "SourceSansPro-Bold.ttf",
                900: "SourceSansPro-Black.ttf",
            },
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Typeface:
    """A wish for type: brand files, packaged family, weight, language; what every measure and drawing starts from."""

    fonts: tuple[Path, ...]
    family: str
    weight: int
    #: BCP 47 tag: glyph variants, direction, line breaking.
    locale: str
    #: Added after every letter of scripts whose letters do not join, in ems.
    tracking_em: float = 0.0
    #: Value of SPOTMILL_FONTS when the wish was made.
    listed: str = ""


class Face:
    """One font at one weight. Lengths are in ems (1 em = the font size); y points upwards."""

    def __init__(self, path: Path, index: int, weight: int) -> None:
        self.path, self.index = path, index
        try:
            blob = uharfbuzz.Blob.from_file_path(str(path))
            shape = uharfbuzz.Face(blob, index)
            self.outlines = freetype.Face(str(path), index)
        except (OSError, RuntimeError, ValueError, freetype.FT_Exception) as error:
            raise BadMedia(f"{path.name}: not a readable font ({error}). Name a .ttf or .otf file") from error
        if not shape.glyph_count or not shape.unicodes or not self.outlines.is_scalable:
            raise BadMedia(f"{path.name}: not a font with outlines and a character map. Name a .ttf or .otf file")
        self.shaper = uharfbuzz.Font(shape)
        self.family = (self.outlines.family_name or b"").decode("utf-8", "replace")
        self.italic = bool(self.outlines.style_flags & freetype.FT_STYLE_FLAG_ITALIC)
        self.weight = self._set_weight(shape, weight)
        self.upem = int(shape.upem)
        self.characters = frozenset(shape.unicodes)
        self._extents: dict[int, tuple[float, float, float, float]] = {}
        self.cap_em = self.extents(self.shaper.get_nominal_glyph(ord("H")) or 0)[1] or 0.7

    def _set_weight(self, shape: uharfbuzz.Face, wanted: int) -> int:
        """Weight of a static font, or the nearest one that a variable font can take."""
        axes = shape.axis_infos if shape.has_var_data else []
        for place, axis in enumerate(axes):
            if axis.tag == "wght":
                weight = min(max(wanted, axis.min_value), axis.max_value)
                self.shaper.set_variations({"wght": weight})
                coordinates = [float(other.default_value) for other in axes]
                coordinates[place] = float(weight)
                self.outlines.set_var_design_coords(coordinates)
                return int(weight)
        table = shape.reference_table("OS/2").data or b""
        return int.from_bytes(table[4:6], "big") or 400

    def extents(self, glyph: int) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of a glyph's ink, in ems from its origin; all 0 for a blank."""
        found = self._extents.get(glyph)
        if found is None:
            box = self.shaper.get_glyph_extents(glyph)
            left, top, width, height = (box.x_bearing, box.y_bearing, box.width, box.height) if box else (0, 0, 0, 0)
            upem = float(self.upem)
            found = (left / upem, top / upem, (left + width) / upem, (top + height) / upem)
            self._extents[glyph] = found
        return found


@lru_cache(maxsize=512)
def load(path: Path, weight: int) -> tuple[Face, ...]:
    """The faces of a font file (several in a collection), variable ones set to `weight`. Raises: BadMedia."""
    if not path.is_file():
        raise BadMedia(f"{path}: there is no such font file. Correct the path in brand.yaml")
    with path.open("rb") as file:
        if file.read(4) in (b"wOFF", b"wOF2"):
            raise BadMedia(f"{path.name}: a web font. Name the .ttf or .otf file that it was made from")
    first = Face(path, 0, weight)
    return (first, *(Face(path, index, weight) for index in range(1, first.outlines.num_faces)))


def packaged(family: str, weight: int) -> Face:
    """The static face of a packaged family that is nearest to `weight`. Raises: NotAvailable."""
    if family not in FAMILIES:
        raise NotAvailable(f"there is no packaged font family {family!r}. Choose one of: {', '.join(FAMILIES)}")
    module, distribution, files = FAMILIES[family]
    found = find_spec(module)
    if found is None or found.origin is None:
        raise NotAvailable(f"the font family {family} is not installed. Run: pip install {distribution}")
    # The heavier one wins a tie: a headline too light is worse than one too heavy.
    nearest = min(files, key=lambda has: (abs(has - weight), -has))
    return load(Path(found.origin).parent / "files" / files[nearest], weight)[0]


def _near(weight: int, face: Face) -> tuple[bool, int, int, bool]:
    """Upright first, then the nearest weight, then a sans: an ad's type is a sans unless the brand says otherwise."""
    return (face.italic, abs(face.weight - weight), -face.weight, "sans" not in face.family.lower())


@lru_cache(maxsize=256)
def first_choice(fonts: tuple[Path, ...], family: str, weight: int) -> tuple[Face, ...]:
    """Brand files, packaged families and DejaVu, in the order in which they are asked for a character.

    Brand files of the same family as the first one are ordered by nearness to `weight`, so that a brand may name its
    Regular and its Bold. Raises: BadMedia, NotAvailable.
    """
    brand = [face for path in fonts for face in load(path, weight)]
    if brand:
        main = brand[0].family
        own = sorted((face for face in brand if face.family == main), key=lambda face: _near(weight, face))
        brand = own + [face for face in brand if face.family != main]
    order = [family, *(name for name in FAMILIES if name != family)]
    return (*brand, *(packaged(name, weight) for name in order), *_dejavu(weight))


def _dejavu(weight: int) -> tuple[Face, ...]:
    """DejaVu Sans as matplotlib carries it (Arabic, Hebrew, more symbols); found without importing matplotlib."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return ()
    name = "DejaVuSans-Bold.ttf" if weight >= 600 else "DejaVuSans.ttf"
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name
    return load(path, weight) if path.is_file() else ()


@lru_cache(maxsize=64)
def last_resort(listed: str, weight: int) -> tuple[Face, ...]:
    """The faces of the folders in SPOTMILL_FONTS: upright before italic, nearest weight first, then by path.

    Raises: BadMedia when a listed place does not exist; a file in a folder that is no font is passed over.
    """
    faces: list[Face] = []
    for place in filter(None, listed.split(os.pathsep)):
        root = Path(place)
        if not root.exists():
            raise BadMedia(f"{place}: listed in {FONTS_VARIABLE}, but there is no such folder")
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        for path in files:
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                try:
                    faces.extend(load(path, weight))
                except BadMedia:
                    if path == root:
                        raise
    return tuple(sorted(faces, key=lambda face: (*_near(weight, face), str(face.path), face.index)))
