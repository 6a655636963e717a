"""Commands about marks and signatures: whose film it is, and who signs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.cli.choices import settings


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results went (default: out).")
@click.option("--ledger", type=click.Path(path_type=Path), metavar="DIR", help="Its ledger, if it lies elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that was found as JSON.")
def verify(files: tuple[Path, ...], *, out: Path | None, ledger: Path | None, as_json: bool) -> None:
    """Say whether a film is ours, who signed it, whether it was changed. Also of one downloaded from a platform.
    Exit 0, 1, 2 or 3.
    """
    from flows.terminal import print_notes, print_verdicts
    from flows.verdict import exit_code
    from flows.verify import verifier_for

    verifier, notes = verifier_for(settings({"out": out, "ledger": ledger}))
    if not as_json:
        print_notes(notes)
    verdicts = verifier.all(files)
    print_verdicts(verdicts, as_json=as_json)
    sys.exit(exit_code(verdicts))


@click.group()
def keys() -> None:
    """Who signs films.

    `new` makes a certificate for tests; `sign_key` and `sign_chain` in spotmill.toml bring your own.
    """


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
