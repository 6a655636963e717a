"""Faults for real, through the command as a user types it: kill -9 of the driver, of a worker, of an ffmpeg.

Each must end in the same: the next run is complete, with the bytes of an undisturbed one, and nothing half-written.
"""

import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from flows.ledger import Ledger
from tests.flows.small import small_campaign

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]
ROOT = Path(__file__).resolve().parents[2]
ROWS = "row_id,product,price\n" + "".join(f"r{number},Cup {number},{number}.90\n" for number in range(1, 5))


class Command:
    """`spotmill run` in a process of its own; all its descendants carry a mark in their environment."""

    def __init__(self, campaign: Path, out: Path) -> None:
        self.mark = f"SPOTMILL_TEST_MARK={uuid.uuid4().hex}"
        name, value = self.mark.split("=")
        self.out, self.log = out, out.parent / f"{value}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows", "run", campaign, "--out", out, "--workers", "2"],
                cwd=ROOT,
                env={**os.environ, name: value},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> int:
        return self.process.wait(timeout=300)

    def steps(self) -> int:
        return sum(1 for _ in (self.out / ".ledger" / "steps").glob("*/*/*/done.json"))

    def until(self, happens, what: str):
        """Wait for something while the command runs."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            found = happens()
            if found:
                return found
            assert self.process.poll() is None, f"it ended before {what}:\n{self.log.read_text()}"
            time.sleep(0.01)
        raise AssertionError(f"{what} did not happen")

    def gone(self) -> bool:
        """Whether no descendant is left; Ray's agents need up to half a minute to see that their raylet is gone."""
        deadline = time.monotonic() + 90
        while self.descendants(lambda line: True) and time.monotonic() < deadline:
            time.sleep(0.2)
        return self.descendants(lambda line: True) == []

    def descendants(self, wanted) -> list[int]:
        """Living processes with our mark whose command line satisfies `wanted`."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    marked = self.mark.encode() in (entry / "environ").read_bytes()
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if marked and line and wanted(line):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found


def deliveries(out: Path, ledger: Path | None = None) -> dict[str, str]:
    """Every film by its path, with the hash of its bytes before they were signed: a signature holds the time."""
    home, store = out / "Small", Ledger(ledger or out / ".ledger")
    found = {}
    for path in home.glob("*/*.mp4"):
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts["proof"]["verdict"].startswith("pass"), facts["proof"]
        assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        package = store.home("package", facts["steps"]["package"]) / "video.mp4"
        found[str(path.relative_to(home))] = hashlib.sha256(package.read_bytes()).hexdigest()
    return found


def statuses(out: Path) -> set[str]:
    with (out / "Small" / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {line["status"] for line in csv.DictReader(stream)}


def half_written(out: Path) -> list[Path]:
    return [*(out / "Small").rglob("*.part*"), *(out / ".ledger" / "work").iterdir()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    campaign = small_campaign(folder / "campaign", ROWS)
    command = Command(campaign, folder / "out")
    assert command.wait() == 0, command.log.read_text()
    films = deliveries(folder / "out")
    assert len(films) == 4
    return campaign, films


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_of_the_driver_loses_nothing_that_was_finished(undisturbed, tmp_path, seed):
    campaign, films = undisturbed
    first = Command(campaign, tmp_path / "out")
    enough = random.Random(seed).randint(3, 16)
    first.until(lambda: first.steps() >= enough, f"{enough} steps were finished")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / ".ledger" / "steps").rglob("done.json")}
    second = Command(campaign, tmp_path / "out")
    assert second.wait() == 0, second.log.read_text()
    assert deliveries(tmp_path / "out") == films
    assert half_written(tmp_path / "out") == []
    assert all(path.stat().st_mtime_ns == when for path, when in finished.items()), "a finished step was made again"
    assert first.gone(), "processes of the killed run are still there"


def test_kill_9_of_a_worker_costs_an_attempt_and_nothing_else(undisturbed, tmp_path):
    campaign, films = undisturbed
    command = Command(campaign, tmp_path / "out")
    busy = command.until(
        lambda: command.descendants(lambda line: line.startswith(("ray::do_job", "ray::EngineActor"))), "a job ran"
    )
    os.kill(busy[0], signal.SIGKILL)
    assert command.wait() == 0, command.log.read_text()
    assert deliveries(tmp_path / "out") == films
    assert half_written(tmp_path / "out") == []


def test_kill_9_of_an_ffmpeg_costs_an_attempt_and_nothing_else(undisturbed, tmp_path):
    campaign, films = undisturbed
    command = Command(campaign, tmp_path / "out")
    running = command.until(lambda: command.descendants(lambda line: "ffmpeg" in line.split()[0]), "an ffmpeg ran")
    os.kill(running[0], signal.SIGKILL)
    assert command.wait() == 0, command.log.read_text()
    assert deliveries(tmp_path / "out") == films
    assert statuses(tmp_path / "out") == {"done"}


def test_an_interrupted_run_ends_with_130_and_leaves_no_process(undisturbed, tmp_path):
    campaign, _ = undisturbed
    command = Command(campaign, tmp_path / "out")
    command.until(lambda: command.steps() >= 3, "three steps were finished")
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 130, command.log.read_text()
    assert command.gone()


def test_two_runs_at_once_into_two_folders_share_one_ledger(undisturbed, tmp_path):
    campaign, films = undisturbed
    environment = dict(os.environ)
    os.environ["SPOTMILL_LEDGER"] = str(tmp_path / "ledger")
    try:
        both = [Command(campaign, tmp_path / name) for name in ("a", "b")]
    finally:
        os.environ.clear()
        os.environ.update(environment)
    assert [command.wait() for command in both] == [0, 0], [command.log.read_text() for command in both]
    shared = tmp_path / "ledger"
    assert deliveries(tmp_path / "a", shared) == deliveries(tmp_path / "b", shared) == films
    signed = [sorted(path.read_bytes() for path in (tmp_path / name).glob("Small/*/*.mp4")) for name in ("a", "b")]
    assert signed[0] == signed[1], "each film is signed once"
