"""A batch of shots as jobs at the server: as many in flight as allowed, results in the order of the shots.

One thread: it asks after the job whose time has come. A shot that fails takes no sibling with it: their jobs run on and
are taken up when the shots are asked for again (`Memory`). Whoever closes the generator wants nothing more: then they
are deleted. Knows the client's calls, not HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from generation.engines.videos_api.answers import Job, failure_of
from generation.engines.videos_api.client import Client, Gone
from generation.engines.videos_api.film import Answered, Unreadable, conform, write_sound
from generation.engines.videos_api.form import form_of
from generation.engines.videos_api.limits import Clock, Limits
from generation.engines.videos_api.task import CHECKED, DONE, RENDERED, WAITING, WHOLE, Memory, Task
from generation.errors import BadMedia, BadShot, GenerationError, ToolFailed, Transient
from generation.spec import Footage, Progress

#: A new job may not be known to every machine of a server at once.
_MISSES = 3
_SLOWER = 1.5


class Batch:
    """`yield from Batch(client, tasks, memory, limits, clock).events()`."""

    def __init__(self, client: Client, tasks: Sequence[Task], memory: Memory, limits: Limits, clock: Clock) -> None:
        self._client, self._tasks, self._memory = client, tasks, memory
        self._limits, self._clock = limits, clock
        self._most = min((task.options.concurrency for task in tasks), default=1)

    def events(self) -> Iterator[Progress | Footage]:
        """Progress and footage of each shot, one shot after the other; raises a shot's fault when it is its turn."""
        try:
            for task in self._tasks:
                yield from self._waited(task)
                yield from self._finished(task)
        except GenerationError:
            self._memory.running |= {task.key: task.job.id for task in self._tasks if task.has_job and task.job}
            raise
        except BaseException:
            for task in self._tasks:
                if task.has_job and task.job:
                    self._end(task, task.job)
            raise

    def _waited(self, task: Task) -> Iterator[Progress]:
        self._fill()
        while not task.ended:
            yield from task.tell(task.job.progress * RENDERED // 100 if task.job else 0)
            self._poll_next()
            self._fill()

    # --- jobs -------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Post shots until enough are in flight."""
        for task in self._tasks:
            if sum(other.in_flight for other in self._tasks) >= self._most:
                return
            if task.job is None and task.fault is None:
                self._post(task)

    def _post(self, task: Task) -> None:
        """Begin a shot's job, or take up the one that runs for it. A fault waits for the shot's turn."""
        try:
            task.job = self._begun(task)
        except GenerationError as fault:
            task.fault = fault
            return
        now = self._clock.now()
        task.pause = self._limits.poll_seconds
        task.ends = task.ends or now + task.options.deadline_seconds
        task.due = now + self._until_next(task, task.job)
        self._judge(task, task.job)

    def _begun(self, task: Task) -> Job:
        task.form = task.form or form_of(task.shot, task.options)
        running = self._memory.running.pop(task.key, None)
        if running is not None:
            return Job(running, WAITING[0], poll_after_seconds=0.0)
        created = self._client.create(task.form, self._memory.name(task.key))
        task.posts += 1
        task.doubts += [created.doubt] if created.doubt else []
        return created.job

    def _until_next(self, task: Task, job: Job) -> float:
        if job.poll_after_seconds is not None:
            return job.poll_after_seconds
        pause, task.pause = task.pause, min(self._limits.most_poll_seconds, task.pause * _SLOWER)
        return pause

    def _poll_next(self) -> None:
        """Wait for the job whose time comes first, and ask after it."""
        task = min((task for task in self._tasks if task.in_flight), key=lambda task: task.due)
        assert task.job is not None
        self._clock.sleep(max(0.0, min(task.due, task.ends) - self._clock.now()))
        try:
            task.job = self._client.retrieve(task.job.id)
        except Gone as fault:
            self._missed(task, fault)
        except GenerationError as fault:
            task.fault = fault
        else:
            task.misses = 0
            self._judge(task, task.job)
        if task.in_flight and task.job is not None:
            task.due = self._clock.now() + self._until_next(task, task.job)

    def _judge(self, task: Task, job: Job) -> None:
        """Give up a job that has failed, or has had its time."""
        if job.status in WAITING and self._clock.now() >= task.ends:
            text = (
                f"videos-api: job {job.id} is still {job.status} ({job.progress} %) after"
                f" {task.options.deadline_seconds:g} s; raise the option deadline_seconds if the server needs longer"
            )
            left = self._end(task, job)
            task.fault = Transient(f"{text}. It could not be deleted: {left}" if left else text)
        elif job.status not in (*WAITING, DONE):
            task.fault = failure_of(job)
            self._end(task, job)

    def _end(self, task: Task, job: Job) -> str:
        """The job is of no more use: remove it; "" or a sentence why it is still there."""
        self._memory.use_up(task.key)
        return self._client.delete(job.id)

    def _missed(self, task: Task, fault: Gone) -> None:
        """The server does not know the job: ask again, then post once more, then give up."""
        task.misses += 1
        if task.misses < _MISSES:
            return
        self._memory.use_up(task.key)
        if task.posts > 1:
            task.fault = Transient(f"videos-api: the server forgets its jobs: {fault}")
            return
        task.doubts.append("the server had forgotten the job, and the shot was posted again")
        task.job, task.misses = None, 0

    # --- films ------------------------------------------------------------------------------------------------------

    def _finished(self, task: Task) -> Iterator[Progress | Footage]:
        if task.fault is not None or task.job is None:
            raise task.fault or Transient("videos-api: the shot has no job")
        yield from task.tell(RENDERED, "downloading")
        part, sound = task.path.with_name(f"{task.path.name}.part"), task.path.with_suffix(".wav")
        try:
            answered = self._fetched(task, task.job, part)
            kept = self._keeps_sound(task, part, answered, sound)
            part.unlink(missing_ok=True)
            yield from task.tell(CHECKED, "checked")
            left = self._end(task, task.job)
            task.doubts += [f"the film is still at the server: {left}"] if left else []
            task.finished = True
            yield from task.tell(WHOLE, "done")
        except BaseException:
            for path in (part, task.path, sound):
                path.unlink(missing_ok=True)
            raise
        yield task.footage(answered, sound if kept else None)

    def _fetched(self, task: Task, job: Job, part: Path) -> Answered:
        """Download and check the film; one that is not whole is fetched once more before it is given up as paid.

        A film that cannot be fetched waits at the server for the next try.
        """
        try:
            self._client.download(job.id, part)
            with suppress(Unreadable):
                return conform(part, task.shot, task.path)
            self._client.download(job.id, part)
            return conform(part, task.shot, task.path)
        except (Gone, Unreadable, BadShot, BadMedia) as fault:
            task.fault = fault
            self._end(task, job)
            raise

    @staticmethod
    def _keeps_sound(task: Task, part: Path, answered: Answered, path: Path) -> bool:
        if not (task.options.keep_sound and answered.sound):
            return False
        try:
            write_sound(part, task.shot, path)
        except ToolFailed as fault:
            path.unlink(missing_ok=True)
            task.doubts.append(f"the sound of the server's film cannot be read: {fault}")
            return False
        return True
