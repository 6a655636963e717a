"""What a worker is asked to do and what it answers: picklable values, without the work (`worker.py`).

A job is as much work as is worth a trip to a worker: one plate; all the sound of a creative; one film with its
deliveries. Jobs of a loaded engine travel in a `Batch` where that saves time. What went wrong is a `Failure` with a
stable code, the step, the class that decides about another attempt, and a sentence with the way out.
"""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.faults import CLASSES, class_of
from flows.ledger import digest
from flows.redaction import redact
from flows.steps import (
    ConformStep,
    DeliveryStep,
    DraftStep,
    FootageStep,
    MasterStep,
    PlateStep,
    PromptStep,
    SurvivalStep,
    TrackStep,
    VoiceStep,
)

#: How torch begins when the GPU's driver reports a fault: its process gets the same answer to everything from then on.
LOST_GPU = "CUDA error"
FIXES = {
    "voice_too_long": "Shorten the voiceover, or lengthen the film with `seconds`",
    "no_voice": "Choose another voice for this locale, or set `voice: none`",
    "text_too_long": "Shorten the text",
    "missing_glyphs": "Give a font with these characters in brand.yaml `fonts`",
    "bad_media": "Replace the file",
    "bad_shot": "Change what the message names: a picture, clip or LoRA of the row, or the campaign's `seconds`",
    "check_failed": "Look at the message; run again after mending, finished steps are kept",
    "out_of_memory": "Use smaller placements, a preset that needs less, or a machine with more memory",
    "killed_for_memory": "Use fewer `workers`, smaller placements or a machine with more memory",
    "tool_timed_out": "Run again; if it happens again, look at the disk, or raise `silence_seconds` on a slow machine",
    "tool_killed": "Run again; if it happens again, look at the machine's memory",
    "refused": "Change the prompt, the row's texts or its picture",
    "content_refused": "Change the prompt or the row's `seed`; the same footage is never looked at twice",
    "no_space": "Free disk space and run again; finished steps are kept",
    "worker_died": "Run again; if it dies again, look at the log for its memory use",
    "timed_out": "Run again, or raise `silence_seconds` or `job_deadline_seconds`",
    "budget_stopped": "Run again with a larger budget; what was paid for is kept",
    "not_available": "Install, fetch or correct what the message names",
    "signing_failed": "Look at the message; `spotmill keys show` says what would sign",
    "bad_certificate": "Correct `sign_chain` and `sign_key`; `spotmill keys show` says what is wrong with them",
    "signer_expired": "Renew the certificate; `spotmill keys show` says until when it holds",
    "step_missing": "Run again: what is gone is made again",
    "store_refused": "Correct what the message names; `spotmill gc --store --dry-run` tries the store from here",
    "corrupt": "Run again; if it happens again, the store does not keep what it is given",
    "secret_missing": "Give every machine of the cluster the same secrets: deploy/README.md",
    "credentials_not_valid": "Run again; if it happens again, please report it with the log file",
}
#: Code of a worker that the system has ended because its machine's memory was nearly full.
KILLED = "killed_for_memory"
INTERNAL_FIX = "This is a fault of Spotmill: please report it with the log file"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not made."""

    code: str
    step: str
    message: str
    fix: str
    #: Its class (`faults.py`), which decides about another attempt; "" takes that of the code.
    fault: str = ""
    attempts: int = 1
    #: For the log only; never shown in results.
    trace: str = ""
    #: Attempts by class of fault and what each class is allowed, in words.
    tried: str = ""

    def __post_init__(self) -> None:
        if not self.fault:
            object.__setattr__(self, "fault", class_of(self.code))
        if not self.fix:
            object.__setattr__(self, "fix", FIXES.get(self.code) or CLASSES[self.fault].fix)


@dataclass(frozen=True, slots=True)
class Spent:
    """A step that a job made or found."""

    kind: str
    key: str
    cached: bool
    seconds: float
    cpu_seconds: float
    #: When it was finished (Unix seconds), and by which process; 0 and "" where it was only found.
    ended: float = 0.0
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's answer: the steps it went through, and failures by what they concern ("" is the whole job)."""

    spent: tuple[Spent, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)
    #: The machine of a cluster that it was done on.
    node: str = ""

    @property
    def failure(self) -> Failure | None:
        """The failure of the whole job."""
        return self.failures.get("")


@dataclass(frozen=True, slots=True)
class Terms:
    """What goes along with work that is handed over."""

    #: Under which name it shows life (`live.py`); without one it shows none.
    sign: str = ""
    #: A program that shows no new frame for so long is ended.
    silence_seconds: float = 60.0
    #: Cores that it is to have for itself: what was killed for its memory gets more room.
    cores: int = 1
    #: Machines of a cluster where its worker has died: it goes elsewhere, as long as there is one.
    avoid: tuple[str, ...] = ()
    #: The machine that it runs on; whoever starts it there says so.
    node: str = ""


@dataclass(frozen=True, slots=True)
class PromptJob:
    """Encode one text; runs where the engine is loaded."""

    step: PromptStep

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return f"prompt-{self.step.key}"

    @property
    def group(self) -> str:
        """Jobs of one group can share a batch."""
        return f"prompt-{self.step.engine}"


@dataclass(frozen=True, slots=True)
class FootageJob:
    """Render one shot; runs where the engine is loaded."""

    step: FootageStep

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return f"footage-{self.step.key}"

    @property
    def group(self) -> str:
        """Jobs of one group can share a batch: shots of one size, length and way, with the same LoRAs."""
        step = self.step
        starts = [bool(way) for way in (step.picture, step.last_picture, step.clip, step.references, step.before)]
        loras = [[lora.sha256, lora.weight] for lora in step.loras]
        what = [step.engine, step.options, step.neutral_options, step.size, step.frames, step.fps, starts, loras]
        return f"footage-{digest(what)}"


#: What runs where the engine is loaded.
EngineJob = PromptJob | FootageJob


@dataclass(frozen=True, slots=True)
class Batch:
    """Engine jobs of one group that are handed over together; each has its own failure, by its id."""

    jobs: tuple[EngineJob, ...]


@dataclass(frozen=True, slots=True)
class ConformJob:
    """Bring one shot to the delivery rate."""

    step: ConformStep

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return f"conform-{self.step.key}"


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
    """One master and the files of its placements, and what is made of those besides."""

    master: MasterStep
    deliveries: tuple[DeliveryStep, ...]
    further: tuple[DraftStep | SurvivalStep, ...] = ()

    @property
    def id(self) -> str:
        """Equal jobs have equal ids and run once."""
        return "film-" + "-".join([self.master.key, *(step.key for step in (*self.deliveries, *self.further))])


Job = EngineJob | ConformJob | PlateJob | SoundJob | FilmJob


def keys_of(job: Job) -> list[str]:
    """Keys of the steps that a job makes."""
    if isinstance(job, FilmJob):
        return [step.key for step in (job.master.content, job.master, *job.deliveries, *job.further) if step]
    if isinstance(job, SoundJob):
        return [step.key for step in (job.voice, *job.tracks) if step]
    return [job.step.key]


def kind_of(job: Job) -> str:
    """The kind of step by which a failure of the whole job is named."""
    if isinstance(job, SoundJob):
        return "voice"
    return "master" if isinstance(job, FilmJob) else job.step.kind


def failure_of(error: Exception, step: str) -> Failure:
    """The error as a failure: our own errors speak for themselves, a full disk is named, the rest is our fault."""
    trace, said = redact("".join(traceback.format_exception(error))), redact(str(error))
    if isinstance(error, MemoryError):
        return Failure("out_of_memory", step, "memory did not suffice", FIXES["out_of_memory"], trace=trace)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (getattr(error, "code", "") == "tool_failed" and os.strerror(errno.ENOSPC) in said):
        return Failure("no_space", step, "the disk is full", FIXES["no_space"], trace=trace)
    if isinstance(error, RuntimeError) and str(error).startswith(LOST_GPU):
        message = f"its GPU cannot be used by this process any more ({said.splitlines()[0]})"
        return Failure("worker_died", step, message, FIXES["worker_died"], trace=trace)
    code = getattr(error, "code", None)
    if isinstance(code, str) and code:
        return Failure(code, step, said, FIXES.get(code, ""), trace=trace)
    return Failure("internal_error", step, f"{type(error).__name__}: {said}", INTERNAL_FIX, trace=trace)
