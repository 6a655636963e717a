"""The draft profile: everything small and quick, from the same campaign, beside the films and never for anybody."""

import csv
from dataclasses import replace

import pytest

from flows.brief import load_campaign
from flows.order import Order, prepare
from flows.placements import load_placements, load_renditions, safe_box
from flows.profile import DRAFT, FULL, in_profile, renditions_of, results_name
from flows.publish import publish
from generation.layers.grid import grid
from generation.layers.kinds import STYLES, setting_of
from generation.media.probe import probe
from generation.spec import Box, Size
from tests.flows.small import run, small_campaign

ONE_ROW = "row_id,product,price\nred,Red cup,9.90\n"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    extra = "approval: required\nquality: archive\n"
    return small_campaign(tmp_path_factory.mktemp("campaign"), rows=ONE_ROW, extra=extra)


@pytest.fixture(scope="module")
def drafts(campaign):
    return run(campaign, campaign / "out", profile="draft")


@pytest.mark.parametrize("name", load_renditions())
def test_a_draft_has_the_films_shape_in_whole_even_pixels(name):
    film, draft = load_renditions()[name], renditions_of(DRAFT)[name]
    assert (draft.width * film.height, draft.width % 2, draft.height % 2) == (draft.height * film.width, 0, 0)
    assert draft.width < film.width


@pytest.mark.parametrize("name", [*load_renditions(), *load_placements()])
def test_what_keeps_clear_in_the_film_keeps_clear_in_the_draft(name):
    place = {**load_placements(), **load_renditions()}[name]
    x, y, width, height = safe_box(place)
    left, top, wide, high = safe_box(place, (place.width // 3, place.height // 3))
    assert (left * 3 <= x, top * 3 <= y) == (True, True)
    assert ((left + wide) * 3 >= x + width, (top + high) * 3 >= y + height) == (True, True)


@pytest.mark.parametrize("name", load_renditions())
def test_texts_have_as_much_room_in_a_draft_as_in_its_film(campaign, name):
    """In letters: a draft shows where lines break. What its coarser pixels take is half a percent at most."""
    film, draft = load_renditions()[name], renditions_of(DRAFT)[name]
    assert safe_box(draft) == safe_box(film, (draft.width, draft.height))
    for kind in STYLES:
        rooms = [_room(kind, place) for place in (film, draft)]
        assert rooms[1] == pytest.approx(rooms[0], rel=0.005), kind


def _room(kind, place):
    setting, width, height = setting_of(kind, grid(Size(place.width, place.height), Box(*safe_box(place))))
    return width / setting.smallest_px, min(3.0, height / setting.smallest_px)


def test_a_check_of_drafts_asks_about_the_sizes_that_are_made(campaign, monkeypatch):
    asked = set()
    monkeypatch.setattr("generation.layers.titles.check_text", lambda kind, text, size, *_: asked.add(size.width_px))
    prepare(Order(campaign, profile=DRAFT))
    assert asked == {360}


def test_a_draft_asks_for_no_engine_but_the_one_that_is_named_for_it(campaign):
    written = replace(load_campaign(campaign), engine="diffusion", engine_options={"steps": 4}, speed="fast")
    assert in_profile(written, engine_asked=True) == written
    draft = in_profile(replace(written, profile=DRAFT), engine_asked=False)
    assert (draft.engine, draft.engine_options, draft.speed) == ("animatic", {}, "")
    asked = in_profile(replace(written, profile=DRAFT), engine_asked=True)
    assert (asked.engine, asked.engine_options, asked.speed) == ("diffusion", {"steps": 4}, "fast")


def test_a_plan_says_that_these_are_drafts(campaign):
    assert any("drafts by animatic" in note for note in prepare(Order(campaign, profile=DRAFT)).notes)
    assert not any("drafts by" in note for note in prepare(Order(campaign)).notes)
    assert prepare(Order(campaign)).campaign.profile == FULL


def test_drafts_lie_beside_the_films_and_say_what_they_are(drafts):
    assert drafts.folder.name == results_name(drafts.prepared.campaign) == "Small-draft"
    with (drafts.folder / "results.csv").open(encoding="utf-8-sig") as stream:
        (line,) = csv.DictReader(stream)
    assert (line["status"], line["approval"]) == ("draft", "")
    assert line["marks"].split("; ")[0] == "visible watermark"
    assert "invisible mark" not in line["marks"]
    film = probe(drafts.folder / line["path"])
    assert str(film.video.size) == "360x360"
    assert "These are drafts" in (drafts.folder / "report.html").read_text("utf-8")


def test_a_draft_is_never_published(drafts, tmp_path):
    done = publish(drafts.folder, tmp_path, drafts.ledger)
    assert [refusal.code for refusal in done.refused] == ["draft_profile"]
    assert not list(tmp_path.rglob("*.mp4"))
    assert done.refused[0].fix == "Run the campaign without the profile draft"
