"""Commands that run a campaign by themselves: by the clock, or when a CSV lands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.choices import Budget, Campaign, Cluster, Workers, selection, settings

Port = click.option("--port", type=click.IntRange(1, 65535), default=4200, metavar="N", help="Of a server of our own.")


@click.command()
@Campaign
@selection
@Workers
@Cluster
@Budget
@click.option("--every", type=click.FloatRange(1), default=60, metavar="SECONDS", help="Look so often (default: 60).")
@click.option("--once", is_flag=True, help="Look once, run if there is something new, and end.")
@click.option("--from", "feed", default="", metavar="PLACE", help="The CSV: a file, a folder, s3://bucket/x.csv.")
def watch(campaign: Path, *, every: float, once: bool, feed: str, **choice: Any) -> None:
    """Run the campaign whenever a new CSV lands. Ctrl+C ends it."""
    from flows.feed_command import watch_campaign

    code = watch_campaign(campaign, settings(choice), choice, feed, every=every, once=once, say=click.echo)
    sys.exit(code)


@click.command()
@Campaign
@selection
@Budget
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


@click.group()
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
