"""What the next run should show: more of what is likely best, and enough of what is not known yet.

Thompson sampling: draws from what is known of each arm (Beta for proportions, Gamma for rates) say how likely each is
the best. A floor keeps every arm alive that has not had its minimal sample, and the control, without which nothing can
be compared. Seeded: the same counts give the same shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.experiment.reading import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 200_000
#: Part of an equal share that an arm keeps which is not known enough.
FLOOR = 0.5


@dataclass(frozen=True, slots=True)
class Allocation:
    """Shares of the next run, adding up to 1 in steps of 0.001."""

    shares: Mapping[str, float]
    #: How likely each arm is the best.
    best: Mapping[str, float]
    #: Arms that have the floor.
    kept: tuple[str, ...]


def next_allocation(reading: Reading) -> Allocation:
    """Shares for the next run from what a reading found."""
    names = [arm.variant for arm in reading.arms]
    best = _likely_best(reading, names)
    enough = {one.variant for one in reading.comparisons if one.progress >= 1}
    decided = bool(reading.verdict.winner)
    kept = tuple(
        name for name in names if (name == names[0] and not decided) or (name not in enough and name != names[0])
    )
    floor = FLOOR / len(names)
    left = 1 - floor * len(kept)
    raw = {name: (floor if name in kept else 0.0) + left * best[name] for name in names}
    return Allocation(rounded(raw), best, kept)


def _likely_best(reading: Reading, names: Sequence[str]) -> dict[str, float]:
    import numpy as np

    random = np.random.default_rng(reading.campaign.seed)
    draws = np.stack([_draws(reading, number, random) for number in range(len(names))])
    first = np.bincount(draws.argmax(axis=0), minlength=len(names)) / DRAWS
    return {name: float(share) for name, share in zip(names, first, strict=True)}


def _draws(reading: Reading, number: int, random: Any) -> NDArray[Any]:
    """Rates that an arm may have, by its counts; where rows scatter, counts say less."""
    sample, scatter = reading.arms[number].sample, reading.dispersion
    events, out_of = sample.events / scatter, sample.out_of / scatter
    made: NDArray[Any]
    if reading.metric.kind == "proportion":
        made = random.beta(1 + events, 1 + max(0.0, out_of - events), DRAWS)
    else:
        # Nothing known yet is one event in as much exposure as all arms had for one.
        whole = sum(arm.sample.out_of for arm in reading.arms) / max(
            1.0, sum(arm.sample.events for arm in reading.arms)
        )
        made = random.gamma(1 + events, 1 / (out_of + whole), DRAWS)
    return made


def rounded(shares: Mapping[str, float]) -> dict[str, float]:
    """Thousandths that add up to 1: what is left goes to those that lost most."""
    scaled = {name: share * 1000 for name, share in shares.items()}
    whole = {name: int(value) for name, value in scaled.items()}
    by_loss = sorted(scaled, key=lambda name: (whole[name] - scaled[name], name))
    for name in by_loss[: 1000 - sum(whole.values())]:
        whole[name] += 1
    return {name: number / 1000 for name, number in whole.items()}


def sentences(allocation: Allocation) -> list[str]:
    """The shares, for people."""
    say = ["Thompson allocation for the next run:"]
    for name, share in allocation.shares.items():
        kept = ", kept alive until enough is known" if name in allocation.kept else ""
        say.append(f"  {name}: {share:.1%} (likely the best: {allocation.best[name]:.1%}{kept})")
    return say
