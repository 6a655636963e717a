"""What is planned of one creative, as values: its films, each a master and the placements that it serves.

`plan.py` makes them; the production, the results and the estimate read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flows.disclosure import Disclosure
from flows.model import Creative
from flows.steps import DeliveryStep, DraftStep, MasterStep, Step, SurvivalStep


@dataclass(frozen=True, slots=True)
class Film:
    """One master of a creative and the placements that it serves."""

    rendition: str
    size: tuple[int, int]
    frames: int
    master: MasterStep
    deliveries: tuple[DeliveryStep, ...]
    disclosures: tuple[Disclosure, ...]
    #: What is made of the deliveries besides: drafts for reviewers, what is left of marks after another encode.
    further: tuple[DraftStep | SurvivalStep, ...] = ()
    #: Small and quick, for looking at; never published.
    draft: bool = False


@dataclass(frozen=True, slots=True)
class CreativePlan:
    """A creative and all of its films."""

    creative: Creative
    films: tuple[Film, ...]

    def steps(self) -> Iterator[Step]:
        """Every step behind this creative, each before those that build on it; shared ones may come twice."""
        for film in self.films:
            for shot in film.master.plate.footage:
                yield from shot.encoded
                yield shot
            yield from film.master.plate.conformed
            yield film.master.plate
            if film.master.content:
                yield film.master.content
            if film.master.voice:
                yield film.master.voice
            yield film.master
            for delivery in film.deliveries:
                if delivery.track:
                    yield from (step for step in (delivery.track.mix.bed, delivery.track.mix) if step)
                    yield delivery.track
                yield delivery.package
                yield delivery
            yield from film.further
