"""Chords for the beds: names to notes, and voicings that move as little as possible.

Notes are MIDI numbers (60 is middle C). Knows no sound and no time.
"""

from __future__ import annotations

import re
from itertools import pairwise, product

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
}
_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
#: Steps of the scale above the chord's own degree.
_STACKS = {
    "": (0, 2, 4),
    "7": (0, 2, 4, 6),
    "9": (0, 2, 6, 8),
    "add9": (0, 2, 4, 8),
    "sus2": (0, 1, 4),
    "sus4": (0, 3, 4),
}
_NAME = re.compile(r"^([iv]+|[IV]+)(7|9|add9|sus2|sus4)?$")
#: Where a pad neither growls nor covers a voice's consonants.
_LOWEST, _HIGHEST, _CENTRE = 50, 76, 62


def chord(name: str, mode: str, key: int) -> tuple[int, ...]:
    """Pitch classes of a chord name, root first: `chord("vi7", "major", 0)` -> A C E G as (9, 0, 4, 7)."""
    match = _NAME.match(name)
    if not match or match[1].lower() not in _DEGREES:
        raise ValueError(f"{name!r} is not a chord name; Roman numeral, then nothing or {', '.join(_STACKS)[2:]}")
    degree, scale = _DEGREES.index(match[1].lower()), MODES[mode]
    return tuple((key + scale[(degree + step) % 7]) % 12 for step in _STACKS[match[2] or ""])


def _voicings(classes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All ways to lay the pitch classes in the range without holes; a triad doubles its root.

    The lowest two stay a whole tone apart or they growl; higher up a ninth may rub against a third. Forbidding that as
    well made the voices leap: 21 semitones in all at worst, against 15.
    """
    parts = classes if len(classes) > 3 else (*classes, classes[0])
    choices = [[note for note in range(_LOWEST, _HIGHEST + 1) if note % 12 == part] for part in parts]
    found = {tuple(sorted(notes)) for notes in product(*choices)}
    return sorted(
        notes
        for notes in found
        if notes[1] - notes[0] >= 2
        and all(1 <= high - low <= 9 for low, high in pairwise(notes))
        and notes[-1] - notes[0] <= 17
    )


def voice(classes: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
    """Four notes for a chord, each voice as close as possible to where it was in `before`."""

    def cost(notes: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        drift = abs(sum(notes) / 4 - _CENTRE)
        moved = sum(abs(a - b) for a, b in zip(notes, before, strict=True)) if before else 0
        return (moved + 0.5 * drift if before else drift), notes

    return min(_voicings(classes), key=cost)


def bass_note(classes: tuple[int, ...]) -> int:
    """The root between F1 and E2: low, and still there on a telephone's speaker through its harmonics."""
    return 29 + (classes[0] - 29) % 12


def spread(progression: tuple[str, ...], final: str, bars: int) -> tuple[str, ...]:
    """One chord for each bar: begins with the progression's first, ends on `final`, with its last one before that."""
    if bars <= 2:
        return (progression[-1], final)[2 - bars :]
    # Counted backwards, so that the last chord before the end is the one that leads home.
    body = [progression[-1 - bar % len(progression)] for bar in range(bars - 2)]
    return (progression[0], *reversed(body), final)
