"""The gates before anything is spent: licence and machine, and shots that the engine would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from babel import Locale

from flows import terminal
from flows.brief import load_campaign
from flows.creative import _measured
from flows.estimate import survey
from flows.ledger import Ledger
from flows.licences import licence_gate, refuse_missing
from flows.model import BadInput, Campaign, Row
from flows.order import Order, Prepared, prepare
from flows.provenance import ABSENT, MEASURES, Measured, engine_facts, library_versions, licence_terms, speed_notice
from flows.record_book import RecordBook
from flows.report import ReportData
from flows.settings import Settings
from flows.studio import Seen
from flows.summary import Summary, contact_sheet
from flows.terminal import print_check, print_plan
from flows.territories import EUROPEAN_UNION, each, named, territories_of, territory
from flows.timeline import Timesheet
from flows.values import BadValue
from generation import engines
from generation.conform.measures import Measures
from generation.engines.contract import Engine, EngineOptions
from generation.errors import BadShot
from generation.spec import Footage, Progress, Shot, Size
from tests.flows.small import small_campaign
from tests.flows.test_report import rendered
from tests.flows.written import CAMPAIGN, write


class Strict(Engine):
    """An engine that renders nothing and states what a test asks it to."""

    class Options(EngineOptions):
        speed: Literal["exact", "balanced", "fast"] = "exact"

    id = "strict"
    title = "Strict"
    revision = "1"
    licence = "Made-Up-1.0"
    licence_url = "https://licence.example/"
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    models = ("somebody/model@abc",)
    libraries = ("pydantic", "no-such-library")
    ways = frozenset({"image"})
    asked: list[Shot]

    def __init__(self, **facts: object) -> None:
        self.asked = []
        self.lacks: tuple[str, ...] = ()
        for name, value in facts.items():
            setattr(self, name, value)

    def missing(self) -> tuple[str, ...]:
        return self.lacks

    def refuse(self, shot: Shot) -> None:
        self.asked.append(shot)
        super().refuse(shot)

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        raise AssertionError("nothing may be rendered by a check")


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Strict:
    """The engine `strict`, as the table of engines gives it out."""
    engine = Strict()
    monkeypatch.setattr(engines, "get_engine", lambda name: engine)
    return engine


def asked_of(folder: Path, extra: str = "", **more: str) -> Path:
    return write(folder, extra=f"engine: animatic\nvoice: none\n{extra}", **more)


def campaign(tmp_path: Path, locales: str = "en-US", **keys: object) -> Campaign:
    text = CAMPAIGN.replace("en-US", locales)
    return replace(load_campaign(write(tmp_path, campaign=text)), **keys)  # type: ignore[arg-type]


def row(number: int = 1, *locales: str) -> Row:
    return Row(number=number, row_id=f"r{number}", cells={}, variables={}, locales=locales)


def codes(problems: Sequence[object]) -> list[tuple[str, str | None, int | None]]:
    return [(problem.code, problem.column, problem.row) for problem in problems]  # type: ignore[attr-defined]


# --- territories ----------------------------------------------------------------------------------------------------


def test_a_region_is_the_country_and_a_bare_language_is_every_country_where_it_is_official() -> None:
    assert territories_of("en-GB") == {"GB"}
    assert territories_of("zh-Hans-SG") == {"SG"}
    assert {"DE", "AT", "CH", "LI", "LU", "BE"} <= territories_of("de")
    assert "US" not in territories_of("de")
    assert {"GB", "US", "IE", "IN", "NG"} <= territories_of("en")
    assert {"CN", "TW"} <= territories_of("zh")
    assert "KR" in territories_of("ko")


def test_a_region_of_the_world_counts_like_none() -> None:
    assert territories_of("es-419") == territories_of("es") >= {"MX", "ES", "AR"}


def test_every_locale_of_cldr_has_a_country() -> None:
    languages = {str(tag).partition("_")[0] for tag in ("en", "de", "ja", "yue", "ca", "hi", "ar", "pt", "nb")}
    assert all(territories_of(language) for language in languages)


def test_the_union_is_its_members_in_both_directions() -> None:
    assert len([code for code in EUROPEAN_UNION if code in Locale("en").territories]) == len(EUROPEAN_UNION)
    assert each({"EU"}) >= {"DE", "FR", "RE"}
    assert "GB" not in each({"EU"})
    assert each({"UK"}) == {"GB"}
    assert named({*EUROPEAN_UNION, "KR"}) == "EU, KR"
    assert named(territories_of("en")).endswith(" more")


@pytest.mark.parametrize(("text", "code"), [("us", "US"), (" EU ", "EU"), ("KR", "KR")])
def test_a_code_is_read_whatever_its_case(text: str, code: str) -> None:
    assert territory(text) == code


@pytest.mark.parametrize("text", ["UK", "USA", "Germany", "ZZ", "XX", "", "419", "D"])
def test_what_is_no_code_of_a_country_is_refused_with_the_way_out(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue):
        territory(text)
    with pytest.raises(BadInput, match="Write "):
        load_campaign(write(tmp_path, extra=f"territories: [US, '{text}']\n"))


# --- the licence ----------------------------------------------------------------------------------------------------


def test_a_free_licence_has_nothing_to_say(tmp_path: Path) -> None:
    gate = licence_gate(campaign(tmp_path), [row()], Strict())
    assert (gate.problems, gate.notes) == ([], [])


def test_an_excluded_territory_is_found_in_the_campaigns_locales(tmp_path: Path) -> None:
    gate = licence_gate(campaign(tmp_path, "en-US, de-DE"), [row()], Strict(excluded_territories=frozenset({"EU"})))
    (problem,) = gate.problems
    assert (problem.code, problem.file, problem.column, problem.row) == (
        "licence_territory",
        "campaign.yaml",
        "locales",
        None,
    )
    assert problem.value == "de-DE"
    assert "strict (Made-Up-1.0) does not hold in DE" in problem.message
    assert {"territories", "another engine", "licence_override"} <= {
        word for word in ("territories", "another engine", "licence_override") if word in problem.fix
    }


def test_a_rows_own_locale_is_the_rows_complaint(tmp_path: Path) -> None:
    engine = Strict(excluded_territories=frozenset({"KR"}))
    gate = licence_gate(campaign(tmp_path), [row(1), row(2, "ko-KR"), row(3, "en-US")], engine)
    assert codes(gate.problems) == [("licence_territory", "locale", 2)]
    assert gate.problems[0].file == "rows.csv"


def test_a_locale_of_the_campaign_that_no_row_is_made_in_is_no_complaint(tmp_path: Path) -> None:
    gate = licence_gate(campaign(tmp_path, "de-DE"), [row(1, "en-US")], Strict(excluded_territories=frozenset({"DE"})))
    assert gate.problems == []


def test_a_row_that_is_switched_off_is_not_made_in_the_campaigns_locales(tmp_path: Path) -> None:
    rows = [row(1, "en-US"), replace(row(2), enabled=False)]
    gate = licence_gate(campaign(tmp_path, "de-DE"), rows, Strict(excluded_territories=frozenset({"DE"})))
    assert gate.problems == []


def test_a_language_without_a_country_is_refused_where_one_of_its_countries_is_excluded(tmp_path: Path) -> None:
    engine = Strict(excluded_territories=frozenset({"AT"}))
    (problem,) = licence_gate(campaign(tmp_path, "de"), [row()], engine).problems
    assert "names no country" in problem.message
    assert licence_gate(campaign(tmp_path, "de-DE"), [row()], engine).problems == []


def test_stated_territories_replace_the_guess_from_the_locales(tmp_path: Path) -> None:
    engine = Strict(excluded_territories=frozenset({"EU", "UK", "KR"}))
    assert licence_gate(campaign(tmp_path, "de-DE", territories=("CH", "US")), [row()], engine).problems == []
    gate = licence_gate(campaign(tmp_path, "en-US", territories=("US", "GB", "FR")), [row()], engine)
    assert codes(gate.problems) == [("licence_territory", "territories", None)]
    assert gate.problems[0].value == "FR, GB"


def test_a_guess_that_passed_is_said(tmp_path: Path) -> None:
    engine = Strict(excluded_territories=frozenset({"KR"}))
    (note,) = licence_gate(campaign(tmp_path, "en-US, de-DE"), [row()], engine).notes
    assert "does not hold in KR" in note
    assert "shown in DE, US" in note
    assert licence_gate(campaign(tmp_path, territories=("US",)), [row()], engine).notes == []


@pytest.mark.parametrize(
    ("facts", "revenue", "code"),
    [
        ({"revenue_cap_usd": 10_000_000}, None, "licence_revenue"),
        ({"revenue_cap_usd": 10_000_000}, 10_000_000, "licence_revenue"),
        ({"revenue_cap_usd": 10_000_000}, 9_999_999, None),
        ({"revenue_cap_usd": 10_000_000, "commercial_use": "conditional"}, None, "licence_revenue"),
        ({"commercial_use": "conditional"}, None, "licence_commercial"),
        ({"commercial_use": "conditional"}, 0, None),
        ({"commercial_use": "no"}, 0, "licence_commercial"),
    ],
)
def test_revenue_and_commercial_use(
    tmp_path: Path, facts: dict[str, object], revenue: int | None, code: str | None
) -> None:
    gate = licence_gate(campaign(tmp_path, annual_revenue_usd=revenue), [row()], Strict(**facts))
    assert [problem.code for problem in gate.problems] == ([code] if code else [])
    if code and revenue is None:
        assert "annual_revenue_usd" in gate.problems[0].fix


def test_an_override_turns_each_complaint_into_a_note_with_its_reason(tmp_path: Path) -> None:
    engine = Strict(excluded_territories=frozenset({"US"}), commercial_use="no")
    gate = licence_gate(campaign(tmp_path, licence_override="contract 17"), [row(1), row(2)], engine)
    assert gate.problems == []
    assert len(gate.notes) == 2
    assert all(note.startswith("licence overridden (contract 17): the licence of strict") for note in gate.notes)


def test_check_plan_and_run_begin_with_the_gate(tmp_path: Path, strict: Strict) -> None:
    strict.commercial_use = "no"
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path)))
    assert codes(caught.value.problems) == [("licence_commercial", "engine", None)]
    prepared = prepare(Order(asked_of(tmp_path, "licence_override: we have a contract\n")))
    assert "licence overridden (we have a contract)" in prepared.notes[-1]
    assert engine_facts(prepared)["licence_override"] == "we have a contract"


# --- shots that the engine refuses ----------------------------------------------------------------------------------


def test_a_shot_that_the_engine_refuses_is_one_problem_per_kind_of_shot_and_never_one_per_row(
    tmp_path: Path, strict: Strict
) -> None:
    strict.max_seconds = 1.0
    rows = "row_id,product\n" + "".join(f"r{number},Cup {number}\n" for number in range(40))
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path, rows=rows)))
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.row, problem.value) == ("bad_shot", "campaign.yaml", None, "strict")
    assert problem.message.startswith("instagram_reels (1080x1920): strict: a shot of ")
    assert "0.5-1 s" in problem.message


def test_each_kind_of_shot_is_asked_about_once_however_many_rows_there_are(tmp_path: Path, strict: Strict) -> None:
    for count in (2, 60):
        strict.asked.clear()
        rows = "row_id,product\n" + "".join(f"r{number},Cup {number}\n" for number in range(count))
        text = CAMPAIGN.replace("instagram_reels", "instagram_reels, linkedin_square")
        prepare(Order(asked_of(tmp_path / str(count), rows=rows, campaign=text)))
        assert len(strict.asked) == 4  # two shots for each of two placements


def test_a_refusal_that_a_rows_cells_cause_is_the_rows(tmp_path: Path, strict: Strict) -> None:
    strict.native_size = lambda wanted: Size(1081, 1081) if wanted == Size(1080, 1080) else wanted  # type: ignore[method-assign]
    rows = "row_id,product,placements\na,Cup,\nb,Jug,linkedin_square\nc,Pot,linkedin_square\n"
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path, rows=rows)))
    assert codes(caught.value.problems) == [("bad_shot", "engine", 2), ("bad_shot", "engine", 3)]
    prepared = prepare(Order(tmp_path, skip_bad_rows=True))
    assert [row.row_id for row in prepared.rows] == ["a"]


def test_an_engine_that_plans_no_such_length_is_a_problem_too(tmp_path: Path, strict: Strict) -> None:
    def no(seconds: float, fps: Fraction) -> int:
        raise BadShot("strict: no such length")

    strict.native_frames = no  # type: ignore[method-assign]
    strict.native_fps = lambda wanted: Fraction(16)  # type: ignore[method-assign]
    with pytest.raises(BadInput, match=r"instagram_reels \(1080x1920\): strict: no such length"):
        prepare(Order(asked_of(tmp_path)))


def test_a_picture_that_the_engine_cannot_see_is_a_note_and_no_error(tmp_path: Path, strict: Strict) -> None:
    strict.ways = frozenset()
    rows = "row_id,product,picture\nred,Cup,cup.png\n"
    prepared = prepare(Order(asked_of(tmp_path, rows=rows)))
    said = "the engine strict does not take pictures: the product's picture is not shown to it"
    assert [note for note in prepared.notes if "picture" in note] == [said]
    strict.ways = frozenset({"references"})
    assert not [note for note in prepare(Order(tmp_path)).notes if "does not take pictures" in note]
    strict.ways = frozenset()
    assert not [note for note in prepare(Order(asked_of(tmp_path))).notes if "picture" in note]


def test_a_placement_that_does_not_exist_is_complained_of_once_and_plans_nothing(
    tmp_path: Path, strict: Strict
) -> None:
    text = CAMPAIGN.replace("instagram_reels", "instagram_reals, linkedin_square")
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path, campaign=text)))
    assert [problem.code for problem in caught.value.problems] == ["unknown_placement"]
    assert {str(shot.size) for shot in strict.asked} == {"1080x1080"}


# --- the machine ----------------------------------------------------------------------------------------------------

LACKS = ("torch is not installed; run `make diffusion`", "the weights are not here; `spotmill models pull strict`")


def test_check_and_plan_say_what_is_missing_and_go_on(
    tmp_path: Path, strict: Strict, capsys: pytest.CaptureFixture[str]
) -> None:
    strict.lacks = LACKS
    prepared = prepare(Order(asked_of(tmp_path)))
    print_check(prepared)
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("missing: ")] == [f"missing: {one}" for one in LACKS]
    assert "No problems." in out


def test_a_run_on_a_machine_that_lacks_something_is_refused_with_every_sentence(tmp_path: Path, strict: Strict) -> None:
    prepared = prepare(Order(asked_of(tmp_path)))
    assert refuse_missing(prepared, Settings(out=tmp_path / "out")) == ()
    strict.lacks = LACKS
    with pytest.raises(BadInput) as caught:
        refuse_missing(prepared, Settings(out=tmp_path / "out"))
    assert codes(caught.value.problems) == [("engine_missing", "engine", None)] * 2
    assert [problem.message for problem in caught.value.problems] == list(LACKS)


def test_on_a_cluster_its_machines_decide_and_a_note_says_so(tmp_path: Path, strict: Strict) -> None:
    strict.lacks = LACKS
    prepared = prepare(Order(asked_of(tmp_path)))
    (note,) = refuse_missing(prepared, Settings(out=tmp_path / "out", cluster="ray://gpu:10001"))
    assert "cluster" in note


def test_a_changed_price_can_be_rendered_where_no_footage_can_be_made(tmp_path: Path, strict: Strict) -> None:
    prepared = prepare(Order(asked_of(tmp_path)))
    settings = Settings(out=tmp_path / "out")
    strict.lacks = LACKS
    shots = [step for plan in prepared.plans() for film in plan.films for step in film.master.plate.footage]
    home = Ledger(settings.ledger_folder).root / "steps" / "footage"
    for step in shots[:-1]:
        (home / step.key[:2] / step.key).mkdir(parents=True, exist_ok=True)
    with pytest.raises(BadInput):
        refuse_missing(prepared, settings)
    (home / shots[-1].key[:2] / shots[-1].key).mkdir(parents=True, exist_ok=True)
    (note,) = refuse_missing(prepared, settings)
    assert "all footage is in the ledger" in note


# --- speed ----------------------------------------------------------------------------------------------------------


def test_speed_is_an_option_of_the_engine_and_the_command_line_wins(tmp_path: Path, strict: Strict) -> None:
    folder = asked_of(tmp_path, "speed: fast\n")
    assert prepare(Order(folder)).campaign.engine_options == {"speed": "fast"}
    assert prepare(Order(folder, speed="balanced")).campaign.engine_options == {"speed": "balanced"}
    assert prepare(Order(asked_of(tmp_path))).campaign.engine_options == {}


def test_an_engine_without_speeds_refuses_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path), speed="fast"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.column, problem.value) == ("no_speeds", "speed", "fast")
    assert problem.message == "animatic has no speeds"


def test_a_misspelt_speed_is_refused_in_the_file_and_in_an_order(tmp_path: Path, strict: Strict) -> None:
    with pytest.raises(BadInput, match="speed"):
        prepare(Order(asked_of(tmp_path, "speed: quick\n")))
    with pytest.raises(BadInput) as caught:
        prepare(Order(asked_of(tmp_path), speed="quick"))
    assert codes(caught.value.problems) == [("bad_option", "engine_options", None)]


def test_the_report_says_what_a_speed_costs_or_how_to_measure_it(
    tmp_path: Path, strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(Order(asked_of(tmp_path, "speed: fast\n")))
    monkeypatch.setattr("flows.models.measured_cost", lambda name, speed: "")
    assert speed_notice(prepared) == (
        "Speed fast. Against exact: not measured on this machine: `spotmill models measure strict`"
    )
    monkeypatch.setattr("flows.models.measured_cost", lambda name, speed: f"{name} {speed} 31 dB")
    assert speed_notice(prepared) == "Speed fast. Against exact: strict fast 31 dB"
    assert speed_notice(prepare(Order(tmp_path, speed="exact"))) == ""
    assert speed_notice(prepare(Order(asked_of(tmp_path / "other")))) == ""


def test_options_that_are_wrong_are_one_complaint_and_not_one_more_for_each_shot(tmp_path: Path) -> None:
    folder = write(tmp_path, extra="engine: draft\nvoice: none\nengine_options: {stepps: 4}\n")
    with pytest.raises(BadInput) as caught:
        prepare(Order(folder))
    assert codes(caught.value.problems) == [("bad_option", "engine_options", None)]


# --- what plan, manifest and report say -----------------------------------------------------------------------------


def planned(prepared: Prepared, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    print_plan(survey(prepared, Settings(out=Path("nowhere"))), prepared, as_json=as_json)
    return capsys.readouterr().out


def test_a_plan_names_models_licence_speed_and_what_is_missing(
    tmp_path: Path, strict: Strict, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.out, "width", 400)
    strict.lacks = LACKS[:1]
    strict.needs_gpu = True
    strict.revenue_cap_usd = 10_000_000
    prepared = prepare(Order(asked_of(tmp_path, "speed: fast\nannual_revenue_usd: 500\n")))
    lines = planned(prepared, capsys, as_json=False).splitlines()
    assert "models: somebody/model@abc" in lines
    terms = "Made-Up-1.0; commercial use: yes; below 10,000,000 US dollars a year"
    assert f"licence: {terms} (https://licence.example/)" in lines
    assert "speed: fast" in lines
    assert f"missing: {LACKS[0]}" in lines
    assert "GPU seconds: unknown." in lines
    facts = json.loads(planned(prepared, capsys, as_json=True))["engine"]
    assert (facts["id"], facts["models"], facts["missing"]) == ("strict", ["somebody/model@abc"], [LACKS[0]])
    assert (facts["options"], facts["revenue_cap_usd"]) == ({"speed": "fast"}, 10_000_000)


def sheet(prepared: Prepared) -> ReportData:
    run = SimpleNamespace(prepared=prepared, seen=Seen(), started=0.0, made=Timesheet(0.0))
    return contact_sheet(run, RecordBook(), Summary("Written", {}, (), {}, {}, 1.0, Path("out")), ())  # type: ignore[arg-type]


def test_the_report_names_models_terms_speed_and_an_override(tmp_path: Path, strict: Strict) -> None:
    strict.excluded_territories = frozenset({"US"})
    extra = "speed: fast\nlicence_override: contract 17\n"
    run = sheet(prepare(Order(asked_of(tmp_path, extra))))
    maker = run.makers[0]
    assert (maker.licence, maker.licence_url, maker.commercial_use) == (strict.licence, strict.licence_url, "yes")
    assert maker.note == "not in US; models: somebody/model@abc"
    assert "The campaign overrides what the licence of strict asks: contract 17" in run.notices
    assert [notice for notice in run.notices if "not measured on this machine" in notice]
    page = rendered(tmp_path, run)
    assert "somebody/model@abc" in page
    assert "contract 17" in page


def test_libraries_are_named_with_versions_and_a_missing_one_as_absent() -> None:
    versions = library_versions(Strict())
    assert versions["no-such-library"] == ABSENT
    assert versions["pydantic"][0].isdigit()


def test_terms_of_a_licence_are_one_line() -> None:
    engine = Strict(excluded_territories=frozenset({"KR", "EU"}), commercial_use="conditional")
    assert licence_terms(engine) == "Made-Up-1.0; commercial use: conditional; not in EU, KR"


def test_the_worst_shot_is_told() -> None:
    measured = Measured()
    assert measured.sentence() == ""
    for notes in ({"flicker": 0.2, "frozen": 0.0}, {"flicker": 0.9}, {"drawn": ["sea"]}, {"frozen": 0.25}):
        measured.note(notes)
    assert measured.shots == 3
    assert measured.sentence() == (
        "Measured on 3 shots, at worst: flicker of 0.90 levels of mean light, seen from 0.5 on,"
        " 25% of a shot's frames without motion"
    )


def test_the_figures_told_are_those_that_a_shot_gets() -> None:
    notes = _measured({"after": Measures(0.5, 1.0, 0.25, 1.5).notes()})
    assert {name: notes[name] for name in MEASURES} == {"flicker": 0.5, "frozen": 0.25}


def test_a_server_is_used_once_the_licence_of_its_model_is_stated(tmp_path: Path) -> None:
    campaign = load_campaign(small_campaign(tmp_path))
    plain = engines.get_engine("videos-api")
    (problem,) = licence_gate(campaign, (), plain).problems
    assert (problem.code, problem.column) == ("licence_commercial", "engine_options")
    assert "engine_options: {licence: ...}" in problem.fix
    assert licence_gate(campaign, (), plain.for_options({"licence": "Apache-2.0"})).problems == []
