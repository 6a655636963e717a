"""From characters to placed glyphs: clean text, direction, runs of one font and script, HarfBuzz.

Lengths are in ems, x grows to the right from the pen's start, y upwards from the baseline. One line at a time: breaking
text into lines is the next room's work (`wrapping.py`). Knows no pixels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import uharfbuzz
from bidi import algorithm
from fontTools import unicodedata as scripts

from generation.errors import MissingGlyphs
from generation.layers.fonts import FONTS_VARIABLE, Face, Typeface, first_choice, last_resort

#: Scripts whose letters stand alone, so that tracking may push them apart; joined ones would break.
_LOOSE = frozenset({"Latn", "Grek", "Cyrl", "Zyyy", "Zinh"})
#: Languages written from right to left, where the tag names no script.
_RTL_LANGUAGES = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ku-arab", "ps", "sd", "ug", "ur", "yi"})
_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Samr", "Mand"})
_BREAKING = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
_SPACE = re.compile(f"[ {_BREAKING}\u2028\u2029]+")
#: First to last right-to-left letter of the basic plane, presentation forms, and the planes beyond.
_RTL_LETTER = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
#: Isolates came after the algorithm that python-bidi implements; as boundary-neutrals it steps over them.
_ISOLATES = frozenset({"LRI", "RLI", "FSI", "PDI"})
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u2060\ufeff") | frozenset(
    chr(code)
    for first, last in ((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2061, 0x206F), (0xFE00, 0xFE0F))
    for code in range(first, last + 1)
)
#: HarfBuzz makes any of these from the font's own space or hyphen.
_SPACES = frozenset("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph of a font, at its place in the line."""

    face: Face
    glyph: int
    x_em: float
    y_em: float


@dataclass(frozen=True, slots=True)
class Line:
    """A shaped line in visual order, and the box of its ink."""

    glyphs: tuple[Glyph, ...]
    advance_em: float
    left_em: float
    top_em: float
    right_em: float
    bottom_em: float


@dataclass(frozen=True, slots=True)
class Advances:
    """How wide each character of a text is, in logical order, and how high and deep the text's ink goes."""

    widths_em: tuple[float, ...]
    top_em: float
    bottom_em: float


@dataclass(frozen=True, slots=True)
class _Run:
    start: int
    end: int
    face: Face
    script: str
    level: int


def clean(text: str) -> str:
    """Composed characters, single spaces, no control characters; non-breaking spaces stay what they are.

    A text without anything to be seen is "".
    """
    hyphens = unicodedata.normalize("NFC", text).replace("\u2010", "-")  # which fewer fonts have
    visible = (char for char in hyphens if char in _BREAKING or unicodedata.category(char) != "Cc")
    text = _SPACE.sub(" ", "".join(visible)).strip(" ")
    return text if any(char not in _INVISIBLE and not char.isspace() for char in text) else ""


def is_rtl_locale(locale: str) -> bool:
    """Whether pages in this language begin on the right."""
    parts = locale.replace("_", "-").split("-")
    script = next((part.title() for part in parts[1:] if len(part) == 4 and part.isalpha()), "")
    return script in _RTL_SCRIPTS if script else parts[0].lower() in _RTL_LANGUAGES


def is_rtl(text: str, locale: str) -> bool:
    """Paragraph direction. In a right-to-left locale one such letter decides: a brand name in front must not turn it.

    Elsewhere the first letter with a direction decides (Unicode's rule P2).
    """
    if not _RTL_LETTER.search(text):
        return False
    if is_rtl_locale(locale):
        return True
    strong = (unicodedata.bidirectional(char) for char in text)
    return next((kind in ("R", "AL") for kind in strong if kind in ("L", "R", "AL")), False)


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return str(scripts.script(char))


@lru_cache(maxsize=65536)
def _face_for(cluster: str, typeface: Typeface) -> Face | None:
    """The first face that has all visible characters of the cluster."""
    needed = {ord(" ") if char in _SPACES else ord(char) for char in cluster if char not in _INVISIBLE}
    for face in first_choice(typeface.fonts, typeface.family, typeface.weight):
        if needed <= face.characters:
            return face
    for face in last_resort(typeface.listed, typeface.weight) if typeface.listed else ():
        if needed <= face.characters:
            return face
    return None


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Base characters with the marks, joiners and selectors that belong to them."""
    start = 0
    for index in range(1, len(text)):
        char = text[index]
        if not (unicodedata.combining(char) or char in _INVISIBLE or unicodedata.category(char) in ("Mn", "Mc", "Me")):
            yield start, index
            start = index
    yield start, len(text)


def _levels(text: str, rtl: bool) -> list[int]:
    """Embedding level of every character by the Unicode bidirectional algorithm."""
    storage = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = int(rtl), "R" if rtl else "L"
    algorithm.get_embedding_levels(text, storage)
    for index, char in enumerate(storage["chars"]):
        char["index"] = index
        if char["type"] in _ISOLATES:
            char["type"] = "BN"
    for resolve in ("explicit_embed_and_overrides", "resolve_weak_types", "resolve_neutral_types"):
        getattr(algorithm, resolve)(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    known = {char["index"]: char["level"] for char in storage["chars"]}
    levels: list[int] = []
    for index in range(len(text)):
        levels.append(known.get(index, levels[-1] if levels else int(rtl)))
    return levels


def _runs(text: str, typeface: Typeface, rtl: bool) -> list[_Run]:
    """Stretches of one face, script and level, in logical order. Raises: MissingGlyphs."""
    first = first_choice(typeface.fonts, typeface.family, typeface.weight)[0]
    if text.isascii() and first.characters.issuperset(map(ord, text)):
        return [_Run(0, len(text), first, "Latn", 0)]
    levels = _levels(text, rtl) if _RTL_LETTER.search(text) else [0] * len(text)
    runs: list[_Run] = []
    missing: dict[str, None] = {}
    for start, end in _clusters(text):
        cluster = text[start:end]
        last = runs[-1] if runs else None
        script = _script(text[start])
        if script in ("Zyyy", "Zinh"):
            script = last.script if last else "Zyyy"
        # A space stays with the word before it: a change of face there would only cut its kerning.
        alike = last and cluster in (" ", "\u00a0") and ord(" ") in last.face.characters
        face = last.face if last and alike else _face_for(cluster, typeface)
        if face is None:
            missing[cluster] = None
        elif last and (last.face, last.level) == (face, levels[start]) and script in (last.script, "Zyyy"):
            runs[-1] = _Run(last.start, end, face, last.script, last.level)
        elif last and last.script == "Zyyy" and (last.face, last.level) == (face, levels[start]):
            runs[-1] = _Run(last.start, end, face, script, last.level)
        else:
            runs.append(_Run(start, end, face, script, levels[start]))
    if missing:
        raise MissingGlyphs(_missing(tuple(missing), typeface))
    return runs


def _missing(clusters: tuple[str, ...], typeface: Typeface) -> str:
    """The sentence for characters that nothing at hand draws."""
    shown = ", ".join(f"{part!r} ({_code(part)})" for part in clusters[:6]) + (", …" if len(clusters) > 6 else "")
    names = sorted({scripts.script_name(_script(part[0])).replace("_", " ") for part in clusters})
    return (
        f"no font at hand draws {shown}; script: {', '.join(names)}. Add a font that has them to `fonts` in "
        f"brand.yaml, or name a folder of fonts in {FONTS_VARIABLE}, or write the text without them"
    )


def _code(cluster: str) -> str:
    return " ".join(f"U+{ord(char):04X}" for char in cluster)


def _shape(text: str, run: _Run, typeface: Typeface) -> tuple[uharfbuzz.Buffer, float]:
    """HarfBuzz's answer for one run, in visual order, and the tracking of its script."""
    buffer = uharfbuzz.Buffer()
    # The whole text is the context, so that letters join across a change of face.
    buffer.add_str(text, run.start, run.end - run.start)
    buffer.direction = "rtl" if run.level % 2 else "ltr"
    buffer.script = run.script
    buffer.language = typeface.locale.replace("_", "-")
    tracking = typeface.tracking_em if run.script in _LOOSE else 0.0
    # Letters pushed apart must not stay glued in a ligature.
    uharfbuzz.shape(run.face.shaper, buffer, {"liga": False, "clig": False} if tracking > 0 else {})
    return buffer, tracking


@lru_cache(maxsize=8192)
def advances(text: str, typeface: Typeface) -> Advances:
    """Width of every character (0 for all but the first of a cluster), top and bottom of the ink. Cached.

    Raises: MissingGlyphs, BadMedia (a broken font), NotAvailable (a family that is not installed).
    """
    widths = [0.0] * len(text)
    top = bottom = 0.0
    for run in _runs(text, typeface, is_rtl(text, typeface.locale)):
        buffer, tracking = _shape(text, run, typeface)
        upem, extents = run.face.upem, run.face.extents
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            advance = position.x_advance / upem
            widths[info.cluster] += advance + tracking if advance else 0.0
            ink = extents(info.codepoint)
            lift = position.y_offset / upem
            top, bottom = max(top, ink[1] + lift), min(bottom, ink[3] + lift)
    return Advances(tuple(widths), top, bottom)


@lru_cache(maxsize=1024)
def shape(text: str, typeface: Typeface) -> Line:
    """One line of clean text as glyphs in visual order. Raises as `advances` does."""
    glyphs: list[Glyph] = []
    x = 0.0
    left, top, right, bottom = [], [0.0], [], [0.0]
    for run in _visual(_runs(text, typeface, is_rtl(text, typeface.locale))):
        buffer, tracking = _shape(text, run, typeface)
        upem = run.face.upem
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyph = Glyph(run.face, info.codepoint, x + position.x_offset / upem, position.y_offset / upem)
            glyphs.append(glyph)
            ink = run.face.extents(info.codepoint)
            if ink[2] > ink[0]:
                left.append(glyph.x_em + ink[0])
                right.append(glyph.x_em + ink[2])
                top.append(glyph.y_em + ink[1])
                bottom.append(glyph.y_em + ink[3])
            x += position.x_advance / upem + (tracking if position.x_advance else 0.0)
    return Line(tuple(glyphs), x, min(left, default=0.0), max(top), max(right, default=0.0), min(bottom))


def _visual(runs: list[_Run]) -> list[_Run]:
    """Rule L2: from the highest level down, turn round every stretch at that level or above."""
    order = list(runs)
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and order[end].level >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = max(end, start + 1)
    return order
