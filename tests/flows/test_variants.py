"""Variants, names and seeds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flows.model import Factor
from flows.variants import bad_id, creative_id, shot_seed, slug, variants


def test_without_factors_there_is_one_variant_the_control():
    (only,) = variants(())
    assert (only.name, only.arms, only.differs_in) == ("control", {}, "")


def test_every_combination_is_made_the_control_first_and_the_one_difference_named():
    made = variants((Factor("hook", ("question", "offer")), Factor("look", ("clean", "noir"))))
    assert [(variant.name, variant.differs_in) for variant in made] == [
        ("question-clean", ""),
        ("question-noir", "look"),
        ("offer-clean", "hook"),
        ("offer-noir", "several"),
    ]
    assert made[2].arms == {"hook": "offer", "look": "clean"}


@given(st.text(max_size=200))
def test_a_slug_is_always_a_safe_name(text):
    made = slug(text)
    assert re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)?", made)
    assert slug(made) == made


def test_accents_are_dropped_and_other_signs_become_one_hyphen():
    assert slug("  Crème brûlée / Größe 12! ") == "Creme-brulee-Grosse-12"


def test_an_id_is_readable_and_leaves_out_what_is_not_there():
    assert creative_id("SKU 1", "en-US", "", "question") == "SKU-1_en-US_question"
    assert creative_id("sku", "en-US", "gamers", "control") == "sku_en-US_gamers_control"


def test_plain_ids_are_accepted():
    assert [bad_id(text) for text in ("00123", "a.b-c_d", "Café 7", "sku#1")] == ["", "", "", ""]


def test_a_seed_depends_on_everything_shown_and_on_nothing_else():
    seed = shot_seed(1, "sea", "text", "aa")
    assert seed == shot_seed(1, "sea", "text", "aa")
    others = {shot_seed(2, "sea", "text", "aa"), shot_seed(1, "seat", "ext", "aa"), shot_seed(1, "sea", "text", "ab")}
    assert seed not in others
    assert len(others) == 3
    assert all(0 <= value < 2**31 for value in others)
