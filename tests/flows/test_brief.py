"""campaign.yaml, brand.yaml, columns and rows: what is understood, and that nothing is guessed or dropped."""

import pytest

from flows.brief import load_campaign, read_rows, select_rows
from flows.model import BadInput, Factor
from tests.flows.written import CAMPAIGN, TEMPLATE, complaints, opened, write


def rows_of(folder, rows, **more):
    return opened(write(folder, rows=rows, **more))[2].rows


def refused(folder, rows, **more):
    return opened(write(folder, rows=rows, **more))[2].refused


def test_a_campaign_takes_what_it_does_not_say_from_its_template(tmp_path):
    campaign = load_campaign(write(tmp_path))
    assert (campaign.seconds, campaign.look, campaign.music, campaign.engine) == (6, "clean", "uplifting", "auto")
    assert campaign.currencies == {"": "USD"}
    assert campaign.brand.watermark == "Dawn"


def test_everything_a_campaign_says_is_kept(tmp_path):
    extra = (
        "factors: {hook: [offer, question], look: [clean, noir]}\nsegments: [gamers, parents]\nseed: 7\nseconds: 9\n"
        "engine: animatic\nengine_options: {a: 1}\nvoice: none\nlook: noir\nmusic: calm\nquality: preview\n"
        "landing_url: https://example.com/x\nutm: {utm_medium: social}\nignore_columns: [notes]\n"
    )
    campaign = load_campaign(write(tmp_path, extra=extra))
    assert campaign.factors == (Factor("hook", ("offer", "question")), Factor("look", ("clean", "noir")))
    assert (campaign.segments, campaign.seed, campaign.seconds) == (("gamers", "parents"), 7, 9)
    assert (campaign.engine_options, campaign.voice, campaign.quality) == ({"a": 1}, "none", "preview")


def test_yaml_words_stay_words(tmp_path):
    text = (
        CAMPAIGN.replace("locales: [en-US]", "locales: [no, en-US]")
        + "utm: {a: on, b: 12:30, c: 2026-01-01, d: 1.10}\n"
    )
    campaign = load_campaign(write(tmp_path, campaign=text))
    assert campaign.locales == ("no", "en-US")
    assert (campaign.utm["a"], campaign.utm["b"], campaign.utm["c"]) == ("on", "12:30", "2026-01-01")


@pytest.mark.parametrize(
    ("extra", "code", "says"),
    [
        ("platcements: [x]\n", "unknown_key", '"placements"'),
        ("seed: many\n", "bad_value", "integer"),
        ("seed: 1\nseed: 2\n", "bad_yaml", "second time"),
        ("factors: {hok: [question]}\n", "unknown_factor", '"hook"'),
        ("factors: {hook: [quest]}\n", "unknown_arm", '"question"'),
        ("factors: {hook: [Question Mark]}\n", "bad_value", "small letters"),
        ("factors: {hook: [question, question]}\n", "bad_value", "twice"),
        ("seconds: 30\n", "seconds_range", "6 to 10"),
        ("segments: [en]\n", "name_taken", "language"),
        ("segments: [a/b]\n", "bad_value", "segment"),
        ("disclosure: none\n", "bad_value", "disclosure_reason"),
        ("quality: best\n", "bad_value", "final"),
        ("landing_url: example\n", "bad_value", "https"),
        ("seed: &a 1\nutm: {b: *a}\n", "bad_yaml", "anchors"),
        ("utm: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", "bad_yaml", "deeper"),
        ("utm: {" + "a" * 300_000 + ": 1}\n", "yaml_too_large", "256"),
        ("utm: !!python/object:os.system x\n", "bad_yaml", "YAML"),
        ("look: [\n", "bad_yaml", "line"),
    ],
)
def test_a_wrong_line_of_campaign_yaml_is_a_sentence_with_the_way_out(tmp_path, extra, code, says):
    with pytest.raises(BadInput) as caught:
        load_campaign(write(tmp_path, extra=extra))
    assert [problem.code for problem in caught.value.problems] == [code]
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("template: mine", "template: product_spit", '"product_spot"'),
        ("template: mine", "template: ../mine", "no such template"),
        ("locales: [en-US]", "locales: [en-US, EN_us]", "twice"),
        ("locales: [en-US]", "locales: [jp]", "ja-JP"),
        ("currency: USD", "currency: dollars", "ISO 4217"),
        ("name: Written\n", "", "required"),
    ],
)
def test_a_wrong_value_is_a_sentence_with_the_way_out(tmp_path, old, new, says):
    with pytest.raises(BadInput, match=says):
        load_campaign(write(tmp_path, campaign=CAMPAIGN.replace(old, new)))


def test_all_complaints_come_at_once(tmp_path):
    folder = write(
        tmp_path, extra="seconds: 99\nfactors: {hok: [a]}\n", brand="name: D\ncolours: {primary: red}\nlogo: x.png\n"
    )
    with pytest.raises(BadInput) as caught:
        load_campaign(folder)
    assert {problem.file for problem in caught.value.problems} == {"campaign.yaml", "brand.yaml"}
    assert {"seconds_range", "unknown_factor", "bad_value"} <= {problem.code for problem in caught.value.problems}


def test_a_complaint_names_its_line(tmp_path):
    with pytest.raises(BadInput, match="line 7: unknown key"):
        load_campaign(write(tmp_path, extra="seed: 1\nsede: 2\n"))


def test_headers_are_read_whatever_their_case_spaces_and_hyphens(tmp_path):
    (row,) = rows_of(tmp_path, "Row ID ; PRODUCT; Price \nred;Cup;9.90\n")
    assert (row.row_id, row.variables["product"], row.variables["price"]) == ("red", "Cup", "9.90")
    assert dict(row.cells) == {"Row ID ": "red", " PRODUCT": "Cup", " Price ": "9.90"}


def test_reserved_columns_are_understood_in_all_their_spellings(tmp_path):
    text = (
        "row_id,product,locale,segment,platforms,variant,seed,landing_url,synthetic_person,enabled,look,music_id,campaign\n"
        'red,Cup,"es-MX, de-DE",gamers,tiktok_infeed|x_square,offer,9,https://a.example/b,yes,1,noir,calm,written\n'
    )
    (row,) = rows_of(tmp_path, text, extra="factors: {hook: [question, offer]}\n")
    assert (row.locales, row.segments, row.placements) == (
        ("es-MX", "de-DE"),
        ("gamers",),
        ("tiktok_infeed", "x_square"),
    )
    assert (row.variants, row.seed, row.landing_url) == (("offer",), 9, "https://a.example/b")
    assert (row.synthetic_person, row.enabled, row.look, row.music) == (True, True, "noir", "calm")


@pytest.mark.parametrize("column", ["model", "duration_s", "voice", "disclosure", "priority", "quality"])
def test_a_reserved_column_without_effect_is_an_error_and_never_ignored(tmp_path, column):
    found = complaints(write(tmp_path, rows=f"row_id,product,{column}\nred,Cup,x\n"))
    assert [problem.code for problem in found] == ["column_not_supported"]
    assert found[0].fix


def test_an_unknown_column_is_refused_with_the_near_name_unless_it_is_for_people(tmp_path):
    found = complaints(write(tmp_path / "a", rows="row_id,product,prize\nred,Cup,5\n"))
    assert [problem.code for problem in found] == ["unknown_column"]
    assert '"price"' in found[0].fix
    rows = "row_id,product,_note,Stock Keeper\nred,Cup,{{ x }},Ann\n"
    (row,) = rows_of(tmp_path / "b", rows, extra="ignore_columns: [stock keeper]\n")
    assert row.cells["_note"] == "{{ x }}"
    assert set(row.variables) == {"product"}


def test_a_column_may_hold_for_one_locale(tmp_path):
    (row,) = rows_of(tmp_path, "row_id,product,price,price.es-mx,product.de\nred,Cup,9,99,Tasse\n")
    assert row.variables == {"product": "Cup", "price": "9", "price.es-MX": "99", "product.de": "Tasse"}
    found = complaints(write(tmp_path / "b", rows="row_id,product,price.xx\nred,Cup,9\n"))
    assert [problem.code for problem in found] == ["bad_locale"]


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    for header in ("product,Product ", "locale,locales", "price.es-MX,price.ES_mx"):
        found = complaints(
            write(tmp_path, rows=f"row_id,product,{header}\nred,Cup,1,2\n".replace("product,product", "product"))
        )
        assert "header_twice" in {problem.code for problem in found}


def test_a_missing_id_is_derived_from_what_the_row_is_about_and_not_from_its_price_or_place(tmp_path):
    first = rows_of(tmp_path / "a", "product,price\nRed cup,9.90\nBlue cup,5\n")
    second = rows_of(tmp_path / "b", "price,product\n4,Blue cup\n11.90,Red cup\n")
    assert first[0].row_id == second[1].row_id
    assert first[0].row_id.startswith("Red-cup-")
    assert first[0].row_id != first[1].row_id


def test_two_rows_alike_without_ids_are_refused(tmp_path):
    found = refused(tmp_path, "product\nCup\nCup\n")
    assert [row.number for row in found] == [1, 2]
    assert "row_id" in found[0].problems[0].fix


@pytest.mark.parametrize("other", ["red", "RED", "re\u0301d", "r\u00e9d", "red!"])
def test_ids_that_any_system_would_confuse_are_refused_with_both_rows(tmp_path, other):
    first = "r\u00e9d" if other == "re\u0301d" else "red"
    found = refused(tmp_path, f"row_id,product\n{first},A\nx,B\n{other},C\n")
    assert [row.number for row in found] == [1, 3]
    assert {problem.code for row in found for problem in row.problems} == {"same_row_id"}


@pytest.mark.parametrize(
    "bad", ["../x", "a/b", "a\\b", "..", "CON", "lpt1.txt", "x" * 300, "靴", "\x1b[31mred", "a\u202eb", "---"]
)
def test_an_id_that_is_no_safe_name_is_refused(tmp_path, bad):
    found = refused(tmp_path, f"row_id,product\n{bad},A\nok,B\n")
    assert [(row.number, row.problems[0].code) for row in found] == [(1, "bad_row_id")]


def test_a_disabled_row_is_kept_and_nothing_is_asked_of_it(tmp_path):
    read = opened(write(tmp_path, rows="row_id,product,price,enabled\nred,,soon,no\nblue,Cup,5,\n"))[2]
    assert not read.problems
    assert [row.enabled for row in read.rows] == [False, True]


def test_refused_rows_keep_their_cells_and_the_good_ones_remain(tmp_path):
    folder = write(tmp_path, rows="row_id,product,price\nred,Cup,cheap\nblue,Cup,5\ngreen,Cup\n")
    read = opened(folder)[2]
    assert [row.row_id for row in read.rows] == ["blue"]
    assert [(row.number, row.row_id, dict(row.cells)) for row in read.refused] == [
        (1, "red", {"row_id": "red", "product": "Cup", "price": "cheap"}),
        (3, "", {"row_id": "green", "product": "Cup"}),
    ]
    campaign, template, _ = opened(folder)
    with pytest.raises(BadInput) as caught:
        read_rows(campaign, template)
    assert len(caught.value.problems) == 2


def test_a_price_needs_a_currency_in_every_locale(tmp_path):
    text = CAMPAIGN.replace("currency: USD", "currency: {en-US: USD}").replace("[en-US]", "[en-US, de-DE]")
    found = complaints(write(tmp_path / "a", campaign=text))
    assert [(problem.code, problem.row) for problem in found] == [("no_currency", 1)]
    rows = "row_id,product,price,currency.de\nred,Cup,9.90,EUR\n"
    assert not complaints(write(tmp_path / "b", campaign=text, rows=rows))


def test_invisible_characters_are_taken_out_and_it_is_said(tmp_path):
    read = opened(write(tmp_path, rows="row_id,product\nred,Cu\u200b\u202ep\n"))[2]
    assert read.rows[0].variables["product"] == "Cup"
    assert "1 cell" in " ".join(read.notes)


def test_a_cell_that_a_spreadsheet_would_run_is_text_here(tmp_path):
    (row,) = rows_of(tmp_path, "row_id,product\nred,=cmd|' /C calc'!A0\n")
    assert row.variables["product"] == "=cmd|' /C calc'!A0"


def ten(folder):
    lines = "".join(f"r{n},Cup {n},{n},{'gamers' if n % 2 else 'parents'}\n" for n in range(1, 11))
    return rows_of(folder, "row_id,product,price,segment\n" + lines)


def numbers(rows):
    return [row.number for row in rows]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ('segment == "gamers"', [1, 3, 5, 7, 9]),
        ('segment == "gamers" and price > 4', [5, 7, 9]),
        ('not segment == "gamers" or row_id == "r1"', [1, 2, 4, 6, 8, 10]),
        ("price in (2, 3) or product in ['Cup 9']", [2, 3, 9]),
        ("'10' in product", [10]),
        ("3 <= price < 5", [3, 4]),
        ("price != 'x' and price not in (1, 2, 3, 4, 5, 6, 7, 8)", [9, 10]),
        ("product > 3", None),
    ],
)
def test_rows_are_chosen_by_a_condition(tmp_path, where, kept):
    if kept is None:
        with pytest.raises(BadInput, match="no row"):
            select_rows(ten(tmp_path), where=where)
    else:
        assert numbers(select_rows(ten(tmp_path), where=where)) == kept


@pytest.mark.parametrize(
    "where",
    [
        "__import__('os')",
        "product.upper() == 'X'",
        "price + 1 == 2",
        "[x for x in product]",
        "lambda: 1",
        "segmant == 'a'",
        "price = 1",
        "",
        "x" * 2000,
        "(" * 500 + ")" * 500,
        "price is 1",
    ],
)
def test_a_condition_that_is_more_than_a_condition_is_refused(tmp_path, where):
    with pytest.raises(BadInput) as caught:
        select_rows(ten(tmp_path), where=where)
    assert caught.value.problems[0].fix


def test_rows_are_chosen_by_number(tmp_path):
    assert numbers(select_rows(ten(tmp_path), numbers="1-3, 7")) == [1, 2, 3, 7]
    for wrong in ("0", "3-1", "a", "1-", "", "1,,2", "-3"):
        with pytest.raises(BadInput):
            select_rows(ten(tmp_path), numbers=wrong)
    with pytest.raises(BadInput, match="no row"):
        select_rows(ten(tmp_path), numbers="99")


def test_a_sample_depends_on_the_seed_and_not_on_the_order_or_on_other_rows(tmp_path):
    rows = ten(tmp_path)
    drawn = select_rows(rows, sample=3, seed=1)
    assert len(drawn) == 3
    assert numbers(drawn) == sorted(numbers(drawn))
    assert {row.row_id for row in select_rows(rows[::-1], sample=3, seed=1)} == {row.row_id for row in drawn}
    others = {tuple(numbers(select_rows(rows, sample=3, seed=seed))) for seed in range(8)}
    assert len(others) > 3
    assert select_rows(rows, sample=99) == rows


def test_a_template_that_contradicts_itself_is_refused(tmp_path):
    wrong = {
        "shares": TEMPLATE.replace("share: 1/3", "share: 1/2"),
        "choices": TEMPLATE.replace(", choices: [small, large]", ""),
        "picture": TEMPLATE.replace("picture: picture}", "picture: product}"),
        "layer": TEMPLATE.replace("kind: price", "kind: prize"),
        "name": TEMPLATE.replace("  stock:", "  locale:"),
        "default": TEMPLATE.replace("required: true, max", "required: true, default: x, max"),
        "example": TEMPLATE.replace("price: {type: money}", "price: {type: money, example: cheap}"),
        "order": TEMPLATE.replace("min: 6", "min: 9"),
        "stem": TEMPLATE.replace("text: headline", "text: headlime"),
    }
    for name, template in wrong.items():
        assert template != TEMPLATE, name
        assert complaints(write(tmp_path / name, template=template)), name
