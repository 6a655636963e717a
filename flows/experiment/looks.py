"""What was seen of an experiment so far: OUT/<campaign>/experiment.json, one entry for each look.

A look is a reading whose counts are not those of the look before: reading the same export twice is one look. Together
with the looks stands what they are judged by, so that nobody can change that afterwards without a trace. Knows no
statistics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from flows.files import write_whole
from flows.model import BadInput, ExperimentBrief, Problem

FILE = "experiment.json"
SCHEMA = 1
#: Platforms take invalid traffic back; a file with fewer counts than this share of the last look's is another stretch.
_SHRUNK = 0.98


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: events and trials of each variant, and how far ads scattered."""

    at: str
    #: Variant -> (events, trials or exposure).
    arms: Mapping[str, tuple[float, float]] = field(hash=False)
    dispersion: float = 1.0


@dataclass(frozen=True, slots=True)
class Record:
    """All looks under one plan."""

    #: What the looks are judged by.
    plan: Mapping[str, object] = field(hash=False)
    looks: tuple[Seen, ...] = ()
    #: Plans before this one, with the number of looks at each.
    earlier: tuple[Mapping[str, Any], ...] = ()

    def with_look(self, seen: Seen) -> Record:
        """With one look more, unless it saw what the last one saw. Raises: BadInput for counts that went down."""
        if self.looks and dict(self.looks[-1].arms) == dict(seen.arms):
            return self
        before = sum(out_of for _, out_of in self.looks[-1].arms.values()) if self.looks else 0.0
        now = sum(out_of for _, out_of in seen.arms.values())
        if now < before * _SHRUNK:
            message = (
                f"the export holds less than the last look on {self.looks[-1].at} did ({now:,.0f} of {before:,.0f})"
            )
            fix = "Export everything from the first day of the test on; looks at parts cannot be added up"
            raise BadInput((Problem("results", None, None, "not_cumulative", "", message, fix),))
        return replace(self, looks=(*self.looks, seen))

    def note(self) -> str:
        """That the plan was changed after somebody had looked; "" where it was not."""
        looked = sum(int(one["looks"]) for one in self.earlier)
        if not looked:
            return ""
        changes = _changes(self.earlier[-1], self.plan)
        return (
            f"THE PLAN CHANGED after {looked} {'look' if looked == 1 else 'looks'} ({changes})."
            " Looks are counted anew, and a plan chosen after looking protects from nothing: export only what was"
            " shown since the change"
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, object]) -> str:
    old = before.get("plan", {})
    names = [name for name, value in now.items() if old.get(name) != value]
    return ", ".join(f"{name}: {_short(old.get(name))} to {_short(now[name])}" for name in names)


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plan_of(brief: ExperimentBrief, metric: str, variants: tuple[str, ...]) -> dict[str, object]:
    """What an experiment is judged by, as JSON."""
    return {
        "name": brief.name,
        "metric": metric,
        "rule": brief.rule,
        "lift": brief.lift,
        "alpha": brief.alpha,
        "power": brief.power,
        "variants": list(variants),
        "allocation": {name: round(share, 6) for name, share in brief.allocation.items()},
    }


def read_record(folder: Path, plan: Mapping[str, object]) -> Record:
    """The looks under this plan; those under another are kept aside. Raises: BadInput for a file that is not ours."""
    path = folder / FILE
    if not path.exists():
        return Record(plan)
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["schema"] != SCHEMA:
            raise ValueError(f"schema {found['schema']}")  # noqa: TRY301 - the same sentence serves all
        looks = tuple(
            Seen(one["at"], {name: (a, b) for name, (a, b) in one["arms"].items()}, one["dispersion"])
            for one in found["looks"]
        )
        earlier = tuple(found["earlier"])
        before = found["plan"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "Restore the file; without it nobody knows how often the test was looked at"
        problem = Problem(str(path), None, None, "bad_record", "", f"cannot be read ({error!r})", fix)
        raise BadInput((problem,)) from error
    if before == dict(plan):
        return Record(plan, looks, earlier)
    kept = ({"plan": before, "looks": len(looks)},) if looks else ()
    return Record(plan, (), (*earlier, *kept))


def write_record(folder: Path, record: Record, reading: Mapping[str, object]) -> None:
    """Write the looks and the last reading."""
    looks = [{**asdict(seen), "arms": {name: list(pair) for name, pair in seen.arms.items()}} for seen in record.looks]
    text = {
        "schema": SCHEMA,
        "plan": dict(record.plan),
        "looks": looks,
        "earlier": list(record.earlier),
        "reading": reading,
    }
    write_whole(folder / FILE, json.dumps(text, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
