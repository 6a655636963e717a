"""What the animatic reads out of a prompt, and that it tells the truth about what it drew."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from generation.engines.animatic.film import set_stage
from generation.engines.animatic.places import PLACES
from generation.engines.animatic.scene import imagine
from generation.engines.animatic.words import lexicon, read_prompt
from generation.spec import Shot, Size


def notes(prompt: str, **options: str) -> dict[str, object]:
    shot = Shot(prompt, Size(90, 160), 30, Fraction(30), seed=1)
    return set_stage(shot, **options)[1]  # type: ignore[arg-type]


def test_no_word_means_two_things() -> None:
    words = Counter(word for concepts in lexicon().values() for words in concepts.values() for word in words)
    assert [word for word, count in words.items() if count > 1] == []


def test_every_word_and_phrase_is_understood_as_its_concept() -> None:
    for kind, concepts in lexicon().items():
        for concept, words in concepts.items():
            for word in words:
                assert [(found.kind, found.concept) for found in read_prompt(word).words] == [(kind, concept)], word


@pytest.mark.parametrize("kind", sorted(lexicon()))
def test_every_concept_of_the_lexicon_is_drawn(kind: str) -> None:
    for concept, words in lexicon()[kind].items():
        prompt = f"mountain, {words[0]}" if kind == "angle" else words[0]
        assert notes(prompt)["not_drawn"] == [], concept


def test_every_place_has_a_painter() -> None:
    assert set(lexicon()["place"]) == set(PLACES)


def test_plurals_and_case_are_understood() -> None:
    found = {word.concept for word in read_prompt("Two BOATS, ponies and three churros beside the Beaches").words}
    assert found == {"boat", "horse", "", "beach"}
    assert read_prompt("three churros").unknown() == ("churros",)


def test_plurals_of_people_are_several_people() -> None:
    assert imagine("a child on the beach", 1).people == ("child",)
    assert imagine("children on the beach", 1).people == ("child",) * 3
    assert imagine("a running shoe", 1).people == ()


def test_what_the_picture_stands_for_is_not_drawn_a_second_time(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64)).save(tmp_path / "mug.png")
    shot = Shot("a mug and a plant in a kitchen", Size(90, 160), 30, Fraction(30), seed=1, image=tmp_path / "mug.png")
    found = set_stage(shot)[1]
    assert (found["pictured"], found["drawn"]) == (["mug"], ["plant", "kitchen"])


def test_what_is_negated_is_left_out() -> None:
    assert imagine("A beach without people", 1).people == ()
    assert imagine("A quiet street, no cars, a bench", 1).things == ("bench",)
    assert imagine("Friends in a park", 1, negative_prompt="people, text, watermark").people == ()
    assert "rain" not in imagine("a field", 1, negative_prompt="rain").weather


def test_words_that_are_not_drawn_are_reported() -> None:
    found = notes("A xylophone and a sailboat on the sea at dawn, marimba")
    assert found["drawn"] == ["sailboat", "sea", "dawn"]
    assert found["not_drawn"] == ["xylophone", "marimba"]


def test_a_thing_with_no_room_in_the_place_is_reported_as_not_drawn() -> None:
    assert notes("a bright kitchen with a sailboat")["not_drawn"] == ["sailboat"]
    assert notes("a castle of sand", place="space")["not_drawn"] == ["castle", "sand"]


def test_what_nobody_asked_for_is_never_drawn_where_it_is_banned() -> None:
    streets = [
        set_stage(Shot(prompt, Size(90, 160), 30, Fraction(30), seed=1))[0] for prompt in ("street", "street no cars")
    ]
    assert len(streets[1].elements) == len(streets[0].elements) - 1


@pytest.mark.parametrize(
    ("prompt", "place", "beyond"),
    [
        ("a farmers market by the sea", "market", ("sea",)),
        ("mountains behind a lake", "lake", ("mountain",)),
        ("blue sky over a green meadow", "field", ()),
        ("a busy city street", "street", ("city",)),
        ("an espresso with steam", "cafe", ()),
        ("quarterly synergy", "abstract", ()),
        ("a dog by the ocean", "beach", ("sea",)),
    ],
)
def test_the_place_is_the_one_to_stand_in(prompt: str, place: str, beyond: tuple[str, ...]) -> None:
    scene = imagine(prompt, 1)
    assert (scene.place, scene.beyond) == (place, beyond)


def test_a_colour_before_a_thing_is_the_things_and_a_natural_one_is_the_places() -> None:
    scene = imagine("a red car, a green meadow, teal and #f80", 1)
    assert scene.colour_of == {"car": "#d7263d"}
    assert scene.colours == ("#129490", "#ff8800")


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("قهوة على الشاطئ #3366cc", "قهوة"),
        ("समुद्र किनारे कॉफ़ी", "कॉफ़ी"),
        ("海辺のコーヒー", "海辺のコーヒー"),
        ("Кофе у моря", "кофе"),
        ("좋은 아침", "아침"),
    ],
)
def test_any_script_is_read_and_its_words_are_reported_as_not_drawn(prompt: str, word: str) -> None:
    found = notes(prompt)
    assert word in found["not_drawn"]  # type: ignore[operator]


@pytest.mark.parametrize("prompt", ["", "   ", "!!! ??? …", "\x00\ud800", "a " * 5000, "{{ 7*7 }} %n ../../etc"])
def test_no_prompt_is_an_error(prompt: str) -> None:
    json.dumps(notes(prompt))


def test_notes_are_json_and_name_the_scene() -> None:
    found = json.loads(json.dumps(notes("a woman walking in the rain, city at night, slow pan left")))
    assert found["scene"] == {"place": "city", "time": "night", "weather": "rain", "people": 1, "camera": "pan_left"}


def test_options_overrule_the_words() -> None:
    found = notes("a beach at night", place="forest", time="dawn", camera="static")
    scene = found["scene"]
    assert isinstance(scene, dict)
    assert (scene["place"], scene["time"], scene["camera"]) == ("forest", "dawn", "static")
    assert found["not_drawn"] == ["beach", "night"]
