"""What the commands print. Formats values that others made; decides nothing, reads no file.

Text from a campaign may hold anything, so it is never taken as rich's markup.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.model import Problem
from flows.provenance import engine_facts, licence_terms, speed_of

if TYPE_CHECKING:
    from flows.estimate import Range, Survey
    from flows.order import Prepared
    from flows.publish import Handover
    from flows.review.sheet import Taken
    from flows.status import Status
    from flows.stores.sweeping import Collected
    from flows.summary import Summary
    from flows.verdict import Verdict

#: Width of tables where the output is no terminal: whoever reads them there greps for whole words.
PIPED_COLUMNS = 400
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_COLUMNS)
err = Console(stderr=True, highlight=False, soft_wrap=True)
#: Complaints shown in full; the rest is counted. `check` of a broken export may have one for every cell.
MOST_PROBLEMS = 200
#: Different reasons for changes that a plan lists.
MOST_REASONS = 12


def print_problems(problems: Sequence[Problem], *, of_a_run: bool = True) -> None:
    """Every complaint, one line each, in the order of the file; of a command that runs campaigns, or another one."""
    for problem in problems[:MOST_PROBLEMS]:
        err.print(problem.sentence(), markup=False)
    if len(problems) > MOST_PROBLEMS:
        rest = Counter(problem.code for problem in problems[MOST_PROBLEMS:])
        kinds = ", ".join(f"{count} {code}" for code, count in rest.most_common())
        err.print(f"and {len(problems) - MOST_PROBLEMS} more: {kinds}", markup=False)
    begun = any(problem.code in ("no_space", "not_writable") for problem in problems)
    ending = "what was finished is kept" if begun else "nothing was run" if of_a_run else "nothing was done"
    err.print(f"{_count(len(problems), 'problem')}; {ending}.", markup=False)


def print_check(prepared: Prepared) -> None:
    """What a good campaign consists of."""
    print_notes(prepared.notes)
    _print_missing(prepared)
    for problem in prepared.skipped_problems:
        out.print(f"skipped: {problem.sentence()}", markup=False)
    creatives = sum(1 for _ in prepared.creatives())
    rows = _count(len(prepared.rows), "row")
    out.print(f"{prepared.campaign.name}: {rows}, {_count(creatives, 'creative')}. No problems.", markup=False)


def print_notes(notes: Sequence[str]) -> None:
    """What was assumed, a line each."""
    for note in notes:
        out.print(f"note: {note}", markup=False)


def print_plan(survey: Survey, prepared: Prepared, *, as_json: bool) -> None:
    """The engine and its licence, the cardinality tree, what is cached, time and money."""
    if as_json:
        out.print_json(json.dumps(plan_json(survey, prepared)))
        return
    print_notes(survey.notes)
    out.print(survey.campaign, style="bold", markup=False)
    _print_makers(survey, prepared)
    _print_tree(survey)
    _print_changes(survey)
    _print_costs(survey)
    _print_energy(survey)


def _print_makers(survey: Survey, prepared: Prepared) -> None:
    """Who makes what, under which terms, and what this machine lacks for it."""
    engine = prepared.engine
    out.print(f"engine: {survey.engine_reason}", markup=False)
    if engine.models:
        out.print(f"models: {', '.join(engine.models)}", markup=False)
    where = f" ({engine.licence_url})" if engine.licence_url else ""
    out.print(f"licence: {licence_terms(engine)}{where}", markup=False)
    speed = speed_of(engine, prepared.campaign.engine_options)
    if speed:
        out.print(f"speed: {speed}", markup=False)
    _print_missing(prepared)
    out.print(survey.voice_reason, markup=False)
    out.print(prepared.planner.marking.notice or "Signed with a certificate of your own", markup=False)


def _print_missing(prepared: Prepared) -> None:
    """What this machine lacks for a run; the run itself may be made elsewhere."""
    for sentence in prepared.engine.missing():
        out.print(f"missing: {sentence}", markup=False)


def _print_tree(survey: Survey) -> None:
    tallies = survey.tallies
    skipped = f" ({survey.skipped_rows} skipped)" if survey.skipped_rows else ""
    tree = [
        f"{_count(survey.rows, 'row')}{skipped}",
        f"└─ {_count(survey.creatives, 'creative')} (row × locale × segment × variant)",
        f"   ├─ {_count(tallies['footage'].unique, 'shot')} of footage, {_count(tallies['plate'].unique, 'plate')}",
        f"   ├─ {_count(tallies['voice'].unique, 'voice')}, {_count(tallies['track'].unique, 'sound track')}",
        f"   └─ {_count(tallies['master'].unique, 'master')}",
        f"      └─ {_count(tallies['delivery'].asked, 'delivery', 'deliveries')}",
    ]
    for line in tree:
        out.print(line, markup=False)


def _print_changes(survey: Survey) -> None:
    """What of the deliveries is there, new or changed, and why."""
    changes = survey.changes
    counts = {"cached": changes.cached, "new": changes.new, "changed": changes.changed}
    out.print("deliveries: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count), markup=False)
    for reason, count in changes.reasons.most_common(MOST_REASONS):
        out.print(f"  {count} changed: {reason}", markup=False)


def _print_costs(survey: Survey) -> None:
    """Every kind of step with its counts and estimates, then the sums."""
    from flows.budget import most_overshoot

    table = Table(box=None, pad_edge=False)
    for name in ("step", "asked for", "different", "cached", "to make", "CPU s low", "expected", "high"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for kind, tally in survey.tallies.items():
        if not tally.asked:
            continue
        counts = [str(number) for number in (tally.asked, tally.unique, tally.cached, tally.missing)]
        table.add_row(kind, *counts, *_three(tally.cpu_seconds))
    out.print(table)
    who = _count(survey.workers, "worker") + (" and one GPU" if survey.gpu else "")
    wait = f"on {who} about {_range(survey.wall_seconds)} s of waiting" if survey.wall_seconds else f"on {who}"
    out.print(f"CPU seconds: {_range(survey.cpu_seconds)}; {wait}.")
    if survey.gpu:
        out.print(f"GPU seconds: {_range(survey.gpu_seconds)}.")
    out.print(f"Cost in US dollars: {_range(survey.cost_usd, digits=2)}", end="")
    out.print("." if survey.cost_usd else " (name prices in spotmill.toml: cpu_hour_usd, gpu_hour_usd).", markup=False)
    if said := most_overshoot(survey):
        out.print(said, markup=False)


def _print_energy(survey: Survey) -> None:
    """What it takes from the grid, where the machine's watts are known."""
    if said := survey.energy.sentence():
        out.print(f"Energy: about {said}.", markup=False)


def plan_json(survey: Survey, prepared: Prepared) -> dict[str, object]:
    """The plan for other programs; unknown values are the word `unknown`, never 0."""
    tallies = {
        kind: {
            "asked": tally.asked,
            "unique": tally.unique,
            "cached": tally.cached,
            "to_make": tally.missing,
            "cpu_seconds": _known(tally.cpu_seconds),
        }
        for kind, tally in survey.tallies.items()
    }
    return {
        "campaign": survey.campaign,
        "deliveries": {
            "cached": survey.changes.cached,
            "new": survey.changes.new,
            "changed": survey.changes.changed,
            "reasons": dict(survey.changes.reasons.most_common()),
        },
        "rows": survey.rows,
        "skipped_rows": survey.skipped_rows,
        "creatives": survey.creatives,
        "engine": {**engine_facts(prepared), "missing": list(prepared.engine.missing())},
        "voice": survey.voice,
        "steps": tallies,
        "cpu_seconds": _known(survey.cpu_seconds),
        "gpu_seconds": _known(survey.gpu_seconds),
        "wall_seconds": _known(survey.wall_seconds),
        "cost_usd": _known(survey.cost_usd),
        "energy": survey.energy.as_json(),
        "policy": prepared.policy.facts(),
        "notes": list(survey.notes),
    }


def print_summary(summary: Summary) -> None:
    """The end of a run."""
    out.print(summary.sentence(), markup=False)
    for line in summary.reasons():
        out.print(f"  {line}", markup=False)
    out.print(f"Report:  {summary.report}", markup=False)
    out.print(f"Results: {summary.results}", markup=False)
    if summary.failed:
        out.print(f"To run again: {summary.failed_csv} is a valid rows file", markup=False)
    if summary.counts.get("needs_review"):
        out.print(f"Next: spotmill review {summary.folder}", markup=False)
    if summary.gone:
        out.print(summary.gone, markup=False)
    if summary.webhook:
        out.print(summary.webhook, markup=False)


def print_status(status: Status) -> None:
    """Counts by state, then failures with their reasons."""
    out.print(status.headline, markup=False)
    for state, count in status.counts.items():
        out.print(f"  {count:6d}  {state}", markup=False)
    for line in status.failures:
        out.print(line, markup=False)


def print_taken(taken: Taken) -> None:
    """What was recorded from a sheet of decisions."""
    out.print(f"{taken.approved} approved, {taken.rejected} rejected, {taken.commented} commented.", markup=False)
    print_notes(taken.notes)


def print_handover(done: Handover) -> None:
    """What was published, then what was not, each with its reason."""
    out.print(f"{done.copied} published, {done.present} there already, {len(done.refused)} refused.", markup=False)
    for refusal in done.refused[:MOST_PROBLEMS]:
        out.print(refusal.sentence(), markup=False)
    if len(done.refused) > MOST_PROBLEMS:
        rest = Counter(refusal.code for refusal in done.refused[MOST_PROBLEMS:])
        kinds = ", ".join(f"{count} {code}" for code, count in rest.most_common())
        out.print(f"and {len(done.refused) - MOST_PROBLEMS} more: {kinds}", markup=False)
    out.print(f"Folder: {done.shelf.place}", markup=False)
    if done.links:
        out.print(f"Links: {done.links}; whoever has one has the film until it expires.", markup=False)
    if done.links_temporary:
        out.print("They were signed with a temporary login, and end with it if that is sooner.", markup=False)


def print_verdicts(verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    """A sentence for each file that was verified, then the facts behind it."""
    if as_json:
        out.print_json(json.dumps([verdict.as_json() for verdict in verdicts]))
        return
    for verdict in verdicts:
        out.print(f"{verdict.path}: {verdict.sentence}", markup=False)
        for name, value in verdict.facts:
            out.print(f"  {name}: {value}", markup=False)


def print_collected(done: Collected) -> None:
    """What was removed, or would be, by kind; and what stays."""
    for kind, (steps, size) in sorted(done.removed.items()):
        out.print(f"  {kind:10s} {_count(steps, 'step'):>14s}  {_size(size):>10s}", markup=False)
    total = sum(steps for steps, _ in done.removed.values())
    said = "would be removed" if done.dry_run else "removed"
    out.print(f"{_count(total, 'step')}, {_size(done.total_bytes)} {said}.", markup=False)
    out.print(f"Kept: {done.referred:,} referred to, {done.young:,} younger, {done.busy:,} in use.", markup=False)
    if done.uploads:
        out.print(f"{_count(done.uploads, 'upload')} that nobody went on with ended.", markup=False)


def _size(count: int) -> str:
    """Bytes as people read them."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"


def print_table(rows: Sequence[dict[str, str]]) -> None:
    """One line for each thing there is."""
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name == "name")
    for row in rows:
        table.add_row(*(Text(value) for value in row.values()))
    out.print(table)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _three(value: Range | None) -> list[str]:
    return [f"{number:,.1f}" for number in dataclasses.astuple(value)] if value else ["unknown"] * 3


def _range(value: Range | None, digits: int = 0) -> str:
    if value is None:
        return "unknown"
    return f"{value.expected:,.{digits}f} ({value.low:,.{digits}f}-{value.high:,.{digits}f})"


def _known(value: Range | None) -> object:
    return {name: round(number, 3) for name, number in dataclasses.asdict(value).items()} if value else "unknown"
