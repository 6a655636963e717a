"""Expansion: which texts win, what a creative is called, what changes a seed, and what one change leaves alone."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest

from flows.expand import expand
from flows.model import BadInput
from flows.template import selectors
from tests.flows.written import CAMPAIGN, TEMPLATE, creatives, opened, write

HOOK = "factors: {hook: [question, offer]}\n"
#: Most specific first, exactly as the order is documented.
ORDER = ("es-MX.gamers", "es-MX", "es.gamers", "es", "gamers", "")


def spanish(folder, files):
    texts = {f"voiceover.{selector}.j2".replace("..", "."): selector or "plain" for selector in files}
    text = CAMPAIGN.replace("[en-US]", "[es-MX]") + "segments: [gamers]\n"
    write(folder, campaign=text)
    (folder / "mine" / "voiceover.j2").unlink()
    for name, content in texts.items():
        (folder / "mine" / name).write_text(content, "utf-8")
    return creatives(folder)[0].voiceover


@pytest.mark.parametrize("missing", range(len(ORDER)))
def test_the_most_specific_text_wins(tmp_path, missing):
    left = ORDER[missing:]
    assert spanish(tmp_path, left) == (left[0] or "plain")


def test_the_order_is_the_documented_one():
    assert selectors("es-MX", "gamers") == ORDER
    assert selectors("es", "") == ("es", "")
    assert selectors("zh-Hant-TW", "a")[:4] == ("zh-Hant-TW.a", "zh-Hant-TW", "zh-Hant.a", "zh-Hant")


def test_a_locale_without_a_text_is_a_complaint_and_never_another_language(tmp_path):
    write(tmp_path, campaign=CAMPAIGN.replace("[en-US]", "[en-US, fr-FR]"))
    (tmp_path / "mine" / "voiceover.j2").rename(tmp_path / "mine" / "voiceover.en.j2")
    campaign, template, read = opened(tmp_path)
    found = []
    made = list(expand(campaign, template, read.rows, found))
    assert [creative.locale for creative in made] == ["en-US"]
    assert [(problem.code, problem.row) for problem in found] == [("no_text_for_locale", 1)]
    assert "voiceover.fr.j2" in found[0].fix
    with pytest.raises(BadInput):
        list(expand(campaign, template, read.rows))


def test_a_files_name_in_another_case_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"voiceover\.es-MX\.j2"):
        opened(write(tmp_path, texts={"voiceover.es-mx.j2": "Hola."}))


def test_every_row_locale_segment_and_variant_becomes_one_creative_in_order(tmp_path):
    text = CAMPAIGN.replace("[en-US]", "[en-US, de-DE]") + HOOK + "segments: [gamers, parents]\n"
    made = creatives(write(tmp_path, campaign=text, rows="row_id,product\nb,Cup\na,Jug\n"))
    ids = [creative.creative_id for creative in made]
    parts = itertools.product("ba", ("en-US", "de-DE"), ("gamers", "parents"), ("question", "offer"))
    assert ids == ["_".join(part) for part in parts]
    assert made[1].control_id == made[0].creative_id
    assert [creative.differs_in for creative in made[:2]] == ["", "hook"]


def test_a_rows_own_cells_restrict_what_is_made(tmp_path):
    text = CAMPAIGN.replace("[en-US]", "[en-US, de-DE]") + HOOK
    rows = "row_id,product,locale,segment,variant,placements\na,Cup,de-DE,gamers,offer,x_square\n"
    (only,) = creatives(write(tmp_path, campaign=text, rows=rows))
    assert only.creative_id == "a_de-DE_gamers_offer"
    assert only.placements == ("x_square",)
    assert only.control_id == "a_de-DE_gamers_question"


def test_disabled_rows_make_nothing(tmp_path):
    made = creatives(write(tmp_path, rows="row_id,product,enabled\na,Cup,no\nb,Cup,yes\n"))
    assert [creative.row.row_id for creative in made] == ["b"]


def test_texts_layers_and_shots_are_the_templates(tmp_path):
    rows = "row_id,product,price,picture\na,Cup,9.90,cup.png\nb,Jug,,\n"
    first, second = creatives(write(tmp_path, rows=rows))
    assert first.voiceover == "Cup. Good morning."
    assert [(layer.kind, layer.text, layer.start_seconds, layer.end_seconds) for layer in first.layers] == [
        ("headline", "Cup?", 0.2, -2.0),
        ("price", "$9.90", 1.0, -2.0),
    ]
    assert [layer.kind for layer in second.layers] == ["headline"]
    assert [shot.share for shot in first.shots] == [Fraction(1, 3), Fraction(2, 3)]
    assert [shot.picture for shot in first.shots] == [None, (tmp_path / "cup.png").resolve()]
    assert second.shots[1].picture is None


def test_a_default_stands_for_an_empty_cell(tmp_path):
    template = TEMPLATE.replace("price: {type: money}", 'price: {type: money, default: "5"}')
    made = creatives(write(tmp_path, template=template, rows="row_id,product,price\na,Cup,\nb,Cup,7\n"))
    assert [creative.layers[1].text for creative in made] == ["$5", "$7"]


def test_each_locale_has_its_own_cell_price_and_currency(tmp_path):
    text = CAMPAIGN.replace("[en-US]", "[en-US, es-MX, de-DE]").replace("USD", "{en-US: USD, de: EUR, es-MX: MXN}")
    rows = "row_id,product,product.de,price,price.es-MX\na,Cup,Tasse,9.90,199\n"
    made = creatives(write(tmp_path, campaign=text, rows=rows))
    assert [creative.layers[0].text for creative in made] == ["Cup?", "Cup?", "Tasse?"]
    assert [creative.layers[1].text for creative in made] == ["$9.90", "$199", "9,90\u00a0€"]


def test_a_price_in_one_language_only_is_shown_in_that_language_only(tmp_path):
    text = CAMPAIGN.replace("[en-US]", "[en-US, es-MX]")
    made = creatives(write(tmp_path, campaign=text, rows="row_id,product,price.es\na,Cup,199\n"))
    assert [len(creative.layers) for creative in made] == [1, 2]


def test_a_changed_price_changes_no_shot_and_no_voice_that_does_not_speak_it(tmp_path):
    before = creatives(write(tmp_path / "a", rows="row_id,product,price\na,Cup,9.90\n"))[0]
    after = creatives(write(tmp_path / "b", rows="row_id,product,price\na,Cup,8.90\n"))[0]
    assert before.layers != after.layers
    assert (before.voiceover, before.shots) == (after.voiceover, after.shots)


def test_seeds_depend_on_content_and_campaign_seed_and_never_on_the_rows_place(tmp_path):
    one = creatives(write(tmp_path / "a", rows="row_id,product\na,Cup\nb,Jug\n"))
    two = creatives(write(tmp_path / "b", rows="row_id,product\nnew,Pan\nb,Jug\na,Cup\n"))
    assert one[0].shots == two[2].shots
    assert one[1].shots == two[1].shots
    assert one[0].shots[0].seed != one[1].shots[0].seed
    other = creatives(write(tmp_path / "c", rows="row_id,product,seed\na,Cup,\nb,Jug,5\n", extra="seed: 9\n"))
    assert other[0].shots[0].seed != one[0].shots[0].seed
    assert "seed 5" in other[1].shots[0].seed_basis


def test_another_picture_under_the_same_name_is_another_seed(tmp_path):
    rows = "row_id,product,picture\na,Cup,cup.png\n"
    folder = write(tmp_path, rows=rows)
    before = creatives(folder)[0].shots[1].seed
    (folder / "cup.png").write_bytes((folder / "cup.png").read_bytes() + b"x")
    assert creatives(folder)[0].shots[1].seed != before


def test_look_and_music_come_from_the_factor_then_the_row_then_the_campaign(tmp_path):
    rows = "row_id,product,look,music\na,Cup,,\nb,Cup,noir,calm\n"
    made = creatives(write(tmp_path, rows=rows, extra="factors: {look: [vintage, clean]}\nmusic: tech\n"))
    assert [(creative.look, creative.music) for creative in made] == [
        ("vintage", "tech"),
        ("clean", "tech"),
        ("vintage", "calm"),
        ("clean", "calm"),
    ]


def test_utm_content_is_the_creatives_name(tmp_path):
    text = CAMPAIGN.replace("name: Written", "name: Spring Sale 27") + "utm: {utm_medium: social}\n"
    (made,) = creatives(write(tmp_path, campaign=text))
    assert made.utm == {"utm_medium": "social", "utm_campaign": "spring-sale-27", "utm_content": made.creative_id}


def test_the_rows_landing_page_overrules_the_campaigns(tmp_path):
    rows = "row_id,product,landing_url\na,Cup,\nb,Cup,https://www.other.example/b\n"
    extra = "landing_url: https://shop.example/all\n"
    made = creatives(write(tmp_path, rows=rows, extra=extra, texts={"headline.j2": "{{ domain }}"}))
    assert [creative.layers[0].text for creative in made] == ["shop.example", "other.example"]


def test_a_name_longer_than_platforms_take_is_refused_with_how_much_to_cut(tmp_path):
    campaign, template, read = opened(write(tmp_path, rows=f"row_id,product\n{'x' * 75},Cup\n", extra=HOOK))
    found = []
    assert not list(expand(campaign, template, read.rows, found))
    assert found[0].code == "name_too_long"
    assert "Shorten the row_id by" in found[0].fix


def test_a_text_that_fails_is_a_complaint_of_its_row_and_siblings_are_made(tmp_path):
    texts = {"price.j2": "{{ price | money }}"}
    campaign, template, read = opened(write(tmp_path, rows="row_id,product,price\na,Cup,\nb,Cup,5\n", texts=texts))
    found = []
    made = list(expand(campaign, template, read.rows, found))
    assert [creative.row.row_id for creative in made] == ["b"]
    assert [(problem.row, problem.column, problem.code) for problem in found] == [(1, "price", "text_failed")]


def test_expansion_is_lazy(tmp_path):
    campaign, template, read = opened(write(tmp_path, rows="row_id,product\na,Cup\nb,Jug\n"))
    asked = []

    def rows():
        for row in read.rows:
            asked.append(row.row_id)
            yield row

    made = expand(campaign, template, rows())
    next(made)
    assert asked == ["a"]


def test_texts_that_are_kept_are_the_texts_that_would_be_rendered(tmp_path):
    text = CAMPAIGN.replace("[en-US]", "[en-IE, de-DE, fr-FR]").replace("USD", "EUR") + HOOK
    rows = "row_id,product,price\n" + "".join(f"r{n},Cup {n % 3},{n % 2 + 5}.50\n" for n in range(12))
    campaign, template, read = opened(write(tmp_path, campaign=text, rows=rows))
    together = list(expand(campaign, template, read.rows))
    for row in read.rows:
        for locale in campaign.locales:
            alone = expand(campaign, template, [replace(row, locales=(locale,))])
            mine = [made for made in together if (made.row.row_id, made.locale) == (row.row_id, locale)]
            assert [(made.layers, made.voiceover) for made in alone] == [(made.layers, made.voiceover) for made in mine]
