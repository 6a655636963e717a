"""Commands about what lies on the disk: weights of models, and finished steps."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.choices import settings


@click.group()
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


@click.command()
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
