"""Which variant an audience row sees: one, drawn by a hash of its id, the same for ever.

Weighted rendezvous hashing: every variant draws a number for the row, and the smallest, measured by its share, wins.
Other rows have no part in it, so that adding rows moves nobody; and a changed share moves only rows to or from that
variant. Pure.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

from flows.columns import plain_name
from flows.model import ExperimentBrief, Row
from flows.variants import Variant

#: Digits of a hash that become a number; a double holds no more.
_BITS = 52


class NoUnit(ValueError):
    """A row lacks the text for which a variant is drawn."""

    def __init__(self, column: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.column, self.fix = column, fix


def assigned_variants(
    brief: ExperimentBrief, candidates: Sequence[Variant], row: Row, seed: int
) -> tuple[Variant, ...]:
    """The candidates, or the one of them that the row is drawn for where the campaign draws. Raises: NoUnit."""
    if not brief.assigned or len(candidates) < 2:
        return tuple(candidates)
    shares = {variant.name: brief.allocation[variant.name] for variant in candidates}
    if not any(shares.values()):  # the row names only variants that nobody is to see; naming them wins
        shares = dict.fromkeys(shares, 1.0)
    chosen = assign(unit_of(brief, row), brief.name, seed, shares)
    return tuple(variant for variant in candidates if variant.name == chosen)


def unit_of(brief: ExperimentBrief, row: Row) -> str:
    """The text that is drawn for. Raises: NoUnit."""
    if not brief.unit:
        return row.row_id
    wanted = plain_name(brief.unit)
    for header, cell in row.cells.items():
        if plain_name(header) == wanted:
            if cell.strip():
                return cell.strip()
            raise NoUnit(header, "the cell that a variant is drawn for is empty", "Fill it in for every row")
    fix = "Change `experiment.unit` in campaign.yaml, or leave it out to draw by row_id"
    raise NoUnit(brief.unit, "variants are drawn by this column, and the rows have none of this name", fix)


def assign(unit: str, experiment: str, seed: int, shares: Mapping[str, float]) -> str:
    """The variant of a unit; shares need not add up to anything, 0 is never drawn."""
    drawn = ((_uniform(unit, experiment, seed, name), share, name) for name, share in shares.items() if share > 0)
    _, chosen = min((-math.log(number) / share, name) for number, share, name in drawn)
    return chosen


def _uniform(unit: str, experiment: str, seed: int, variant: str) -> float:
    """A number above 0 and below 1."""
    digest = hashlib.sha256()
    for part in ("assign", experiment, str(seed), variant, unit):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    number = int.from_bytes(digest.digest()[:8], "big") >> (64 - _BITS)
    return float((number + 0.5) / 2**_BITS)
