"""From what a user asked for to everything a run needs: read, select, expand, check. Nothing is made here.

`check`, `plan` and `run` all begin with `prepare`, so they cannot disagree about what is wrong with a campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from flows.brief import load_campaign
from flows.expand import expand, file_sha256
from flows.experiment.notes import experiment_notes
from flows.film_plan import CreativePlan
from flows.handoff.beside import Beside
from flows.licences import licence_gate
from flows.model import BadInput, Campaign, Creative, Problem, Row
from flows.placements import get_placement
from flows.plan import Planner
from flows.policy.casting import Casting
from flows.policy.gate import PolicyGate
from flows.policy.judge import Policy
from flows.policy.policy_file import read_policy
from flows.preflight import preflight
from flows.problems import Problems, did_you_mean, in_order
from flows.profile import draft_notice, in_profile
from flows.refusals import Refusals
from flows.rights.gate import RightsGate
from flows.rows import RefusedRow, RowsRead, read_all_rows
from flows.selection import select_rows
from flows.template import Template, load_template

if TYPE_CHECKING:
    from audio.voices.contract import Voice
    from flows.fetching import Internet
    from generation.engines.contract import Engine


@dataclass(frozen=True, slots=True)
class Order:
    """Which part of which campaign."""

    campaign: Path
    rows: str | None = None
    sample: int | None = None
    where: str | None = None
    placements: str | None = None
    engine: str | None = None
    skip_bad_rows: bool = False
    speed: str | None = None
    #: Measure what of the marks is left after an encode like those of platforms.
    prove: bool = False
    #: What the run may spend, such as 20usd; None is no limit.
    budget: str | None = None
    #: The feed is right although it has lost more than half of its rows: what is gone may be retired.
    accept_shrink: bool = False
    #: full or draft; None takes the campaign's.
    profile: str | None = None

    @classmethod
    def of(cls, campaign: Path, choice: Mapping[str, Any]) -> Order:
        """From the command line's options; others are ignored."""
        names = (field.name for field in fields(cls) if field.name != "campaign")
        return cls(campaign, **{name: choice[name] for name in names if choice.get(name) is not None})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A campaign that has been read, selected and checked."""

    campaign: Campaign
    template: Template
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    #: Rows left out because of errors; only with `skip_bad_rows`.
    skipped: tuple[RefusedRow, ...]
    #: Only these placements; () means all that the campaign and its rows name.
    wanted: tuple[str, ...]
    engine: Engine
    engine_reason: str
    voice: Voice
    voice_reason: str
    #: What was assumed, as sentences.
    notes: tuple[str, ...]
    planner: Planner
    #: Who is seen where prompts mention somebody; what creatives are judged by.
    casting: Casting
    policy: Policy
    #: What everything may be used for, and all that is used.
    rights: RightsGate

    @property
    def skipped_problems(self) -> tuple[Problem, ...]:
        """Why rows were left out."""
        return tuple(problem for row in self.skipped for problem in row.problems)

    def creatives(self) -> Iterator[Creative]:
        """Every creative of the selected rows, one at a time."""
        hashes = self.planner.sha256_of
        return _expanded(self.campaign, self.template, self.rows, self.wanted, None, hashes, self.casting)

    def plans(self) -> Iterator[CreativePlan]:
        """The steps of every creative, one creative at a time."""
        return map(self.planner.plan, self.creatives())


def prepare(order: Order, internet: Internet | None = None) -> Prepared:
    """Read, select, expand and check a campaign; what it names on the internet and lacks here is fetched.

    Raises: BadInput with every complaint, unless all of them concern rows and `skip_bad_rows` is set.
    """
    campaign = load_campaign(order.campaign)
    campaign = replace(campaign, engine=order.engine or campaign.engine, speed=order.speed or campaign.speed)
    campaign = replace(campaign, profile=order.profile or campaign.profile)
    campaign = in_profile(campaign, engine_asked=order.engine is not None)
    template = load_template(campaign.template, factors=[factor.name for factor in campaign.factors])
    read = read_all_rows(campaign, template, internet)
    rows = select_rows(read.rows, numbers=order.rows, sample=order.sample, where=order.where, seed=campaign.seed)
    wanted = _wanted(order.placements)
    found: list[Problem] = list(read.problems)
    engine, engine_reason = _engine(campaign, found)
    campaign, engine = _with_options(campaign, engine, found)
    voice, voice_reason = _voice(campaign, rows, found)
    hashes = lru_cache(maxsize=65_536)(file_sha256)
    casting = Casting(campaign, template, read.rows)
    policy = _policy(campaign, template, found)
    gate = PolicyGate(policy, campaign.rows_file.name)
    creatives = gate.watch(_expanded(campaign, template, rows, wanted, found, hashes, casting))
    if engine is None or voice is None:  # the reason is among the complaints
        raise BadInput(in_order((*found, *preflight(campaign, template, creatives), *gate.problems)))
    planner = Planner(campaign, template.spec.seconds, engine, voice, hashes, prove=order.prove, policy=policy)
    licence = licence_gate(campaign, rows, engine)
    rights = RightsGate(campaign, template, engine, voice)
    refusals = Refusals(campaign, planner, engine, template.spec.seconds)
    misread = any(problem.code == "bad_option" for problem in found)
    # Where options are wrong, what they say of the licence is unknown: that complaint would be false.
    found += [one for one in licence.problems if not (misread and one.column == "engine_options")]
    # With options that are wrong, or not accepted, an engine refuses every shot for them alone.
    watched = creatives if any(one.column == "engine_options" for one in found) else refusals.watch(creatives)
    found += [*preflight(campaign, template, rights.watch(watched)), *refusals.problems, *casting.problems]
    found += [*gate.problems, *rights.problems]
    good, skipped = _sorted_out(rows, read, tuple(dict.fromkeys(found)), order.skip_bad_rows)
    return Prepared(
        campaign=campaign,
        template=template,
        header=read.header,
        rows=good,
        skipped=skipped,
        wanted=wanted,
        engine=engine,
        engine_reason=engine_reason,
        voice=voice,
        voice_reason=voice_reason,
        notes=(
            *read.notes,
            *planner.notes,
            *licence.notes,
            *refusals.notes,
            *casting.notes,
            *gate.notes,
            *rights.notes,
            *_unproven(order, campaign),
            *filter(None, (draft_notice(campaign),)),
            *experiment_notes(campaign, tuple(row for row in good if row.enabled)),
        ),
        planner=planner,
        casting=casting,
        policy=policy,
        rights=rights,
    )


def _unproven(order: Order, campaign: Campaign) -> tuple[str, ...]:
    """That there is nothing for `--prove` to measure."""
    if not order.prove or campaign.invisible_mark != "none":
        return ()
    return ("--prove measures nothing here: the campaign's `invisible_mark` is none",)


def _policy(campaign: Campaign, template: Template, found: list[Problem]) -> Policy:
    """The campaign's policy; the rules that always hold where it has none or one that cannot be read."""
    read = read_policy(campaign.folder, campaign.policy, Problems("campaign.yaml", found))
    beside = Beside(campaign, template).of if campaign.ads or campaign.naming else None
    file, sha256 = read or (None, "")
    return Policy(file, sha256, beside=beside)


def _expanded(
    campaign: Campaign,
    template: Template,
    rows: tuple[Row, ...],
    wanted: tuple[str, ...],
    complaints: list[Problem] | None,
    sha256_of: Callable[[Path], str],
    casting: Casting,
) -> Iterator[Creative]:
    """The creatives, for the wanted placements only."""
    for creative in expand(campaign, template, rows, complaints, sha256_of, casting):
        if not wanted:
            yield creative
            continue
        placements = tuple(name for name in creative.placements if name in wanted)
        if placements:
            yield replace(creative, placements=placements)


def _wanted(text: str | None) -> tuple[str, ...]:
    """The placements of `--placements a,b`, each of them known.

    Raises: BadInput with the nearest name.
    """
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    return tuple(get_placement(name).id for name in names)


def _sorted_out(
    rows: tuple[Row, ...], read: RowsRead, found: tuple[Problem, ...], skip_bad_rows: bool
) -> tuple[tuple[Row, ...], tuple[RefusedRow, ...]]:
    """Good rows and skipped ones; anything else that is wrong ends here."""
    by_row: dict[int, list[Problem]] = {}
    for problem in found:
        by_row.setdefault(problem.row or 0, []).append(problem)
    if found and (0 in by_row or not skip_bad_rows):
        raise BadInput(in_order(found))
    refused = {row.number: row for row in read.refused}
    for row in rows:
        if row.number in by_row:
            refused[row.number] = RefusedRow(row.number, row.row_id, row.cells, in_order(by_row[row.number]))
    good = tuple(row for row in rows if row.number not in by_row)
    return good, tuple(refused[number] for number in sorted(refused))


def _engine(campaign: Campaign, found: list[Problem]) -> tuple[Engine | None, str]:
    """The campaign's engine, its options checked, and why it is this one."""
    from generation.engines import choose_engine, get_engine
    from generation.errors import GenerationError

    try:
        choice = choose_engine(campaign.engine)
        engine = get_engine(choice.name)
    except GenerationError as error:
        found.append(_of_campaign("engine", error.code, campaign.engine, str(error)))
        return None, ""
    return engine, choice.reason


def _with_options(campaign: Campaign, engine: Engine | None, found: list[Problem]) -> tuple[Campaign, Engine | None]:
    """The campaign with its `speed` among the engine's options, and the engine as these options have it."""
    if engine is None:
        return campaign, None
    options = dict(campaign.engine_options)
    if campaign.speed and "speed" not in engine.Options.model_fields:
        message, fix = f"{engine.id} has no speeds", "Leave `speed` out, or use an engine that has it"
        found.append(Problem("campaign.yaml", None, "speed", "no_speeds", campaign.speed, message, fix))
    elif campaign.speed:
        options["speed"] = campaign.speed
    campaign = replace(campaign, engine_options=options)
    good = _check_options(engine.Options, options, "engine_options", found)
    return campaign, engine.for_options(options) if good else engine


def _voice(campaign: Campaign, rows: tuple[Row, ...], found: list[Problem]) -> tuple[Voice | None, str]:
    """The campaign's voice, its options checked, and why it is this one."""
    from audio.errors import AudioError
    from audio.voices import choose_voice, get_voice

    spoken = {locale for row in rows for locale in row.locales or campaign.locales} or set(campaign.locales)
    try:
        name, reason = choose_voice(campaign.voice, spoken)
        voice = get_voice(name)
    except AudioError as error:
        found.append(_of_campaign("voice", error.code, campaign.voice, str(error)))
        return None, ""
    _check_options(voice.Options, campaign.voice_options, "voice_options", found)
    return voice, reason


def _check_options(model: type[BaseModel], options: Mapping[str, object], key: str, found: list[Problem]) -> bool:
    """Complain about options that the engine or voice does not have, or not with this value; whether all are good."""
    try:
        model.model_validate(dict(options))
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"])
            known = ", ".join(model.model_fields) or "none"
            near = did_you_mean(name, model.model_fields) if fault["type"] == "extra_forbidden" else ""
            fix = near if near.startswith("Did") else f"Known: {known}"
            message = f"{name}: no such option" if fault["type"] == "extra_forbidden" else f"{name}: {fault['msg']}"
            found.append(Problem("campaign.yaml", None, key, "bad_option", str(fault["input"])[:60], message, fix))
        return False
    return True


def _of_campaign(key: str, code: str, value: str, message: str) -> Problem:
    return Problem("campaign.yaml", None, key, code, value, message, f"Change `{key}` in campaign.yaml")
