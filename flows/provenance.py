"""What is behind the footage: engine, models, licence, libraries, speed, and what the machine lacks. For plan, manifest
and report, so that the three cannot disagree. States facts as JSON values and sentences; judges none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flows.order import Prepared
    from generation.engines.contract import Engine

ABSENT = "absent"
#: Figures in the notes of a shot, as a report says the worst of them (`creative.py` puts them there).
MEASURES = {
    "flicker": "flicker of {:.2f} levels of mean light, seen from 0.5 on",
    "frozen": "{:.0%} of a shot's frames without motion",
}


def engine_facts(prepared: Prepared) -> dict[str, object]:
    """The engine of a prepared campaign as JSON values."""
    engine, campaign = prepared.engine, prepared.campaign
    return {
        "id": engine.id,
        "revision": engine.revision,
        "models": list(engine.models),
        "licence": engine.licence,
        "licence_url": engine.licence_url,
        "commercial_use": engine.commercial_use,
        "excluded_territories": sorted(engine.excluded_territories),
        "revenue_cap_usd": engine.revenue_cap_usd,
        "licence_override": campaign.licence_override,
        "speed": speed_of(engine, campaign.engine_options),
        "options": dict(campaign.engine_options),
        "digital_source_type": engine.digital_source_type,
        "chosen": prepared.engine_reason,
    }


class Licensed(Protocol):
    """What has a licence: an engine, or the preset behind one."""

    @property
    def licence(self) -> str:
        """Its name."""

    @property
    def commercial_use(self) -> str:
        """yes, no, or conditional."""

    @property
    def excluded_territories(self) -> frozenset[str]:
        """Where it does not hold."""

    @property
    def revenue_cap_usd(self) -> int:
        """Where it ends; 0 is nowhere."""


def licence_terms(one: Licensed) -> str:
    """The licence and what it asks, in a line."""
    return "; ".join((one.licence, f"commercial use: {one.commercial_use}", *licence_limits(one)))


def licence_limits(one: Licensed) -> tuple[str, ...]:
    """Where a licence does not hold, and up to which revenue it does."""
    where = f"not in {', '.join(sorted(one.excluded_territories))}" if one.excluded_territories else ""
    cap = f"below {one.revenue_cap_usd:,} US dollars a year" if one.revenue_cap_usd else ""
    return tuple(filter(None, (where, cap)))


def library_versions(engine: Engine) -> dict[str, str]:
    """Versions of the libraries that decide the engine's pixels, without importing them."""
    return {name: _version(name) for name in engine.libraries}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT


def override_notice(prepared: Prepared) -> str:
    """That the campaign has overridden the licence, and why; "" where it has not."""
    reason = prepared.campaign.licence_override
    return f"The campaign overrides what the licence of {prepared.engine.id} asks: {reason}" if reason else ""


def speed_of(engine: Engine, options: Mapping[str, object]) -> str:
    """The level of speed that a run takes: as asked for, else the engine's own; "" where it has none."""
    field = engine.Options.model_fields.get("speed")
    return str(options.get("speed", field.default)) if field else ""


def speed_notice(prepared: Prepared) -> str:
    """What the run's speed costs in quality, as it was measured here; "" where nothing is given up."""
    engine = prepared.engine
    speed = speed_of(engine, prepared.campaign.engine_options)
    if speed in ("", "exact"):
        return ""
    from flows.models import measured_cost

    cost = measured_cost(engine.id, speed)
    way_out = f"not measured on this machine: `spotmill models measure {engine.id}`"
    return f"Speed {speed}. Against exact: {cost or way_out}"


@dataclass(slots=True)
class Measured:
    """The worst that was measured on the shots of a run, by the measures in their notes."""

    shots: int = 0
    worst: dict[str, float] = field(default_factory=dict)

    def note(self, notes: Mapping[str, object]) -> None:
        """Take note of one shot."""
        found = {name: value for name in MEASURES if isinstance(value := notes.get(name), int | float)}
        self.shots += bool(found)
        for name, value in found.items():
            self.worst[name] = max(float(value), self.worst.get(name, 0.0))

    def sentence(self) -> str:
        """All of it in a line; "" where nothing was measured."""
        if not self.shots:
            return ""
        parts = [words.format(self.worst[name]) for name, words in MEASURES.items() if name in self.worst]
        return f"Measured on {self.shots} {'shot' if self.shots == 1 else 'shots'}, at worst: {', '.join(parts)}"
