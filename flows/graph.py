"""Which jobs a run still has to do, and which of them wait for which.

A job is there once however many creatives want it, and only for what the ledger lacks: a plate that is finished needs
no footage. Knows steps and what they build on; runs nothing (`produce.py` does).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flows.attempts import Tries
from flows.jobs import ConformJob, Failure, FootageJob, Job, Outcome, PlateJob, PromptJob, SoundJob
from flows.ledger import Finished, Ledger
from flows.steps import FootageStep, PlateStep, Step, TrackStep, VoiceStep


@dataclass(slots=True)
class Node:
    """A job that is not done yet."""

    job: Job
    #: All that it builds on, and what of it is not done.
    needs: tuple[str, ...]
    waits_for: set[str]
    wanted_by: list[str] = field(default_factory=list)
    tries: Tries = field(default_factory=Tries)


class JobGraph:
    """Jobs by identity; `on_ready` hears of each that waits for nothing."""

    def __init__(self, ledger: Ledger, on_ready: Callable[[str], None]) -> None:
        self._ledger, self._on_ready = ledger, on_ready
        self.nodes: dict[str, Node] = {}
        #: Jobs that have failed, as a whole or in part.
        self.ended: dict[str, Outcome] = {}
        self.shots_known = 0
        self.shots_ended = 0

    def found(self, step: Step) -> Finished | None:
        """The step with its files, where it is made already."""
        return self._ledger.find(step.kind, step.key)

    def has(self, step: Step) -> Finished | None:
        """The same without bringing its files from wherever they are."""
        return self._ledger.look(step.kind, step.key)

    # -- what is needed ----------------------------------------------------------------------------------------------

    def need_sound(self, voice: VoiceStep | None, tracks: list[TrackStep]) -> str | None:
        """The job for the tracks that are missing; None when there is nothing to do."""
        missing = [track for track in tracks if not self.has(track)]
        if not missing and (voice is None or self.has(voice)):
            return None
        heard = [part.footage for track in missing if not self.has(track.mix) for part in track.mix.stems]
        return self.add(SoundJob(voice, tuple(missing)), {self.need_footage(step) for step in heard} - {""})

    def need_plate(self, plate: PlateStep) -> str:
        """The job for a plate, and for the clips that it lacks."""
        clips = {self._need_clip(plate, number) for number in range(len(plate.footage))}
        return self.add(PlateJob(plate), clips - {""})

    def _need_clip(self, plate: PlateStep, number: int) -> str:
        shot = plate.footage[number]
        if not plate.conformed:
            return self.need_footage(shot)
        clip = plate.conformed[number]
        if self.has(clip):
            return ""
        return self.add(ConformJob(clip), {self.need_footage(shot)} - {""})

    def need_footage(self, step: FootageStep) -> str:
        """The job for a shot, for its texts and for the shot that it goes on from; "" when the shot is there."""
        if self.has(step):
            return ""
        needs = {self.add(PromptJob(text), set()) for text in step.encoded if not self.has(text)}
        if step.before:
            needs.add(self.need_footage(step.before))
        return self.add(FootageJob(step), needs - {""})

    def add(self, job: Job, needs: set[str], identity: str = "") -> str:
        """Register a job unless it is known; returns its identity."""
        identity = identity or job.id
        if identity in self.ended or identity in self.nodes:
            return identity
        self.shots_known += isinstance(job, FootageJob)
        node = self.nodes[identity] = Node(job, tuple(needs), {other for other in needs if other in self.nodes})
        for other in node.waits_for:
            self.nodes[other].wanted_by.append(identity)
        if not node.waits_for:
            self._on_ready(identity)
        return identity

    # -- what has ended ----------------------------------------------------------------------------------------------

    def failure(self, identity: str | None) -> Failure | None:
        """Why a job as a whole has failed; None when it has not."""
        outcome = self.ended.get(identity) if identity else None
        return outcome.failure if outcome else None

    def broken(self, identity: str) -> Failure | None:
        """The failure of something that the job builds on."""
        failures = (self.failure(other) for other in self.nodes[identity].needs)
        return next((failure for failure in failures if failure), None)

    def end(self, identity: str, outcome: Outcome, *, remember: bool = True) -> Node:
        """Take a job out; those that waited for it alone are ready."""
        node = self.nodes.pop(identity)
        self.shots_ended += isinstance(node.job, FootageJob)
        if remember and outcome.failures:  # what went well is in the ledger
            self.ended[identity] = outcome
        for other in node.wanted_by:
            waiting = self.nodes.get(other)
            if waiting:
                waiting.waits_for.discard(identity)
                if not waiting.waits_for:
                    self._on_ready(other)
        return node
