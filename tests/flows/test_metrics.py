"""metrics.prom holds the run's figures as Prometheus reads them, and leaves out what is unknown."""

from prometheus_client.parser import text_string_to_metric_families

from flows.costs import Costs
from flows.energy import Energy
from flows.jobs import Spent
from flows.metrics import NAME, write_metrics


def read(folder):
    families = text_string_to_metric_families((folder / NAME).read_text())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_the_figures_of_a_run_come_back_by_state_and_kind(tmp_path):
    costs = Costs(cpu_hour_usd=3600.0, gpu_hour_usd=-1.0)
    costs.add(Spent("master", "a", False, 3.0, 2.5))
    costs.add(Spent("master", "b", True, 9.0, 9.0))
    write_metrics(tmp_path, 'Spring "sale"', {"done": 3, "failed": 1}, costs, 1234.5, Energy(0.5, None))
    found = read(tmp_path)
    name = 'Spring "sale"'
    assert found["spotmill_deliveries", name, "done"] == 3
    assert found["spotmill_deliveries", name, "failed"] == 1
    assert found["spotmill_steps_made", name, "master"] == 1
    assert found["spotmill_steps_found", name, "master"] == 1
    assert found["spotmill_step_cpu_seconds", name, "master"] == 2.5
    assert found["spotmill_cost_usd", name] == 2.5
    assert found["spotmill_energy_kwh", name] == 0.5
    assert found["spotmill_last_run_ended_seconds", name] == 1234.5
    assert ("spotmill_emissions_gco2", name) not in found, "unknown is not 0"
