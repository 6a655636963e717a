"""The words of a campaign as frozen records: problems, rows, templates' texts, creatives, placements.

Imports nothing of ours and nothing heavy; every other module of `flows` speaks in these values.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One complaint about the input: where, what, and the way out. `row` counts CSV data rows from 1."""

    file: str
    row: int | None
    column: str | None
    code: str
    #: The offending value, shortened for display and free of control characters.
    value: str
    message: str
    fix: str

    def sentence(self) -> str:
        """One line for the terminal."""
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column:
            where += f", column {self.column}"
        shown = f" ({self.value!r})" if self.value else ""
        end = "" if self.message.endswith("?") and not shown else "."
        return f"{where}: {self.message}{shown}{end} {self.fix}".rstrip()


class BadInput(Exception):
    """The campaign cannot be run as it is; carries every problem found, not only the first. Exit code 2."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.sentence() for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return (BadInput, (self.problems,))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the campaign's CSV, read and checked."""

    #: 1 for the first line under the header.
    number: int
    row_id: str
    #: Every cell as it stood in the file, by the header as it stood in the file, in the file's order.
    cells: Mapping[str, str]
    #: Template variables: normalised column name -> text. Typed values are made by the template's declarations.
    variables: Mapping[str, str]
    #: Cell-level overrides; an empty tuple means "what the campaign says".
    locales: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    enabled: bool = True
    seed: int | None = None
    landing_url: str = ""
    #: True when the ad shows a person made by AI (New York GBL 396-b); None when the row does not say.
    synthetic_person: bool | None = None
    #: Only these variants of the row; () makes all.
    variants: tuple[str, ...] = ()
    #: "" takes the campaign's.
    look: str = ""
    music: str = ""
    #: For every shot of the row, before those of its look.
    loras: tuple[LoraBrief, ...] = ()
    #: Sensitive categories that the row states; () takes the policy's.
    category: tuple[str, ...] = ()
    #: Who is seen, in words or as `age=older; gender=woman`; "" leaves it to the campaign.
    person: str = ""


@dataclass(frozen=True, slots=True)
class Factor:
    """An A/B factor and its arms; the first arm is the control."""

    name: str
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brand:
    """`brand.yaml`: how the brand looks. Colours are `#rrggbb`; paths are absolute and checked."""

    name: str
    primary: str
    accent: str
    ink: str
    paper: str
    #: PNG or WebP with transparency; None writes the brand's name instead.
    logo: Path | None
    #: Font files, most wanted first; () uses the template's packaged family.
    fonts: tuple[Path, ...]
    font_family: str
    #: Text of the visible watermark.
    watermark: str


@dataclass(frozen=True, slots=True)
class ConformBrief:
    """How a model's footage is brought to the delivery rate."""

    #: auto, motion, blend, nearest, or learned (then by `interpolation_model`).
    interpolation: str = "auto"
    interpolation_model: Path | None = None
    #: An ONNX file that enlarges; None leaves it to the plate's resampler.
    upscale_model: Path | None = None
    #: How much of the exposure's pumping is taken out, 0 to 1.
    deflicker: float = 0.5


@dataclass(frozen=True, slots=True)
class PeopleBrief:
    """How somebody is described whom a prompt mentions."""

    #: One description for all; "" balances the attributes.
    describe: str = ""
    #: Attribute -> value -> weight.
    attributes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: How values become words, such as "a {age} {gender}"; "" lists them.
    say: str = ""
    #: row, and what else a description differs by: locale, segment.
    vary_by: tuple[str, ...] = ("row",)
    #: Whether somebody of whom nothing is said is described at all.
    balance: bool = False
    #: Whether the campaign itself names descriptions or attributes.
    asked: bool = False


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A model of the user's own that looks at footage: a folder of safetensors weights, and where it draws the line."""

    folder: Path
    limit: float
    #: The model's label that counts.
    label: str


@dataclass(frozen=True, slots=True)
class ContentBrief:
    """Which models look at the footage; None leaves a thing unchecked."""

    nsfw: ModelCheck | None = None
    faces: ModelCheck | None = None
    #: Pictures of each film that are looked at, spread over it.
    frames: int = 8


@dataclass(frozen=True, slots=True)
class ExperimentBrief:
    """What a campaign tests, and how it is decided."""

    #: Part of the hash that gives a row its variant: another name, another draw.
    name: str = ""
    #: full or fractional.
    design: str = "full"
    #: The reference arm by factor; a factor that is not named has its first.
    control: Mapping[str, str] = field(default_factory=dict)
    #: The variants that are made; () is every combination.
    variants: tuple[str, ...] = ()
    #: What of the design cannot be told apart, as sentences.
    aliases: tuple[str, ...] = ()
    #: Share of each variant, adding up to 1.
    allocation: Mapping[str, float] = field(default_factory=dict)
    #: Each row is made in one variant only, drawn by a stable hash.
    assigned: bool = False
    #: Column whose text is drawn for instead of the row's id; "" is the id.
    unit: str = ""
    metric: str = "ctr"
    #: The smallest relative difference worth finding.
    lift: float = 0.1
    alpha: float = 0.05
    power: float = 0.8
    #: group_sequential or always_valid.
    rule: str = "group_sequential"


@dataclass(frozen=True, slots=True)
class Campaign:
    """`campaign.yaml`, resolved: everything that holds for all rows."""

    name: str
    folder: Path
    rows_file: Path
    #: The template's folder.
    template: Path
    locales: tuple[str, ...]
    segments: tuple[str, ...]
    factors: tuple[Factor, ...]
    placements: tuple[str, ...]
    brand: Brand
    seed: int
    engine: str
    engine_options: Mapping[str, object]
    voice: str
    voice_options: Mapping[str, object]
    look: str
    music: str
    #: Length wanted, in seconds; a placement's own limits may lengthen or shorten it within the template's range.
    seconds: float
    #: Encode tier: final, archive or preview.
    quality: str
    #: `auto` follows the rule table; anything else is an override and needs `disclosure_reason`.
    disclosure: str
    disclosure_reason: str
    landing_url: str
    utm: Mapping[str, str]
    #: ISO 4217 codes by locale; "" holds for all others.
    currencies: Mapping[str, str] = field(default_factory=dict)
    #: Columns of the rows CSV that no template reads, by name.
    ignore_columns: tuple[str, ...] = ()
    #: Hosts from which cells may fetch pictures and films over https; () is none.
    asset_hosts: tuple[str, ...] = ()
    #: exact, balanced or fast; "" is the engine's own.
    speed: str = ""
    #: ISO 3166 codes of the places where the ads are shown, and EU; () guesses from the locales.
    territories: tuple[str, ...] = ()
    #: Of whoever advertises; None is not stated. Some licences end at a revenue.
    annual_revenue_usd: int | None = None
    #: Why a licence's complaint does not hold here, such as an agreement of one's own; "" has it hold.
    licence_override: str = ""
    #: LoRAs by look, for every shot in that look.
    look_loras: Mapping[str, tuple[LoraBrief, ...]] = field(default_factory=dict)
    conform: ConformBrief = field(default_factory=ConformBrief)
    #: spread, learned or none.
    invisible_mark: str = "spread"
    #: none, or required: a person approves each delivery before it is more than a draft.
    approval: str = "none"
    #: What the signed statement says about training on the film: notAllowed, constrained or allowed.
    ai_training: str = "notAllowed"
    #: The file of the rights ledger; None is none. `listed` enforces its entries, `required` wants one for every file.
    rights: Path | None = None
    rights_policy: str = "listed"
    #: The last day that the ads run; None is not stated.
    run_until: datetime.date | None = None
    #: Name of the policy's file; None takes policy.yaml where there is one.
    policy: str | None = None
    people: PeopleBrief = field(default_factory=PeopleBrief)
    content_checks: ContentBrief = field(default_factory=ContentBrief)
    #: Template of the names of ads at hand-off; "" takes the usual one.
    naming: str = ""
    #: Texts of ads at hand-off: text -> locale ("" is any) -> template.
    ads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    experiment: ExperimentBrief = field(default_factory=ExperimentBrief)
    #: What becomes of films whose rows are gone from the feed: keep or retire.
    gone_rows: str = "keep"
    #: full, or draft: everything small and quick, never published.
    profile: str = "full"


@dataclass(frozen=True, slots=True)
class LoraBrief:
    """A LoRA that a row or a look asks for: a safetensors file inside the campaign's folder, and its weight."""

    path: Path
    weight: float


@dataclass(frozen=True, slots=True)
class ShotBrief:
    """One shot of a creative as the template asks for it, before size and rate are known."""

    prompt: str
    negative_prompt: str
    #: Part of the film's length, the shots of a creative add up to 1.
    share: Fraction
    picture: Path | None
    seed: int
    #: Names what the seed depends on, for the report: campaign seed and content, never row order.
    seed_basis: str
    #: The film ends with exactly this picture.
    last_picture: Path | None = None
    #: A film to restyle, and how much of it may change (0 to 1).
    clip: Path | None = None
    strength: float = 0.7
    #: Pictures of what shall be recognised, wherever it appears.
    references: tuple[Path, ...] = ()
    loras: tuple[LoraBrief, ...] = ()
    #: The shot goes on where the one before ended: its first frame is that one's last.
    continues: bool = False
    #: Name of the camera move (`camera.toml`), whose words stand in the prompt already; "" leaves it to the look.
    camera: str = ""


@dataclass(frozen=True, slots=True)
class LayerBrief:
    """One layer of a creative: which text, drawn as what, from when until when.

    Times are seconds from the start; negative times count from the end of the film; None is the end itself.
    """

    kind: str
    text: str
    start_seconds: float
    end_seconds: float | None
    #: Further texts of the same layer, by role: `{"old_price": "$24.90"}`.
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Creative:
    """row × locale × segment × variant: one ad as an idea, before formats."""

    creative_id: str
    row: Row
    locale: str
    segment: str
    #: Arm of every factor: {"hook": "question"}.
    arms: Mapping[str, str]
    #: The arms as one slug, `control` when the campaign has no factors.
    variant: str
    #: The creative_id of the control with the same row, locale and segment.
    control_id: str
    #: The one factor in which this variant differs from its control; "" for the control, "several" if more than one.
    differs_in: str
    shots: tuple[ShotBrief, ...]
    layers: tuple[LayerBrief, ...]
    voiceover: str
    look: str
    music: str
    utm: Mapping[str, str]
    placements: tuple[str, ...]
    synthetic_person: bool | None
    #: Attributes of the person whom the prompts describe at the campaign's wish; {} where nobody is.
    people: Mapping[str, str] = field(default_factory=dict)
