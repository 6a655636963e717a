"""One log of events, one trace for each ad, and `spotmill why` that tells its whole story."""

import json

import pytest

from flows.events import NAME, read_events, trace_id
from flows.history import tell
from flows.model import BadInput

from .small import run, small_campaign


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("why")
    campaign = small_campaign(folder / "campaign", rows="row_id,product,price\nred,Red cup,9.90\n")
    first = run(campaign, folder / "out")
    again = run(campaign, folder / "out")
    return first, again


def test_every_step_that_was_made_is_one_event_with_its_worker_and_its_time(told):
    first, _ = told
    events = list(read_events(first.folder))
    steps = [event for event in events if event["event"] == "step_made"]
    keys = {event["key"] for event in steps}
    assert len(keys) == len(steps) == sum(cost.made for cost in first.costs.by_kind.values())
    assert all((first.ledger.home(event["kind"], event["key"]) / "done.json").is_file() for event in steps)
    assert all(event["run"] == first.run_id and event["worker"] and event["ended"] > first.started for event in steps)


def test_an_ad_has_one_trace_in_all_its_runs(told):
    first, again = told
    delivered = [event for event in read_events(first.folder) if event["event"] == "delivered"]
    assert {event["run"] for event in delivered} == {first.run_id, again.run_id}
    (creative,) = {event["creative_id"] for event in delivered}
    assert {event["trace"] for event in delivered} == {trace_id("Small", creative)}


def test_why_tells_the_prompt_the_steps_and_the_proof(told):
    first, _ = told
    creative = first.records[0].creative_id
    text = "\n".join(tell(first.folder, creative, first.ledger))
    assert "prompt: A calm sea at dawn" in text
    assert first.records[0].sha256 in text
    for kind in ("footage", "plate", "voice", "master", "package", "delivery"):
        assert kind in text
    assert text.count("run ") == 2


def test_why_of_an_ad_that_nobody_made_names_the_nearest(told):
    first, _ = told
    with pytest.raises(BadInput, match="no run has made this"):
        list(tell(first.folder, "red--nothing", first.ledger))


def test_a_line_that_was_cut_off_hides_no_other(tmp_path):
    (tmp_path / NAME).write_text(json.dumps({"event": "a"}) + "\n" + '{"event": "b', encoding="utf-8")
    assert [event["event"] for event in read_events(tmp_path)] == ["a"]
