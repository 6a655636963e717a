"""Templates: what is allowed renders in linear time, everything else is refused with its line before any row."""

import datetime
from decimal import Decimal

import pytest

from flows import localise, values
from flows.problems import Problems
from flows.templating import LIMIT_OUTPUT, LIMIT_SOURCE, RenderFailed, check_text
from flows.values import BadValue, Money, Percent

KINDS = {"product": "text", "price": "money", "stock": "integer", "opens": "date", "share": "percent", "hook": "text"}


def checked(source):
    problems = Problems("t.j2")
    return check_text("t.j2", source, KINDS, problems), problems.found


def rendered(source, locale="en-US", **given):
    text, found = checked(source)
    assert not found
    return text.render({"product": "Cup", **given}, locale)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{% for i in range(10**9) %}x{% endfor %}", 1),
        ("a\n{% for a in '123' %}{% for b in '123' %}x{% endfor %}{% endfor %}", 2),
        ("a\nb\n{{ 'a' * 10**9 }}", 3),
        ("{{ '%999999999d' % 1 }}", 1),
        ("{{ product | center(10**9) }}", 1),
        ("{{ product | replace('a', 'aa') }}", 1),
        ("{{ lipsum(n=1000000) }}", 1),
        ("{{ product.__class__ }}", 1),
        ("{{ product['__class__'] }}", 1),
        ("{{ product | attr('x') }}", 1),
        ("{{ cycler('a') }}", 1),
        ("{% set a = product %}", 1),
        ("{% macro a() %}{% endmacro %}", 1),
        ("{% include 'x' %}", 1),
        ("{% extends 'x' %}", 1),
        ("{% if product is defined %}x{% endif %}", 1),
        ("{{ 'a' if hook }}", 1),
        ("{{ product | shorten(stock) }}", 1),
        ("{{ product | shorten }}", 1),
        ("{{ price | money(*hook) }}", 1),
        ("{{ stock | plural(uno='x', other='y') }}", 1),
        ("x{{", 1),
        ("\n{% if hook %}", 2),
        ("{{ " + "not " * 200 + "hook }}", 1),
    ],
)
def test_anything_that_could_loop_reach_or_grow_is_refused_with_its_line(source, line):
    text, found = checked(source)
    assert text is None
    assert found[0].message.startswith(f"line {line}: ")


def test_an_overlong_or_overnested_source_is_refused():
    for source in ("x" * (LIMIT_SOURCE + 1), "{{ " + "(" * 3000 + "hook" + ")" * 3000 + " }}"):
        text, found = checked(source)
        assert text is None
        assert found


def test_an_unknown_variable_is_found_before_any_row_and_the_near_one_named():
    _, found = checked("x\n{{ prodct }}")
    assert (found[0].code, found[0].value) == ("unknown_variable", "prodct")
    assert "line 2" in found[0].message
    assert '"product"' in found[0].fix


@pytest.mark.parametrize(
    "source", ["{{ price }}", "{{ price ~ '' }}", "{{ hook or price }}", "{{ opens if hook else '' }}"]
)
def test_a_value_that_people_write_differently_is_never_printed_raw(source):
    _, found = checked(source)
    assert found[0].code == "raw_value"
    assert "|" in found[0].fix


def test_a_filter_of_another_type_is_refused():
    _, found = checked("{{ product | money }}")
    assert found[0].code == "filter_type"


def test_values_are_data_and_never_templates():
    assert rendered("[{{ product }}]", product="{ product }") == "[{ product }]"
    with pytest.raises(RenderFailed, match=r"leaves \{\{"):
        rendered("{{ product }}", product="{{ 7*7 }}")


def test_the_largest_output_is_bounded():
    with pytest.raises(RenderFailed, match=f"{LIMIT_OUTPUT:,}"):
        rendered("{{ product }}" * 60, product="x" * 100)


def test_a_fault_while_rendering_names_the_line_and_the_way_out():
    text, _ = checked("a\nb {% if price > 'x' %}y{% endif %}")
    with pytest.raises(RenderFailed, match=r"t\.j2, line 2"):
        text.render({"price": Money("1", "EUR")}, "de-DE")
    text, _ = checked("\n{{ price | money }}")
    with pytest.raises(RenderFailed, match="empty value") as caught:
        text.render({"price": ""}, "de-DE")
    assert "{% if" in caught.value.fix


def test_spaces_are_tidied_but_no_break_spaces_stay():
    assert rendered(" {{ product }} \n\n is  {{ price | money }}.", "de-DE", price=Money("19.90", "EUR")) == (
        "Cup is 19,90\u00a0€."
    )


def test_a_text_that_no_locale_changes_says_so():
    assert not checked("{{ product }}")[0].localised
    assert checked("{{ price | money }}")[0].localised


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en-US", "€1,299|$19.90|1,290.5|25%|March 5, 2027|March 5"),
        ("de-DE", "1.299\u00a0€|19,90\u00a0$|1.290,5|25\u00a0%|5. März 2027|5. März"),
        ("es-MX", "EUR\u00a01,299|USD\u00a019.90|1,290.5|25%|5 de marzo de 2027|5 de marzo"),
        ("fr-FR", "1\u00a0299\u00a0€|19,90\u00a0$US|1\u00a0290,5|25\u00a0%|5 mars 2027|5 mars"),
    ],
)
def test_values_are_written_as_the_locale_writes_them(locale, shown):
    day = datetime.date(2027, 3, 5)
    written = (
        localise.money(locale, Money("1299", "EUR")),
        localise.money(locale, Money("19.90", "USD")),
        localise.number(locale, Decimal("1290.5")),
        localise.percent(locale, Percent("25")),
        localise.date(locale, day),
        localise.date(locale, day, "day"),
    )
    assert "|".join(written) == shown


def test_money_follows_the_currencys_own_digits():
    assert localise.money("ja-JP", Money("1980", "JPY")) == "¥1,980"
    assert localise.money("en-US", Money("20", "USD")) == "$20"
    assert localise.money("en-US", Money("20", "USD"), "always") == "$20.00"
    assert "1.500" in localise.money("en-US", Money("1.5", "KWD"))


def test_plurals_follow_the_language():
    source = "{{ stock | plural(one='# день', few='# дня', many='# дней', other='# дня') }}"
    assert [rendered(source, "ru-RU", stock=n) for n in (1, 3, 5)] == ["1 день", "3 дня", "5 дней"]
    assert rendered("{{ stock | plural(one='# day', other='# days') }}", stock=1200) == "1,200 days"


def test_units_and_letters_follow_the_language():
    assert localise.unit("de-DE", 750, "milliliter") == "750\u00a0ml"
    assert localise.upper("tr-TR", "izmir") == "İZMİR"
    assert localise.capitalize("en-US", "iPhone case") == "IPhone case"
    with pytest.raises(BadValue, match="unknown unit"):
        localise.unit("en-US", 1, "parsnip")


def test_shorten_cuts_between_words():
    assert localise.shorten("en-US", "a quiet morning", 10) == "a quiet…"
    assert localise.shorten("en-US", "short", 10) == "short"


@pytest.mark.parametrize(
    "text", ["1,5", "1,500", "1e5", "0x10", "NA", "١٩", "1 500", "1.5.2", "--5", "", "inf", "1_000"]
)
def test_no_number_is_guessed(text):
    with pytest.raises(BadValue) as caught:
        values.number(text)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("money", "$19.90"),
        ("money", "19.90 EUR"),
        ("money", "-5"),
        ("integer", "1.5"),
        ("integer", "1.0"),
        ("date", "31/02/2026"),
        ("date", "2026-02-31"),
        ("date", "2026-2-1"),
        ("date", "yesterday"),
        ("percent", "half"),
        ("boolean", "maybe"),
        ("colour", "red"),
        ("colour", "#12345"),
        ("url", "ftp://example.com"),
        ("url", "example.com"),
        ("url", "https://exa mple.com"),
        ("url", "javascript:alert(1)"),
        ("url", "http://[::1"),
        ("currency", "usd"),
        ("currency", "XQQ"),
    ],
)
def test_a_text_of_the_wrong_type_is_refused_with_a_fix(kind, text):
    with pytest.raises(BadValue) as caught:
        values.KINDS[kind].read(text)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("money", "19.90", Decimal("19.90")),
        ("percent", "25 %", Decimal(25)),
        ("integer", "12", 12),
        ("date", "2028-02-29", datetime.date(2028, 2, 29)),
        ("boolean", "YES", True),
        ("boolean", "0", False),
        ("colour", "#AABBCC", "#aabbcc"),
        ("url", "https://example.com/a?b=c", "https://example.com/a?b=c"),
    ],
)
def test_a_text_of_its_type_is_read(kind, text, value):
    assert values.KINDS[kind].read(text) == value


def test_amounts_of_two_currencies_are_never_equal():
    assert Money("5", "USD") != Money("5", "EUR")
    assert Money("5", "USD") == Money("5.00", "USD")
    assert Money("5", "USD") < 6


@pytest.mark.parametrize(
    ("text", "tag"),
    [("en_us", "en-US"), ("ES-mx", "es-MX"), ("zh-hant-tw", "zh-Hant-TW"), ("no", "no"), ("es-419", "es-419")],
)
def test_locales_are_written_in_their_usual_case(text, tag):
    assert localise.locale_tag(text) == tag


@pytest.mark.parametrize(
    ("text", "hint"),
    [("jp", "ja-JP"), ("es-MEX", "es-MX"), ("english", "en"), ("../..", "en-US"), ("xx", ""), ("", "")],
)
def test_a_bad_locale_is_refused_with_a_hint(text, hint):
    with pytest.raises(BadValue) as caught:
        localise.locale_tag(text)
    assert hint in caught.value.fix


def test_a_locale_falls_back_to_its_language():
    assert localise.fallbacks("zh-Hant-TW") == ("zh-Hant-TW", "zh-Hant", "zh")
