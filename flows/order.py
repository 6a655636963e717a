"""From what a user asked for to everything a run needs: read, select, expand, check. Nothing is made here.

`check`, `plan` and `run` all begin with `prepare`, so they cannot disagree about what is wrong with a campaign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.model import BadInput, Campaign, Creative, Problem, Row
from flows.plan import CreativePlan, Planner
from flows.settings import Settings

if TYPE_CHECKING:
    from audio.voices.contract import Voice
    from flows.template import Template
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

    @classmethod
    def of(cls, campaign: Path, choice: Mapping[str, Any]) -> Order:
        """From the command line's options; others are ignored."""
        names = ("rows", "sample", "where", "placements", "engine", "skip_bad_rows")
        return cls(campaign, **{name: choice[name] for name in names if choice.get(name) is not None})
