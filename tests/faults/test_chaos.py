"""Chaos: workers are killed at random while 200 ads are made: as many lines as were asked for, nothing left over."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.ending import Ending
from tests.faults.runs import Command, films, finished_steps, half_written, lines, short_campaign
from tests.flows.small import run

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1500)]
COUNT, SHARE, SEED = 200, 0.05, 7
#: Rows that an undisturbed run makes as well, to compare bytes with.
COMPARED = 6


def many(folder: Path) -> Path:
    """200 drafts that differ in their price alone: one shot for all, one small film of a second for each."""
    rows = "row_id,product,price\n" + "".join(f"r{number},Cup,{number}.50\n" for number in range(1, COUNT + 1))
    campaign = short_campaign(folder, rows)
    file = campaign / "campaign.yaml"
    file.write_text(file.read_text("utf-8").replace("seconds: 1.5", "seconds: 1\nvoice: none\nprofile: draft"), "utf-8")
    return campaign


def kill_some(command: Command) -> Counter[str]:
    """Kill a worker that is busy, chosen at random, whenever so many films more are finished; one in twenty in all."""
    chance, killed = random.Random(SEED), Counter[str]()
    at = sorted(chance.sample(range(1, COUNT - 10), int(COUNT * SHARE)))
    deadline = time.monotonic() + 1200
    while at and command.process.poll() is None:
        assert time.monotonic() < deadline
        done = sum(1 for _ in (command.out / ".ledger" / "steps" / "master").glob("*/*/done.json"))
        busy = command.descendants(lambda line: line.startswith(("ray::do_job", "ray::EngineActor")))
        if done >= at[0] and busy:
            at.pop(0)
            with suppress(ProcessLookupError):
                os.kill(chance.choice(busy), signal.SIGKILL)
                killed["workers"] += 1
        time.sleep(0.02)
    return killed


@pytest.mark.fault(23, "kill -9 of a random busy worker, ten times while 200 ads are made")
def test_200_rows_outlive_ten_killed_workers(tmp_path: Path, ended: Ending) -> None:
    campaign, out = many(tmp_path / "campaign"), tmp_path / "out"
    command = Command(campaign, out, SPOTMILL_ATTEMPTS="6")
    killed = kill_some(command)
    assert command.wait(1200) == 0, command.said
    assert killed["workers"] >= COUNT * SHARE - 2, killed
    results = lines(out)
    assert len(results) == COUNT
    assert Counter(line["status"] for line in results) == {"draft": COUNT}
    assert len({line["creative_id"] for line in results}) == COUNT
    made = films(out)
    assert len(made) == COUNT
    assert half_written(out) == []
    assert command.gone()
    kinds = Counter(path.parents[2].name for path in finished_steps(out))
    assert kinds["master"] == kinds["package"] == kinds["delivery"] == COUNT
    assert kinds["footage"] == kinds["plate"] == 1
    other = tmp_path / "undisturbed"
    run(campaign, other, rows=f"1-{COMPARED}")
    compared = films(other)
    ended.complete({name: made[name] for name in compared}, compared, rows=COUNT, done=len(made),
                   workers_killed=killed["workers"],
                   attempts_at_most=max(int(line["attempts"]) for line in results))  # fmt: skip
