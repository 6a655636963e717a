"""A plan says of each delivery whether it is there, new or changed, and which of its inputs differs."""

import pytest

from flows.changes import differing, inputs_of
from flows.estimate import survey
from flows.order import Order, prepare
from flows.settings import Settings

from .small import run, small_campaign


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("changes")
    campaign = small_campaign(folder / "campaign")
    run(campaign, folder / "out", rows="1")
    return campaign, folder / "out"


def changes(campaign, out):
    return survey(prepare(Order(campaign)), Settings(out=out)).changes


def test_what_is_there_and_what_is_new_are_counted_apart(made):
    found = changes(*made)
    assert (found.cached, found.new, found.changed) == (1, 1, 0)


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("rows.csv", "9.90", "8.90", "price (layer 2)"),
        ("small/voiceover.j2", "Good morning", "Good evening", "voiceover"),
        ("small/template.yaml", "music: calm", "music: tech", "music"),
        ("brand.yaml", "name: Dawn", "name: Dusk", "brand"),
        ("small/prompt.j2", "dawn", "night", "prompt, seed"),
        ("campaign.yaml", "seconds: 3", "seconds: 3\nai_training: allowed", "signed statement"),
    ],
)
def test_a_changed_input_is_named(made, file, old, new, reason):
    campaign, out = made
    text = (campaign / file).read_text()
    (campaign / file).write_text(text.replace(old, new))
    try:
        found = changes(campaign, out)
    finally:
        (campaign / file).write_text(text)
    assert (found.cached, found.changed) == (0, 1)
    assert reason in next(iter(found.reasons))


def test_inputs_of_one_film_are_equal_on_every_day(made):
    campaign, _ = made
    first, again = (next(prepare(Order(campaign)).plans()).films[0].deliveries[0] for _ in range(2))
    assert differing(inputs_of(first), inputs_of(again)) == []
