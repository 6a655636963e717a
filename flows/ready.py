"""Jobs that wait for nothing but a free worker, in the order in which they should be begun.

What an engine does is handed over in groups: its jobs are shared out among the engines that there are, and no engine
gets more than it takes at once. Knows no crew and starts nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from flows.jobs import ConformJob, FilmJob, FootageJob, Job, PlateJob, PromptJob, SoundJob

#: Films first: what is nearly done is finished before more is begun, so results come early and little lies about. Of
#: what an engine does prompts come first, all at once, because its text encoder is then not needed again.
PRIORITY: dict[type[Job], int] = {FilmJob: 0, SoundJob: 1, PlateJob: 2, ConformJob: 3, PromptJob: 4, FootageJob: 5}
#: Texts that are encoded in one call: a text encoder of 10 GiB is loaded for it.
PROMPTS_PER_JOB = 64
#: Jobs looked at when a crew is busy: more of them would not find room either.
LOOKED_AT = 64


class ReadyJobs:
    """A queue of identities; within one kind of job, first come, first served."""

    def __init__(self, shots_per_job: int) -> None:
        self._shots_per_job = shots_per_job
        self._heap: list[tuple[int, int, str]] = []
        self._order = count()

    def push(self, identity: str, job: Job) -> None:
        """A job may begin."""
        heapq.heappush(self._heap, (PRIORITY[type(job)], next(self._order), identity))

    def take(self, has_room: Callable[[str], bool | None]) -> str | None:
        """The first job that has room; None when none has. Those of which `has_room` says None are dropped."""
        passed: list[tuple[int, int, str]] = []
        found: str | None = None
        while self._heap and found is None and len(passed) <= LOOKED_AT:
            entry = heapq.heappop(self._heap)
            room = has_room(entry[2])
            if room:
                found = entry[2]
            elif room is False:
                passed.append(entry)
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return found

    def take_along(self, job: PromptJob | FootageJob, engines: int, joins: Callable[[str], bool]) -> list[str]:
        """Others of the job's group to go along with it: those that `joins` says yes to, up to one engine's share."""
        most = PROMPTS_PER_JOB if isinstance(job, PromptJob) else self._shots_per_job
        if most == 1:
            return []
        kind = PRIORITY[type(job)]
        fellows = [entry[2] for entry in sorted(self._heap) if entry[0] == kind and joins(entry[2])]
        share = -(-(len(fellows) + 1) // engines)
        chosen = fellows[: min(most, share) - 1]
        self._heap = [entry for entry in self._heap if entry[2] not in chosen]
        heapq.heapify(self._heap)
        return chosen
