"""When a test may stop: rules that stay honest however often somebody looks.

Both turn the looks at one comparison into a p value that may be compared with alpha at every look.

- `group_sequential`: O'Brien and Fleming's spending of alpha over information (Lan and DeMets 1983). Needs a planned
  end and the record of every look; costs about 3 % more impressions than one look.
- `always_valid`: the mixture likelihood ratio (Robbins 1970, Johari and others 2015). Needs neither, and costs about
  twice as much.

Time is information: 1 over the variance of the logarithm of the ratio of two rates, as a share of the planned.
Boundaries are found by integrating the density of what has not stopped (Armitage, McPherson and Rowe 1969). Knows no
arms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = ("group_sequential", "always_valid")
#: Looks that a plan counts with.
PLANNED_LOOKS = 10
#: Looks nearer than this share of the planned information are one look.
_NEAREST = 1e-3
#: A bound of so many standard errors is never reached.
_NEVER = 12.0
#: p values are told apart down to this.
_LEAST_P = 1e-6


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at one comparison has shown."""

    information: float
    z: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the two rules, with what it has been promised."""

    name: str
    lift: float
    #: Information at which a group-sequential test ends.
    planned: float

    def p_value(self, looks: Sequence[Look]) -> float:
        """The smallest alpha at which these looks would have stopped the test."""
        if self.name == "always_valid":
            return min((always_valid_p(look.z, look.information, self.lift) for look in looks), default=1.0)
        times, values = self._in_time(looks)
        return sequential_p(times, values)

    def bound(self, looks: Sequence[Look], alpha: float) -> float:
        """How many standard errors a difference must have at the last of these looks; infinite where it never can."""
        if not looks:
            return math.inf
        if self.name == "always_valid":
            return always_valid_bound(looks[-1].information, self.lift, alpha)
        times, _ = self._in_time(looks)
        return bounds(times, alpha)[-1] if times else math.inf

    def _in_time(self, looks: Sequence[Look]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Times and values of the looks that count: each adds information, none is after the end."""
        times: list[float] = []
        values: list[float] = []
        for look in looks:
            time = min(1.0, round(look.information / self.planned, 4))
            if time - (times[-1] if times else 0.0) >= _NEAREST:
                times.append(time)
                values.append(look.z)
        return tuple(times), tuple(values)


def planned_information(rule: str, lift: float, alpha: float, power: float, looks: int = PLANNED_LOOKS) -> float:
    """Information that finds a ratio of 1 + lift with this power, looked at so many times on the way."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    effect = math.log1p(lift)
    least = ((norm.isf(alpha / 2) + norm.isf(1 - power)) / effect) ** 2
    times = tuple((number + 1) / looks for number in range(looks))

    def short(information: float) -> float:
        at = _bounds_of(rule, times, information, lift, alpha)
        return crossing(times, at, effect * math.sqrt(information)) - power

    return float(brentq(short, least * 0.9, least * 4, rtol=1e-4))


def _bounds_of(rule: str, times: tuple[float, ...], information: float, lift: float, alpha: float) -> tuple[float, ...]:
    if rule == "always_valid":
        return tuple(always_valid_bound(time * information, lift, alpha) for time in times)
    return bounds(times, alpha)


# --- always valid -----------------------------------------------------------------------------------------------------


def always_valid_p(z: float, information: float, lift: float) -> float:
    """1 over the likelihood ratio against a normal mixture of effects as wide as the lift that is looked for."""
    ratio = math.log1p(lift) ** 2 * information
    return min(1.0, math.sqrt(1 + ratio) * math.exp(-z * z / 2 * ratio / (1 + ratio)))


def always_valid_bound(information: float, lift: float, alpha: float) -> float:
    """The z at which that p value is alpha."""
    ratio = math.log1p(lift) ** 2 * information
    if ratio <= 0:
        return math.inf
    return math.sqrt((1 + 1 / ratio) * (math.log1p(ratio) - 2 * math.log(alpha)))


# --- group-sequential -------------------------------------------------------------------------------------------------


def spent(time: float, alpha: float) -> float:
    """Alpha that may be spent until then, on both sides."""
    from scipy.stats import norm

    return float(min(alpha, 4 * norm.sf(norm.isf(alpha / 4) / math.sqrt(time)))) if time < 1 else alpha


@lru_cache(maxsize=4096)
def bounds(times: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """How many standard errors stop the test at each of these times (0 to 1, rising)."""
    density, found, before = _Density(0.0), [], 0.0
    for time in times:
        density.advance(time)
        value = density.bound(spent(time, alpha) - before)
        before += density.beyond(value)
        density.stop(value)
        found.append(value)
    return tuple(math.inf if value >= _NEVER else value for value in found)


def crossing(times: Sequence[float], at: Sequence[float], drift: float) -> float:
    """How likely a test stops at one of these times; `drift` is the expected z at time 1."""
    density, total = _Density(drift), 0.0
    for time, value in zip(times, at, strict=True):
        density.advance(time)
        total += density.beyond(min(value, _NEVER))
        density.stop(min(value, _NEVER))
    return total


def sequential_p(times: tuple[float, ...], values: tuple[float, ...]) -> float:
    """The smallest alpha whose bounds one of these values has met."""

    def stopped(alpha: float) -> bool:
        return any(abs(z) >= bound for z, bound in zip(values, bounds(times, alpha), strict=True))

    if not times or not stopped(0.5):
        return 1.0
    low, high = math.log(_LEAST_P), math.log(0.5)
    if stopped(_LEAST_P):
        return _LEAST_P
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if stopped(math.exp(middle)) else (middle, high)
    return math.exp(high)


class _Density:
    """What has not stopped yet, as a density over the score (z times the root of time)."""

    def __init__(self, drift: float) -> None:
        self._drift, self._time, self._step = drift, 0.0, 0.0
        self._scores: NDArray[Any] | None = None
        self._mass: NDArray[Any] | None = None

    def advance(self, time: float) -> None:
        """Go on to a later time."""
        self._step, self._time = time - self._time, time

    def beyond(self, z: float) -> float:
        """How likely it stops now, with this bound."""
        from scipy.special import ndtr

        edge, root, shift = z * math.sqrt(self._time), math.sqrt(self._step), self._drift * self._step
        if self._scores is None or self._mass is None:
            return float(ndtr(-(edge - shift) / root) + ndtr((-edge - shift) / root))
        start = self._scores + shift
        return float(((ndtr((start - edge) / root) + ndtr((-edge - start) / root)) * self._mass).sum())

    def bound(self, due: float) -> float:
        """The z beyond which just so much lies; `_NEVER` where that is nothing."""
        from scipy.optimize import brentq

        if due <= self.beyond(_NEVER) + 1e-15:
            return _NEVER
        return float(brentq(lambda z: self.beyond(z) - due, 0.0, _NEVER))

    def stop(self, z: float) -> None:
        """Take away what is beyond the bound."""
        import numpy as np
        from scipy.integrate import simpson

        edge, root = z * math.sqrt(self._time), math.sqrt(self._step)
        # Six points within a standard deviation of a step: 1e-7 of the exact probabilities.
        count = 2 * min(1500, max(60, math.ceil(edge / root * 6))) + 1
        scores = np.linspace(-edge, edge, count)
        shift = self._drift * self._step
        if self._scores is None or self._mass is None:
            density = _normal((scores - shift) / root) / root
        else:
            density = (_normal((scores[:, None] - self._scores[None, :] - shift) / root) / root) @ self._mass
        weights = simpson(np.eye(3), dx=scores[1] - scores[0])
        pattern = np.zeros(count)
        for place in range(3):
            pattern[place : count - 2 + place : 2] += weights[place]
        self._scores, self._mass = scores, density * pattern


def _normal(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    made: NDArray[Any] = np.exp(-values * values / 2) / math.sqrt(2 * math.pi)
    return made
