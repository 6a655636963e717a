"""Commands about what a run has made: how it went, who approves it, where it goes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.cli.choices import ALL_DONE, NOTHING_RUN, SOME_FAILED, settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def status(folder: Path) -> None:
    """How a run went, or goes: counts by state and the reasons of failures."""
    from flows.status import read_status
    from flows.terminal import print_status

    print_status(read_status(folder))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("creative")
def why(folder: Path, creative: str) -> None:
    """The history of one ad: what it was made from, what failed, what was decided."""
    from flows.history import tell
    from flows.ledger import Ledger

    for line in tell(folder, creative, Ledger(settings({"out": folder.parent}).ledger_folder)):
        click.echo(line)


@click.command()
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


@click.command()
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


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="DIR", help="Where the films go: a folder, or s3://bucket/prefix.")
@click.option("--links", metavar="AGE", help="Also write links.csv: addresses of the films, which expire (7d).")
def publish(folder: Path, *, to: str, links: str | None) -> None:
    """Copy films to a folder or bucket. What is not approved where it must be, proven and disclosed stays here."""
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


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the hand-off goes.")
@click.option("--platform", default="", metavar="A,B", help="Only these platforms, such as meta,tiktok.")
@click.option("--campaign", type=click.Path(path_type=Path), metavar="DIR", help="Its folder, if it has moved.")
def handoff(folder: Path, to: Path, platform: str, campaign: Path | None) -> None:
    """Write what the bulk tools of ad platforms read: films, covers, sheets, disclosure."""
    from flows.handoff.handover import hand_off

    names = tuple(filter(None, (name.strip() for name in platform.split(","))))
    done = hand_off(folder, to, settings({}).ledger, names, campaign)
    for sentence in done.sentences():
        click.echo(sentence)
    sys.exit(ALL_DONE if not done.refused else SOME_FAILED if done.ads else NOTHING_RUN)
