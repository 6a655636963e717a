"""Whether an A and a B look as different as they are meant to, measured on films that were really delivered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.deliveries import DeliveryRecord
from flows.experiment.sameness import ALIKE, compare_variants
from flows.results import read_results
from generation.errors import BadMedia
from generation.likeness import distance, sketch, sketch_of, sketches_of_film
from tests.flows.small import run, small_campaign

EXTRA = "factors: {hook: [question, offer], look: [clean, noir]}\n"
ROWS = "row_id,product,price,variant\nred,Red cup,9.90,question-clean; offer-clean; question-noir\n"


@pytest.fixture(scope="module")
def delivered(tmp_path_factory) -> Path:
    """OUT/<campaign>/ of a control, another hook and another look."""
    place = tmp_path_factory.mktemp("films")
    run(small_campaign(place / "c", rows=ROWS, extra=EXTRA), place / "out")
    return place / "out" / "Small"


@pytest.fixture
def films(delivered, tmp_path) -> tuple[Path, dict[str, DeliveryRecord]]:
    shutil.copytree(delivered, tmp_path / "Small")
    _, records = read_results(tmp_path / "Small" / "results.csv")
    return tmp_path / "Small", {record.variant: record for record in records}


def change(folder: Path, record: DeliveryRecord, **facts: object) -> None:
    path = folder / Path(record.path).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | facts), "utf-8")


def test_the_same_film_is_0_other_words_are_little_and_another_look_is_much(films):
    folder, records = films
    posters = {name: sketch_of(folder / Path(one.path).with_suffix(".jpg")) for name, one in records.items()}
    control = posters["question-clean"]
    same, words, look = (
        distance(control, posters[name]) for name in ("question-clean", "offer-clean", "question-noir")
    )
    assert same == 0
    assert ALIKE < words < 0.2 < look < 0.6


def test_frames_of_films_say_the_same_as_posters(films):
    folder, records = films
    first, second = (sketches_of_film(folder / records[name].path, 3.0) for name in ("question-clean", "offer-clean"))
    apart = [distance(one, other) for one, other in zip(first, second, strict=True)]
    assert len(apart) == 3
    assert 0.03 < max(apart) < 0.2
    assert [distance(one, one) for one in first] == [0, 0, 0]


def test_a_good_test_gives_no_warning_and_figures_for_the_manifest(films):
    folder, records = films
    found = compare_variants(folder, records.values())
    assert found.sentences() == ()
    told = found.as_json()
    assert (told["compared"], told["pairs"]) == (2, 2)
    assert told["distance"]["hook"]["mean"] < told["distance"]["look"]["mean"]


def test_a_pair_that_looks_alike_is_named(films):
    folder, records = films
    shutil.copy(folder / Path(records["question-clean"].path).with_suffix(".jpg"), folder / "same.jpg")
    shutil.copy(folder / records["question-clean"].path, folder / "same.mp4")
    shutil.copy(folder / Path(records["question-clean"].path).with_suffix(".json"), folder / "same.json")
    twin = replace(records["offer-clean"], path="same.mp4")
    (said,) = compare_variants(folder, [records["question-clean"], twin]).sentences()
    assert "1 pair that differ in hook look alike" in said
    assert twin.creative_id in said


def test_a_poster_that_misses_the_words_is_made_up_for_by_frames(films):
    folder, records = films
    control = Path(records["question-clean"].path).with_suffix(".jpg")
    shutil.copy(folder / control, folder / Path(records["offer-clean"].path).with_suffix(".jpg"))
    found = compare_variants(folder, [records["question-clean"], records["offer-clean"]])
    assert found.pairs[0].distance > ALIKE
    assert found.sentences() == ()


def test_a_test_of_sound_alone_may_look_alike(films):
    folder, records = films
    for name in (".jpg", ".mp4", ".json"):
        shutil.copy(folder / Path(records["question-clean"].path).with_suffix(name), folder / f"same{name}")
    twin = replace(records["offer-clean"], path="same.mp4")
    change(folder, twin, music="tech")
    found = compare_variants(folder, [records["question-clean"], twin])
    assert found.pairs[0].distance == 0
    assert found.sentences() == ()


def test_words_that_changed_the_picture_are_two_tests_in_one(films):
    folder, records = films
    change(folder, records["offer-clean"], steps={"plate": "another"})
    (said,) = compare_variants(folder, records.values()).sentences()
    assert "differ in hook, and the picture changed with the words" in said


def test_what_cannot_be_read_is_left_out(films, tmp_path):
    folder, records = films
    (folder / Path(records["offer-clean"].path).with_suffix(".jpg")).write_bytes(b"no picture")
    found = compare_variants(folder, records.values())
    assert [pair.differs_in for pair in found.pairs] == ["look"]
    assert found.of == 2
    assert compare_variants(tmp_path, records.values()).pairs == ()
    with pytest.raises(BadMedia, match="not a readable picture"):
        sketch_of(tmp_path / "none.jpg")


def test_the_distance_stays_between_0_and_1():
    random = np.random.default_rng(3)
    black, white = (sketch(np.full((90, 160, 3), value, np.uint8)) for value in (0, 255))
    noise = sketch(random.integers(0, 256, (90, 160, 3), np.uint8))
    assert distance(black, white) == 1
    assert 0 < distance(black, noise) <= 1
    assert distance(noise, white) == distance(white, noise)
