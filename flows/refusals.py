"""What the engine would refuse, asked before anything is spent: each different kind of shot once.

An engine refuses by size, length, rate and what a shot starts from, never by words; so one creative of each kind stands
for ten thousand rows. Pictures themselves are looked at by `preflight.py`. Knows placements and shots, makes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.lengths import frames_for
from flows.model import Campaign, Creative, Problem, ShotBrief
from flows.placements import load_placements
from flows.plan import Planner
from flows.problems import Problems
from flows.steps import FootageStep

if TYPE_CHECKING:
    from flows.template_file import Length
    from generation.engines.contract import Engine
    from generation.spec import Shot

FIX = "Use another engine, or change the placements, `seconds` or what the shots start from"


class Refusals:
    """The shots of a campaign held against its engine, while its creatives go by."""

    def __init__(self, campaign: Campaign, planner: Planner, engine: Engine, length: Length) -> None:
        self._campaign, self._planner, self._engine = campaign, planner, engine
        self._length = (length.min, length.max)
        self._answers: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._placements, self._renditions = load_placements(), planner.renditions
        #: Complaints with their rows, in the order in which they were met.
        self._told: dict[tuple[int | None, str], None] = {}
        self._unseen = self._begun_anew = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Complaints: of the campaign, or of rows that ask for something of their own."""
        problems = Problems("campaign.yaml")
        for row, message in self._told:
            place = problems if row is None else problems.of(self._campaign.rows_file.name)
            place.add("bad_shot", message, FIX, value=self._engine.id, row=row, column="engine")
        return tuple(problems.found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the engine will not do, though nothing is wrong."""
        name = self._engine.id
        said = {
            f"the engine {name} does not take pictures: the product's picture is not shown to it": self._unseen,
            f"the engine {name} cannot go on from a frame: shots that continue begin anew": self._begun_anew,
        }
        return tuple(sentence for sentence, holds in said.items() if holds)

    def watch(self, creatives: Iterable[Creative]) -> Iterator[Creative]:
        """The same creatives, each held against the engine on its way."""
        for creative in creatives:
            self._check(creative)
            yield creative

    def _check(self, creative: Creative) -> None:
        ways, shots = self._engine.ways, creative.shots
        self._unseen |= not ways & {"image", "references"} and any(shot.picture for shot in shots)
        self._begun_anew |= "first_frame" not in ways and any(shot.continues for shot in shots)
        kinds = tuple((shot.share, _starts_from(shot)) for shot in shots)
        question = (creative.placements, creative.look, kinds)
        if question not in self._answers:
            self._answers[question] = tuple(
                message for name in creative.placements for message in self._ask(creative, name)
            )
        if self._answers[question]:
            row = creative.row.number if _asks_for_its_own(creative) else None
            self._told.update(((row, message), None) for message in self._answers[question])

    def _ask(self, creative: Creative, name: str) -> Iterator[str]:
        """What the engine says to the film of a placement; nothing where the placement itself is wrong."""
        from generation.errors import BadShot

        placement = self._placements.get(name)
        if placement is None or not self._fits(name):
            return
        rendition = self._renditions[placement.rendition]
        where = f"{name} ({rendition.width}x{rendition.height})"
        try:
            for step in self._steps(creative, name):
                _refuse(self._engine, step)
        except BadShot as error:
            yield f"{where}: {error}"

    def _fits(self, name: str) -> bool:
        try:
            frames_for(self._placements[name], self._campaign.seconds, self._length)
        except ValueError:
            return False
        return True

    def _steps(self, creative: Creative, name: str) -> tuple[FootageStep, ...]:
        """The shots of one film, planned without its words."""
        from generation.looks import look_names

        look = creative.look if creative.look in look_names() else look_names()[0]
        bare = replace(creative, placements=(name,), look=look, layers=(), voiceover="", music="none")
        return self._planner.plan(bare).films[0].master.plate.footage


def _asks_for_its_own(creative: Creative) -> bool:
    """Whether the row's cells decide what is asked of the engine: then the complaint is the row's."""
    row = creative.row
    from_cells = any(shot.last_picture or shot.clip or shot.references for shot in creative.shots)
    return bool(row.placements or row.look or row.loras or from_cells)


def _starts_from(shot: ShotBrief) -> tuple[bool, ...]:
    """What a shot starts from besides its prompt and its picture."""
    return (bool(shot.last_picture), bool(shot.clip), bool(shot.references), bool(shot.loras), shot.continues)


def _refuse(engine: Engine, step: FootageStep) -> None:
    """Have the engine refuse a shot. Files that are broken are complaints of `preflight.py`, each of its row's."""
    from generation.errors import BadMedia

    shot = _shot(step)
    try:
        engine.refuse(shot)
    except BadMedia:
        engine.refuse(replace(shot, image=None, last_frame=None, video=None, references=(), loras=()))


def _shot(step: FootageStep) -> Shot:
    """The request as the engine will get it, but for what only the run can make: encoded texts, the frame before."""
    from generation.spec import Lora, Shot, Size

    return Shot(
        prompt=step.prompt,
        size=Size(*step.size),
        frames=step.frames,
        fps=step.fps,
        seed=step.seed,
        image=step.picture.path if step.picture else None,
        last_frame=step.last_picture.path if step.last_picture else None,
        video=step.clip.path if step.clip else None,
        strength=step.strength,
        references=tuple(asset.path for asset in step.references),
        loras=tuple(Lora(lora.path, lora.weight) for lora in step.loras),
        options={**step.options, **step.neutral_options},
    )
