"""The commands. Each opens what it needs, calls one function of the library and prints; nothing is decided here.

Exit codes: 0 all done; 1 finished, some items failed; 2 nothing was run (bad input, usage); 130 interrupted.
Imports stay inside the commands, so that `--help` answers at once. A new command is a function in the file of its
section and a word in `SECTIONS`.
"""

from __future__ import annotations

import signal
import sys

import click

from flows.cli import delivering, keeping, listing, making, proving, repeating, testing
from flows.cli.choices import ALL_DONE, INTERRUPTED, NOTHING_RUN, SOME_FAILED
from flows.model import BadInput

__all__ = ["ALL_DONE", "INTERRUPTED", "NOTHING_RUN", "SECTIONS", "SOME_FAILED", "commands", "main"]

#: The commands as `--help` lists them.
SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Make films": (making.init, making.check, making.plan, making.run),
    "Unattended": (repeating.watch, repeating.schedule, repeating.schedules),
    "After a run": (
        delivering.status,
        delivering.why,
        delivering.review,
        delivering.approve,
        delivering.publish,
        delivering.handoff,
    ),
    "A/B tests": (testing.experiment,),
    "Marks and signatures": (proving.verify, proving.keys),
    "What is kept": (keeping.models, keeping.gc),
    "What there is": (listing.templates, listing.placements, listing.looks, listing.voices, listing.engines),
}

#: Commands that read a campaign to run it, now or one day.
RUNNING = {command.name for name in ("Make films", "Unattended") for command in SECTIONS[name]}


class Sections(click.Group):
    """A group whose help lists its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each section with its commands in the order of use, all in columns of one width."""
        width = max(len(name) for name in self.commands)
        for title, members in SECTIONS.items():
            room = formatter.width - formatter.current_indent - width - 6
            lines = [(f"{one.name:{width}}", one.get_short_help_str(room)) for one in members]
            with formatter.section(title):
                formatter.write_dl(lines)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spotmill")
def commands() -> None:
    """A campaign table becomes finished video ads: footage, titles, voice, captions, marks, every placement."""


for _members in SECTIONS.values():
    for _command in _members:
        commands.add_command(_command)


def main() -> None:
    """Run a command and turn what a user can cause into sentences and exit codes."""
    # A service manager's way of saying Ctrl-C; Python itself would end at once and leave Ray's processes to find out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(NOTHING_RUN)
    except BadInput as error:
        from flows.terminal import print_problems

        print_problems(error.problems, of_a_run=bool(RUNNING & set(sys.argv[1:2])))
        sys.exit(NOTHING_RUN)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was finished is kept; run again to go on.", err=True)
        sys.exit(INTERRUPTED)
