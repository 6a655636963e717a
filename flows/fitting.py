"""Whether texts fit, asked about tens of thousands of them: shape as few as possible, say the same as shaping all.

A text of ordinary Latin letters fits when the same words spelt with the widest letter fit, so one answer serves every
text with words of the same lengths. Whatever the wide spelling does not settle is asked itself, and so is every text
of a brand with fonts of its own: their widest letter is anybody's guess. Knows no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flows.placements import Rendition, safe_box

#: Nothing in `_ORDINARY` is wider than the wider of these in any packaged family (a test measures it).
_WIDEST = ("W", "m")
_ORDINARY = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?¿¡'’-+()/$€£\u00a0"
    "áàâäãåéèêëíìîïóòôöõúùûüñçÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇß"
)
_KEPT = 50_000

Complaint = tuple[str, str, str]


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
        self._answers: dict[tuple[str, str, str, str], Complaint | None] = {}
        #: (kind, rendition, locale) -> lengths of words that fit in the widest letter; characters that were drawn.
        self._wide: dict[tuple[str, str, str], dict[tuple[int, ...], bool]] = {}
        self._drawn: dict[tuple[str, str, str], set[str]] = {}

    def complaint(self, kind: str, text: str, rendition: str, locale: str) -> Complaint | None:
        """Why a text cannot be drawn as this kind: code, sentence, fix; None when it can."""
        place = (kind, rendition, locale)
        characters = set(text)
        drawn = self._drawn.setdefault(place, set())
        if characters <= drawn and not self._brand.fonts and self._fits_wide(place, text):
            return None
        key = (*place, text)
        if key not in self._answers:
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[key] = self._ask(place, text)
            if self._answers[key] is None:
                drawn |= characters & _ORDINARY
        return self._answers[key]

    def _fits_wide(self, place: tuple[str, str, str], text: str) -> bool:
        lengths = tuple(map(len, text.split(" ")))
        known = self._wide.setdefault(place, {})
        if lengths not in known:
            spelt = (" ".join(letter * length for length in lengths) for letter in _WIDEST)
            known[lengths] = all(self._ask(place, text) is None for text in spelt)
        return known[lengths]

    def _ask(self, place: tuple[str, str, str], text: str) -> Complaint | None:
        from generation.errors import GenerationError, MissingGlyphs, TextDoesNotFit

        kind, rendition, locale = place
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
