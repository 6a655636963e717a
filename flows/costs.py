"""What a run cost: seconds and money, each step booked once, on the first delivery that needed it.

So the lines of results.csv add up to the run. A price that nobody named is unknown, and so is the money.
"""

from __future__ import annotations

from dataclasses import dataclass

from flows.jobs import Spent
from flows.produce import Delivered
from flows.steps import DeliveryStep

#: Kinds of step that an engine makes: on its GPU, where it needs one.
BY_ENGINE = ("prompt", "footage")


class Costs:
    """What the steps of this run cost, each booked once: on the first delivery that needed it."""

    def __init__(self, cpu_hour_usd: float, gpu_hour_usd: float) -> None:
        #: Whether prompts and footage are made on a GPU.
        self.gpu = False
        self._cpu_hour_usd, self._gpu_hour_usd = cpu_hour_usd, gpu_hour_usd
        self._open: dict[str, Spent] = {}
        self.by_kind: dict[str, KindCost] = {}

    def add(self, spent: Spent) -> None:
        """Note a step that a job went through; those that were only found cost nothing."""
        total = self.by_kind.setdefault(spent.kind, KindCost())
        if spent.cached:
            total.found += 1
            return
        total.made += 1
        total.seconds += spent.seconds
        total.cpu_seconds += spent.cpu_seconds
        self._open[spent.key] = spent

    @property
    def gpu_seconds(self) -> float:
        """Seconds of the GPU in this run so far."""
        kinds = BY_ENGINE if self.gpu else ()
        return sum(self.by_kind[kind].seconds for kind in kinds if kind in self.by_kind)

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds in this run so far, without those beside a GPU."""
        return sum(cost.cpu_seconds for kind, cost in self.by_kind.items() if not (self.gpu and kind in BY_ENGINE))

    @property
    def usd(self) -> float | None:
        """Money of this run so far; None when a price is unknown."""
        return self.money(self.cpu_seconds, self.gpu_seconds)

    def money(self, cpu_seconds: float, gpu_seconds: float) -> float | None:
        """What these cost; None when a price is unknown."""
        if self._cpu_hour_usd < 0 or (self.gpu and self._gpu_hour_usd < 0):
            return None
        return cpu_seconds * self._cpu_hour_usd / 3600 + gpu_seconds * max(0.0, self._gpu_hour_usd) / 3600

    def take(self, item: Delivered) -> Cost:
        """Everything not yet booked that this delivery builds on."""
        further = [step.key for step in item.film.further if step.placement == item.step.placement]
        steps = [self._open.pop(key) for key in (*chain_of(item.step), *further) if key in self._open]
        on_gpu = [spent.seconds for spent in steps if self.gpu and spent.kind in BY_ENGINE]
        cpu = sum(spent.cpu_seconds for spent in steps if not (self.gpu and spent.kind in BY_ENGINE))
        seconds, on_gpu_seconds = sum(spent.seconds for spent in steps), sum(on_gpu)
        return Cost(round(seconds, 3), round(on_gpu_seconds, 3), self.money(cpu, on_gpu_seconds))


@dataclass(slots=True)
class KindCost:
    """Steps of one kind in this run."""

    made: int = 0
    found: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one delivery cost in this run; money is None when a price is unknown."""

    seconds: float
    gpu_seconds: float
    usd: float | None


def chain_of(step: DeliveryStep) -> list[str]:
    """Keys of all steps behind a delivery, its own included."""
    master, track = step.master, step.track
    plate = master.plate
    keys = [*(text.key for shot in plate.footage for text in shot.encoded), *(shot.key for shot in plate.footage)]
    keys += [*(shot.key for shot in plate.conformed), plate.key, master.key]
    keys += [part.key for part in (master.content, master.voice) if part]
    if track:
        keys += [part.key for part in (track.mix.bed, track.mix, track) if part]
    return [*keys, step.package.key, step.key]
