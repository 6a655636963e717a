"""The whole history of one ad: what it was made from, when and by which worker, what failed, what people decided.

Reads what runs have left: events.jsonl, the JSON beside each film, the decisions in the ledger. Changes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.events import Event, read_events
from flows.ledger import Ledger
from flows.model import BadInput, Problem
from flows.problems import did_you_mean


@dataclass(slots=True)
class History:
    """What is known of one ad."""

    creative_id: str
    trace: str
    #: The last word on each placement.
    deliveries: dict[str, Event] = field(default_factory=dict)
    #: Steps behind it that a log knows, by key.
    steps: dict[str, Event] = field(default_factory=dict)
    #: Attempts that failed, whether another one followed or not.
    failures: list[Event] = field(default_factory=list)
    runs: dict[str, Event] = field(default_factory=dict)


def history_of(folder: Path, creative_id: str) -> History:
    """Everything in the log about one creative.

    Raises: BadInput with the nearest id when no run has had this creative.
    """
    events = list(read_events(folder))
    mine = [event for event in events if event["event"] == "delivered" and event["creative_id"] == creative_id]
    if not mine:
        known = {str(event["creative_id"]) for event in events if event["event"] == "delivered"}
        fix = did_you_mean(creative_id, sorted(known)) if known else "Run the campaign first"
        problem = Problem(str(folder), None, None, "unknown_creative", creative_id[:60], "no run has made this", fix)
        raise BadInput((problem,))
    found = History(creative_id, str(mine[-1]["trace"]))
    keys = {key for event in mine for key in event["steps"]}
    runs = {event["run"] for event in mine}
    for event in events:
        if event["event"] == "delivered" and event["creative_id"] == creative_id:
            found.deliveries[event["placement"]] = event
        elif event["event"] == "step_made" and event["key"] in keys:
            found.steps[event["key"]] = event
        elif event["event"] in ("failed", "tried") and any(key in keys for key in event["keys"]):
            found.failures.append(event)
        elif event["event"] == "run_started" and event["run"] in runs:
            found.runs[event["run"]] = event
    return found


def tell(folder: Path, creative_id: str, ledger: Ledger) -> Iterator[str]:
    """The history as lines for people. Raises: BadInput."""
    found = history_of(folder, creative_id)
    yield f"{found.creative_id}  trace {found.trace}"
    for event in found.runs.values():
        yield f"run {event['run']} began {_when(event['at'])}"
    for placement, event in found.deliveries.items():
        yield from _delivery(folder, placement, event, ledger)
    if found.failures:
        yield "failures:"
        yield from map(_failure, found.failures)
    yield "steps, in the order in which they were made:"
    for event in sorted(found.steps.values(), key=lambda one: float(one["ended"])):
        work = f"{event['seconds']:.1f} s, {event['cpu_seconds']:.1f} CPU s"
        yield f"  {_when(event['ended'])}  {event['kind']:9s} {event['key']}  {work}  on {event['worker']}"


def _failure(event: Event) -> str:
    """Step, attempt, class, cause, and what came of it. Logs of earlier versions say less."""
    used = f" ({event['tried']})" if event.get("tried") else ""
    then = f"Tried again after {event['pause_seconds']} s" if event["event"] == "tried" else event.get("fix", "")
    what = f"{event['step']}, attempt {event['attempt']}, {event['fault']}{used}"
    return f"  {_when(event['at'])}  {what}: {event['code']}, {event['message'].rstrip('.')}. {then}".rstrip()


def _delivery(folder: Path, placement: str, event: Event, ledger: Ledger) -> Iterator[str]:
    where = f" at {event['step']}, attempt {event['attempt']}, {event['fault']}" if event.get("step") else ""
    reason = f"{where}: {event['code']}, {event['message'].rstrip('.')}. {event['fix']}" if event["code"] else ""
    yield f"{placement}: {event['status']}{reason}"
    facts = _facts(folder / event["creative_id"] / f"{placement}.json")
    if not facts:
        return
    for shot in facts.get("shots", ()):
        yield f"  prompt: {shot['prompt']}"
    yield f"  file: {event['creative_id']}/{placement}.mp4, sha256 {event['sha256']}"
    yield f"  disclosure: {facts['disclosure']['value']} ({facts['disclosure']['reason']})"
    yield f"  proof: {facts['proof']['verdict']}"
    if event["sha256"]:
        yield from _decisions(str(event["sha256"]), ledger)


def _decisions(sha256: str, ledger: Ledger) -> Iterator[str]:
    """What people have said of these bytes."""
    from flows.review.approvals import Approvals

    for one in Approvals(ledger.root).history(sha256).events:
        words = f": {one.text}" if one.text else ""
        yield f"  {one.at}  {one.kind} by {one.reviewer}{words}"


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(seconds)))
