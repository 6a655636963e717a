"""Which machines of a cluster a job is not to run on, as Ray reads it. `test_hung_worker.py` asks a real cluster."""

from __future__ import annotations

import pytest

from flows import placing


def machine(name: str, **resources: float) -> dict[str, object]:
    return {"NodeID": name, "Alive": True, "Resources": resources}


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = [machine("head"), machine("a", CPU=2), machine("b", CPU=4), machine("c", CPU=4, GPU=1)]
    monkeypatch.setattr(placing, "_alive", lambda: machines)


def test_all_that_is_refused_is_named_without_blanks_which_ray_would_take_for_a_part_of_a_name() -> None:
    assert placing.elsewhere(("a",)) == {"label_selector": {placing.NODE_LABEL: "!in(head,a)"}}
    assert placing.elsewhere(("a", "c")) == {"label_selector": {placing.NODE_LABEL: "!in(head,a,c)"}}


def test_anywhere_is_better_than_nowhere() -> None:
    assert placing.elsewhere(("a", "b", "c")) == {}
    assert placing.elsewhere(("c",), "GPU") == {}
    assert placing.elsewhere(()) == {}


def test_a_machine_that_has_left_needs_no_refusal() -> None:
    assert placing.elsewhere(("gone",)) == {}


def test_more_cores_are_at_most_those_of_the_largest_machine() -> None:
    assert [placing.widest(cores) for cores in (1, 2, 16)] == [1, 2, 4]
