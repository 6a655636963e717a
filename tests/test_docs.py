"""The documents are a contract: what README and docs/ say about commands, keys, columns, settings and files is so.

Tables are read out of the Markdown and compared with the code in both directions, so that neither can move alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from flows import cli, steps
from flows.brand import BrandFile, Colours
from flows.brief import CampaignFile
from flows.columns import RESERVED
from flows.estimate import KINDS
from flows.outputs import BESIDE, FILM
from flows.settings import Settings
from flows.template import IMPLIED_TYPES
from flows.variants import slug
from generation.engines.diffusion.hub import TOKEN
from generation.engines.diffusion.presets import VARIABLE as PRESETS_VARIABLE
from generation.engines.diffusion.weights import VARIABLE as MODELS_VARIABLE
from generation.engines.videos_api.address import KEY_VARIABLE, PLAIN_VARIABLE, URL_VARIABLE
from generation.layers.fonts import FONTS_VARIABLE
from generation.marks.invisible.learned import VARIABLE as MARK_VARIABLE
from generation.media.ffmpeg import VARIABLE as FFMPEG_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CAMPAIGN = (ROOT / "docs" / "campaign.md").read_text("utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("benchmarks/*.md"))
}
LIMIT_PICTURE_BYTES = 300_000


def table(page: str, first: str) -> list[list[str]]:
    """The lines of the table whose first heading is `first`, as cells."""
    lines = iter(page.splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        # A bar inside backticks is text.
        rows.append([cell.strip() for cell in re.split(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line)[1:-1]])
    assert rows
    return rows


def coded(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def named(page: str, first: str) -> list[str]:
    """What stands in backticks in the first column of a table."""
    return [name for row in table(page, first) for name in coded(row[0])]


def blocks(page: str) -> list[str]:
    """Fenced blocks."""
    return re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)


def command_lines() -> list[str]:
    """Every `spotmill ...` of every page, in backticks or after a prompt."""
    found = []
    for page in PAGES.values():
        found += [line.removeprefix("$ ") for block in blocks(page) for line in block.splitlines()]
        found += coded(prose(page))
    return sorted({line.strip() for line in found if line.strip().startswith("spotmill ")})


def all_commands(group: click.Group = cli.commands, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its words; a group stands for what is in it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (name for name in parameter.opts if name.startswith("--"))


# --- commands -------------------------------------------------------------------------------------------------------


def test_every_command_is_in_readme_with_its_help() -> None:
    said = {
        " ".join(word for word in coded(row[0])[0].split()[1:] if word.islower() and word[0] != "-"): row[1]
        for row in table(README, "command")
    }
    assert said == {name: " ".join((command.help or "").split()) for name, command in all_commands()}


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_is_understood(line: str) -> None:
    _, name, *words = shlex.split(line)
    command = cli.commands.commands[name]
    while isinstance(command, click.Group) and words:
        name, *words = words
        command = command.commands[name]
    if "--help" not in words and words:
        command.make_context(name, words, parent=click.Context(cli.commands, **cli.commands.context_settings))


def test_command_lines_are_found() -> None:
    assert len(command_lines()) > 12


def test_every_option_of_the_pages_exists_and_every_option_is_told() -> None:
    commands = (cli.commands, *(command for _, command in all_commands()))
    known = {option for command in commands for option in options(command)}
    known |= {"--help"}
    told = {
        name: set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join([*blocks(page), *coded(prose(page))])))
        for name, page in PAGES.items()
        if name in ("README.md", "docs/campaign.md")  # the others name options of Prefect and of the bench as well
    }
    assert set().union(*told.values()) <= known
    assert known - {"--version"} <= told["README.md"]


def test_the_help_shown_is_the_help_there_is() -> None:
    shown = [block for block in blocks(README) if block.startswith("$ spotmill run --help\n")]
    assert len(shown) == 1
    real = CliRunner().invoke(cli.commands, ["run", "--help"], prog_name="spotmill").output
    assert shown[0].partition("\n")[2] == real


def test_exit_codes_are_those_of_the_command_line() -> None:
    codes = [int(row[0]) for row in table(README, "exit code")]
    assert codes == [cli.ALL_DONE, cli.SOME_FAILED, cli.NOTHING_RUN, cli.INTERRUPTED]


# --- a campaign's files ---------------------------------------------------------------------------------------------


def test_keys_of_campaign_yaml_are_those_of_the_model() -> None:
    assert sorted(named(CAMPAIGN, "key of campaign.yaml")) == sorted(CampaignFile.model_fields)
    required = re.search(r"^Required: (.*)\.$", CAMPAIGN, re.MULTILINE)
    assert required
    assert set(coded(required[1])) == {name for name, key in CampaignFile.model_fields.items() if key.is_required()}


def test_qualities_are_those_of_the_model() -> None:
    about = next(row[1] for row in table(CAMPAIGN, "key of campaign.yaml") if row[0] == "`quality`")
    for quality in coded(about):
        CampaignFile(name="a", template="b", locales="en", placements="c", quality=quality)
    assert len(coded(about)) == 3


def test_keys_of_brand_yaml_are_those_of_the_model() -> None:
    rows = table(CAMPAIGN, "key of brand.yaml")
    assert sorted(named(CAMPAIGN, "key of brand.yaml")) == sorted(BrandFile.model_fields)
    colours = next(coded(row[1]) for row in rows if row[0] == "`colours`")
    assert set(Colours.model_fields) | {"#rrggbb"} == set(colours)
    assert BrandFile.model_fields["name"].is_required()


def test_reserved_columns_are_those_that_are_read() -> None:
    rows = table(CAMPAIGN, "reserved column")
    assert sorted(named(CAMPAIGN, "reserved column")) == sorted(RESERVED)
    # Spellings on one line mean the same, unless the line says that each is a key of campaign.yaml.
    for row in rows:
        spellings = coded(row[0])
        if row[1] != "as in campaign.yaml, for this row":
            assert len({RESERVED[name] for name in spellings}) == 1, spellings
        else:
            assert {RESERVED[name] for name in spellings} <= set(CampaignFile.model_fields)


def test_every_template_has_the_variables_that_are_promised() -> None:
    assert "Every template has `currency`" in CAMPAIGN
    assert list(IMPLIED_TYPES) == ["currency"]


def test_the_campaign_shown_is_the_sample() -> None:
    shown = [block for block in blocks(README) if block.startswith("name: ")]
    assert len(shown) == 1
    assert yaml.safe_load(shown[0]) == yaml.safe_load((ROOT / "templates/sample/campaign.yaml").read_text("utf-8"))


# --- what comes out -------------------------------------------------------------------------------------------------


def test_the_files_of_a_delivery_are_those_that_are_written() -> None:
    names = [name for name in named(README, "in OUT/<campaign>/") if name.startswith(("<", "."))]
    endings = {f".{name.rpartition('.')[2]}" for name in names}
    assert endings == {FILM, *BESIDE.values(), ".json"}


def test_every_step_is_in_the_diagram() -> None:
    diagram = next(block for block in blocks(README) if "creative ─" in block)
    assert {step.kind for step in vars(steps).values() if isinstance(getattr(step, "kind", None), str)} == set(KINDS)
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", diagram)] == []


def test_counts_of_the_sample_are_true() -> None:
    sample = yaml.safe_load((ROOT / "templates/sample/campaign.yaml").read_text("utf-8"))
    rows = len((ROOT / "templates/sample/rows.csv").read_text("utf-8").splitlines()) - 1
    locales, hooks, places = len(sample["locales"]), len(sample["factors"]["hook"]), len(sample["placements"])
    creatives = rows * locales * hooks
    text = " ".join(README.split())
    assert f"{rows} rows × {locales} languages × {hooks} hooks = {creatives} creatives" in text
    assert f"for {places} placements = {creatives * places} films" in text
    runs = [block for block in blocks(README) if block.startswith("$ make demo")]
    assert len(runs) == 2
    for block in runs:
        assert f"{sample['name']}: done: {creatives * places} done; " in block
        assert f"/out/{slug(sample['name'])}/report.html" in block


def test_the_picture_is_there_and_light() -> None:
    picture = ROOT / next(iter(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)))
    data = picture.read_bytes()
    assert data.startswith(b"\xff\xd8\xff")
    assert 20_000 < len(data) <= LIMIT_PICTURE_BYTES


# --- settings -------------------------------------------------------------------------------------------------------


def test_settings_are_those_that_are_read() -> None:
    rows = table(README, "spotmill.toml")
    told = {coded(row[0])[0]: (coded(row[1])[0], "".join(coded(row[2]))) for row in rows if row[0]}
    real = {
        field.name: (f"SPOTMILL_{field.name.upper()}", _shown(getattr(Settings(), field.name)))
        for field in fields(Settings)
    }
    assert told == real
    assert {coded(row[1])[0] for row in rows if not row[0]} == {
        FFMPEG_VARIABLE,
        FONTS_VARIABLE,
        MARK_VARIABLE,
        MODELS_VARIABLE,
        PRESETS_VARIABLE,
        TOKEN,
        URL_VARIABLE,
        KEY_VARIABLE,
        PLAIN_VARIABLE,
    }


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- the house ------------------------------------------------------------------------------------------------------


def house() -> list[str]:
    """Paths of the table of the house. A line in bold opens a package; others below it lie in it."""
    paths, room = [], ""
    for row in table(README, "where"):
        for name in coded(row[0]):
            if row[0].startswith("**"):
                room = name
                paths.append(name)
            elif (ROOT / room / name).exists():
                paths.append(f"{room}{name}")
            else:
                room = ""
                paths.append(name)
    return paths


def test_every_path_of_the_house_exists_once() -> None:
    paths = house()
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [path for path in paths if path.endswith("/") != (ROOT / path).is_dir()] == []
    assert len(paths) == len(set(paths))


def test_every_file_and_folder_of_the_house_is_in_its_table() -> None:
    paths = set(house())
    missing = []
    for package in ("flows", "generation", "audio"):
        for path in sorted((ROOT / package).iterdir()):
            name = path.relative_to(ROOT).as_posix() + ("/" if path.is_dir() else "")
            if path.name not in ("__init__.py", "__pycache__") and name not in paths and not _told(path, paths):
                missing.append(name)
    assert not missing, f"add to the table of the house in README: {', '.join(missing)}"
    folders = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    hidden_or_made = {name for name in folders if name.startswith(".")} | {"out/", "dist/", "build/"}
    assert folders - hidden_or_made <= paths


def _told(path: Path, paths: set[str]) -> bool:
    """Whether a data file's module is told: `looks.toml` beside `looks.py` needs no line of its own."""
    return path.suffix == ".toml" and path.with_suffix(".py").relative_to(ROOT).as_posix() in paths


# --- all pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGES[name]):
        if not re.match(r"[a-z]+:", target):
            assert ((ROOT / name).parent / target).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_pages_speak_of_the_product_alone(name: str) -> None:
    page = PAGES[name]
    # Paths of somebody's machine; the examples live in /home/me.
    paths = re.findall(r"(?<![\w/.:>])/[a-z]+/[\w./-]+", page)
    assert [path for path in paths if not path.startswith("/home/me/spotmill/")] == []
    assert re.search(r"\b(TODO|FIXME|TBD|lorem ipsum)\b", page) is None
    promises = (
        r"\b(seamless|effortless|blazing|cutting-edge|revolutionary|world-class|game-chang\w+|stunning|magic\w*)\b"
    )
    found = re.search(promises, page, re.IGNORECASE)
    assert found is None, found


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES.values():
        assert set(re.findall(r"[`$] ?make ([a-z-]+)`?", page)) <= targets
