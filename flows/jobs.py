"""What a worker is asked to do and what it answers: picklable values around the functions of `creative.py`.

A job is as much work as is worth a trip to a worker: one plate; all the sound of a creative; one film with its
deliveries. This is the one place where any exception is caught, because an item fails alone: it becomes a `Failure`
with a stable code, the step, the class that decides about another attempt, and a sentence with the way out.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flows import creative
from flows.ledger import Finished, Ledger
from flows.steps import (
    BedStep,
    DeliveryStep,
    FootageStep,
    MasterStep,
    MixStep,
    PlateStep,
    Step,
    TrackStep,
    VoiceStep,
)

if TYPE_CHECKING:
    from generation.engines.contract import Engine

#: Classes of failure: never again as it is; again after a pause; again elsewhere.
NEVER, TRANSIENT, INFRASTRUCTURE = "never", "transient", "infrastructure"

#: Codes of faults that may pass when tried again.
MAY_PASS = frozenset({"transient", "tool_timed_out", "tool_killed"})

FIXES = {
    "voice_too_long": "Shorten the voiceover, or lengthen the film with `seconds`",
    "no_voice": "Choose another voice for this locale, or set `voice: none`",
    "text_too_long": "Shorten the text",
    "missing_glyphs": "Give a font with these characters in brand.yaml `fonts`",
    "bad_media": "Replace the file",
    "bad_shot": "Change the row's picture or the campaign's `seconds`",
    "check_failed": "Look at the message; run again after mending, finished steps are kept",
    "no_space": "Free disk space and run again; finished steps are kept",
    "worker_died": "Run again; if it dies again, look at the log for its memory use",
    "timed_out": "Run again, or raise `job_deadline_seconds`",
    "not_available": "Install what the message names",
}
INTERNAL_FIX = "This is a fault of Spotmill: please report it with the log file"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not made."""

    code: str
    step: str
    message: str
    fix: str
    retry: str = NEVER
    attempts: int = 1
    #: For the log only; never shown in results.
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """A step that a job made or found."""

    kind: str
    key: str
    cached: bool
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's answer: the steps it went through, and failures by what they concern ("" is the whole job)."""

    spent: tuple[Spent, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def failure(self) -> Failure | None:
        """The failure of the whole job."""
        return self.failures.get("")


@dataclass(frozen=True, slots=True)
class FootageJob:
    """Render one shot; runs where the engine is loaded."""

    step: FootageStep

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return f"footage-{self.step.key}"


@dataclass(frozen=True, slots=True)
class PlateJob:
    """Join and grade the shots of one plate."""

    step: PlateStep

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return f"plate-{self.step.key}"


@dataclass(frozen=True, slots=True)
class SoundJob:
    """The voice of a creative and all its tracks."""

    voice: VoiceStep | None
    tracks: tuple[TrackStep, ...]

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return "sound-" + "-".join([self.voice.key if self.voice else "", *(track.key for track in self.tracks)])


@dataclass(frozen=True, slots=True)
class FilmJob:
    """One master and the files of its placements."""

    master: MasterStep
    deliveries: tuple[DeliveryStep, ...]

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return "film-" + "-".join([self.master.key, *(delivery.key for delivery in self.deliveries)])


Job = FootageJob | PlateJob | SoundJob | FilmJob


class Worker:
    """Does jobs in one process. Holds the loaded engine and voices between jobs."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = Ledger(ledger)
        self._engines: dict[str, Engine] = {}

    def run(self, job: Job) -> Outcome:
        """Do the job; never raises for what goes wrong with the item."""
        spent: list[Spent] = []
        failures: dict[str, Failure] = {}
        if isinstance(job, FootageJob):
            self._attempt("", "footage", lambda: self._render(job.step, spent), failures)
        elif isinstance(job, PlateJob):
            self._attempt(
                "", "plate", lambda: _note(spent, job.step, creative.make_plate(self._ledger, job.step)), failures
            )
        elif isinstance(job, SoundJob):
            self._sound(job, spent, failures)
        else:
            self._film(job, spent, failures)
        return Outcome(tuple(spent), failures)

    def _render(self, step: FootageStep, spent: list[Spent]) -> None:
        from generation.engines import get_engine

        engine = self._engines.get(step.engine) or self._engines.setdefault(step.engine, get_engine(step.engine))
        _note(spent, step, creative.make_footage(self._ledger, step, engine))

    def _sound(self, job: SoundJob, spent: list[Spent], failures: dict[str, Failure]) -> None:
        ledger, voice = self._ledger, job.voice
        if voice:
            from audio.voices import get_voice

            speaker = get_voice(voice.voice)
            done = self._attempt(
                "", "voice", lambda: _note(spent, voice, creative.make_voice(ledger, voice, speaker)), failures
            )
            if not done:
                return
        for track in job.tracks:
            mix, bed = track.mix, track.mix.bed

            def work(track: TrackStep = track, mix: MixStep = mix, bed: BedStep | None = bed) -> None:
                if ledger.find(track.kind, track.key):
                    return
                if bed:
                    _note(spent, bed, creative.make_bed(ledger, bed))
                _note(spent, mix, creative.make_mix(ledger, mix))
                _note(spent, track, creative.make_track(ledger, track))

            self._attempt(track.key, "track", work, failures)

    def _film(self, job: FilmJob, spent: list[Spent], failures: dict[str, Failure]) -> None:
        ledger, master = self._ledger, job.master
        if all(ledger.find(delivery.kind, delivery.key) for delivery in job.deliveries):
            return
        if not self._attempt(
            "", "master", lambda: _note(spent, master, creative.make_master(ledger, master)), failures
        ):
            return
        for delivery in job.deliveries:

            def work(delivery: DeliveryStep = delivery) -> None:
                _note(spent, delivery, creative.make_delivery(ledger, delivery))

            self._attempt(delivery.placement, "delivery", work, failures)

    def _attempt(self, concerns: str, step: str, work: Callable[[], None], failures: dict[str, Failure]) -> bool:
        """Run `work`; an exception becomes the failure of what it concerns. True when it went well."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the one per-item boundary: an item fails alone
            failures[concerns] = failure_of(error, step)
            return False
        return True


def failure_of(error: Exception, step: str) -> Failure:
    """The error as a failure: our own errors speak for themselves, a full disk is named, the rest is our fault."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure("no_space", step, "the disk is full", FIXES["no_space"], NEVER, trace=trace)
    code = getattr(error, "code", None)
    if isinstance(code, str) and code:
        retry = TRANSIENT if code in MAY_PASS else NEVER
        return Failure(code, step, str(error), FIXES.get(code, ""), retry, trace=trace)
    return Failure("internal_error", step, f"{type(error).__name__}: {error}", INTERNAL_FIX, NEVER, trace=trace)


def _note(spent: list[Spent], step: Step, finished: Finished) -> None:
    spent.append(Spent(step.kind, step.key, finished.cached, finished.seconds, finished.cpu_seconds))


@cache
def worker_of(ledger: Path) -> Worker:
    """The worker of this process: engines and fonts stay loaded from one job to the next."""
    return Worker(ledger)
