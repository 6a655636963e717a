"""The placements file is complete and consistent, and a broken one is a sentence that names the table."""

from __future__ import annotations

import datetime
import json
import math
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from flows import placements
from flows.model import BadInput
from flows.placements import (
    DELIVERY_FPS,
    Placement,
    get_placement,
    load_placements,
    load_renditions,
    safe_box,
    watermark_for,
)
from generation.spec import DELIVERY_FPS as RENDERED_FPS

ALL = sorted(load_placements().values(), key=lambda place: place.id)
TEXT = placements.FILE.read_text("utf-8")


@pytest.fixture(params=ALL, ids=lambda place: place.id)
def place(request: pytest.FixtureRequest) -> Placement:
    value = request.param
    assert isinstance(value, Placement)
    return value


def test_every_network_that_ads_are_bought_on_is_there() -> None:
    platforms = {place.platform for place in ALL}
    assert platforms >= {
        "tiktok",
        "instagram",
        "facebook",
        "youtube",
        "linkedin",
        "x",
        "pinterest",
        "snapchat",
        "threads",
    }
    assert len(ALL) >= 28


def test_size_and_aspect_agree_and_the_rendition_has_both(place: Placement) -> None:
    across, down = (int(part) for part in place.aspect.split(":"))
    assert place.width * down == place.height * across
    rendition = load_renditions()[place.rendition]
    assert (rendition.width, rendition.height, rendition.aspect) == (place.width, place.height, place.aspect)


def test_every_fact_has_a_source_a_day_and_a_confidence(place: Placement) -> None:
    assert place.origin.source.startswith("https://")
    assert datetime.date(2026, 1, 1) <= place.origin.checked
    assert place.origin.confidence in ("official", "secondary", "unclear")
    assert set(place.field_confidence) == {
        "geometry", "fps", "duration", "size", "codec", "loudness", "safe", "captions"
    }  # fmt: skip


def test_the_delivered_rate_is_accepted_everywhere(place: Placement) -> None:
    assert DELIVERY_FPS == RENDERED_FPS == Fraction(30000, 1001)
    assert place.fps_min <= DELIVERY_FPS <= place.fps_max


def test_lengths_sizes_and_loudness_are_in_order(place: Placement) -> None:
    low, high = place.recommended_seconds
    assert 0 < place.min_seconds <= low <= high <= place.max_seconds
    assert 0 < place.min_bytes < place.max_bytes
    assert -24 <= place.loudness_lufs <= -14
    assert place.true_peak_dbtp <= -1
    assert place.audio_kbps in (128, 192)


def test_the_shared_safe_box_lies_inside_that_of_the_placement(place: Placement) -> None:
    x, y, width, height = safe_box(place)
    inner_x, inner_y, inner_width, inner_height = safe_box(load_renditions()[place.rendition])
    assert x <= inner_x
    assert y <= inner_y
    assert inner_x + inner_width <= x + width <= place.width
    assert inner_y + inner_height <= y + height <= place.height


def test_every_placement_states_its_watermark_policy_and_why(place: Placement) -> None:
    assert place.watermark.visible in (True, False)
    assert place.watermark.reason
    assert bool(place.watermark) is place.watermark.visible


@pytest.mark.parametrize("name", ["tiktok_infeed", "instagram_reels", "facebook_reels"])
def test_no_visible_watermark_where_it_costs_reach_or_the_account(name: str) -> None:
    policy = get_placement(name).watermark
    assert not policy
    assert policy.origin.source.startswith("https://")


def test_a_preview_always_carries_the_watermark(place: Placement) -> None:
    assert watermark_for(place, preview=True)
    assert watermark_for(place) is place.watermark


def test_limits_are_json_and_carry_what_a_file_is_checked_for(place: Placement) -> None:
    limits = json.loads(json.dumps(place.limits(), allow_nan=False))
    assert limits["max_bytes"] == place.max_bytes
    assert Fraction(limits["fps_max"]) == place.fps_max


def test_records_cross_processes_and_serve_as_keys(place: Placement) -> None:
    assert pickle.loads(pickle.dumps(place)) == place
    assert {place: 1}[place] == 1


def test_the_box_for_all_upright_placements_is_the_known_one() -> None:
    assert safe_box(load_renditions()["v9x16"]) == (121, 288, 887 - 121, 1248 - 288)


def test_a_bumper_leaves_room_for_whole_frames() -> None:
    assert math.floor(get_placement("youtube_bumper").max_seconds * DELIVERY_FPS) == 179


def test_loudness_falls_back_to_the_usual_target_in_the_file_only(tmp_path: Path) -> None:
    broken = TEXT.replace("loudness_lufs = -14.0\n", "").replace("true_peak_dbtp = -1.0\n", "")
    file = tmp_path / "placements.toml"
    file.write_text(broken, "utf-8")
    place = load_placements(file)["tiktok_infeed"]
    assert (place.loudness_lufs, place.true_peak_dbtp) == (-14.0, -1.0)


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(BadInput, match='Did you mean "instagram_reels"'):
        get_placement("instagram_reel")


def test_an_unknown_name_points_to_the_list() -> None:
    with pytest.raises(BadInput, match="spotmill placements"):
        get_placement("billboard on the moon")


BREAKS = [
    ('aspect = "9:16"', 'aspect = "9:17"', "placement.tiktok_infeed.rendition"),
    ("width = 1080", "width = -1", "placement.tiktok_infeed.width"),
    ("width = 1080", "width = 1080.5", "placement.tiktok_infeed.width"),
    ("width = 1080", "width = true", "placement.tiktok_infeed.width"),
    ("width = 1080\n", "", "placement.tiktok_infeed.width"),
    ('rendition = "v9x16"', 'rendition = "v9x17"', "placement.tiktok_infeed.rendition"),
    ('fps_max = "60"', 'fps_max = "29"', "placement.tiktok_infeed.fps_max"),
    ('fps_max = "60"', 'fps_max = "60/0"', "placement.tiktok_infeed.fps_max"),
    ("min_seconds = 5.0", "min_seconds = 10.0", "placement.tiktok_infeed.recommended"),
    ("min_seconds = 5.0", "min_seconds = nan", "placement.tiktok_infeed.min_seconds"),
    ("[0.115, 0.28, 0.112, 0.167]", "[0.2, 0.28, 0.112, 0.167]", "placement.tiktok_infeed.safe"),
    ("[0.115, 0.28, 0.112, 0.167]", "[0.6, 0.4, 0.112, 0.167]", "placement.tiktok_infeed.safe"),
    ("checked = 2026-11-22", 'checked = "yesterday"', "placement.tiktok_infeed.checked"),
    ('confidence = "official"', 'confidence = "oficial"', "placement.tiktok_infeed.confidence"),
    ('title = "TikTok in-feed ad"', 'titel = "TikTok"', "placement.tiktok_infeed.title"),
    ('title = "TikTok in-feed ad"', 'title = "TikTok"\ncolour = "red"', "placement.tiktok_infeed.colour"),
    ('placements = ["tiktok_infeed"]', "placements = []", "placement.tiktok_infeed"),
    ('placements = ["tiktok_infeed"]', 'placements = ["tiktok_infeed", "tiktok"]', "watermark.tiktok.placements"),
    ("[watermark.preview]", "[watermark.draft]", "watermark.preview"),
    ("schema = 1", "schema = 2", "schema"),
    ("schema = 1", "schema = 1\nvoices = 3", "voices"),
    ("loudness_lufs = -14.0", "loudness_lufs = 14.0", "audio.a128_14.loudness_lufs"),
]


@pytest.mark.parametrize(("old", "new", "table"), BREAKS, ids=[f"{new[:24]!r}" for _, new, _ in BREAKS])
def test_a_broken_file_names_the_table_and_the_key(tmp_path: Path, old: str, new: str, table: str) -> None:
    assert old in TEXT
    file = tmp_path / "placements.toml"
    file.write_text(TEXT.replace(old, new, 1), "utf-8")
    with pytest.raises(BadInput) as caught:
        load_placements(file)
    assert table in [problem.column for problem in caught.value.problems]


def test_a_file_that_is_no_toml_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "placements.toml"
    file.write_text("[placement", "utf-8")
    with pytest.raises(BadInput, match="cannot be read"):
        load_placements(file)


def test_reading_needs_nothing_heavy() -> None:
    heavy = "{'numpy', 'pandas', 'pydantic', 'jinja2', 'av', 'cv2', 'prefect', 'ray'}"
    code = f"import sys, flows.placements as p; p.load_placements(); sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=placements.FILE.parent.parent)
