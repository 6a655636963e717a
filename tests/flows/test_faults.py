"""Faults for real, through the command as a user types it: kill -9 of the driver, of a worker, of an ffmpeg.

Each must end in the same: the next run is complete, with the bytes of an undisturbed one, and nothing half-written.
Other faults are in tests/faults; the list of all is benchmarks/faults.toml.
"""

import os
import random
import signal
from pathlib import Path

import pytest

from flows.events import read_events
from tests.faults.conftest import undisturbed
from tests.faults.ending import Ending
from tests.faults.runs import Command, Made, films, finished_steps, half_written, lines

__all__ = ["undisturbed"]

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


def statuses(out: Path) -> set[str]:
    return {line["status"] for line in lines(out)}


@pytest.mark.fault(3, "kill -9 of the run on Ray, at a random moment")
@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_of_the_driver_loses_nothing_that_was_finished(
    undisturbed: Made, tmp_path: Path, ended: Ending, seed: int
) -> None:
    out = tmp_path / "out"
    first = Command(undisturbed.campaign, out)
    enough = random.Random(seed).randint(3, 11)
    first.until(lambda: first.steps() >= enough, f"{enough} steps were finished")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    finished = finished_steps(out)
    second = Command(undisturbed.campaign, out)
    assert second.wait() == 0, second.said
    assert half_written(out) == []
    assert finished_steps(out).items() >= finished.items(), "a finished step was made again"
    assert first.gone(), "processes of the killed run are still there"
    ended.complete(films(out), undisturbed.films, steps_kept=len(finished), steps_in_all=len(finished_steps(out)))


@pytest.mark.fault(1, "kill -9 of a worker that is busy")
def test_kill_9_of_a_worker_costs_an_attempt_and_nothing_else(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    out = tmp_path / "out"
    command = Command(undisturbed.campaign, out)
    busy = command.until(
        lambda: command.descendants(lambda line: line.startswith(("ray::do_job", "ray::EngineActor"))), "a job ran"
    )
    os.kill(busy[0], signal.SIGKILL)
    assert command.wait() == 0, command.said
    assert half_written(out) == []
    assert statuses(out) == {"done"}
    tried = [event["code"] for event in read_events(out / "Small") if event["event"] == "tried"]
    assert tried == ["worker_died"], "one more attempt, and it is in the log of events"
    ended.complete(films(out), undisturbed.films, attempts_more=len(tried))


@pytest.mark.fault(1, "kill -9 of a worker while it makes a film: its second attempt is in the results")
def test_kill_9_while_a_film_is_made_is_a_second_attempt_in_the_results(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "master", "package", "delivery")
    command = Command(undisturbed.campaign, out)
    busy = command.until(lambda: command.descendants(lambda line: line.startswith("ray::do_job")), "a film was made")
    os.kill(busy[0], signal.SIGKILL)
    assert command.wait() == 0, command.said
    assert half_written(out) == []
    attempts = sorted(int(line["attempts"]) for line in lines(out))
    assert attempts == [1, 2]
    ended.complete(films(out), undisturbed.films, attempts=attempts)


@pytest.mark.fault(1, "kill -9 of an ffmpeg that a worker waits for")
def test_kill_9_of_an_ffmpeg_costs_an_attempt_and_nothing_else(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    command = Command(undisturbed.campaign, out)
    running = command.until(
        lambda: command.descendants(lambda line: "ffmpeg" in line.split()[0] and "-version" not in line),
        "an ffmpeg ran",
    )
    os.kill(running[0], signal.SIGKILL)
    assert command.wait() == 0, command.said
    assert statuses(out) == {"done"}
    assert half_written(out) == []
    ended.complete(films(out), undisturbed.films, attempts_at_most=max(int(line["attempts"]) for line in lines(out)))


@pytest.mark.fault(6, "two runs at once into two folders, over one empty ledger")
def test_two_runs_at_once_into_two_folders_share_one_ledger(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    shared = tmp_path / "ledger"
    both = [Command(undisturbed.campaign, tmp_path / name, SPOTMILL_LEDGER=str(shared)) for name in ("a", "b")]
    assert [command.wait() for command in both] == [0, 0], [command.said for command in both]
    assert films(tmp_path / "a", shared) == films(tmp_path / "b", shared)
    signed = [sorted(path.read_bytes() for path in (tmp_path / name).glob("Small/*/*.mp4")) for name in ("a", "b")]
    assert signed[0] == signed[1], "each film is signed once"
    steps = len(list((shared / "steps").rglob("done.json")))
    ended.complete(films(tmp_path / "a", shared), undisturbed.films, runs=2, steps_in_the_ledger=steps)
    assert steps == len(finished_steps(undisturbed.out))
