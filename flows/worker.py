"""Does jobs in one process, with the functions of `creative.py` and `rendering.py`.

This is the one place where any exception is caught, because an item fails alone: it becomes a `Failure`. A batch that
fails is taken apart: what it had finished is kept, and the rest is tried one by one, so that one refused shot takes no
other with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from flows import creative, rendering, sealing
from flows.jobs import (
    Batch,
    ConformJob,
    EngineJob,
    Failure,
    FilmJob,
    FootageJob,
    Job,
    Outcome,
    PlateJob,
    PromptJob,
    SoundJob,
    Spent,
    Terms,
    failure_of,
    kind_of,
)
from flows.ledger import Finished
from flows.live import LiveFolder, WorkPulse
from flows.steps import (
    BedStep,
    DeliveryStep,
    DraftStep,
    FootageStep,
    PackageStep,
    PlateStep,
    PromptStep,
    Step,
    SurvivalStep,
    TrackStep,
    VoiceStep,
)
from flows.steps.files import with_files
from flows.stores.assets import as_planned, bring_asset
from flows.stores.shared import LedgerPlace, SharedLedger, open_ledger
from generation.media.life import Watch, watched

if TYPE_CHECKING:
    from generation.engines.contract import Engine

#: Codes of faults that every job of the batch would meet: trying them one by one would only take longer. An engine has
#: tried smaller batches, tiles and offloading before it says that memory does not suffice.
OF_ALL = frozenset({"out_of_memory", "not_available", "no_space", "worker_died", "budget_stopped"})

Failures = dict[str, Failure]
Some = TypeVar("Some")
CoreJob = SoundJob | FilmJob | ConformJob | PlateJob


class Stopped(Exception):
    """The run wants nothing more to be begun: not raised for what is under way."""

    code = "budget_stopped"


class Worker:
    """Does jobs in one process. Holds the loaded engine and voices between jobs."""

    def __init__(self, place: LedgerPlace) -> None:
        """Raises: BadInput for a store that cannot be opened from this machine."""
        self._ledger = open_ledger(place)
        self._brings_files = place.brings_files
        self._engines: dict[str, Engine] = {}
        self._take_on(Terms())

    def _take_on(self, terms: Terms) -> WorkPulse:
        """Show life under the name that goes with the work."""
        self._pulse = WorkPulse(LiveFolder(self._ledger.root), terms.sign, terms.node)
        self._watch = Watch(self._pulse.seen, terms.silence_seconds)
        return self._pulse

    def run(self, work: Job | Batch, terms: Terms = Terms()) -> Outcome:  # noqa: B008 - a frozen value
        """Do the job, or several; never raises for what goes wrong with an item."""
        pulse = self._take_on(terms)
        try:
            return replace(self._run(work), node=terms.node)
        finally:
            pulse.stop()

    def _run(self, work: Job | Batch) -> Outcome:
        spent: list[Spent] = []
        failures: Failures = {}
        if isinstance(work, Batch):
            self._with_engine(work.jobs, spent, failures)
        elif isinstance(work, PromptJob | FootageJob):
            self._with_engine((work,), spent, failures)
            failures = {"": failures[work.id]} if failures else {}
        else:
            self._on_a_core(work, spent, failures)
        return Outcome(tuple(spent), failures)

    def _here(self, job: Some) -> Some:
        """The job with the user's files on this machine. Raises: AssetChanged; errors of the store."""
        if not (self._brings_files and isinstance(self._ledger, SharedLedger)):
            return with_files(job, as_planned)
        return with_files(job, partial(bring_asset, self._ledger.mirror.store, self._ledger.root))

    # -- where an engine is loaded -----------------------------------------------------------------------------------

    def _with_engine(self, jobs: Sequence[EngineJob], spent: list[Spent], failures: Failures) -> None:
        """All jobs in one call of the engine; after a fault, what is left of them one by one."""
        left = {job.step.key: job for job in jobs}

        def note(step: Step, made: Finished) -> None:
            _note(spent, step, made)
            del left[step.key]
            if not made.cached:
                self._pulse.made(made.seconds, made.cpu_seconds)
            if left and step.kind == "footage" and self._pulse.is_to_stop():
                raise Stopped("the run told it to begin no other shot")

        alone = False
        while left:
            now = list(left.values())[: 1 if alone else None]
            faults: Failures = {}
            if self._attempt("", now[0].step.kind, partial(self._call, now, note), faults):
                continue  # what another run was making just then is still left
            rest = [job for job in now if job.step.key in left]
            if len(rest) > 1 and faults[""].code not in OF_ALL:
                alone = True
                continue
            for job in rest:
                failures[job.id] = faults[""]
                del left[job.step.key]

    def _call(self, jobs: Sequence[EngineJob], note: Callable[[Step, Finished], None]) -> None:
        from generation.engines import get_engine

        jobs = [self._here(job) for job in jobs]
        name = jobs[0].step.engine
        engine = self._engines.get(name) or self._engines.setdefault(name, get_engine(name))
        shots = [job.step for job in jobs if isinstance(job.step, FootageStep)]
        texts = [job.step for job in jobs if isinstance(job.step, PromptStep)]
        if texts:
            rendering.encode(self._ledger, engine, texts, note)
        if shots:
            rendering.render(self._ledger, engine, shots, note)

    # -- on a core ---------------------------------------------------------------------------------------------------

    def _on_a_core(self, job: CoreJob, spent: list[Spent], failures: Failures) -> None:
        here: list[CoreJob] = []
        if not self._attempt("", kind_of(job), lambda: here.append(self._here(job)), failures):
            return
        work = here[0]
        if isinstance(work, SoundJob):
            self._sound(work, spent, failures)
        elif isinstance(work, FilmJob):
            self._film(work, spent, failures)
        else:
            self._picture(work, spent, failures)

    def _picture(self, job: ConformJob | PlateJob, spent: list[Spent], failures: Failures) -> None:
        step, ledger = job.step, self._ledger

        def make() -> None:
            if isinstance(step, PlateStep):
                _note(spent, step, creative.make_plate(ledger, step))
            else:
                _note(spent, step, creative.make_conform(ledger, step))

        self._attempt("", step.kind, make, failures)

    def _sound(self, job: SoundJob, spent: list[Spent], failures: Failures) -> None:
        ledger, voice = self._ledger, job.voice
        if voice:

            def speak(step: VoiceStep = voice) -> None:
                from audio.voices import get_voice

                _note(spent, step, creative.make_voice(ledger, step, get_voice(step.voice)))

            if not self._attempt("", "voice", speak, failures):
                return
        for track in job.tracks:
            self._track(track, spent, failures)

    def _track(self, track: TrackStep, spent: list[Spent], failures: Failures) -> None:
        ledger, mix, bed = self._ledger, track.mix, track.mix.bed
        found: list[Finished] = []

        def look() -> None:
            found.extend(filter(None, [ledger.find(track.kind, track.key)]))

        def compose(step: BedStep) -> None:
            _note(spent, step, creative.make_bed(ledger, step))

        def mix_down() -> None:
            _note(spent, mix, creative.make_mix(ledger, mix))

        def encode() -> None:
            _note(spent, track, creative.make_track(ledger, track))

        if self._attempt(track.key, "track", look, failures) and found:
            _note(spent, track, found[0])
            return
        makes: list[tuple[str, Callable[[], None]]] = [
            *([("bed", partial(compose, bed))] if bed else []),
            ("mix", mix_down),
            ("track", encode),
        ]
        all(self._attempt(track.key, kind, make, failures) for kind, make in makes if track.key not in failures)

    def _film(self, job: FilmJob, spent: list[Spent], failures: Failures) -> None:
        ledger, master = self._ledger, job.master
        wanted = (*job.deliveries, *(step.package for step in job.deliveries), *job.further)
        there = [(step, ledger.find(step.kind, step.key)) for step in wanted]
        if all(found for _, found in there):
            for step, found in there:
                _note(spent, step, found)  # type: ignore[arg-type]  # all of them are there
            return
        content = master.content
        if content and not self._attempt(
            "", "content", lambda: _note(spent, content, creative.make_content(ledger, content)), failures
        ):
            return
        if not self._attempt(
            "", "master", lambda: _note(spent, master, creative.make_master(ledger, master)), failures
        ):
            return
        for delivery in job.deliveries:

            def package(step: PackageStep = delivery.package) -> None:
                _note(spent, step, creative.make_package(ledger, step))

            def deliver(step: DeliveryStep = delivery) -> None:
                _note(spent, step, sealing.make_delivery(ledger, step))

            place = delivery.placement
            further = [step for step in job.further if step.placement == place]
            done = self._attempt(place, "package", package, failures)
            done = done and self._attempt(place, "delivery", deliver, failures)
            for step in further if done else ():
                self._attempt(place, step.kind, partial(self._further, step, spent), failures)

    def _further(self, step: DraftStep | SurvivalStep, spent: list[Spent]) -> None:
        make = sealing.make_draft if isinstance(step, DraftStep) else sealing.make_survival
        _note(spent, step, make(self._ledger, step))  # type: ignore[arg-type]  # each takes its own kind

    def _attempt(self, concerns: str, step: str, work: Callable[[], None], failures: Failures) -> bool:
        """Run `work`; an exception becomes the failure of what it concerns. True when it went well."""
        self._pulse.begin(step)
        try:
            with watched(self._watch):
                work()
        except Exception as error:  # noqa: BLE001 - the one per-item boundary: an item fails alone
            failures[concerns] = failure_of(error, step)
            return False
        return True


def _note(spent: list[Spent], step: Step, finished: Finished) -> None:
    who = (0.0, "") if finished.cached else (time.time(), _name())
    spent.append(Spent(step.kind, step.key, finished.cached, finished.seconds, finished.cpu_seconds, *who))


def _name() -> str:
    return f"{os.uname().nodename}-{os.getpid()}"


@cache
def worker_of(place: LedgerPlace) -> Worker:
    """The worker of this process: engines and fonts stay loaded from one job to the next."""
    return Worker(place)
