"""What a plan depends on: which change makes which steps anew, and how long a film for a placement is."""

from dataclasses import replace
from fractions import Fraction

import pytest

from flows.lengths import FPS, frames_for
from flows.order import Order, prepare
from flows.placements import get_placement
from tests.flows.small import small_campaign

#: Made anew whenever anything of a film has changed.
DELIVERED = ("package", "delivery")


def steps(folder):
    """Kind -> set of keys of a campaign's whole plan."""
    found = {}
    for plan in prepare(Order(folder)).plans():
        for step in plan.steps():
            found.setdefault(step.kind, set()).add(step.key)
    return found


def changed(before, after):
    return {kind for kind in before if before[kind] != after[kind]}


@pytest.fixture
def campaign(tmp_path):
    return small_campaign(tmp_path / "campaign", placements="[linkedin_square, x_square, instagram_reels]")


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "kinds"),
    [
        ("rows.csv", "9.90", "8.90", {"master", *DELIVERED}),
        ("small/voiceover.j2", "Good morning", "Good evening", {"voice", "mix", "track", "master", *DELIVERED}),
        ("small/prompt.j2", "dawn", "night", {"footage", "plate", "master", *DELIVERED}),
        ("small/template.yaml", "look: clean", "look: noir", {"plate", "master", *DELIVERED}),
        ("small/template.yaml", "music: calm", "music: tech", {"bed", "mix", "track", *DELIVERED}),
        ("brand.yaml", "name: Dawn", "name: Dusk", {"master", *DELIVERED}),
        ("campaign.yaml", "name: Small", "name: Other", set()),
    ],
)
def test_a_change_makes_only_what_depends_on_it(campaign, file, old, new, kinds):
    before = steps(campaign)
    edit(campaign / file, old, new)
    assert changed(before, steps(campaign)) == kinds


def test_the_order_of_rows_changes_no_key(campaign):
    before = steps(campaign)
    head, first, second = (campaign / "rows.csv").read_text().splitlines()
    (campaign / "rows.csv").write_text("\n".join([head, second, first]) + "\n")
    assert steps(campaign) == before


def test_a_picture_counts_by_its_bytes_not_by_its_name(campaign):
    from PIL import Image

    edit(campaign / "small/template.yaml", "shots:\n  - share: 1", "shots:\n  - share: 1\n    picture: shown")
    edit(campaign / "small/template.yaml", "variables:", "variables:\n  shown: {type: image}")
    Image.new("RGB", (200, 200), "red").save(campaign / "a.png")
    (campaign / "b.png").write_bytes((campaign / "a.png").read_bytes())
    (campaign / "rows.csv").write_text("row_id,product,shown\nred,Cup,a.png\n")
    before = steps(campaign)
    edit(campaign / "rows.csv", "a.png", "b.png")
    assert steps(campaign) == before
    Image.new("RGB", (200, 200), "blue").save(campaign / "b.png")
    assert "footage" in changed(before, steps(campaign))


def test_equal_voices_of_two_rows_are_one_step(campaign):
    (campaign / "rows.csv").write_text("row_id,product,price\nred,Cup,9.90\nblue,Cup,12.50\n")
    assert len(steps(campaign)["voice"]) == 1
    assert len(steps(campaign)["footage"]) == 2  # one shot, drawn for two aspects


def test_a_film_lasts_as_the_placement_demands():
    wanted, span = 6.0, (6.0, 10.0)
    assert frames_for(get_placement("instagram_reels"), wanted, span) == 180
    in_stream = frames_for(get_placement("youtube_instream"), wanted, span)
    assert Fraction(in_stream) / FPS >= 10
    assert in_stream == 300
    bumper = frames_for(get_placement("youtube_bumper"), wanted, (4.0, 10.0))
    assert bumper / float(FPS) + 0.025 <= 6.0, "AAC padding included, a bumper must not pass six seconds"


def test_a_template_that_cannot_be_as_long_as_a_placement_wants_is_refused():
    with pytest.raises(ValueError, match="youtube_instream takes 10-180 s"):
        frames_for(get_placement("youtube_instream"), 6.0, (6.0, 8.0))
    short = replace(get_placement("instagram_reels"), max_seconds=3.0)
    with pytest.raises(ValueError, match="takes 3-3 s"):
        frames_for(short, 6.0, (6.0, 8.0))
