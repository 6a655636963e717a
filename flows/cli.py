"""The commands. Each opens what it needs, calls one function of the library and prints; nothing is decided here.

Exit codes: 0 all done; 1 finished, some items failed; 2 nothing was run (bad input, usage); 130 interrupted.
Imports stay inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from flows.model import BadInput

#: Levels of `speed`; an engine without them refuses the option.
SPEEDS = ("exact", "balanced", "fast")
ALL_DONE, SOME_FAILED, NOTHING_RUN, INTERRUPTED = 0, 1, 2, 130

Campaign = click.argument("campaign", type=click.Path(path_type=Path))


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which part of a campaign is meant, shared by check, plan and run."""
    for option in (
        click.option("--rows", metavar="1-3,7", help="Only these rows, counted from 1."),
        click.option(
            "--sample", type=click.IntRange(1), metavar="N", help="Only N rows, chosen by the campaign's seed."
        ),
        click.option("--where", metavar="EXPR", help="""Only rows for which this holds: 'segment == "gamers"'."""),
        click.option("--placements", metavar="A,B", help="Only these placements."),
        click.option("--engine", metavar="NAME", help="Make the footage with this engine."),
        click.option(
            "--speed", type=click.Choice(SPEEDS), metavar="LEVEL", help="exact, balanced or fast, if the engine has it."
        ),
        click.option("--skip-bad-rows", is_flag=True, help="Leave rows with errors out; they become failed lines."),
        click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results go (default: out)."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spotmill")
def commands() -> None:
    """A campaign table becomes finished video ads: footage, titles, voice, captions, marks, every placement."""


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--template", default="product_spot", show_default=True, metavar="NAME", help="See `spotmill templates`.")
def init(folder: Path, template: str) -> None:
    """Start a campaign: campaign.yaml, a rows CSV made for the template, brand.yaml."""
    from flows.scaffold import init_campaign

    for path in init_campaign(folder, template):
        click.echo(f"wrote {path}")
    click.echo(f"Next: edit {folder}/rows.csv, then `spotmill check {folder}`.")


@commands.command()
@Campaign
@selection
def check(campaign: Path, **choice: Any) -> None:
    """Find everything that is wrong with a campaign, before anything is spent. Exit 0 or 2."""
    from flows.order import Order, prepare
    from flows.terminal import print_check

    print_check(prepare(Order.of(campaign, choice)))


@commands.command()
@Campaign
@selection
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(campaign: Path, *, as_json: bool, **choice: Any) -> None:
    """What would be made, what is there already, how long it takes and what it costs."""
    from flows.estimate import survey
    from flows.order import Order, prepare
    from flows.terminal import print_plan

    prepared = prepare(Order.of(campaign, choice))
    print_plan(survey(prepared, settings(choice)), prepared, as_json=as_json)


@commands.command()
@Campaign
@selection
@click.option("--workers", type=click.IntRange(1), metavar="N", help="CPU workers (default: one for each core).")
@click.option("--cluster", metavar="ADDRESS", help="Use this Ray cluster instead of starting one.")
def run(campaign: Path, **choice: Any) -> None:
    """Make and deliver the campaign. What is finished already is not made again."""
    from flows.licences import refuse_missing
    from flows.order import Order
    from flows.prefect_profile import use_embedded_server
    from flows.studio import Run
    from flows.terminal import Screen, print_notes, print_summary

    work = Run(Order.of(campaign, choice), settings(choice))
    work.read()  # bad input and a machine that lacks something end here, before Prefect is even imported
    print_notes(refuse_missing(work.prepared, work.settings))
    with Screen() as screen:
        screen.update(work.progress("Starting"))
        use_embedded_server(work.settings.ledger_folder / "prefect")
        from flows.campaign import run_order

        summary = run_order(work, screen.update)
    print_summary(summary)
    sys.exit(ALL_DONE if summary.failed == 0 else SOME_FAILED)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
def status(folder: Path) -> None:
    """Counts by state and the reasons of failures, read from a finished or interrupted run's folder."""
    from flows.status import read_status
    from flows.terminal import print_status

    print_status(read_status(folder))


@commands.command()
def engines() -> None:
    """What makes footage: sizes, lengths, licences, memory, and what is ready on this machine."""
    from flows.catalogue import engine_table
    from flows.terminal import print_table

    print_table(engine_table())


@commands.group()
def models() -> None:
    """Weights of the text-to-video engines: what is here, fetching, measuring."""


@models.command(name="list")
def list_models() -> None:
    """Every model: licence, size, and whether it is here."""
    from flows.models import model_table
    from flows.terminal import print_table

    print_table(model_table())


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the weights of an engine, after its size and licence have been shown."""
    from flows.models import pull_model

    pull_model(name, click.echo)


@models.command()
@click.argument("name")
def path(name: str) -> None:
    """Print the folders that hold the weights of an engine."""
    from flows.models import model_folders

    for folder in model_folders(name):
        click.echo(folder)


@models.command()
@click.argument("name")
def measure(name: str) -> None:
    """Measure on this machine what the speeds of an engine cost in quality against exact."""
    from flows.models import measure_model
    from flows.terminal import print_table

    print_table(measure_model(name, click.echo))


@commands.command()
def voices() -> None:
    """What speaks, in which quality, and what each needs."""
    from flows.catalogue import voice_table
    from flows.terminal import print_table

    print_table(voice_table())


@commands.command()
def looks() -> None:
    """Styles: prompt words, grade, grain, light."""
    from flows.catalogue import look_table
    from flows.terminal import print_table

    print_table(look_table())


@commands.command()
def placements() -> None:
    """Where an ad can run: size, length, loudness, safe zone, and how sure the figures are."""
    from flows.catalogue import placement_table
    from flows.terminal import print_table

    print_table(placement_table())


@commands.command()
def templates() -> None:
    """What can be made: each template with its variables."""
    from flows.catalogue import template_table
    from flows.terminal import print_table

    print_table(template_table())


def settings(choice: dict[str, Any]) -> Any:
    """Resolved settings; flags that are settings are taken out of `choice`."""
    from flows.settings import load_settings

    flags = {name: choice.get(name) for name in ("out", "workers", "cluster")}
    return load_settings(flags, os.environ, Path.cwd())


def main() -> None:
    """Run a command and turn what a user can cause into sentences and exit codes."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(NOTHING_RUN)
    except BadInput as error:
        from flows.terminal import print_problems

        print_problems(error.problems)
        sys.exit(NOTHING_RUN)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was finished is kept; run again to go on.", err=True)
        sys.exit(INTERRUPTED)
