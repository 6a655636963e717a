"""What `spotmill experiment plan` and `read` print. Formats what others made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.brief import CAMPAIGN_FILE, load_campaign
from flows.experiment.inference import require_statistics
from flows.experiment.planning import plan_experiment, sentences
from flows.experiment.reading import Reading, read_experiment_results
from flows.experiment.rewriting import write_allocation
from flows.experiment.telling import Words, arm_words, factor_words, write_reading
from flows.experiment.thompson import Allocation, next_allocation
from flows.experiment.thompson import sentences as allocation_sentences
from flows.model import BadInput, Problem
from flows.status import RESULTS
from flows.terminal import err, out, print_table
from flows.variants import slug


def print_sizes(campaign: Path, baseline: float | None, *, as_json: bool, **choice: Any) -> None:
    """What a test takes."""
    require_statistics()
    brief = load_campaign(campaign)
    if baseline is None:
        message, fix = (
            "what the control has now is not given",
            "Write --baseline 0.012 for a click-through rate of 1.2 %",
        )
        raise BadInput((Problem("--baseline", None, None, "no_baseline", "", message, fix),))
    sizes = plan_experiment(brief, baseline, **choice)
    if as_json:
        out.print_json(json.dumps({**sizes.as_json(), "aliases": list(brief.experiment.aliases)}))
        return
    for sentence in (*sentences(sizes, assigned=brief.experiment.assigned), *brief.experiment.aliases):
        out.print(sentence, markup=False)


def print_reading(
    campaign: Path,
    export: Path,
    out_folder: Path,
    *,
    results: Path | None,
    mapping: Path | None,
    metric: str | None,
    write: bool,
    as_json: bool,
) -> None:
    """What an export says; it is recorded beside the results, and `write` puts the allocation into campaign.yaml."""
    require_statistics()
    table = results or out_folder / slug(load_campaign(campaign).name) / RESULTS
    reading = read_experiment_results(campaign, export, table, mapping=mapping, metric=metric or "")
    allocation = next_allocation(reading)
    further = {"next_allocation": dict(allocation.shares), "likely_best": dict(allocation.best)}
    written = write_reading(table.parent, reading, further)
    if as_json:
        out.print_json(json.dumps({**reading.as_json(), **further}))
    else:
        _print(reading, allocation, written)
    if write:
        difference = write_allocation(campaign / CAMPAIGN_FILE, allocation.shares)
        say = err if as_json else out
        say.print(difference or f"{CAMPAIGN_FILE} has these shares already.", markup=False)
        if difference:
            say.print("Other shares are another experiment: export only what is shown from now on.", markup=False)


def _print(reading: Reading, allocation: Allocation, written: tuple[Path, ...]) -> None:
    for warning in reading.warnings:
        out.print(f"WARNING: {warning}.", markup=False, style="bold")
    _print_words(arm_words(reading))
    effects = factor_words(reading)
    if effects.rows:
        _print_words(effects)
    out.print(reading.verdict.sentence, markup=False, style="bold")
    out.print(f"Rule: {reading.verdict.rule}; look {len(reading.record.looks)}.", markup=False)
    for note in reading.notes:
        out.print(f"note: {note}", markup=False)
    for sentence in allocation_sentences(allocation):
        out.print(sentence, markup=False)
    for path in written:
        out.print(f"Written: {path}", markup=False)


def _print_words(words: Words) -> None:
    print_table(words.as_rows())
