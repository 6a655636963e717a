"""A plan in numbers: how much of it is there already, and how long the rest will take, from recorded runs.

Unknown stays unknown: a kind of step that has never been made here has no estimate, and then the sum has none either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING

from flows.changes import Changes
from flows.costs import BY_ENGINE
from flows.creative import megapixel_frames
from flows.energy import Energy, energy_of
from flows.ledger import Finished, Ledger
from flows.marking import marking_for
from flows.order import Prepared
from flows.profile import results_name
from flows.settings import Settings
from flows.steps import (
    BedStep,
    ConformStep,
    ContentStep,
    DeliveryStep,
    DraftStep,
    FootageStep,
    MasterStep,
    MixStep,
    PackageStep,
    PlateStep,
    PromptStep,
    Step,
    SurvivalStep,
    TrackStep,
    VoiceStep,
)
from flows.stores.opening import explaining
from flows.stores.shared import open_ledger, place_of

if TYPE_CHECKING:
    from generation.engines.contract import Engine

#: Kinds of step, in the order in which a plan lists them.
KINDS = (
    *("prompt", "footage", "conform", "plate"),
    *("voice", "bed", "mix", "track"),
    *("content", "master", "package", "delivery", "draft", "survival"),
)


@dataclass(frozen=True, slots=True)
class Range:
    """Low, expected and high seconds of CPU (or GPU for engines that use one)."""

    low: float
    expected: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def times(self, factor: float) -> Range:
        """Scaled by an amount of work."""
        return Range(self.low * factor, self.expected * factor, self.high * factor)

    def beside(self, other: Range) -> Range:
        """Both at the same time: the longer one decides."""
        return Range(max(self.low, other.low), max(self.expected, other.expected), max(self.high, other.high))


@dataclass(slots=True)
class Tally:
    """Steps of one kind in a plan: how often asked for, how many different ones, how many of them are there."""

    asked: int = 0
    unique: int = 0
    cached: int = 0
    #: Work of the missing ones: megapixel-frames or seconds of sound.
    work: float = 0.0
    #: None when no such step has been recorded.
    cpu_seconds: Range | None = None

    @property
    def missing(self) -> int:
        """How many would be made."""
        return self.unique - self.cached


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would do."""

    campaign: str
    rows: int
    skipped_rows: int
    creatives: int
    tallies: Mapping[str, Tally]
    engine: str
    engine_reason: str
    voice: str
    voice_reason: str
    workers: int
    notes: tuple[str, ...]
    gpu: bool
    changes: Changes
    settings: Settings
    lengths: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_seconds(self) -> Range | None:
        """CPU seconds of all that is missing, None when some part is unknown."""
        return _sum(tally for kind, tally in self.tallies.items() if not (self.gpu and kind in BY_ENGINE))

    @property
    def gpu_seconds(self) -> Range | None:
        """GPU seconds of the missing prompts and footage; zero for an engine that uses none."""
        return _sum(self.tallies[kind] for kind in BY_ENGINE) if self.gpu else Range(0, 0, 0)

    @property
    def wall_seconds(self) -> Range | None:
        """CPU seconds spread over the workers, beside those of one GPU; the start of the run itself is not counted."""
        cpu, gpu = self.cpu_seconds, self.gpu_seconds
        return cpu.times(1 / self.workers).beside(gpu) if cpu and gpu else None

    @property
    def cost_usd(self) -> Range | None:
        """Money, None when a price or a duration is unknown."""
        cpu, gpu = self.cpu_seconds, self.gpu_seconds
        of_core, of_gpu = self.settings.cpu_hour_usd, self.settings.gpu_hour_usd
        if cpu is None or gpu is None or of_core < 0 or (self.gpu and of_gpu < 0):
            return None
        return cpu.times(of_core / 3600) + gpu.times(max(0.0, of_gpu) / 3600)

    @property
    def energy(self) -> Energy:
        """Energy of what is expected to be made."""
        cpu, gpu = self.cpu_seconds, self.gpu_seconds
        if cpu is None or gpu is None:
            return Energy(None, None)
        return energy_of(self.settings, cpu_seconds=cpu.expected, gpu_seconds=gpu.expected)


def survey(prepared: Prepared, settings: Settings) -> Survey:
    """Walk through the whole plan, keeping only keys, and price what is missing."""
    ledger = open_ledger(place_of(settings), driver=True)
    prepared.planner.marking = marking_for(settings, create=False)
    with explaining(settings.store):
        finished = {kind: ledger.keys(kind) for kind in KINDS}
    seen: dict[str, set[int]] = {kind: set() for kind in KINDS}
    tallies = {kind: Tally() for kind in KINDS}
    creatives = 0
    changes = Changes(settings.out.absolute() / results_name(prepared.campaign))
    lengths: dict[str, float] = {}
    for plan in prepared.plans():
        creatives += 1
        for step in plan.steps():
            _count(step, tallies[step.kind], seen[step.kind], finished[step.kind])
            if isinstance(step, DeliveryStep):
                changes.note(plan.creative.creative_id, step, cached=step.key in finished[step.kind])
        if creatives == 1:
            lengths = {film.rendition: round(float(film.frames / film.master.plate.fps), 2) for film in plan.films}
    for kind, tally in tallies.items():
        tally.unique = len(seen[kind])
        rate = _engine_rate(ledger, kind, prepared.engine) if kind in BY_ENGINE else _rate(ledger, kind)
        tally.cpu_seconds = Range(0, 0, 0) if tally.missing == 0 else rate.times(tally.work) if rate else None
    return Survey(
        campaign=prepared.campaign.name,
        rows=len(prepared.rows),
        skipped_rows=len(prepared.skipped),
        creatives=creatives,
        tallies=tallies,
        engine=prepared.engine.id,
        engine_reason=prepared.engine_reason,
        voice=prepared.voice.id,
        voice_reason=prepared.voice_reason,
        workers=settings.worker_count,
        notes=prepared.notes,
        gpu=prepared.engine.needs_gpu,
        lengths=lengths,
        changes=changes,
        settings=settings,
    )


def _count(step: Step, tally: Tally, seen: set[int], finished: set[str]) -> None:
    tally.asked += 1
    number = int(step.key, 16)  # half the memory of the text, for a million of them
    if number in seen:
        return
    seen.add(number)
    if step.key in finished:
        tally.cached += 1
    else:
        tally.work += work_of(step)


def work_of(step: Step) -> float:
    """Size of a step in the unit in which its cost grows; the same that `creative.py` records as `work`."""
    match step:
        case PromptStep():
            return 1.0
        case FootageStep() | PlateStep():
            return megapixel_frames(step.size, step.frames)
        case ConformStep():
            return megapixel_frames(step.footage.size, step.frames)
        case MasterStep() | ContentStep():
            return work_of(step.plate)
        case PackageStep():
            return work_of(step.master)
        case DeliveryStep():
            return work_of(step.package)
        case DraftStep() | SurvivalStep():
            return work_of(step.delivery)
        case BedStep() | MixStep():
            return step.seconds
        case TrackStep():
            return step.mix.seconds
        case VoiceStep():
            return step.available_seconds


def _rate(ledger: Ledger, kind: str) -> Range | None:
    """CPU seconds for a unit of work: the tenth, the median and the ninetieth percentile of recorded steps."""
    return _spread([made.cpu_seconds / work for made in ledger.samples(kind) if (work := _work(made)) > 0])


def _engine_rate(ledger: Ledger, kind: str, engine: Engine) -> Range | None:
    """The same for what this engine has made, in seconds of the GPU where it needs one.

    Of a batch, the first shot waits for the model to load and the last for nobody, so that no single one says what a
    shot takes: there, expected is all their time over all their work.
    """
    made = [one for one in ledger.samples(kind, engine=engine.id) if _work(one) > 0]
    spent = [one.seconds if engine.needs_gpu else one.cpu_seconds for one in made]
    spread = _spread([seconds / _work(one) for seconds, one in zip(spent, made, strict=True)])
    if spread is None or engine.shots_per_job == 1:
        return spread
    expected = sum(spent) / sum(map(_work, made))
    return Range(min(spread.low, expected), expected, max(spread.high, expected))


def _spread(rates: list[float]) -> Range | None:
    if len(rates) < 2:
        return Range(rates[0], rates[0], rates[0]) if rates else None
    tenths = quantiles(rates, n=10, method="inclusive")
    return Range(tenths[0], tenths[4], tenths[8])


def _work(made: Finished) -> float:
    return float(str(made.facts.get("work", 0)))


def _sum(tallies: Iterable[Tally]) -> Range | None:
    total = Range(0, 0, 0)
    for tally in tallies:
        if tally.cpu_seconds is None:
            return None
        total += tally.cpu_seconds
    return total
