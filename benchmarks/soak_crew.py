"""A crew that makes nothing worth looking at: every step ends at once with tiny files and the facts that others read.

What is left of a run is what is not pixels and sound: reading, planning, the order of jobs, the ledger, publishing,
results, the report. So a run of ten thousand creatives takes minutes, and shows what the driver needs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from flows.creative import TRACK, VIDEO, WAV
from flows.jobs import Batch, ConformJob, FilmJob, FootageJob, Job, Outcome, PlateJob, PromptJob, SoundJob, Spent
from flows.ledger import Ledger, Workspace
from flows.sealing import MANIFEST
from flows.steps import DeliveryStep, FootageStep, PackageStep, Step, VoiceStep

CREW_SLOTS = 2


class EmptyCrew:
    """Does each job where it stands."""

    slots = engines = CREW_SLOTS

    def __init__(self, root: Path, poster: bytes) -> None:
        self._ledger, self._poster = Ledger(root), poster
        self._done: list[tuple[str, Outcome]] = []

    def room(self, job: Job) -> bool:
        """As many at once as real workers would have."""
        del job
        return len(self._done) < CREW_SLOTS

    def submit(self, ticket: str, work: Job | Batch, terms: object = None) -> None:
        """Do it now."""
        del terms
        jobs = work.jobs if isinstance(work, Batch) else (work,)
        self._done.append((ticket, Outcome(tuple(self._make(step) for job in jobs for step in steps_of(job)))))

    def finished(self, timeout_seconds: float) -> list[tuple[str, Outcome]]:
        """All that was handed over."""
        del timeout_seconds
        done, self._done = self._done, []
        return done

    def end(self, ticket: str, node: str, pid: int) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing to stop."""

    def _make(self, step: Step) -> Spent:
        made = self._ledger.make(step.kind, step.key, lambda space: self._fill(step, space))
        return Spent(step.kind, step.key, made.cached, made.seconds, made.cpu_seconds, time.time(), "empty")

    def _fill(self, step: Step, space: Workspace) -> None:
        name = {"voice": WAV, "bed": WAV, "mix": WAV, "track": TRACK}.get(step.kind, VIDEO)
        content = f"{step.kind} {step.key}".encode()
        space.file(name).write_bytes(content)
        space.facts["work"] = 1.0
        if isinstance(step, VoiceStep):
            space.facts |= {"speed": 1.0, "seconds": 1.0, "words": []}
        elif isinstance(step, FootageStep):
            space.facts |= {"notes": {"drawn": ["sea"], "not_drawn": []}, "engine": step.engine}
        elif isinstance(step, PackageStep):
            # Every film has a poster of its own, as in a real run.
            space.file("poster.jpg").write_bytes(self._poster + content)
            space.file("captions.srt").write_text("1\n00:00:00,300 --> 00:00:01,300\nHello\n", "utf-8")
            space.file("captions.vtt").write_text("WEBVTT\n\n00:00.300 --> 00:01.300\nHello\n", "utf-8")
            space.facts |= {"measures": {}, "sha256": hashlib.sha256(content).hexdigest()}
        elif isinstance(step, DeliveryStep):
            space.file(MANIFEST).write_bytes(b"manifest")
            space.facts |= {"sha256": hashlib.sha256(content).hexdigest(), "proof": {"verdict": "pass: signature"}}
            space.facts["signature"] = {"issuer": "nobody", "time_stamped": False}


def steps_of(job: Job) -> Iterator[Step]:
    """The steps that a job makes, in their order."""
    if isinstance(job, SoundJob):
        yield from (job.voice,) if job.voice else ()
        for track in job.tracks:
            yield from (step for step in (track.mix.bed, track.mix, track) if step)
    elif isinstance(job, FilmJob):
        yield job.master
        for delivery in job.deliveries:
            yield from (delivery.package, delivery)
    elif isinstance(job, PromptJob | FootageJob | ConformJob | PlateJob):
        yield job.step
