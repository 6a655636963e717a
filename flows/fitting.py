"""Whether texts fit, asked about tens of thousands of them: shape as few as possible, say the same as shaping all.

Two savings, both held to the plain answer by tests. Of several picture sizes only the tightest are asked: what fits
there fits where there is more room. And a text of ordinary Latin letters fits when the same words spelt with the
widest letters, and the tallest before them, fit: one answer serves all texts with words of the same lengths. Whatever
that does not settle is asked itself, and so is every text of a brand with fonts of its own. Knows no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.placements import Rendition, safe_box

ORDINARY = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?¿¡'’-+()/$€£\u00a0"
    "áàâäãåéèêëíìîïóòôöõúùûüñçÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇß"
)
#: Nothing in `ORDINARY` is wider than the wider of these, nor taller or deeper than something in `TALLEST`, in any
#: packaged family (a test measures it).
WIDEST, TALLEST = ("W", "m"), "ÅÌÊgÇ"
_KEPT = 50_000

#: Code, sentence, fix.
Complaint = tuple[str, str, str]


@dataclass(slots=True)
class _Place:
    """What is known about one kind of text in one locale, for one choice of picture sizes."""

    kind: str
    locale: str
    #: The sizes that have to be asked.
    renditions: tuple[str, ...]
    #: Characters that were drawn.
    drawn: set[str] = field(default_factory=set)
    #: Lengths of words -> whether they fit in the widest letters.
    wide: dict[tuple[int, ...], bool] = field(default_factory=dict)
    answers: dict[str, Complaint | None] = field(default_factory=dict)


class Fitting:
    """Answers for one brand, kept while they are useful."""

    def __init__(
        self,
        check_text: Callable[[str, str, Any, Any, Any, str], None],
        renditions: Mapping[str, Rendition],
        brand: Any,
    ) -> None:
        self._check_text, self._renditions, self._brand = check_text, renditions, brand
        self._boxes: dict[str, tuple[Any, Any]] = {}
        self._places: dict[tuple[str, str, tuple[str, ...]], _Place] = {}

    def complaint(self, kind: str, text: str, renditions: tuple[str, ...], locale: str) -> Complaint | None:
        """Why a text cannot be drawn as this kind at all these sizes; None when it can."""
        place = self._places.get((kind, locale, renditions))
        if place is None:
            place = _Place(kind, locale, self._tightest(kind, renditions))
            self._places[kind, locale, renditions] = place
        characters = set(text)
        if characters <= place.drawn and not self._brand.fonts and self._fits_wide(place, text):
            return None
        if text not in place.answers:
            if len(place.answers) >= _KEPT:
                place.answers.clear()
            place.answers[text] = self.ask(kind, text, place.renditions, locale)
            if place.answers[text] is None:
                place.drawn |= characters & ORDINARY
        return place.answers[text]

    def ask(self, kind: str, text: str, renditions: tuple[str, ...], locale: str) -> Complaint | None:
        """The plain answer: every size, the text itself."""
        return next(filter(None, (self._ask(kind, text, rendition, locale) for rendition in renditions)), None)

    def _fits_wide(self, place: _Place, text: str) -> bool:
        lengths = tuple(map(len, text.split(" ")))
        if lengths not in place.wide:
            spelt = (TALLEST + " ".join(letter * length for length in lengths) for letter in WIDEST)
            wrong = [self.ask(place.kind, text, place.renditions, place.locale) for text in spelt]
            place.wide[lengths] = not any(wrong)
        return place.wide[lengths]

    def _ask(self, kind: str, text: str, rendition: str, locale: str) -> Complaint | None:
        from generation.errors import GenerationError, MissingGlyphs, TextDoesNotFit

        try:
            self._check_text(kind, text, *self._box(rendition), self._brand, locale)
        except TextDoesNotFit as error:
            fix = f"Shorten it to about {error.fits_characters} characters"
            return (error.code, f"the text is too long for its place at {rendition}: {error}", fix)
        except MissingGlyphs as error:
            return (error.code, str(error), "Name a font that has these characters under `fonts:` in brand.yaml")
        except ValueError as error:
            return ("unknown_layer", str(error), "Correct the layer in template.yaml")
        except GenerationError as error:
            return (error.code, str(error), "Check the fonts in brand.yaml")
        return None

    def _box(self, rendition: str) -> tuple[Any, Any]:
        """Size and safe box of a rendition, as `generation` has them."""
        from generation.spec import Box, Size

        if rendition not in self._boxes:
            found = self._renditions[rendition]
            self._boxes[rendition] = (Size(found.width, found.height), Box(*safe_box(found)))
        return self._boxes[rendition]

    def _tightest(self, kind: str, renditions: tuple[str, ...]) -> tuple[str, ...]:
        """The sizes of which none leaves more room than another, in letters of the smallest size."""
        rooms: dict[tuple[float, float, int], str] = {}
        for rendition in renditions:
            rooms.setdefault(self._room(kind, rendition), rendition)
        return tuple(
            name for mine, name in rooms.items() if not any(_within(other, mine) for other in rooms if other != mine)
        )

    def _room(self, kind: str, rendition: str) -> tuple[float, float, int]:
        """Width and height in units of the smallest letter size, and lines; rounded, as sizes come from divisions."""
        from generation.layers.grid import grid
        from generation.layers.kinds import STYLES, setting_of

        if kind not in STYLES:
            return (0.0, 0.0, 0)  # one size is enough to be told so
        setting, width, height = setting_of(kind, grid(*self._box(rendition)))
        return (round(width / setting.smallest_px, 6), round(height / setting.smallest_px, 6), setting.lines)


def _within(inner: tuple[float, float, int], outer: tuple[float, float, int]) -> bool:
    return all(mine <= other for mine, other in zip(inner, outer, strict=True))
