"""Workers, their programs and the run itself are killed or hang, through the command as a user types it, on Ray."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generation.media.ffmpeg import find_ffmpeg
from tests.faults.ending import Ending
from tests.faults.runs import ROOT, Command, Made, causes, films, finished_steps, half_written, lines, short_campaign

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(500)]

#: An engine of somebody else's package, as a user installs one: what it draws for a blue cup kills its process.
DEADLY = '''
"""An engine that kills its process for one shot, as long as a file tells it to."""
import os, signal
from pathlib import Path
from generation.engines.animatic.engine import Animatic


class Deadly(Animatic):
    id = "deadly"
    title = "Kills its process"
    revision = "1"

    def render(self, shots, paths):
        if "Blue" in shots[0].prompt and (Path(__file__).parent / "armed").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().render(shots, paths)
'''


def install(site: Path) -> Path:
    """Put the engine into a folder as pip would."""
    facts = site / "deadly-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[spotmill.engines]\ndeadly = deadly:Deadly\n")
    (site / "deadly.py").write_text(DEADLY)
    return site


@pytest.mark.slow
@pytest.mark.fault(2, "an engine kills its process whenever it draws one of two ads")
def test_a_row_that_always_kills_its_worker_is_given_up_and_its_neighbour_is_finished(
    tmp_path: Path, ended: Ending
) -> None:
    site = install(tmp_path / "site")
    path = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])}
    campaign = short_campaign(tmp_path / "campaign", extra="engine: deadly\n")
    (site / "armed").touch()
    command = Command(campaign, tmp_path / "out", **path)
    assert command.wait() == 1, command.said
    by_row = {line["row_id"]: line for line in lines(tmp_path / "out")}
    assert (by_row["red"]["status"], by_row["blue"]["status"]) == ("done", "failed")
    assert (by_row["blue"]["code"], by_row["blue"]["step"], by_row["blue"]["attempts"]) == (
        "worker_died",
        "footage",
        "3",
    )
    said = causes(tmp_path / "out")
    assert half_written(tmp_path / "out") == []
    assert command.gone()
    (site / "armed").unlink()
    script = "import sys; from pathlib import Path; from tests.flows.small import run; run(*map(Path, sys.argv[1:]))"
    for out in (tmp_path / "out", tmp_path / "undisturbed"):
        words = [sys.executable, "-c", script, str(campaign), str(out)]
        subprocess.run(words, cwd=ROOT, env={**os.environ, **path}, check=True, timeout=200)
    ended.failed(said, films(tmp_path / "out"), films(tmp_path / "undisturbed"), attempts=3, neighbours_finished=1)


@pytest.mark.slow
@pytest.mark.fault(13, "ffmpeg hangs, in a wrapper with a child, and neither ends when it is asked to")
def test_a_program_that_hangs_is_ended_with_its_children(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    out, program = undisturbed.copy(tmp_path, "package", "delivery"), tmp_path / "ffmpeg"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *faststart*) trap "" TERM; sleep 7777 & sleep 7777;; esac\n'
        f'exec "{find_ffmpeg()}" "$@"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hanging = {"SPOTMILL_FFMPEG": str(program), "SPOTMILL_JOB_DEADLINE_SECONDS": "20", "SPOTMILL_ATTEMPTS": "1"}
    hanging["SPOTMILL_SILENCE_SECONDS"] = "10"
    command = Command(undisturbed.campaign, out, **hanging)
    assert command.wait() == 1, command.said
    assert {line["code"] for line in lines(out)} <= {"timed_out", "tool_timed_out"}
    said = causes(out)
    assert command.descendants(lambda line: "sleep 7777" in line) == [], "the child outlived its deadline"
    assert command.gone()
    assert half_written(out) == []
    second = Command(undisturbed.campaign, out)
    assert second.wait() == 0, second.said
    ended.failed(said, films(out), undisturbed.films, deadline_seconds=20)


@pytest.mark.slow
@pytest.mark.fault(14, "the memory of the machine is nearly full: Ray ends every worker")
def test_work_that_is_ended_for_its_memory_gets_all_cores_once_and_is_then_given_up(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "master", "package", "delivery")
    full = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "50"}
    command = Command(undisturbed.campaign, out, **full)
    assert command.wait() == 1, command.said
    assert {line["code"] for line in lines(out)} == {"killed_for_memory"}
    # One core, then both: no more can be given by two workers, and so there is no third attempt.
    assert {line["attempts"] for line in lines(out)} == {"2"}
    assert "memory 1 of 3" in (out / "Small/run.log").read_text("utf-8")
    said = causes(out)
    assert command.gone()
    assert half_written(out) == []
    second = Command(undisturbed.campaign, out)
    assert second.wait() == 0, second.said
    ended.failed(said, films(out), undisturbed.films, attempts=2)


@pytest.mark.fault(4, "Ctrl-C, and SIGTERM as a service manager sends it, to the run after three steps")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_run_that_is_told_to_end_leaves_no_process(
    undisturbed: Made, tmp_path: Path, ended: Ending, number: signal.Signals
) -> None:
    command = Command(undisturbed.campaign, tmp_path / "out")
    command.until(lambda: command.steps() >= 3, "three steps were finished")
    told = time.monotonic()
    command.process.send_signal(number)
    assert command.wait(60) == 130, command.said
    took = time.monotonic() - told
    assert command.gone(), command.descendants(lambda line: True)
    (said,) = (line for line in command.said.splitlines() if line.startswith("Interrupted."))
    assert "Traceback" not in command.said, command.said
    kept = finished_steps(tmp_path / "out")
    assert kept
    second = Command(undisturbed.campaign, tmp_path / "out")
    assert second.wait() == 0, second.said
    assert finished_steps(tmp_path / "out").items() >= kept.items()
    assert half_written(tmp_path / "out") == []
    ended.failed([said], films(tmp_path / "out"), undisturbed.films, exit_code=130, seconds_until_its_end=f"{took:.0f}")


@pytest.mark.slow
@pytest.mark.fault(24, "the same run once more")
def test_a_run_of_what_is_there_starts_no_ray_and_makes_nothing(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path)
    before = finished_steps(out)
    bytes_before = {path: path.read_bytes() for path in (out / "Small").glob("*/*.mp4")}
    began = time.monotonic()
    command, raylets = Command(undisturbed.campaign, out), 0
    while command.process.poll() is None:
        raylets += len(command.descendants(lambda line: "raylet" in line))
        time.sleep(0.05)
    assert command.wait() == 0, command.said
    assert finished_steps(out) == before
    assert {path: path.read_bytes() for path in (out / "Small").glob("*/*.mp4")} == bytes_before
    assert raylets == 0, "nothing was missing: no Ray was to be started"
    ended.complete(films(out), undisturbed.films, steps_made=0, seconds=f"{time.monotonic() - began:.0f}")
