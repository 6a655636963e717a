"""What several commands ask: the campaign, which part of it, the machine's settings; and how they end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

#: Levels of `speed`; an engine without them refuses the option.
SPEEDS = ("exact", "balanced", "fast")
#: Films as they are delivered, or small ones to look at.
PROFILES = ("full", "draft")
ALL_DONE, SOME_FAILED, NOTHING_RUN, INTERRUPTED = 0, 1, 2, 130

Campaign = click.argument("campaign", type=click.Path(path_type=Path))
Workers = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="CPU workers (default: one for each core)."
)
Cluster = click.option("--cluster", metavar="ADDRESS", help="Use this Ray cluster instead of starting one.")
Budget = click.option(
    "--budget", metavar="AMOUNT", help="Begin nothing more once so much is spent: 20usd, 2gpu-h, 10cpu-h."
)


#: Which part of a campaign is meant.
SELECTION = (
    click.option("--rows", metavar="1-3,7", help="Only these rows, counted from 1."),
    click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N rows, chosen by the campaign's seed."),
    click.option("--where", metavar="EXPR", help="""Only rows for which this holds: 'segment == "gamers"'."""),
    click.option("--placements", metavar="A,B", help="Only these placements."),
    click.option("--engine", metavar="NAME", help="Make the footage with this engine."),
    click.option(
        "--speed", type=click.Choice(SPEEDS), metavar="LEVEL", help="exact, balanced or fast, if the engine has it."
    ),
    click.option("--profile", type=click.Choice(PROFILES), metavar="NAME", help="draft: small and quick, to look at."),
    click.option("--skip-bad-rows", is_flag=True, help="Leave rows with errors out; they become failed lines."),
    click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results go (default: out)."),
)


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `SELECTION`, shared by check, plan, run, watch and schedule."""
    for option in reversed(SELECTION):  # decorators stack: what is put on last is shown first
        command = option(command)
    return command


def settings(choice: dict[str, Any]) -> Any:
    """The machine's settings, with what the command line says of them."""
    from flows.settings import load_settings

    flags = {name: choice.get(name) for name in ("out", "ledger", "workers", "cluster")}
    return load_settings(flags, os.environ, Path.cwd())
