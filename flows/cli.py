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
@click.option("--budget", metavar="AMOUNT", help="Begin nothing more once so much is spent: 20usd, 2gpu-h, 10cpu-h.")
@click.option("--prove", is_flag=True, help="Also measure what of the marks is left after an encode like a platform's.")
@click.option("--accept-shrink", is_flag=True, help="The feed is right, although it lost more than half of its rows.")
def run(campaign: Path, **choice: Any) -> None:
    """Make and deliver the campaign. What is finished already is not made again."""
    from flows.licences import refuse_missing
    from flows.order import Order
    from flows.prefect_profile import use_embedded_server
    from flows.redaction import guard_logs
    from flows.studio import Run
    from flows.terminal import Screen, print_notes, print_summary

    guard_logs()
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
@Campaign
@selection
@click.option("--workers", type=click.IntRange(1), metavar="N", help="CPU workers (default: one for each core).")
@click.option("--cluster", metavar="ADDRESS", help="Use this Ray cluster instead of starting one.")
@click.option("--budget", metavar="AMOUNT", help="Begin nothing more once so much is spent: 20usd, 2gpu-h, 10cpu-h.")
@click.option("--every", type=click.FloatRange(1), default=60, metavar="SECONDS", help="Look so often (default: 60).")
@click.option("--once", is_flag=True, help="Look once, run if there is something new, and end.")
@click.option("--from", "feed", default="", metavar="PLACE", help="The CSV: a file, a folder, s3://bucket/x.csv.")
def watch(campaign: Path, *, every: float, once: bool, feed: str, **choice: Any) -> None:
    """Run the campaign whenever a new CSV lands. Ctrl+C ends it."""
    from flows.feed_command import watch_campaign

    code = watch_campaign(campaign, settings(choice), choice, feed, every=every, once=once, say=click.echo)
    sys.exit(code)


Port = click.option("--port", type=click.IntRange(1, 65535), default=4200, metavar="N", help="Of a server of our own.")


@commands.command()
@Campaign
@selection
@click.option("--budget", metavar="AMOUNT", help="Begin nothing more once so much is spent: 20usd, 2gpu-h, 10cpu-h.")
@click.option("--cron", multiple=True, required=True, metavar="EXPR", help='When: "0 5 * * *" is at five. Repeatable.')
@click.option("--timezone", default="UTC", show_default=True, metavar="ZONE", help="Such as Europe/Berlin.")
@click.option("--pool", default="", metavar="NAME", help="Work pool of a Prefect server of yours.")
@click.option("--serve", is_flag=True, help="Stay, and run what is due, also without a server.")
@Port
def schedule(
    campaign: Path, *, cron: tuple[str, ...], timezone: str, pool: str, serve: bool, port: int, **choice: Any
) -> None:
    """Run the campaign by the clock. What is scheduled already is renewed."""
    from flows.schedule.serving import schedule_campaign

    where = settings(choice)
    schedule_campaign(
        campaign, where, choice, cron, timezone=timezone, pool=pool, serve=serve, port=port, say=click.echo
    )


@commands.group()
def schedules() -> None:
    """Campaigns that run by the clock."""


@schedules.command(name="list")
def list_schedules() -> None:
    """Every schedule: when, its next run, how the last one ended."""
    from flows.schedule.deployments import schedule_table
    from flows.schedule.server import connect
    from flows.terminal import print_table

    connect()
    rows = schedule_table()
    if rows:
        print_table(rows)
    else:
        click.echo('Nothing is scheduled. Next: `spotmill schedule my-campaign --cron "0 5 * * *"`.')


@schedules.command()
@click.argument("name")
def pause(name: str) -> None:
    """Nothing comes due any more until it is resumed."""
    from flows.schedule import deployments, server

    server.connect()
    deployments.pause(name)
    click.echo(f"{name} is paused.")


@schedules.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let a paused schedule run again."""
    from flows.schedule import deployments, server

    server.connect()
    deployments.resume(name)
    click.echo(f"{name} is active.")


@schedules.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a schedule; films and finished steps stay."""
    from flows.schedule import deployments, server

    server.connect()
    deployments.remove(name)
    click.echo(f"{name} is no longer scheduled.")


@schedules.command(name="serve")
@click.option("--pool", default="spotmill", show_default=True, metavar="NAME", help="Whose runs are made here.")
@Port
def serve_schedules(pool: str, port: int) -> None:
    """Run on this machine what is due. Ctrl+C ends it."""
    from flows.schedule import serving

    serving.serve_schedules(pool, port, click.echo)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
def status(folder: Path) -> None:
    """Counts by state and the reasons of failures, read from a finished or interrupted run's folder."""
    from flows.status import read_status
    from flows.terminal import print_status

    print_status(read_status(folder))


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("creative")
def why(folder: Path, creative: str) -> None:
    """The whole history of one ad: what it was made from, when, by whom, what failed, what was decided."""
    from flows.history import tell
    from flows.ledger import Ledger

    for line in tell(folder, creative, Ledger(settings({"out": folder.parent}).ledger_folder)):
        click.echo(line)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the hand-off goes.")
@click.option("--platform", default="", metavar="A,B", help="Only these platforms, such as meta,tiktok.")
@click.option("--campaign", type=click.Path(path_type=Path), metavar="DIR", help="Its folder, if it has moved.")
def handoff(folder: Path, to: Path, platform: str, campaign: Path | None) -> None:
    """Write folders for the bulk tools of ad platforms: films, covers, sheets, texts within limits, disclosure."""
    from flows.handoff.handover import hand_off

    names = tuple(filter(None, (name.strip() for name in platform.split(","))))
    done = hand_off(folder, to, settings({}).ledger, names, campaign)
    for sentence in done.sentences():
        click.echo(sentence)
    sys.exit(SOME_FAILED if done.refused else ALL_DONE)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--reviewer", default="", metavar="NAME", help="Who decides; without it the page asks for a name.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Another one lets others in.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port (default: a free one).")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
def review(folder: Path, *, reviewer: str, host: str, port: int, no_browser: bool) -> None:
    """Look at every film in the browser; approve or reject it with a reason. Ctrl+C ends it."""
    from flows.review.serving import serve

    ledger = settings({}).ledger
    serve(
        folder, host=host, port=port, reviewer=reviewer, browser=not no_browser, ledger_setting=ledger, say=click.echo
    )


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("sheet", type=click.Path(path_type=Path), required=False)
def approve(folder: Path, sheet: Path | None) -> None:
    """Review in a spreadsheet: write approve.csv, or read the decisions of one back."""
    from flows.review.sheet import read_sheet, write_sheet
    from flows.terminal import print_taken

    ledger = settings({}).ledger
    if sheet is None:
        path = write_sheet(folder, ledger)
        click.echo(f"wrote {path}")
        click.echo(f"Next: fill in decision, reason and reviewer, then `spotmill approve {folder} {path}`.")
    else:
        print_taken(read_sheet(folder, sheet, ledger))


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="DIR", help="Where the films go: a folder, or s3://bucket/prefix.")
@click.option("--links", metavar="AGE", help="Also write links.csv: addresses of the films, which expire (7d).")
def publish(folder: Path, *, to: str, links: str | None) -> None:
    """Copy finished films to a folder or bucket: only what is approved where that is required, proven and disclosed."""
    from flows.ages import seconds_of
    from flows.publish import destination
    from flows.publish import publish as hand_over
    from flows.redaction import guard_logs
    from flows.review.gallery import ledger_of, open_gallery
    from flows.terminal import print_handover

    guard_logs()
    chosen, seconds = settings({}), seconds_of(links, "--links") if links else 0
    ledger = ledger_of(open_gallery(folder), chosen.ledger)
    done = hand_over(folder, destination(to, ledger, chosen.s3_endpoint), ledger, seconds)
    print_handover(done)
    good = done.copied + done.present
    sys.exit(ALL_DONE if not done.refused else SOME_FAILED if good else NOTHING_RUN)


@commands.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results went (default: out).")
@click.option("--ledger", type=click.Path(path_type=Path), metavar="DIR", help="Its ledger, if it lies elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that was found as JSON.")
def verify(files: tuple[Path, ...], *, out: Path | None, ledger: Path | None, as_json: bool) -> None:
    """Is a film ours, who signed it, was it changed? Also of one downloaded from a platform. Exit 0, 1, 2 or 3."""
    from flows.terminal import print_notes, print_verdicts
    from flows.verdict import exit_code
    from flows.verify import verifier_for

    verifier, notes = verifier_for(settings({"out": out, "ledger": ledger}))
    if not as_json:
        print_notes(notes)
    verdicts = verifier.all(files)
    print_verdicts(verdicts, as_json=as_json)
    sys.exit(exit_code(verdicts))


@commands.group()
def keys() -> None:
    """Who signs: `new` makes a certificate for tests; `sign_key` and `sign_chain` in spotmill.toml bring your own."""


@keys.command(name="new")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--organisation", default="Test", show_default=True, metavar="NAME", help="Stands in every film.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, metavar="N", help="Its term.")
def new_keys(folder: Path, *, organisation: str, days: int) -> None:
    """Make a key and a certificate for tests in a new folder. Only who is given its root.pem trusts it."""
    from flows.keys import new_keys as make

    for line in make(folder, organisation, days):
        click.echo(line)


@keys.command(name="show")
def show_keys() -> None:
    """What would sign now, until when, and who trusts it."""
    from flows.keys import show_keys as show

    chosen = settings({})
    for line in show(chosen, chosen.ledger_folder):
        click.echo(line)


@commands.command()
@click.option("--out", "outs", type=click.Path(path_type=Path), multiple=True, metavar="DIR", help="Results that stay.")
@click.option("--older-than", default="30d", show_default=True, metavar="AGE", help="Keep what is younger.")
@click.option("--store", is_flag=True, help="On the store of the settings instead of in the ledger here.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(outs: tuple[Path, ...], *, older_than: str, store: bool, dry_run: bool) -> None:
    """Remove finished steps that are old and that no film in OUT was made from. Never while a run is going on."""
    from flows.ages import seconds_of
    from flows.gc import clean
    from flows.terminal import print_collected

    seconds = seconds_of(older_than, "--older-than")
    chosen = settings({"out": outs[0] if outs else None})
    print_collected(clean(chosen, outs, older_seconds=seconds, on_store=store, dry_run=dry_run))


@commands.command()
def engines() -> None:
    """What makes footage: sizes, lengths, licences, memory, and what is ready on this machine."""
    from flows.catalogue import engine_table
    from flows.terminal import print_table

    print_table(engine_table())


@commands.group()
def experiment() -> None:
    """A/B tests: what they take before, what they found after."""


@experiment.command(name="plan")
@Campaign
@click.option("--baseline", type=float, metavar="RATE", help="What the control has now, such as 0.012.")
@click.option("--metric", metavar="NAME", help="ctr, cvr, cpa or cpc (default: the campaign's).")
@click.option("--lift", type=float, metavar="PART", help="Smallest relative difference worth finding, such as 0.1.")
@click.option("--power", type=float, metavar="PART", help="How surely it is found if it is there.")
@click.option("--alpha", type=float, metavar="PART", help="How often a difference is found that is not there.")
@click.option("--daily", type=click.IntRange(1), metavar="N", help="Impressions a day (cvr: clicks; costs: money).")
@click.option("--total", type=click.IntRange(1), metavar="N", help="What you can afford in all: what would it find?")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def plan_experiment(campaign: Path, baseline: float | None, *, as_json: bool, **choice: Any) -> None:
    """How many impressions a test takes, in how many days, and what fewer would find."""
    from flows.experiment.command import print_sizes

    print_sizes(campaign, baseline, as_json=as_json, **choice)


@experiment.command(name="read")
@Campaign
@click.argument("export", type=click.Path(path_type=Path))
@click.option("--results", type=click.Path(path_type=Path), metavar="FILE", help="results.csv of the run.")
@click.option("--mapping", type=click.Path(path_type=Path), metavar="FILE", help="YAML: what the columns mean.")
@click.option("--metric", metavar="NAME", help="ctr, cvr, cpa or cpc (default: the campaign's).")
@click.option("--write", is_flag=True, help="Write the next run's allocation into campaign.yaml.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results are (default: out).")
def read_experiment(campaign: Path, export: Path, *, out: Path | None, **choice: Any) -> None:
    """What a platform's export says of a test: effects with intervals, and whether to stop."""
    from flows.experiment.command import print_reading

    print_reading(campaign, export, settings({"out": out}).out, **choice)


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

    flags = {name: choice.get(name) for name in ("out", "ledger", "workers", "cluster")}
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
