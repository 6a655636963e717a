"""One shot on its way through the server, and what is remembered from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from generation.engines.videos_api.answers import Job
from generation.engines.videos_api.film import Answered
from generation.engines.videos_api.form import Form, unsent
from generation.engines.videos_api.options import VideosOptions
from generation.errors import GenerationError
from generation.spec import Footage, Progress, Shot

#: Progress of a shot: the server's own percent up to RENDERED, the last ones for download and check.
WHOLE, RENDERED, CHECKED = 100, 95, 98
#: Statuses of the API.
WAITING, DONE = ("queued", "in_progress"), "completed"


@dataclass(slots=True)
class Memory:
    """What outlives a batch: jobs that run on for shots that will be asked for again, and names that are used up."""

    running: dict[str, str] = field(default_factory=dict)
    #: How many jobs of a form have ended: the next one needs another name.
    ended: dict[str, int] = field(default_factory=dict)

    def name(self, key: str) -> str:
        """The idempotency key for the next post of a form."""
        return f"{key}-{self.ended.get(key, 0)}"

    def use_up(self, key: str) -> None:
        """The job of this form ended: a further post shall not be given it again."""
        self.ended[key] = self.ended.get(key, 0) + 1


@dataclass(slots=True)
class Task:
    """A shot, its job, and when to ask after it."""

    index: int
    shot: Shot
    path: Path
    options: VideosOptions
    form: Form | None = None
    job: Job | None = None
    fault: GenerationError | None = None
    #: Times of the clock: when to ask next, and when to give up.
    due: float = 0.0
    ends: float = 0.0
    pause: float = 0.0
    #: Answers in a row that the job is not known; posts of this shot.
    misses: int = 0
    posts: int = 0
    told: int = -1
    finished: bool = False
    doubts: list[str] = field(default_factory=list)

    @property
    def in_flight(self) -> bool:
        """Whether the server is still at it."""
        return self.job is not None and self.fault is None and self.job.status in WAITING

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.fault is not None or (self.job is not None and self.job.status == DONE)

    @property
    def has_job(self) -> bool:
        """Whether the server holds a job of ours that has not gone wrong and is still wanted."""
        return self.job is not None and self.fault is None and not self.finished

    @property
    def key(self) -> str:
        """The form's digest."""
        return self.form.key if self.form else ""

    def tell(self, done: int, phase: str = "") -> Iterator[Progress]:
        """Progress that only grows, whatever the server counts."""
        if done > self.told:
            self.told = done
            yield Progress(self.index, done, WHOLE, phase or (self.job.status if self.job else "queued"))

    def footage(self, answered: Answered, sound: Path | None) -> Footage:
        """The finished shot, with what the report says about it."""
        asked = {name: value for name, value in self.form.fields if name != "prompt"} if self.form else {}
        record = self.job.record if self.job else {}
        notes: dict[str, object] = {
            "job": self.job.id if self.job else "",
            "model": str(record.get("model") or self.options.model)[:200],
            "licence": self.options.licence or "not stated",
            "asked": asked,
            "answered": {
                "size": str(answered.size),
                "frames": answered.frames,
                "fps": str(answered.fps),
                "sound": answered.sound,
            },
            "changes": list(answered.changes),
            "doubts": [*self.doubts, *unsent(self.shot, self.options)],
        }
        return Footage(self.path, self.shot.size, self.shot.frames, self.shot.fps, notes, sound)
