"""How long each kind of step may show nothing before it is taken to hang.

What counts frames is given up when no new one comes: a film of an hour may take hours, a hung encoder is found within
a minute. What has nothing to count gets a deadline by its kind: a generous one, and more where steps of its kind have
been recorded as taking longer. Knows no worker and ends nothing (`shift.py` compares, `settling.py` ends).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.attempts import bad_setting, named_numbers
from flows.ledger import Ledger
from flows.steps import Step

#: Kinds that are over in seconds, however long the film: speech and music are made many times faster than heard.
FLOORS = {"voice": 600.0, "bed": 600.0, "mix": 600.0, "track": 600.0}
#: Kinds that an engine makes: it shows progress, so that what a whole shot takes says nothing about a silence.
BY_ENGINE = ("prompt", "footage")
#: A machine may be so much slower, or busier, than the slowest record of a kind.
SLOWER = 20.0
#: A next frame may take so much longer than the slowest one before.
GAPS = 10.0
#: The worker ends a silent program itself, and says more about it; the driver ends the worker when that did not help.
LATER = 1.5
LATER_SECONDS = 3.0
#: Records of a kind that are looked at.
RECORDS = 50


@dataclass(slots=True)
class Deadlines:
    """Seconds of silence, by what is silent."""

    ledger: Ledger
    #: For steps without frames to count, for an engine between two signs, for work that no worker has begun.
    general: float = 1800.0
    #: For programs and encoders that count frames.
    silence: float = 60.0
    #: By kind of step, where it is set.
    own: Mapping[str, float] = field(default_factory=dict)
    _records: dict[str, float] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """Nothing that has been silent for less hangs."""
        return min(self.general, self.silence, *self.own.values(), *FLOORS.values())

    def counting(self, gap_seconds: float) -> float:
        """For work that counts frames and has been without a new one for so long before."""
        return max(self.silence, GAPS * gap_seconds) * LATER + LATER_SECONDS

    def of(self, step: Step) -> float:
        """For a step that shows nothing."""
        if step.kind in self.own:
            return self.own[step.kind]
        floor = min(self.general, FLOORS.get(step.kind, self.general))
        if step.kind in BY_ENGINE:
            return floor
        from flows.estimate import work_of

        return max(floor, SLOWER * self._slowest(step.kind) * work_of(step))

    def _slowest(self, kind: str) -> float:
        """Seconds for a unit of work by the slowest record on this machine; 0 without one."""
        if kind not in self._records:
            made = [(one.seconds, float(str(one.facts.get("work", 0)))) for one in self.ledger.samples(kind, RECORDS)]
            self._records[kind] = max((seconds / work for seconds, work in made if work > 0), default=0.0)
        return self._records[kind]


def read_deadlines(ledger: Ledger, general: float, silence: float, text: str) -> Deadlines:
    """The deadlines of the settings. Raises: BadInput."""
    from flows.estimate import KINDS

    for name, seconds in (("job_deadline_seconds", general), ("silence_seconds", silence)):
        if seconds <= 0:
            raise bad_setting(name, f"{seconds:g}", "this leaves no time", "Write seconds above 0")
    own = named_numbers(text, KINDS, "step_deadlines", "footage=7200, voice=120") if text else {}
    return Deadlines(ledger, general, silence, own)
