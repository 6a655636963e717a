"""Reserved cells of a row: locale, segment, variant, placements, seed and the other things that every campaign knows.

Each cell becomes a typed value or a complaint with its row and column. Knows no template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows import values
from flows.localise import locale_tag
from flows.loras import parts, read_loras
from flows.model import Campaign, LoraBrief
from flows.policy.policy_file import category_name
from flows.problems import Problems, did_you_mean
from flows.values import BadValue
from flows.variants import SLUG, campaign_variants

_SEPARATORS = re.compile(r"[,;|\s]+")
#: The column as it is usually written, for fields that hold several.
_SHOWN = {"locales": "locale", "segments": "segment", "variants": "variant"}


def parted(cell: str) -> list[str]:
    """The names in a cell that may hold several."""
    return [part for part in _SEPARATORS.split(cell) if part]


@dataclass(slots=True)
class ReservedCells:
    """Reads the reserved cells of one row."""

    number: int
    campaign: Campaign
    problems: Problems

    def read(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """The fields of a `Row` that the cells set."""
        name = cells.get("campaign", "")
        if name and name.casefold() != self.campaign.name.casefold():
            fix = "Leave the cell empty, or move the row to that campaign's folder"
            self._complain("campaign", "other_campaign", f'this campaign is "{self.campaign.name}"', fix, name)
        seed = self._one("seed", values.integer, cells)
        if seed is not None and not 0 <= seed < 2**31:
            self._complain("seed", "bad_seed", "out of range", f"Write 0 to {2**31 - 1}", seed)
        return {
            "locales": self._many("locales", "bad_locale", locale_tag, cells),
            "segments": self._many("segments", "bad_segment", self._segment, cells),
            "variants": self._many("variants", "bad_variant", self._variant, cells),
            "placements": self._many("placements", "bad_placement", values.text, cells),
            "seed": seed,
            "landing_url": self._one("landing_url", values.url, cells) or "",
            "synthetic_person": self.boolean("synthetic_person", cells),
            "look": cells.get("look", ""),
            "music": cells.get("music", ""),
            "loras": self._loras(cells),
            "category": self._many("category", "bad_category", self._category, cells),
            "person": cells.get("person", ""),
        }

    def boolean(self, name: str, cells: Mapping[str, str]) -> bool | None:
        """Yes, no, or None for an empty cell."""
        found: bool | None = self._one(name, values.boolean, cells)
        return found

    def _one(self, name: str, read: Any, cells: Mapping[str, str]) -> Any:
        text = cells.get(name, "")
        try:
            return read(text) if text else None
        except BadValue as error:
            self._complain(name, f"bad_{name}", str(error), error.fix, text)
            return None

    def _many(self, name: str, code: str, read: Any, cells: Mapping[str, str]) -> tuple[str, ...]:
        found = []
        for part in parted(cells.get(name, "")):
            try:
                found.append(read(part))
            except BadValue as error:
                self._complain(_SHOWN.get(name, name), code, str(error), error.fix, part)
        return tuple(dict.fromkeys(found))

    def _loras(self, cells: Mapping[str, str]) -> tuple[LoraBrief, ...]:
        texts = parts(cells.get("loras", ""))
        return read_loras(self.campaign.folder, texts, self.problems, column="lora", row=self.number)

    def _category(self, name: str) -> str:
        try:
            return category_name(name)
        except ValueError as error:
            raise BadValue(str(error), "") from error

    def _segment(self, name: str) -> str:
        known = self.campaign.segments
        if known and name not in known:
            raise BadValue("not a segment of this campaign", did_you_mean(name, known))
        if not SLUG.fullmatch(name):
            raise BadValue("not a segment's name", "Write small letters, digits and hyphens")
        return name

    def _variant(self, name: str) -> str:
        known = [variant.name for variant in campaign_variants(self.campaign)]
        if name not in known:
            raise BadValue("not a variant of this campaign", did_you_mean(name, known))
        return name

    def _complain(self, column: str, code: str, message: str, fix: str, value: object) -> None:
        self.problems.add(code, message, fix, value=value, row=self.number, column=column)
