"""Films that are not finished: taken in with what they need, what of them can still be made, what became of them.

A creative is complete when the last of its films has ended, however that was; nothing of it is kept here afterwards.
Starts and repeats nothing (`produce.py`, `settling.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from flows.faults import BUDGET
from flows.film_plan import CreativePlan, Film
from flows.graph import JobGraph, Node
from flows.jobs import INTERNAL_FIX, Failure, FilmJob, Outcome, PlateJob
from flows.ledger import Finished
from flows.steps import DeliveryStep


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one placement of a creative."""

    film: Film
    step: DeliveryStep
    finished: Finished | None
    failure: Failure | None
    attempts: int
    #: True when nothing had to be made for it in this run.
    cached: bool


@dataclass(frozen=True, slots=True)
class CreativeResult:
    """A creative with one `Delivered` for each of its placements, in the plan's order."""

    plan: CreativePlan
    delivered: tuple[Delivered, ...]


@dataclass(slots=True)
class Pending:
    """A creative with unfinished films."""

    plan: CreativePlan
    open_films: set[str] = field(default_factory=set)
    delivered: dict[str, Delivered] = field(default_factory=dict)

    def result(self) -> CreativeResult:
        """The creative, complete."""
        return CreativeResult(self.plan, tuple(self.delivered[name] for name in self.plan.creative.placements))


@dataclass(frozen=True, slots=True)
class OpenFilm:
    """A film that is not finished, whose it is, and the job that makes its sound, where one is needed."""

    pending: Pending
    film: Film
    sound: str | None


class OpenFilms:
    """Unfinished films by the identity of their job."""

    def __init__(self, graph: JobGraph) -> None:
        self._graph = graph
        self._films: dict[str, OpenFilm] = {}
        self._complete: list[Pending] = []
        self._order = count()

    def __contains__(self, identity: str) -> bool:
        return identity in self._films

    # -- taking a creative in ----------------------------------------------------------------------------------------

    def admit(self, plan: CreativePlan) -> Pending:
        """Find what of a creative is there, and register jobs for the rest."""
        pending = Pending(plan)
        unfinished = []
        for film in plan.films:
            found = [self._graph.found(step) for step in film.deliveries]
            # The poster and captions of a delivery lie in its package.
            beside = (*film.further, *(step.package for step in film.deliveries))
            if all(found) and all(self._graph.has(step) for step in beside):
                for step, finished in zip(film.deliveries, found, strict=True):
                    pending.delivered[step.placement] = Delivered(film, step, finished, None, 0, cached=True)
            else:
                unfinished.append(film)
        for films in _with_one_sound(unfinished):
            tracks = {step.track.key: step.track for film in films for step in film.deliveries if step.track}
            sound = self._graph.need_sound(films[0].master.voice, list(tracks.values()))
            for film in films:
                self._need(pending, film, sound)
        return pending

    def _need(self, pending: Pending, film: Film, sound: str | None) -> None:
        needs = {sound} if sound else set()
        plate = film.master.plate
        if not self._graph.has(film.master) and not self._graph.has(plate):
            needs.add(self._graph.need_plate(plate))
        job = FilmJob(film.master, film.deliveries, film.further)
        # Two creatives may ask for the same film (a row twice under two names): each gets a job of its own, and the
        # ledger lets the second find what the first made.
        identity = f"{job.id}#{next(self._order)}"
        self._films[identity] = OpenFilm(pending, film, sound)
        pending.open_films.add(identity)
        self._graph.add(job, needs, identity)

    # -- what can still be made --------------------------------------------------------------------------------------

    def left_of(self, identity: str, job: FilmJob) -> tuple[FilmJob | None, dict[str, Failure]]:
        """The job without the placements that cannot be made any more, and why those cannot; None when none is left."""
        lost = self._lost(self._films[identity])
        if not lost:
            return job, {}
        left = tuple(step for step in job.deliveries if step.placement not in lost)
        further = tuple(step for step in job.further if step.placement not in lost)
        return (replace(job, deliveries=left, further=further) if left else None), lost

    def _lost(self, open_film: OpenFilm) -> dict[str, Failure]:
        """Placements of a film that cannot be made any more, and why."""
        film = open_film.film
        sound = self._graph.ended.get(open_film.sound) if open_film.sound else None
        whole = self._graph.failure(PlateJob(film.master.plate).id) or self._graph.failure(open_film.sound)
        lost = {}
        for step in film.deliveries:
            own = sound.failures.get(step.track.key) if sound and step.track else None
            if whole or own:
                lost[step.placement] = whole or own
        return {name: failure for name, failure in lost.items() if failure}

    # -- what became of them -----------------------------------------------------------------------------------------

    def end(self, identity: str, node: Node, outcome: Outcome) -> None:
        """The job of a film has ended for good: its placements are there or have failed."""
        open_film = self._films.pop(identity)
        pending, film = open_film.pending, open_film.film
        lost = {**self._lost(open_film), **outcome.failures}
        made = {spent.key for spent in outcome.spent if not spent.cached}
        for step in film.deliveries:
            failure = outcome.failure or lost.get(step.placement)
            if failure and failure.fault == BUDGET and self._graph.found(step):
                failure = None  # it was there before, or was paid for
            finished = None if failure else self._graph.found(step)
            if not failure and not finished:
                failure = Failure("internal_error", "delivery", "the step ended without a result", INTERNAL_FIX)
            attempts = max(1, node.tries.begun)
            cached = step.key not in made
            pending.delivered[step.placement] = Delivered(film, step, finished, failure, attempts, cached)
        pending.open_films.discard(identity)
        if not pending.open_films:
            self._complete.append(pending)

    def take_complete(self) -> list[Pending]:
        """Creatives whose last film has ended since the last call."""
        done, self._complete = self._complete, []
        return done


def _with_one_sound(films: list[Film]) -> list[list[Film]]:
    """Films that one job makes the sound of: all of a creative, or each for itself where its shots have their own."""
    own = any(step.track and step.track.mix.stems for film in films for step in film.deliveries)
    return [[film] for film in films] if own else [films] if films else []
