"""A limit on what a run may spend: no new work is begun once it is reached, and what has been paid for is kept.

`20usd`, `2gpu-h`, `1.5cpu-h`. Knows costs, starts and stops nothing (`produce.py` asks between jobs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flows.costs import Costs
from flows.model import BadInput, Problem
from flows.settings import Settings

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(usd|gpu-h|cpu-h)", re.IGNORECASE)
_WORDS = {"usd": "US dollars", "gpu-h": "GPU hours", "cpu-h": "CPU hours"}


@dataclass(frozen=True, slots=True)
class Budget:
    """So much of one unit."""

    amount: float
    #: usd, gpu-h or cpu-h.
    unit: str

    def reached(self, costs: Costs) -> str:
        """What has been spent, as a sentence, once it is the whole budget; "" before."""
        spent = self._spent(costs)
        if spent < self.amount:
            return ""
        return f"the budget of {self.amount:g} {_WORDS[self.unit]} is spent ({spent:.4g})"

    def _spent(self, costs: Costs) -> float:
        if self.unit == "usd":
            return costs.usd or 0.0
        return (costs.gpu_seconds if self.unit == "gpu-h" else costs.cpu_seconds) / 3600


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


def _bad(value: str, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("--budget", None, None, code, value[:60], message, fix),))
