"""Commands about A/B tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flows.cli.choices import Campaign, settings


@click.group()
def experiment() -> None:
    """What an A/B test takes, before it; what it found, after."""


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
