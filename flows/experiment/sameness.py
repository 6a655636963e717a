"""Whether an A and a B differ as they were meant to: warnings about finished variants, never a refusal.

Two that look alike test nothing, say some of those who run ads; others disagree, so that this is a warning. A factor of
words that changed the picture as well tests two things at once. Compared are the posters of one placement of each
creative with its control's; frames of the films where the posters are alike and the words are not.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flows.deliveries import FINISHED_STATES, DeliveryRecord

#: Below this nobody sees the difference at a glance: another headline is 0.09 apart, another look 0.30.
ALIKE = 0.02
#: Pairs that are looked at, 12 ms each; the others are counted.
MOST_PAIRS = 300


@dataclass(frozen=True, slots=True)
class Pair:
    """A variant and its control on one placement."""

    creative_id: str
    control_id: str
    placement: str
    differs_in: str
    #: 0 is the same picture, 1 has nothing in common.
    distance: float
    texts_differ: bool
    sound_differs: bool
    #: Whether the footage below the texts is another.
    picture_differs: bool

    @property
    def warning(self) -> str:
        """What is odd about the pair: alike, two_things, or ""."""
        if self.differs_in not in ("look", "several") and self.texts_differ and self.picture_differs:
            return "two_things"
        heard_only = self.sound_differs and not self.texts_differ and not self.picture_differs
        return "alike" if self.distance < ALIKE and not heard_only else ""


@dataclass(frozen=True, slots=True)
class Sameness:
    """All pairs of a run that were compared."""

    pairs: tuple[Pair, ...]
    #: Pairs there are.
    of: int

    def sentences(self) -> tuple[str, ...]:
        """Warnings for the report, one for each kind and factor."""
        found = Counter((pair.warning, pair.differs_in) for pair in self.pairs if pair.warning)
        part = f" ({len(self.pairs)} of {self.of} pairs were compared)" if len(self.pairs) < self.of else ""
        return tuple(self._sentence(kind, factor, count) + part for (kind, factor), count in sorted(found.items()))

    def _sentence(self, kind: str, factor: str, count: int) -> str:
        mine = [pair for pair in self.pairs if (pair.warning, pair.differs_in) == (kind, factor)]
        by_distance = sorted(mine, key=lambda pair: pair.distance)
        example = by_distance[0 if kind == "alike" else -1]
        named = f"{example.creative_id} and {example.control_id}, distance {example.distance:.3f} of 1"
        films = "1 pair" if count == 1 else f"{count} pairs"
        if kind == "alike":
            return f"A/B: {films} that differ in {factor} look alike ({named}): a test may find nothing to find"
        return (
            f"A/B: {films} differ in {factor}, and the picture changed with the words ({named}): what works cannot be"
            " told apart"
        )

    def as_json(self) -> dict[str, object]:
        """For the manifest: how far apart the variants are, by factor."""
        factors: dict[str, list[float]] = {}
        for pair in self.pairs:
            factors.setdefault(pair.differs_in, []).append(pair.distance)
        return {
            "compared": len(self.pairs),
            "pairs": self.of,
            "alike_below": ALIKE,
            "distance": {
                name: {
                    "least": round(min(values), 4),
                    "mean": round(sum(values) / len(values), 4),
                    "most": round(max(values), 4),
                }
                for name, values in sorted(factors.items())
            },
            "warnings": list(self.sentences()),
        }


def compare_variants(folder: Path, records: Iterable[DeliveryRecord]) -> Sameness:
    """Compare the finished variants in OUT/<campaign>/ with their controls. What cannot be read is left out."""
    finished = {record.key: record for record in records if record.status in FINISHED_STATES}
    first: dict[str, tuple[DeliveryRecord, DeliveryRecord]] = {}
    for record in finished.values():
        control = finished.get((record.control_id, record.placement))
        if record.differs_in and control is not None:
            first.setdefault(record.creative_id, (record, control))
    chosen = sorted(first.values(), key=lambda pair: _order(pair[0].creative_id))[:MOST_PAIRS]
    eyes = _Eyes(folder)
    compared = [pair for one, control in chosen if (pair := eyes.pair(one, control)) is not None]
    return Sameness(tuple(sorted(compared, key=lambda pair: pair.creative_id)), len(first))


def _order(creative_id: str) -> str:
    """The same choice on every run, spread over all rows."""
    return hashlib.sha256(creative_id.encode()).hexdigest()


class _Eyes:
    """Looks at posters and facts, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sketches: dict[Path, Any] = {}

    def pair(self, one: DeliveryRecord, control: DeliveryRecord) -> Pair | None:
        """Two ads compared; None where a poster or the facts cannot be read."""
        from generation.errors import BadMedia
        from generation.likeness import distance

        facts, reference = self._facts(one), self._facts(control)
        films = [self._film(record) for record in (one, control)]
        if not facts or not reference or films[0] is None or films[1] is None:
            return None
        texts = facts.get("layers") != reference.get("layers")
        try:
            apart = distance(*(self._sketch(film.with_suffix(".jpg")) for film in films if film))
            if apart < ALIKE and texts:
                apart = max(apart, *self._in_motion(films[0], films[1], one.film_seconds or 0.0))
        except BadMedia:
            return None
        return Pair(
            creative_id=one.creative_id,
            control_id=control.creative_id,
            placement=one.placement,
            differs_in=one.differs_in,
            distance=apart,
            texts_differ=texts,
            sound_differs=any(facts.get(name) != reference.get(name) for name in ("music", "voice")),
            picture_differs=_plate(facts) != _plate(reference),
        )

    def _sketch(self, poster: Path) -> Any:
        from generation.likeness import sketch_of

        if poster not in self._sketches:
            self._sketches[poster] = sketch_of(poster)
        return self._sketches[poster]

    def _in_motion(self, one: Path, control: Path, seconds: float) -> list[float]:
        """Distances of a few moments of both films: a poster shows one, and words come and go."""
        from generation.likeness import distance, sketches_of_film

        frames = zip(sketches_of_film(one, seconds), sketches_of_film(control, seconds), strict=False)
        return [distance(first, second) for first, second in frames] or [0.0]

    def _film(self, record: DeliveryRecord) -> Path | None:
        path = PurePosixPath(record.path)
        outside = not record.path or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
        return None if outside else self._folder / path

    def _facts(self, record: DeliveryRecord) -> Mapping[str, Any]:
        film = self._film(record)
        if film is not None:
            with suppress(OSError, ValueError):
                found = json.loads(film.with_suffix(".json").read_text("utf-8"))
                return found if isinstance(found, dict) else {}
        return {}


def _plate(facts: Mapping[str, Any]) -> object:
    """What is behind the words: the key of the joined footage."""
    steps = facts.get("steps")
    return steps.get("plate") if isinstance(steps, dict) else None
