"""How often a job is tried again, counted for each class of fault, and what it has been through.

A job that has met one passing fault and one lost worker has used one attempt of each. Refusals, wrong data and defects
have one attempt, whatever is set: the same work would end in the same way. Runs nothing (`settling.py` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flows.faults import INFRASTRUCTURE, MEMORY, TRANSIENT, goes_again
from flows.model import BadInput, Problem
from flows.problems import did_you_mean

#: Classes whose cap may be set. Memory has a ladder: another attempt only with more room than the last one.
CAPPED = (TRANSIENT, INFRASTRUCTURE, MEMORY)


@dataclass(frozen=True, slots=True)
class Caps:
    """Attempts that end in one class of fault, at most."""

    #: For classes without a cap of their own.
    general: int = 3
    own: Mapping[str, int] = field(default_factory=dict)

    def of(self, fault: str) -> int:
        """The cap of a class."""
        return max(1, self.own.get(fault, self.general)) if fault in CAPPED else 1


@dataclass(slots=True)
class Tries:
    """What one job has been through, and how it is begun the next time."""

    begun: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    #: Its batch was lost with its worker: so that it costs no other job another attempt, it goes alone from now on.
    alone: bool = False
    #: Cores that it gets for itself.
    cores: int = 1
    #: Machines where its worker has died.
    avoid: tuple[str, ...] = ()

    def note(self, faults: Collection[str]) -> None:
        """An attempt has ended with these classes of fault."""
        self.ended.update(set(faults))

    def may_go_again(self, fault: str, caps: Caps) -> bool:
        """Whether the class of the last fault allows another attempt. Of memory, only if there is more room for it."""
        if fault == MEMORY:
            return self.ended[fault] < caps.of(fault)
        return goes_again(fault, self.ended[fault], caps.of(fault))

    def told(self, caps: Caps) -> str:
        """For people: "transient 2 of 3, infrastructure 1 of 3"."""
        return ", ".join(f"{fault} {count} of {caps.of(fault)}" for fault, count in self.ended.items())


def read_caps(general: int, text: str) -> Caps:
    """The caps of the settings `attempts` and `attempts_by_fault`. Raises: BadInput."""
    place = "attempts_by_fault"
    own = named_numbers(text, CAPPED, place, "transient=5, infrastructure=2")
    for name, number in own.items():
        if number < 1 or number != int(number):
            raise bad_setting(
                place, f"{name}={number:g}", "a number of attempts is whole and at least 1", "Write transient=5"
            )
    return Caps(general, {name: int(number) for name, number in own.items()})


def named_numbers(text: str, known: Collection[str], place: str, example: str) -> dict[str, float]:
    """Numbers by name, as a setting has them: "transient=5, infrastructure=2".

    Raises: BadInput with the nearest known name, or for what is no number.
    """
    numbers: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise bad_setting(place, part, "this name is not known here", did_you_mean(name, sorted(known)))
        try:
            numbers[name] = float(number)
        except ValueError:
            raise bad_setting(place, part, "this is no number", f"Write {example}") from None
        if not 0 < numbers[name] < float("inf"):
            raise bad_setting(place, part, "this number cannot be used", f"Write {example}")
    return numbers


def bad_setting(place: str, value: str, message: str, fix: str) -> BadInput:
    """One sentence about a setting."""
    return BadInput((Problem("settings", None, place, "bad_setting", value[:60], message, fix),))
