"""Commands that begin a campaign, look at it beforehand, and make it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.choices import ALL_DONE, SOME_FAILED, Budget, Campaign, Cluster, Workers, selection, settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--template", default="product_spot", show_default=True, metavar="NAME", help="See `spotmill templates`.")
def init(folder: Path, template: str) -> None:
    """Start a campaign: campaign.yaml, a rows CSV made for the template, brand.yaml."""
    from flows.scaffold import init_campaign

    for path in init_campaign(folder, template):
        click.echo(f"wrote {path}")
    click.echo(f"Next: edit {folder}/rows.csv, then `spotmill check {folder}`.")


@click.command()
@Campaign
@selection
def check(campaign: Path, **choice: Any) -> None:
    """Find everything that is wrong with a campaign, before anything is spent. Exit 0 or 2."""
    from flows.order import Order, prepare
    from flows.terminal import print_check

    print_check(prepare(Order.of(campaign, choice)))


@click.command()
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


@click.command()
@Campaign
@selection
@Workers
@Cluster
@Budget
@click.option("--prove", is_flag=True, help="Also measure what of the marks is left after an encode like a platform's.")
@click.option("--accept-shrink", is_flag=True, help="The feed is right, although it lost more than half of its rows.")
def run(campaign: Path, **choice: Any) -> None:
    """Make and deliver the campaign. What is finished already is not made again."""
    from flows.licences import refuse_missing
    from flows.order import Order
    from flows.prefect_profile import use_embedded_server
    from flows.redaction import guard_logs
    from flows.screen import Screen
    from flows.studio import Run
    from flows.terminal import print_notes, print_summary

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
