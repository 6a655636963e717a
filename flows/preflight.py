"""Everything that can be known before anything is spent: names, lengths, pictures, glyphs, texts that fit, spoken time.

Goes through all creatives once and asks about each different text once per picture size. The caller gives what is
installed (`Abilities`), so that tests need no engine. Engine and voice are chosen, with their own sentences, in
`order.py`. Nothing is made and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.fitting import Fitting
from flows.lengths import frames_for
from flows.loras import check_lora
from flows.model import Campaign, Creative, Problem
from flows.pictures import check_picture
from flows.placements import Placement, Rendition, load_placements
from flows.problems import Problems, did_you_mean, in_order
from flows.profile import FULL, renditions_of
from flows.sheet import brand_style
from flows.shots import Check, named_files
from flows.steps import LEAD_IN_SECONDS, TAIL_SECONDS
from flows.template import Template

if TYPE_CHECKING:
    pass

#: A voice may be hurried by so much (`audio.fit`); an estimate may be off by so much (`audio.estimate`).
MOST_SPEED, LEAST_OF_ESTIMATE = 1.25, 0.8
#: Answers kept; cleared when full, since equal texts mostly stand near each other.
_KEPT = 50_000
#: Languages written without spaces: their lines break inside a sentence.
_UNSPACED = {"ja", "zh", "yue", "th", "lo", "km", "my"}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this installation knows and can measure."""

    placements: Mapping[str, Placement]
    renditions: Mapping[str, Rendition]
    looks: tuple[str, ...]
    moods: tuple[str, ...]
    #: `generation.layers.titles.check_text`: kind, text, size, safe box, brand, locale.
    check_text: Callable[[str, str, Any, Any, Any, str], None]
    #: `audio.estimate.estimate_seconds`: text, locale.
    estimate_seconds: Callable[[str, str], float]


def installed(profile: str = FULL) -> Abilities:
    """What is there, for pictures in a profile's sizes."""
    from audio.beds import mood_names
    from audio.estimate import estimate_seconds
    from generation.layers.titles import check_text
    from generation.looks import look_names

    moods = (*mood_names(), "none")
    return Abilities(load_placements(), renditions_of(profile), look_names(), moods, check_text, estimate_seconds)


def preflight(
    campaign: Campaign, template: Template, creatives: Iterable[Creative], abilities: Abilities | None = None
) -> tuple[Problem, ...]:
    """Every complaint about the campaign and its creatives, each with the row where it belongs to one."""
    flight = _Flight(campaign, template, abilities or installed(campaign.profile))
    flight.check_campaign()
    for creative in creatives:
        flight.check(creative)
    flight.check_files()
    return in_order(flight.problems.found)


class _Flight:
    """One preflight: what has been answered so far, and the complaints."""

    def __init__(self, campaign: Campaign, template: Template, abilities: Abilities) -> None:
        self.campaign, self.template, self.abilities = campaign, template, abilities
        self.problems = Problems(campaign.rows_file.name)
        self._ranges: dict[str, tuple[str, float] | None] = {}
        #: Placements that campaign.yaml got a complaint for: not repeated for every row.
        self._told: set[str] = set()
        #: Each file and what it must stand up to: the column, and the rows that name it.
        self._files: dict[tuple[Path, Check], tuple[str, dict[int, None]]] = {}
        self._spoken: dict[tuple[str, str], float] = {}
        #: Characters of captions that were asked about, by locale.
        self._captioned: dict[str, set[str]] = {}
        self._fitting = Fitting(abilities.check_text, abilities.renditions, brand_style(campaign.brand))

    def check_campaign(self) -> None:
        """What holds for all rows: looks, moods, placements, the brand's own files and words."""
        whole = self.problems.of("campaign.yaml")
        self._check_style(whole, None, self.campaign.look, self.campaign.music)
        for factor in self.campaign.factors:
            for arm in factor.arms:
                self._check_style(
                    whole, None, arm if factor.name == "look" else "", arm if factor.name == "music" else ""
                )
        for name in self.campaign.placements:
            if self._rendition(whole, None, name) is None:
                self._told.add(name)
        for look, loras in self.campaign.look_loras.items():
            self._check_style(whole, None, look, "")
            for lora in loras:
                if wrong := check_lora(lora.path):
                    whole.add(*wrong, value=lora.path.name, column="look_loras")
        brand = self.problems.of("brand.yaml")
        if self.campaign.brand.logo is not None:
            wrong = check_picture(self.campaign.brand.logo)
            if wrong:
                brand.add(wrong[0], wrong[1], wrong[2], value=self.campaign.brand.logo.name, column="logo")
        renditions = tuple(sorted({found[0] for found in self._ranges.values() if found}))
        for kind in ("watermark", "logo") if self.campaign.brand.watermark else ():
            text = self.campaign.brand.watermark if kind == "watermark" else self.campaign.brand.name
            if kind == "watermark" or self.campaign.brand.logo is None:
                column = "watermark" if kind == "watermark" else "name"
                self._check_text(brand, None, column, kind, text, self.campaign.locales[0], renditions)

    def check(self, creative: Creative) -> None:
        """One creative: its placements, style, pictures, texts and voice."""
        row = creative.row
        if row.placements or row.look or row.music:
            self._check_style(self.problems, row.number, row.look, row.music)
        found = [self._rendition(self.problems, row.number, name) for name in creative.placements]
        places = [place for place in found if place is not None]
        longest = max((seconds for _, seconds in places), default=0.0)
        for column, path, check in named_files(self.template.spec.shots, self.campaign.folder, creative, longest):
            self._files.setdefault((path, check), (column, {}))[1][row.number] = None
        renditions = tuple(sorted({rendition for rendition, _ in places}))
        for layer in creative.layers:
            texts = {layer.kind: layer.text} | {f"{layer.kind}.{role}": text for role, text in layer.extra.items()}
            for kind, text in texts.items():
                if text:
                    self._check_text(self.problems, row.number, kind, kind, text, creative.locale, renditions)
        if creative.voiceover and places and self.campaign.voice != "none":
            self._check_voice(creative, min(seconds for _, seconds in places))
            self._check_captions(creative, renditions)

    def check_files(self) -> None:
        """Every different file once; a broken one is a complaint of each row that uses it."""
        for (path, check), (column, rows) in self._files.items():
            wrong = check(path)
            for row in rows if wrong else ():
                assert wrong is not None
                self.problems.add(wrong[0], wrong[1], wrong[2], value=path.name, row=row, column=column)

    def _check_style(self, problems: Problems, row: int | None, look: str, music: str) -> None:
        for column, name, known in (("look", look, self.abilities.looks), ("music", music, self.abilities.moods)):
            if name and name not in known:
                fix = did_you_mean(name, known)
                problems.add(f"unknown_{column}", f"no such {column}", fix, value=name, row=row, column=column)

    def _rendition(self, problems: Problems, row: int | None, name: str) -> tuple[str, float] | None:
        """The rendition of a placement and its film's seconds; None after a complaint."""
        if self._ranges.get(name) is not None or (row is not None and name in self._told):
            return self._ranges.get(name)
        self._ranges[name] = None
        placement = self.abilities.placements.get(name)
        if placement is None:
            fix = did_you_mean(name, self.abilities.placements) or "`spotmill placements` lists them"
            problems.add("unknown_placement", "no such placement", fix, value=name, row=row, column="placements")
            return None
        length = self.template.spec.seconds
        try:
            frames = frames_for(placement, self.campaign.seconds, (length.min, length.max))
        except ValueError as error:
            message = f"{error}, and the template {self.template.name} makes {length.min:g}-{length.max:g} s"
            fix = "Leave the placement out, or use another template"
            problems.add("length_range", message, fix, value=name, row=row, column="placements")
            return None
        self._ranges[name] = (placement.rendition, frames * 1001 / 30000)
        return self._ranges[name]

    def _check_text(
        self,
        problems: Problems,
        row: int | None,
        column: str,
        kind: str,
        text: str,
        locale: str,
        renditions: tuple[str, ...],
    ) -> bool:
        """Whether a text can be drawn at all these sizes; the first that it cannot is complained of."""
        wrong = self._fitting.complaint(kind, text, renditions, locale)
        if wrong is not None:
            code, message, fix = wrong
            problems.add(code, f"{message} ({locale})", fix, value=text, row=row, column=column)
        return wrong is None

    def _check_captions(self, creative: Creative, renditions: tuple[str, ...]) -> None:
        """Captions show what is said: every character has a glyph, and no word is wider than a line."""
        text, locale, row = creative.voiceover, creative.locale, creative.row.number
        known = self._captioned.setdefault(locale, set())
        new = set(text) - known - {" "}
        spaced = locale.split("-")[0] not in _UNSPACED
        words = text.split() if spaced else list(text)
        for word in dict.fromkeys(word for word in words if not new.isdisjoint(word)):
            if self._check_text(self.problems, row, "voiceover", "caption", word, locale, renditions[:1]):
                known |= set(word)
        if spaced:
            longest = max(words, key=len)
            self._check_text(self.problems, row, "voiceover", "caption", longest, locale, renditions)

    def _check_voice(self, creative: Creative, film_seconds: float) -> None:
        key = (creative.voiceover, creative.locale)
        needed = self._spoken.get(key)
        if needed is None:
            if len(self._spoken) >= _KEPT:
                self._spoken.clear()
            needed = self._spoken[key] = self.abilities.estimate_seconds(*key)
        available = film_seconds - LEAD_IN_SECONDS - TAIL_SECONDS
        # Only what cannot be right is refused here; what decides is the voice itself, measured.
        if needed * LEAST_OF_ESTIMATE > available * MOST_SPEED:
            cut = round(len(creative.voiceover) * (1 - available / needed))
            message = (
                f"the voiceover takes about {needed:.1f} s to say and the film leaves {available:.1f} s"
                f" ({creative.locale})"
            )
            fix = f"Shorten it by about {cut} characters, or make the film longer"
            self.problems.add(
                "voice_too_long", message, fix, value=creative.voiceover, row=creative.row.number, column="voiceover"
            )
