"""What a run takes from the grid: kilowatt hours and grams of CO2, from its busy seconds and the machine's watts.

The watts and the grid's intensity are the user's to name (a data sheet, a meter, the grid operator); what nobody has
named is unknown, and unknown is never 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from flows.settings import Settings

_JOULES_PER_KWH = 3_600_000


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy and what it emits; None is unknown."""

    kwh: float | None
    gco2: float | None

    def as_json(self) -> dict[str, float | str]:
        """For manifest and plan."""
        return {name: "unknown" if value is None else round(value, 6) for name, value in self._values()}

    def sentence(self) -> str:
        """One line; "" where nothing is known."""
        if self.kwh is None:
            return ""
        emitted = f", {self.gco2:,.0f} g of CO2" if self.gco2 is not None else ""
        return f"{self.kwh:.3g} kWh{emitted}"

    def _values(self) -> tuple[tuple[str, float | None], ...]:
        return (("kwh", self.kwh), ("gco2", self.gco2))


def energy_of(settings: Settings, *, cpu_seconds: float, gpu_seconds: float) -> Energy:
    """The energy of so many busy seconds of a core and of a GPU."""
    parts = [(cpu_seconds, settings.cpu_core_watts), (gpu_seconds, settings.gpu_watts)]
    if any(seconds > 0 and watts < 0 for seconds, watts in parts):
        return Energy(None, None)
    kwh = sum(seconds * max(0.0, watts) for seconds, watts in parts) / _JOULES_PER_KWH
    return Energy(kwh, kwh * settings.grid_gco2_per_kwh if settings.grid_gco2_per_kwh >= 0 else None)
