"""Energy is known where its parts are, and unknown otherwise: never 0."""

import pytest

from flows.energy import energy_of
from flows.settings import Settings


def test_busy_seconds_times_watts_are_kilowatt_hours_and_grams():
    settings = Settings(cpu_core_watts=10, gpu_watts=500, grid_gco2_per_kwh=400)
    found = energy_of(settings, cpu_seconds=36_000, gpu_seconds=7_200)
    assert found.kwh == pytest.approx(0.1 + 1.0)
    assert found.gco2 == pytest.approx(440)
    assert found.sentence() == "1.1 kWh, 440 g of CO2"


def test_what_nobody_has_named_is_unknown_and_only_where_it_counts():
    unnamed = energy_of(Settings(cpu_core_watts=10), cpu_seconds=10, gpu_seconds=10)
    assert unnamed.as_json() == {"kwh": "unknown", "gco2": "unknown"}
    assert unnamed.sentence() == ""
    without_gpu = energy_of(Settings(cpu_core_watts=10), cpu_seconds=3_600, gpu_seconds=0)
    assert without_gpu.kwh == pytest.approx(0.01)
    assert without_gpu.as_json()["gco2"] == "unknown"
