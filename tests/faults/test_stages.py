"""kill -9 of a run between any two of its stages: each next run goes on from there, and the last one is whole."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.ending import Ending
from tests.faults.runs import ROOT, Made, films, finished_steps, half_written, lines
from tests.flows.small import run

#: The steps of `studio.py`, as a script may call them. It stops where a real run would go on to its tables.
CHILD = """
import sys
from pathlib import Path
from flows.crew import InlineCrew
from flows.order import Order
from flows.settings import Settings
from flows.studio import Run
settings = Settings(out=Path(sys.argv[2]))
work = Run(Order(Path(sys.argv[1])), settings, lambda: InlineCrew(settings.ledger_folder))
work.read()
for _ in work.produce():
    pass
print("produced", flush=True)
sys.stdin.read()
"""
#: One after the other, each in a run of its own that goes on from the one before.
STAGES = ("voice", "mix", "track", "footage", "plate", "master", "package", "delivery")


def start(campaign: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(campaign), str(out)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL
    for stream in (child.stdin, child.stdout):
        assert stream
        stream.close()


def kill_after_the_next(kind: str, campaign: Path, out: Path) -> None:
    """Run until one more step of this kind is there, then kill -9 at once."""
    home = out / ".ledger" / "steps" / kind
    before = len(list(home.glob("*/*/done.json")))
    child, deadline = start(campaign, out), time.monotonic() + 120
    while len(list(home.glob("*/*/done.json"))) == before:
        assert time.monotonic() < deadline, f"no {kind} came"
        assert child.poll() is None, f"it ended without a new {kind}"
        time.sleep(0.001)
    kill(child)


@pytest.mark.slow
@pytest.mark.fault(
    3,
    "nine runs of one campaign, each killed after another kind of step, the last one between its films and its tables",
)
def test_a_run_that_is_killed_after_every_stage_makes_nothing_twice(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out, seen, kept = tmp_path / "out", Counter[str](), dict[Path, int]()
    for kind in STAGES:
        kill_after_the_next(kind, undisturbed.campaign, out)
        now = finished_steps(out)
        assert now.items() >= kept.items(), f"a finished step was made again in the run that was killed after {kind}"
        kept = now
        seen[kind] += 1
        assert not (out / "Small" / "results.csv").exists()
    child = start(undisturbed.campaign, out)
    assert child.stdout
    assert select.select([child.stdout], [], [], 120)[0]
    assert child.stdout.readline() == "produced\n"
    kill(child)
    assert films(out) == undisturbed.films
    assert not (out / "Small" / "results.csv").exists(), "the tables come last"
    kept = finished_steps(out)
    work = run(undisturbed.campaign, out)
    assert finished_steps(out) == kept
    assert len(lines(out)) == 2
    assert half_written(out) == []
    ended.complete(films(out), undisturbed.films, runs_killed=sum(seen.values()) + 1,
                   steps_made_by_the_last_run=sum(work.summary.made.values()))  # fmt: skip


@pytest.mark.fault(3, "kill -9 after the first film was brought to its place and registered")
def test_a_run_that_is_killed_after_its_first_film_brings_the_others(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    child, deadline = start(undisturbed.campaign, out), time.monotonic() + 120
    while not list((out / "Small").glob("*/x_square.mp4")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.001)
    kill(child)
    kept = finished_steps(out)
    run(undisturbed.campaign, out)
    assert finished_steps(out).items() >= kept.items()
    assert half_written(out) == []
    ended.complete(films(out), undisturbed.films, steps_left_by_the_killed_run=len(kept))
