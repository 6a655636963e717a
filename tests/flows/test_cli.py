"""The commands as people and scripts meet them: texts, exit codes, what is loaded, what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from audio.voices import voice_names
from flows import terminal
from flows.cli import ALL_DONE, INTERRUPTED, NOTHING_RUN, SECTIONS, SOME_FAILED, commands, main
from flows.placements import load_placements
from flows.template import template_names
from generation.engines import engine_names
from generation.looks import look_names

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "templates" / "sample"


def _words(group: click.Group = commands, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command; a group comes before what is in it."""
    for name, command in sorted(group.commands.items()):
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from _words(command, (*before, name))


COMMANDS = list(_words())
#: Libraries that answer in seconds, not at once.
SLOW = {"pandas", "prefect", "ray", "torch", "cv2", "av", "numpy", "PIL", "rich", "pydantic", "jinja2", "babel", "yaml"}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Spotmill = Callable[..., Answer]


@pytest.fixture
def spotmill(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Spotmill:
    """Runs the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def answer(*words: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["spotmill", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = 0 if end.code is None else int(end.code)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return answer


def child(*words: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100"}
    return subprocess.run(
        [*map(str, words)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def started(spotmill: Spotmill, folder: Path, template: str = "product_spot") -> Path:
    assert spotmill("init", folder, "--template", template).code == ALL_DONE
    return folder


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new).encode())


# --- help and usage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_says_what_it_is_for(spotmill: Spotmill, words: tuple[str, ...]) -> None:
    answer = spotmill(*words, "--help")
    assert answer.code == ALL_DONE
    command: click.Command = commands
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert " ".join((command.help or "?").split()) in " ".join(answer.out.split())
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.opts
            assert max(option.opts, key=len) in answer.out


@pytest.mark.parametrize("words", [["--help"], *([*words, "--help"] for words in COMMANDS)], ids=" ".join)
def test_help_loads_only_the_command_line(words: list[str]) -> None:
    code = (
        "import sys, json\nfrom flows.cli import commands\nbefore = set(sys.modules)\n"
        f"commands({words!r}, standalone_mode=False)\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    )
    ended = child(sys.executable, "-c", code)
    assert ended.returncode == 0, ended.stderr
    loaded = json.loads(ended.stdout.splitlines()[-1])
    assert not {name.partition(".")[0] for name in loaded} & SLOW
    ours = {name for name in loaded if name.partition(".")[0] in ("flows", "generation", "audio")}
    assert {name for name in ours if not name.startswith("flows.cli.")} == {"flows", "flows.cli", "flows.model"}


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["plan", "a", "b"],
        ["run", "a", "--nonsense"],
        ["plan", "a", "--sample", "0"],
        ["run", "a", "--workers", "many"],
        ["nonsense"],
        ["models"],
        ["models", "pull"],
        ["run", "a", "--speed", "quick"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_so_on_stderr(spotmill: Spotmill, words: list[str]) -> None:
    answer = spotmill(*words)
    assert answer.code == NOTHING_RUN
    assert answer.err.startswith("Usage: ")
    assert not answer.out


def test_an_unknown_command_names_the_nearest_one(spotmill: Spotmill) -> None:
    answer = spotmill("stauts", "out")
    assert answer.code == NOTHING_RUN
    assert "Did you mean 'status'?" in answer.err


def test_an_interrupted_command_ends_with_130(spotmill: Spotmill, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.commands, "wait", click.Command("wait", callback=wait))
    answer = spotmill("wait")
    assert answer.code == INTERRUPTED
    assert "run again to go on" in answer.err


def test_help_lists_every_command_in_one_section(spotmill: Spotmill) -> None:
    listed = [one.name for members in SECTIONS.values() for one in members]
    assert sorted(filter(None, listed)) == sorted(commands.commands)
    lines = spotmill("--help").out.splitlines()
    heads = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Options", *SECTIONS]
    shown = [line.split()[0] for line in lines[lines.index(f"{heads[1]}:") :] if line.startswith("  ")]
    assert shown == listed


def test_exit_codes_are_four_different_ones() -> None:
    assert (ALL_DONE, SOME_FAILED, NOTHING_RUN, INTERRUPTED) == (0, 1, 2, 130)


def test_python_m_flows_is_the_console_script() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert scripts == {"spotmill": "flows.cli:main"}
    script = Path(sys.executable).parent / "spotmill"
    for words in (["--help"], ["looks"], ["check", "nowhere"], ["plan"]):
        one, other = child(script, *words), child(sys.executable, "-m", "flows", *words)
        assert one.returncode == other.returncode
        assert one.stdout == other.stdout.replace("python -m flows", "spotmill")
        assert one.stderr == other.stderr.replace("python -m flows", "spotmill")
        assert one.stdout or one.stderr


# --- init, check ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", template_names())
def test_what_init_writes_passes_check_and_can_be_planned(spotmill: Spotmill, tmp_path: Path, template: str) -> None:
    folder = tmp_path / "my-campaign"
    answer = spotmill("init", folder, "--template", template)
    assert answer.code == ALL_DONE
    wrote = {Path(line.removeprefix("wrote ")) for line in answer.out.splitlines() if line.startswith("wrote ")}
    assert wrote == {path for path in folder.rglob("*") if path.is_file()}
    checked = spotmill("check", folder)
    assert (checked.code, checked.err) == (ALL_DONE, "")
    assert "No problems." in checked.out
    assert json.loads(spotmill("plan", folder, "--json").out)["creatives"] > 0


def test_init_overwrites_nothing(spotmill: Spotmill, tmp_path: Path) -> None:
    folder = started(spotmill, tmp_path / "mine")
    (folder / "rows.csv").write_text("my own work", "utf-8")
    before = everything(tmp_path)
    assert spotmill("init", folder).code == NOTHING_RUN
    assert everything(tmp_path) == before


def test_init_names_the_nearest_template(spotmill: Spotmill, tmp_path: Path) -> None:
    answer = spotmill("init", tmp_path / "mine", "--template", "product-spot")
    assert answer.code == NOTHING_RUN
    assert 'Did you mean "product_spot"?' in answer.err
    assert not everything(tmp_path)


def test_the_sample_passes_check(spotmill: Spotmill) -> None:
    answer = spotmill("check", SAMPLE)
    assert (answer.code, answer.err) == (ALL_DONE, "")
    assert answer.out == "Halvora spring: 2 rows, 12 creatives. No problems.\n"


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_broken_campaign_is_one_sentence_per_problem_and_nothing_is_written(
    spotmill: Spotmill, tmp_path: Path, command: str
) -> None:
    folder = started(spotmill, tmp_path / "broken")
    replaced(folder / "rows.csv", ",34.90,", ',"34,90",')
    replaced(folder / "rows.csv", "assets/backpack.png", "assets/bagpack.png")
    before = everything(tmp_path)
    answer = spotmill(command, folder)
    assert answer.code == NOTHING_RUN
    assert not answer.out
    price, picture, count = answer.err.splitlines()
    assert price.startswith("rows.csv, row 1, column price: ")
    assert picture.startswith("rows.csv, row 2, column picture: ")
    assert count == "2 problems; nothing was run."
    assert everything(tmp_path) == before


def test_an_unknown_key_of_the_campaign_names_its_line_and_the_nearest_key(spotmill: Spotmill, tmp_path: Path) -> None:
    folder = started(spotmill, tmp_path / "broken")
    replaced(folder / "campaign.yaml", "\nlanding_url:", "\nlandingurl:")
    answer = spotmill("check", folder)
    assert answer.code == NOTHING_RUN
    assert 'Did you mean "landing_url"?' in answer.err
    assert answer.err.splitlines()[-1] == "1 problem; nothing was run."


def test_a_command_that_runs_nothing_does_not_speak_of_a_run(spotmill: Spotmill, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("status", "publish", "handoff"):
        more = () if command == "status" else ("--to", tmp_path / "there")
        platform = ("--platform", "meta") if command == "handoff" else ()
        answer = spotmill(command, tmp_path / "empty", *more, *platform)
        assert answer.code == NOTHING_RUN
        assert answer.err.splitlines()[-1] == "1 problem; nothing was done."


def test_text_of_a_campaign_reaches_the_terminal_as_text(spotmill: Spotmill, tmp_path: Path) -> None:
    folder = started(spotmill, tmp_path / "broken")
    replaced(folder / "rows.csv", ",34.90,", ",[bold]9[/bold]\x1b[31m,")
    answer = spotmill("check", folder)
    assert "[bold]9[/bold]" in answer.err
    assert "\x1b" not in answer.err


# --- plan, status ---------------------------------------------------------------------------------------------------


def test_a_plan_without_records_says_unknown_and_never_0(spotmill: Spotmill, tmp_path: Path) -> None:
    answer = spotmill("plan", SAMPLE, "--json")
    assert (answer.code, answer.err) == (ALL_DONE, "")
    plan = json.loads(answer.out)
    assert (plan["rows"], plan["creatives"], plan["steps"]["delivery"]["asked"]) == (2, 12, 60)
    # An engine without a text encoder or a rate of its own asks for no such steps.
    unasked = {name for name, step in plan["steps"].items() if not step["asked"]}
    assert unasked == {"prompt", "conform", "content", "draft", "survival"}
    for step in (step for step in plan["steps"].values() if step["asked"]):
        assert step["to_make"] == step["unique"] > 0
        assert step["cpu_seconds"] == "unknown"
    assert {plan[name] for name in ("cpu_seconds", "wall_seconds", "cost_usd")} == {"unknown"}
    assert not everything(tmp_path)


def test_a_plan_for_people_says_unknown_too(spotmill: Spotmill) -> None:
    out = spotmill("plan", SAMPLE).out
    assert "2 rows" in out
    assert "60 deliveries" in out
    assert "CPU seconds: unknown" in out
    assert "Cost in US dollars: unknown" in out


@pytest.mark.fault(21, "a model that was never fetched")
def test_a_run_that_this_machine_cannot_make_is_refused_and_its_plan_is_not(
    spotmill: Spotmill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTMILL_MODELS", str(tmp_path / "nothing"))
    refused = spotmill("run", SAMPLE, "--engine", "standard")
    assert (refused.code, refused.out) == (NOTHING_RUN, "")
    assert "spotmill models pull standard" in refused.err
    assert not everything(tmp_path)
    planned = spotmill("plan", SAMPLE, "--engine", "standard", "--speed", "fast", "--json")
    assert (planned.code, planned.err) == (ALL_DONE, "")
    plan = json.loads(planned.out)
    assert [sentence for sentence in plan["engine"]["missing"] if "spotmill models pull standard" in sentence]
    assert plan["engine"]["options"] == {"speed": "fast"}
    assert plan["gpu_seconds"] == "unknown"
    checked = spotmill("check", SAMPLE, "--engine", "standard")
    assert checked.code == ALL_DONE
    assert "missing: " in checked.out


def test_the_choice_of_rows_and_placements_narrows_the_plan(spotmill: Spotmill) -> None:
    chosen = spotmill("plan", SAMPLE, "--json", "--rows", "2", "--placements", "linkedin_square,tiktok_infeed")
    plan = json.loads(chosen.out)
    assert (plan["rows"], plan["creatives"], plan["steps"]["delivery"]["asked"]) == (1, 6, 12)
    drawn = json.loads(spotmill("plan", SAMPLE, "--json", "--sample", "1").out)
    assert (drawn["rows"], drawn["steps"]["delivery"]["asked"]) == (1, 30)
    where = json.loads(spotmill("plan", SAMPLE, "--json", "--where", 'row_id == "vela"').out)
    assert where["rows"] == 1


@pytest.mark.parametrize(
    ("option", "value"), [("--placements", "tiktok_infed"), ("--engine", "animatics"), ("--where", 'row_ids == "a"')]
)
def test_a_misspelt_choice_names_the_nearest_one(spotmill: Spotmill, option: str, value: str) -> None:
    answer = spotmill("plan", SAMPLE, option, value)
    assert answer.code == NOTHING_RUN
    assert "did you mean" in answer.err.casefold()


def test_status_of_a_folder_without_results_is_a_sentence(spotmill: Spotmill, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        answer = spotmill("status", folder)
        assert (answer.code, answer.out) == (NOTHING_RUN, "")
        assert answer.err.startswith(f"{folder}: no results of one campaign are here. Name the folder")


# --- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("engines", tuple(engine_names())),
        ("voices", tuple(voice_names())),
        ("looks", tuple(look_names())),
        ("placements", tuple(load_placements())),
        ("templates", template_names()),
    ],
)
def test_a_table_has_a_line_for_everything_there_is(
    spotmill: Spotmill, monkeypatch: pytest.MonkeyPatch, command: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(terminal.out, "width", 1000)
    answer = spotmill(command)
    assert (answer.code, answer.err) == (ALL_DONE, "")
    head, *lines = answer.out.splitlines()
    assert head.split()[0] == "name"
    assert [line.split()[0] for line in lines] == list(names)
