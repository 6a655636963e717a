"""A limit on what a run may spend: no new work is begun once it is reached, and what has been paid for is kept.

`20usd`, `2gpu-h`, `1.5cpu-h`. What is under way is finished: an engine in the middle of many shots ends with the one
that it is at, so that the most overshoot is one shot, or one other step, on each worker, and what short shots are begun
within the second after which the run looks again. Knows costs, starts and stops nothing (`produce.py` asks).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.costs import Costs
from flows.jobs import Spent
from flows.model import BadInput, Problem
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.estimate import Survey

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(usd|gpu-h|cpu-h)", re.IGNORECASE)
_WORDS = {"usd": "US dollars", "gpu-h": "GPU hours", "cpu-h": "CPU hours"}


@dataclass(frozen=True, slots=True)
class Budget:
    """So much of one unit."""

    amount: float
    #: usd, gpu-h or cpu-h.
    unit: str

    def reached(self, costs: Costs, meanwhile: Sequence[Spent] = ()) -> str:
        """What has been spent, as a sentence, once it is the whole budget; "" before.

        `meanwhile` is what engines have spent on work that is not booked yet.
        """
        spent = self._spent(costs, meanwhile)
        if spent < self.amount:
            return ""
        return f"the budget of {self.amount:g} {_WORDS[self.unit]} is spent ({spent:.4g})"

    def _spent(self, costs: Costs, meanwhile: Sequence[Spent]) -> float:
        seconds = sum(one.seconds for one in meanwhile) if costs.gpu else 0.0
        gpu_seconds = costs.gpu_seconds + seconds
        cpu_seconds = costs.cpu_seconds + (0.0 if costs.gpu else sum(one.cpu_seconds for one in meanwhile))
        if self.unit == "usd":
            return costs.money(cpu_seconds, gpu_seconds) or 0.0
        return (gpu_seconds if self.unit == "gpu-h" else cpu_seconds) / 3600


def read_budget(text: str, settings: Settings, *, gpu: bool) -> Budget:
    """The budget of `--budget`, for a run whose engine needs a GPU or not.

    Raises: BadInput for a text that is none, and for money where a price is unknown: it could never be reached.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if not match:
        raise _bad(text, "bad_budget", "this is no budget", "Write 20usd, 2gpu-h or 10cpu-h")
    amount, unit = float(match[1]), match[2].lower()
    if amount == 0:
        raise _bad(text, "bad_budget", "a budget of nothing", "Use `spotmill plan` to see what a run would make")
    if unit == "gpu-h" and not gpu:
        raise _bad(text, "budget_unit", "the engine uses no GPU", "Write a budget in usd or cpu-h")
    if unit == "usd" and (settings.cpu_hour_usd < 0 or (gpu and settings.gpu_hour_usd < 0)):
        fix = "Name cpu_hour_usd and gpu_hour_usd in spotmill.toml, or write a budget in hours"
        raise _bad(text, "budget_without_price", "what an hour costs is unknown", fix)
    return Budget(amount, unit)


def most_overshoot(survey: Survey) -> str:
    """By how much a run may go beyond its budget at the most, as a sentence; "" where no footage is to be made."""
    footage = survey.tallies["footage"]
    if not footage.missing:
        return ""
    engine, unit = ("GPU", "GPU") if survey.gpu else ("worker", "CPU")
    about = ""
    if footage.cpu_seconds:
        about = f", about {footage.cpu_seconds.high / footage.missing:.3g} {unit} seconds each"
    return f"A budget (`--budget`) is exceeded by the shot that each {engine} is at, at the most{about}."


def _bad(value: str, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("--budget", None, None, code, value[:60], message, fix),))
