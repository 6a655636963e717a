"""Lines of an export find their creatives: by utm_content, or by the creative's id inside the ad's name or address.

Ids may be parts of each other (`red_en-US_question`, `red_en-US_question-clean`): the longest that stands there between
signs that no id holds wins. What finds none is counted and named, never guessed. Knows results and exports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from flows.deliveries import DeliveryRecord
from flows.experiment.export_file import Export, Line
from flows.problems import shown

#: Names of ads without a creative that are told.
_NAMED = 5
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Cell:
    """Counts of one variant in one place: a row in a locale, for a segment, on a placement where the ad names it."""

    variant: str
    row_id: str
    #: The same for the variants that stand side by side.
    block: str
    counts: Mapping[str, float] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """An export by creatives."""

    cells: tuple[Cell, ...]
    ads: int
    #: Names of ads that are none of this run's, with their impressions.
    strangers: Mapping[str, float] = field(hash=False)

    def totals(self, variant: str) -> dict[str, float]:
        """All counts of a variant."""
        total: Counter[str] = Counter()
        for cell in self.cells:
            if cell.variant == variant:
                total.update(cell.counts)
        return dict(total)

    def notes(self) -> tuple[str, ...]:
        """That some ads are none of ours."""
        if not self.strangers:
            return ()
        named = ", ".join(repr(shown(name)) for name in list(self.strangers)[:_NAMED])
        more = f" and {len(self.strangers) - _NAMED} more" if len(self.strangers) > _NAMED else ""
        seen = sum(self.strangers.values())
        count = "1 ad is" if len(self.strangers) == 1 else f"{len(self.strangers)} ads are"
        return (f"{count} of no creative in results.csv and left out ({seen:,.0f} impressions): {named}{more}",)


def join(export: Export, records: Iterable[DeliveryRecord]) -> Joined:
    """The counts of each creative's ads."""
    creatives = {record.creative_id: record for record in records if record.creative_id}
    by_key = {creative.casefold(): creative for creative in creatives}
    placements = sorted({record.placement for record in records if record.placement}, key=len, reverse=True)
    sums: dict[tuple[str, str, str], Counter[str]] = {}
    strangers: Counter[str] = Counter()
    ads = set()
    for line in export.lines:
        found = creative_of(line, by_key)
        if not found:
            strangers[line.ad or line.link] += int(line.counts.get("impressions", 0))
            continue
        record = creatives[found]
        ads.add((found, line.ad))
        placed = next((name for name in placements if name in line.ad), "")
        block = "/".join((record.row_id, record.locale, record.segment, placed))
        sums.setdefault((record.variant, record.row_id, block), Counter()).update(line.counts)
    cells = tuple(Cell(*key, dict(counts)) for key, counts in sorted(sums.items()))
    return Joined(cells, len(ads), dict(strangers.most_common()))


def creative_of(line: Line, by_key: Mapping[str, str]) -> str:
    """The creative of an ad; "" for none. `by_key` has ids by their casefolded form."""
    tagged = _utm_content(line.link)
    return by_key.get(tagged.casefold(), "") or _inside(line.ad, by_key) or _inside(line.link, by_key)


def _utm_content(link: str) -> str:
    """The parameter of an address, or of a list of parameters; the text itself where it has none."""
    query = urlsplit(link).query if "?" in link else link
    return dict(parse_qsl(query.lstrip("?&"))).get("utm_content", link.strip())


def _inside(text: str, by_key: Mapping[str, str]) -> str:
    """The longest id that stands in a text, between its ends or signs."""
    spans = [match.span() for match in _WORD.finditer(text)]
    found: Sequence[str] = [
        by_key[key]
        for place, (start, _) in enumerate(spans)
        for _, end in spans[place:]
        if (key := text[start:end].casefold()) in by_key
    ]
    return max(found, key=len, default="")
