"""Jobs that wait for nothing but a free worker, in the order in which they should be begun.

What an engine does is handed over in groups: its jobs are shared out among the engines that there are, and no engine
gets more than it takes at once. Knows no crew and starts nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from flows.jobs import ConformJob, FilmJob, FootageJob, Job, PlateJob, PromptJob, SoundJob

#: Films first: what is nearly done is finished before more is begun, so results come early and little lies about. Texts
#: last: a model's text encoder takes the place of its denoisers, and either is minutes in loading, so that texts gather
#: until no shot is left to render, and are then encoded together.
KINDS: tuple[type[Job], ...] = (FilmJob, SoundJob, PlateJob, ConformJob, FootageJob, PromptJob)
#: Texts that are encoded in one call: a text encoder of 10 GiB is loaded for it.
PROMPTS_PER_JOB = 64


class ReadyJobs:
    """A queue of identities; within one kind of job, first come, first served."""

    def __init__(self, shots_per_job: int) -> None:
        self._shots_per_job = shots_per_job
        self._queues: dict[type[Job], deque[str]] = {kind: deque() for kind in KINDS}

    def push(self, identity: str, job: Job) -> None:
        """A job may begin."""
        self._queues[type(job)].append(identity)

    def take(self, has_room: Callable[[str], bool | None]) -> str | None:
        """The first job that has room; None when none has. Those of which `has_room` says None are dropped.

        Room is a matter of a job's kind, so one of each is asked: however many wait for a core, a GPU gets its work.
        """
        dropped = True
        while dropped:  # what is dropped may make a film ready, which comes first
            dropped = False
            for queue in self._queues.values():
                while queue:
                    identity = queue.popleft()
                    room = has_room(identity)
                    if room:
                        return identity
                    if room is False:
                        queue.appendleft(identity)
                        break
                    dropped = True
        return None

    def take_along(self, job: PromptJob | FootageJob, engines: int, joins: Callable[[str], bool]) -> list[str]:
        """Others of the job's group to go along with it: those that `joins` says yes to, up to one engine's share."""
        most = PROMPTS_PER_JOB if isinstance(job, PromptJob) else self._shots_per_job
        if most == 1:
            return []
        queue = self._queues[type(job)]
        fellows = [identity for identity in queue if joins(identity)]
        share = -(-(len(fellows) + 1) // engines)
        chosen = fellows[: min(most, share) - 1]
        gone = set(chosen)
        self._queues[type(job)] = deque(identity for identity in queue if identity not in gone)
        return chosen
