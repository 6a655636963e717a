"""Expansion: row × locale × segment × variant become creatives, lazily and in a stable order.

Pure but for reading the bytes of pictures and films for the seeds. Texts are compiled once and a text whose inputs are
equal is rendered once, so that 60,000 creatives take seconds. Does not know placements' sizes, engines or voices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.experiment.assignment import NoUnit, assigned_variants
from flows.loras import together
from flows.model import BadInput, Campaign, Creative, LayerBrief, LoraBrief, Problem, Row, ShotBrief
from flows.problems import Problems
from flows.rows import currency_of, lookup
from flows.shots import Sources, shot_briefs, sources_of
from flows.template import Template
from flows.template_file import LayerPart, ShotPart
from flows.templating import RenderFailed, Text
from flows.values import KINDS, Money, Value
from flows.variants import LIMIT_ID, Variant, campaign_variants, creative_id, slug

if TYPE_CHECKING:
    from flows.policy.casting import Casting

#: Rendered texts kept; a row of 3 locales and 2 variants needs some 60, shared texts stay as long as they are used.
_KEPT_TEXTS = 20_000

Values = dict[str, Value]


def expand(
    campaign: Campaign,
    template: Template,
    rows: Sequence[Row],
    complaints: list[Problem] | None = None,
    sha256_of: Callable[[Path], str] | None = None,
    casting: Casting | None = None,
) -> Iterator[Creative]:
    """Every creative of the enabled rows, one at a time: row by row, then locale, segment, variant.

    With `complaints`, problems are appended there and the creatives that have one are left out; without, the first
    one is raised. `sha256_of` is asked for a picture's content; it is read from the file unless given. `casting`
    describes the people whom prompts mention; without it prompts stay as they are rendered.

    Raises: BadInput (only without `complaints`).
    """
    strict = complaints is None
    problems = Problems(campaign.rows_file.name, [] if complaints is None else complaints)
    expansion = _Expansion(campaign, template, problems, sha256_of or file_sha256, casting)
    for row in rows:
        if not row.enabled:
            continue
        yield from expansion.of_row(row)
        if strict and problems.found:
            raise BadInput(tuple(problems.found))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def row_values(campaign: Campaign, template: Template, row: Row, locale: str) -> Values:
    """Every variable of a row in a locale, with its type; an empty cell is an empty text. Raises: BadValue."""
    currency = currency_of(row.variables, campaign.currencies, locale)
    values: Values = {}
    for name, variable in template.variables.items():
        text = lookup(row.variables, name, locale) or variable.default
        value: Value = KINDS[variable.type].read(text) if text else ""
        values[name] = Money(text, currency) if text and variable.type == "money" else value
    url = row.landing_url or campaign.landing_url
    values |= {"row_id": row.row_id, "locale": locale, "language": locale.split("-")[0], "landing_url": url}
    return values | {"currency": currency, "domain": (urlsplit(url).hostname or "").removeprefix("www.")}


class _Expansion:
    """What is the same for all rows, and the texts rendered so far."""

    def __init__(
        self,
        campaign: Campaign,
        template: Template,
        problems: Problems,
        sha256_of: Callable[[Path], str],
        casting: Casting | None,
    ) -> None:
        self._casting = casting
        self.campaign, self.template, self.problems = campaign, template, problems
        self._sha256_of = lru_cache(maxsize=65_536)(sha256_of)
        self._texts: dict[tuple[object, ...], str] = {}
        self._ids: dict[str, int] = {}
        self._variants = campaign_variants(campaign)
        self._shots = lru_cache(maxsize=4096)(self._make_shots)
        defaults = {name: factor.default or factor.arms[0] for name, factor in template.spec.factors.items()}
        self._common: Values = {**defaults, "campaign": campaign.name, "brand": campaign.brand.name}
        self._utm = {**campaign.utm, "utm_campaign": slug(campaign.name).lower()}

    def of_row(self, row: Row) -> Iterator[Creative]:
        """The creatives of one row."""
        made = self._made(row)
        for locale in row.locales or self.campaign.locales:
            values = self._values(row, locale)
            for segment in row.segments or self.campaign.segments or ("",):
                values["segment"] = segment
                # A row that was drawn for another variant has no control of its own.
                reference = not self.campaign.experiment.assigned or self._variants[0] in made
                control = creative_id(row.row_id, locale, segment, self._variants[0].name) if reference else ""
                for variant in made:
                    try:
                        yield self._creative(row, locale, segment, variant, {**values, **variant.arms}, control)
                    except _Complained:
                        continue

    def _made(self, row: Row) -> tuple[Variant, ...]:
        """The variants of a row: those that it names, or all; the one that it is drawn for where rows are drawn."""
        named = tuple(variant for variant in self._variants if not row.variants or variant.name in row.variants)
        try:
            return assigned_variants(self.campaign.experiment, named, row, self.campaign.seed)
        except NoUnit as error:
            self._complain(row, error.column, "no_unit", str(error), error.fix, "")
            return ()

    def _creative(
        self, row: Row, locale: str, segment: str, variant: Variant, values: Values, control: str
    ) -> Creative:
        name = self._named(row, locale, segment, variant)

        def say(stem: str) -> str:
            return self._say(stem, values, row, locale, segment)

        spec, arms = self.template.spec, variant.arms
        prompts = tuple(say(shot.prompt) for shot in spec.shots)
        cast = self._casting.cast(prompts, row, locale, segment) if self._casting else None
        sources = tuple(self._sources(shot, row, locale) for shot in spec.shots)
        look = arms.get("look") or row.look or self.campaign.look
        loras = together(row.loras, self.campaign.look_loras.get(look, ()))
        seed = self.campaign.seed if row.seed is None else row.seed
        return Creative(
            creative_id=name,
            row=row,
            locale=locale,
            segment=segment,
            arms=arms,
            variant=variant.name,
            control_id=control,
            differs_in=variant.differs_in,
            shots=self._shots(cast.prompts if cast else prompts, sources, loras, seed),
            layers=tuple(layer for part in spec.layers if (layer := _layer(part, say)) is not None),
            voiceover=say(spec.voiceover) if spec.voiceover else "",
            look=look,
            music=arms.get("music") or row.music or self.campaign.music,
            utm={**self._utm, "utm_content": name},
            placements=row.placements or self.campaign.placements,
            synthetic_person=row.synthetic_person,
            people=cast.people if cast else {},
        )

    def _named(self, row: Row, locale: str, segment: str, variant: Variant) -> str:
        name = creative_id(row.row_id, locale, segment, variant.name)
        if len(name) > LIMIT_ID:
            message = f"the name {name} would have {len(name)} characters; {LIMIT_ID} is the limit"
            fix = f"Shorten the row_id by {len(name) - LIMIT_ID}"
            raise self._complain(row, "row_id", "name_too_long", message, fix, row.row_id)
        first = self._ids.setdefault(name.casefold(), row.number)
        if first != row.number:
            message = f"rows {first} and {row.number} would both be named {name}"
            raise self._complain(row, "row_id", "same_name", message, "Change one of the row_ids", row.row_id)
        return name

    def _values(self, row: Row, locale: str) -> Values:
        """Every variable that the texts of a row may read in a locale."""
        return {**self._common, **row_values(self.campaign, self.template, row, locale)}

    def _say(self, stem: str, values: Values, row: Row, locale: str, segment: str) -> str:
        """The text of a stem; the same file with the same inputs is rendered once."""
        text = self.template.text(stem, locale, segment)
        if text is None:
            file = f"{stem}.{locale.split('-')[0]}.j2"
            message = f"the template {self.template.name} has no {stem} for {locale}"
            fix = f"Write {self.template.name}/{file}, or leave the locale out"
            raise self._complain(row, "locale", "no_text_for_locale", message, fix, locale)
        key = (text.file, locale if text.localised else "", *[values[name] for name in text.names])
        found = self._texts.get(key)
        if found is None:
            found = self._render(text, values, row, locale)
            if len(self._texts) >= _KEPT_TEXTS:
                self._texts.clear()
            self._texts[key] = found
        return found

    def _render(self, text: Text, values: Mapping[str, Value], row: Row, locale: str) -> str:
        try:
            return text.render(values, locale)
        except RenderFailed as error:
            column = text.names[0] if len(text.names) == 1 else None
            raise self._complain(row, column, "text_failed", f"{error} ({locale})", error.fix, "") from error

    def _sources(self, shot: ShotPart, row: Row, locale: str) -> Sources:
        return sources_of(shot, self.campaign.folder, lambda name: lookup(row.variables, name, locale))

    def _make_shots(
        self, prompts: tuple[str, ...], sources: tuple[Sources, ...], loras: tuple[LoraBrief, ...], seed: int
    ) -> tuple[ShotBrief, ...]:
        return shot_briefs(self.template.spec.shots, prompts, sources, loras, seed, self._sha256_of)

    def _complain(self, row: Row, column: str | None, code: str, message: str, fix: str, value: str) -> _Complained:
        problem = Problem(self.problems.file, row.number, column, code, value, message, fix)
        if problem not in self.problems.found[-64:]:  # the variants of a row usually fail alike
            self.problems.found.append(problem)
        return _Complained()


class _Complained(Exception):
    """A creative cannot be made; the reason is in the complaints."""


def _layer(part: LayerPart, say: Callable[[str], str]) -> LayerBrief | None:
    """A layer with its texts; None when it was to write something and there is nothing to write."""
    text = say(part.text) if part.text else ""
    if part.text and not text:
        return None
    extra = {role: said for role, stem in part.extra.items() if (said := say(stem))}
    return LayerBrief(part.kind, text, part.start, part.end, extra)
