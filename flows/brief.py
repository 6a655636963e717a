"""A campaign as its owner wrote it: `campaign.yaml` and `brand.yaml` become one checked `Campaign`.

Unknown keys are refused with the nearest known one, and all complaints come at once. Files named here must lie inside
the campaign's folder. Does not know which engines, looks and placements exist (`preflight.py`), nor the rows
(`rows.py`).
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flows import values
from flows.addresses import BadAddress, host_name
from flows.brand import Line, Words, WrittenFile, load_brand, one_or_many, read_as
from flows.conforming import ConformFile, read_conform
from flows.experiment.experiment_file import ExperimentFile, read_experiment
from flows.handoff.wording import AdsFile, check_wording
from flows.localise import locale_tag
from flows.loras import read_look_loras
from flows.model import (
    BadInput,
    Brand,
    Campaign,
    ConformBrief,
    ContentBrief,
    ExperimentBrief,
    Factor,
    LoraBrief,
    Problem,
)
from flows.pictures import inside
from flows.policy.content import ContentFile, read_content
from flows.policy.people_file import PeopleFile, people_brief
from flows.problems import Problems, did_you_mean
from flows.rows import RowsRead, read_all_rows, read_rows
from flows.selection import select_rows
from flows.template import STYLE_FACTORS, Template, find_template, load_template, template_names
from flows.template_file import TemplateFile
from flows.territories import territory
from flows.variants import SLUG
from flows.yaml_file import read_model

__all__ = ["RowsRead", "load_brand", "load_campaign", "read_all_rows", "read_rows", "select_rows"]

CAMPAIGN_FILE = "campaign.yaml"
#: 5 factors of 4 arms are 1,024 films a row: more is a mistake sooner than a test.
LIMIT_VARIANTS = 64


Arms = Annotated[tuple[str, ...], BeforeValidator(one_or_many), Field(min_length=1)]


class CampaignFile(WrittenFile):
    """campaign.yaml."""

    name: Line = Field(min_length=1)
    template: str
    rows: str = "rows.csv"
    brand: str = "brand.yaml"
    locales: Words = Field(min_length=1, max_length=100)
    segments: Words = Field((), max_length=50)
    factors: dict[str, Annotated[tuple[str, ...], BeforeValidator(one_or_many), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    placements: Words = Field(min_length=1, max_length=100)
    #: ISO 4217 code of all prices, or one by locale.
    currency: str | dict[str, str] = ""
    seed: int = Field(1, ge=0, le=2**31 - 1)
    engine: str = "auto"
    engine_options: dict[str, Any] = Field(default_factory=dict)
    voice: str = "auto"
    voice_options: dict[str, Any] = Field(default_factory=dict)
    #: "" takes the template's.
    look: str = ""
    music: str = ""
    seconds: float | None = Field(None, ge=1, le=180)
    quality: Literal["final", "archive", "preview"] = "final"
    #: `draft` makes everything small and quick, for looking at.
    profile: Literal["full", "draft"] = "full"
    disclosure: str = "auto"
    disclosure_reason: Line = ""
    landing_url: str = ""
    utm: dict[str, str] = Field(default_factory=dict)
    #: Columns of the rows CSV that are for people only.
    ignore_columns: Words = ()
    #: Hosts whose pictures and films cells may name by their https address.
    asset_hosts: Words = Field((), max_length=50)
    #: `file.safetensors:weight` by look.
    look_loras: dict[str, Words] = Field(default_factory=dict)
    #: "" takes the engine's.
    speed: Literal["", "exact", "balanced", "fast"] = ""
    #: Where the ads are shown; () guesses from the locales.
    territories: Words = Field((), max_length=300)
    annual_revenue_usd: int | None = Field(None, ge=0)
    licence_override: Line = ""
    conform: ConformFile = ConformFile()
    invisible_mark: Literal["spread", "learned", "none"] = "spread"
    approval: Literal["none", "required"] = "none"
    ai_training: Literal["notAllowed", "constrained", "allowed"] = "notAllowed"
    #: The rights ledger; "" is none.
    rights: str = ""
    rights_policy: Literal["listed", "required"] = "listed"
    run_until: datetime.date | None = None
    #: Films whose rows are gone from the feed stay where they are, or are moved aside.
    gone_rows: Literal["keep", "retire"] = "keep"
    #: None takes policy.yaml where there is one.
    policy: str | None = None
    people: PeopleFile = PeopleFile()
    content_checks: ContentFile = ContentFile()
    #: Names and texts of the ads at hand-off; templates over the row's variables.
    naming: str = Field("", max_length=500)
    ads: AdsFile = AdsFile()
    #: What is tested, who sees which variant, how it is decided.
    experiment: ExperimentFile = ExperimentFile()

    @field_validator("run_until", mode="before")
    @classmethod
    def _last_day(cls, day: Any) -> Any:
        return read_as(values.date, day) if isinstance(day, str) else day

    @field_validator("territories")
    @classmethod
    def _territories(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(tuple(read_as(territory, code) for code in codes))

    @field_validator("locales")
    @classmethod
    def _locales(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(tuple(read_as(locale_tag, tag) for tag in tags))

    @field_validator("asset_hosts")
    @classmethod
    def _hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(map(host_name, names)))
        except BadAddress as error:
            raise ValueError(f"{error}. {error.fix}") from error

    @field_validator("segments", "placements")
    @classmethod
    def _unique(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(names)

    @field_validator("segments")
    @classmethod
    def _segments(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not SLUG.fullmatch(name):
                raise ValueError(f"{name!r} is no segment name: write small letters, digits and hyphens")
        return names

    @field_validator("factors")
    @classmethod
    def _factors(cls, factors: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        count = 1
        for name, arms in factors.items():
            count *= len(arms)
            _each_once(arms)
            for word in (name, *arms):
                if not SLUG.fullmatch(word):
                    raise ValueError(f"{word!r}: factors and arms are written in small letters, digits, _ and -")
        if count > LIMIT_VARIANTS:
            raise ValueError(f"the factors multiply to {count} variants of every ad; {LIMIT_VARIANTS} is the limit")
        return factors

    @field_validator("currency")
    @classmethod
    def _currency(cls, given: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(given, str):
            return read_as(values.currency, given) if given else ""
        return {read_as(locale_tag, tag): read_as(values.currency, code) for tag, code in given.items()}

    @field_validator("landing_url")
    @classmethod
    def _url(cls, text: str) -> str:
        return read_as(values.url, text) if text else ""

    @model_validator(mode="after")
    def _reasoned(self) -> CampaignFile:
        if self.disclosure != "auto" and not self.disclosure_reason:
            raise ValueError("an overridden disclosure needs a `disclosure_reason`")
        return self


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise ValueError(f"{name!r} stands here twice")
        seen[key] = name
    return names


def load_campaign(folder: Path) -> Campaign:
    """Read a campaign's folder; the rows come with `read_rows`.

    Raises: BadInput with every complaint about campaign.yaml, brand.yaml and the template they name.
    """
    found: list[Problem] = []
    problems = Problems(CAMPAIGN_FILE, found)
    if not folder.is_dir():
        problems.add("campaign_missing", "there is no such folder", "`spotmill init` makes one", value=folder)
        problems.raise_if_any()
    # Pydantic cannot see that one key is misspelt when another is missing; both complaints come together.
    file = read_model(folder / CAMPAIGN_FILE, CampaignFile, problems)
    if file is None:
        raise BadInput(tuple(found))
    brand = load_brand(folder, file.brand, problems)
    rows_file = inside(folder, file.rows, problems, column="rows")
    template = _template(folder, file, problems)
    loras = read_look_loras(folder, file.look_loras, problems)
    conform = read_conform(folder, file.conform, problems)
    content = read_content(folder, file.content_checks, problems)
    experiment = read_experiment(file.experiment, file.name, file.factors, problems)
    rights = inside(folder, file.rights, problems, column="rights") if file.rights else None
    problems.raise_if_any()
    assert brand is not None
    assert rows_file is not None
    assert template is not None
    return _campaign(folder, file, brand, rows_file, template, loras, conform, content, rights, experiment)


def _template(folder: Path, file: CampaignFile, problems: Problems) -> Template | None:
    """The template that the campaign names, checked against what the campaign asks of it; None after a complaint."""
    found = find_template(file.template, folder)
    if found is None:
        fix = did_you_mean(file.template, template_names())
        problems.add("unknown_template", "no such template", fix, value=file.template, column="template")
        return None
    try:
        template = load_template(found, factors=file.factors)
    except BadInput as error:
        problems.found.extend(error.problems)
        return None
    _check_against(template.spec, template.name, file, problems)
    check_wording(file.ads.written(), file.naming, template, file.factors, file.ignore_columns, problems)
    return template


def _check_against(spec: TemplateFile, name: str, file: CampaignFile, problems: Problems) -> None:
    """What campaign.yaml asks of the template: factors that it understands, a length that it can have."""
    for factor, arms in file.factors.items():
        if factor in STYLE_FACTORS:
            continue
        if factor not in spec.factors:
            fix = did_you_mean(factor, (*spec.factors, *STYLE_FACTORS))
            problems.add("unknown_factor", f"{name} has no such factor", fix, value=factor, column="factors")
            continue
        for arm in arms:
            if arm not in spec.factors[factor].arms:
                fix = did_you_mean(arm, spec.factors[factor].arms)
                problems.add("unknown_arm", f"the factor {factor} has no such arm", fix, value=arm, column="factors")
    if file.seconds is not None and not spec.seconds.min <= file.seconds <= spec.seconds.max:
        message = f"{name} makes films of {spec.seconds.min:g} to {spec.seconds.max:g} s"
        problems.add("seconds_range", message, "Change `seconds`", value=f"{file.seconds:g}", column="seconds")
    clash = sorted(set(file.segments) & {tag.split("-")[0] for tag in file.locales})
    if clash:
        message = "a segment has the name of a language, so that names of text files would mean two things"
        problems.add("name_taken", message, "Rename the segment", value=", ".join(clash), column="segments")


def _campaign(
    folder: Path,
    file: CampaignFile,
    brand: Brand,
    rows_file: Path,
    template: Template,
    look_loras: Mapping[str, tuple[LoraBrief, ...]],
    conform: ConformBrief,
    content: ContentBrief,
    rights: Path | None,
    experiment: ExperimentBrief,
) -> Campaign:
    spec = template.spec
    currencies = {"": file.currency} if isinstance(file.currency, str) else file.currency
    return Campaign(
        name=file.name,
        folder=folder.resolve(),
        rows_file=rows_file,
        template=template.folder,
        locales=file.locales,
        segments=file.segments,
        factors=tuple(Factor(name, arms) for name, arms in file.factors.items()),
        placements=file.placements,
        brand=brand,
        seed=file.seed,
        engine=file.engine,
        engine_options=file.engine_options,
        voice=file.voice,
        voice_options=file.voice_options,
        look=file.look or spec.look,
        music=file.music or spec.music,
        seconds=file.seconds or spec.seconds.default,
        quality=file.quality,
        disclosure=file.disclosure,
        disclosure_reason=file.disclosure_reason,
        landing_url=file.landing_url,
        utm=file.utm,
        currencies={locale: code for locale, code in currencies.items() if code},
        ignore_columns=file.ignore_columns,
        asset_hosts=file.asset_hosts,
        look_loras=look_loras,
        speed=file.speed,
        territories=file.territories,
        annual_revenue_usd=file.annual_revenue_usd,
        licence_override=file.licence_override,
        conform=conform,
        invisible_mark=file.invisible_mark,
        approval=file.approval,
        ai_training=file.ai_training,
        rights=rights,
        rights_policy=file.rights_policy,
        run_until=file.run_until,
        gone_rows=file.gone_rows,
        policy=file.policy,
        people=people_brief(file.people),
        content_checks=content,
        naming=file.naming,
        ads=file.ads.written(),
        experiment=experiment,
        profile=file.profile,
    )
