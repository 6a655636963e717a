"""Whether the disclosure label is really on a finished film: there, whole, inside the safe box, legible. By its pixels.

The label is laid out and drawn anew, by the code that drew it, and laid over frames of the film at the place where it
must be (`sight.py`). Compression and scaling do not matter; another text, a box over it, a crop do. Knows no rule and
no platform: what must be there is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.layers.kinds import LABEL_FLOOR
from generation.marks.sight import LEAST_ALIKE, LEAST_PIECE, Drawn, ExpectedLabel, Sight, draw_label, look, same_shape
from generation.media.glimpse import glimpses
from generation.spec import Box, Size

__all__ = ["ExpectedLabel", "LabelProof", "prove_label"]

#: Contrast of WCAG 2 AA, as `layers/colour.py` has it.
LEAST_CONTRAST = 4.5


@dataclass(frozen=True, slots=True)
class LabelProof:
    """What was found. `passed` is all of it; `reason` is a sentence, "" where nothing is wrong."""

    found: bool
    inside: bool
    legible: bool
    #: Least likeness of the letters over all frames, -1 to 1.
    score: float
    #: Where it was seen, in pixels of the film.
    box: Box | None
    #: Least contrast of letters and ground over all frames.
    contrast: float
    #: Size of the type as a part of the film's short side.
    type_size: float
    #: Moments in seconds that were looked at.
    frames_checked: tuple[float, ...]
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the label is there as it must be."""
        return self.found and self.inside and self.legible

    def as_json(self) -> dict[str, object]:
        """The facts for a record."""
        box = [self.box.x, self.box.y, self.box.width, self.box.height] if self.box else None
        return {
            "passed": self.passed,
            "reason": self.reason,
            "found": self.found,
            "inside": self.inside,
            "legible": self.legible,
            "score": round(self.score, 3),
            "box": box,
            "contrast": round(self.contrast, 2),
            "type_size": round(self.type_size, 4),
            "seconds_checked": [round(moment, 3) for moment in self.frames_checked],
        }


def prove_label(film: Path, expected: ExpectedLabel) -> LabelProof:
    """Look for the label in the film's first, middle and last frames that must show it.

    Raises: BadMedia when the film cannot be read; what the layout raises for a text that it cannot set.
    """
    start, end = (float(frame / expected.fps) for frame in expected.frames)
    drawn: Drawn | None = None
    sights: list[Sight] = []
    for moment, planes in glimpses(film, start, end):
        size = Size(planes.y.shape[1], planes.y.shape[0])
        if drawn is None:
            if not same_shape(size, expected.size):
                return _missing(f"the film is {size} and the label was drawn for {expected.size}: it has been cropped")
            drawn = draw_label(expected, size)
        sights.append(look(planes.y, drawn, moment))
    if drawn is None:
        return _missing("the film has no frame that could show the label")
    if max(sight.moment for sight in sights) < end - 1.5:
        sights.append(Sight(end, drawn.box, 0.0, 0.0, 0.0, 0.0))  # the film ends before its label does
    return _verdict(expected, drawn, sights)


# --- what follows from it -----------------------------------------------------------------------------------------


def _verdict(expected: ExpectedLabel, drawn: Drawn, sights: Sequence[Sight]) -> LabelProof:
    """All frames together: each has to show the label."""
    weakest = min(sights, key=lambda sight: min(sight.alike - LEAST_ALIKE, sight.piece - LEAST_PIECE))
    found = weakest.whole
    contrast = min(sight.contrast for sight in sights)
    outside = next((sight for sight in sights if not _within(sight.box, expected.safe, drawn.scale)), None)
    legible = contrast >= LEAST_CONTRAST and drawn.type_size >= 0.99 * LABEL_FLOOR
    reason = ""
    if not found:
        reason = _not_found(weakest, drawn)
    elif outside is not None:
        box = outside.box
        reason = (
            f"at {outside.moment:.1f} s the label stands at {box.x}, {box.y}, outside the box that the app leaves free"
        )
    elif not legible:
        reason = f"its contrast is {contrast:.1f}, and {LEAST_CONTRAST:g} is the least that is legible"
    return LabelProof(
        found=found,
        inside=found and outside is None,
        legible=found and legible,
        score=min(sight.alike for sight in sights),
        box=sights[0].box if found else None,
        contrast=contrast,
        type_size=drawn.type_size,
        frames_checked=tuple(sight.moment for sight in sights),
        reason=reason,
    )


def _within(box: Box, safe: Box, scale: float) -> bool:
    """Whether a box of the film lies in a box of the master, by a pixel more or less."""
    x, y, right, bottom = (scale * edge for edge in (safe.x, safe.y, safe.right, safe.bottom))
    return box.x >= x - 1 and box.y >= y - 1 and box.right <= right + 1 and box.bottom <= bottom + 1


def _not_found(sight: Sight, drawn: Drawn) -> str:
    """What a weak sight means, as a sentence."""
    place = f"at {sight.moment:.1f} s"
    if sight.alike < LEAST_ALIKE:
        box = drawn.box
        return f"{place} the label's text is not at {box.x}, {box.y} and nowhere else (likeness {sight.alike:.2f})"
    return (
        f"{place} the label is not whole: its letters are missing or covered from {sight.piece_at:.0%} of its width on"
    )


def _missing(reason: str) -> LabelProof:
    return LabelProof(False, False, False, 0.0, None, 0.0, 0.0, (), reason)
