"""Servers of the user's that go away in the middle of a run: Prefect's, and the head of a Ray cluster."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.util import get_node_ip_address

from tests.faults.ending import Ending
from tests.faults.runs import Command, Made, films, finished_steps, half_written

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]
TOKEN = "a-token-of-the-tests-that-is-long-enough-for-ray"
#: Whatever happens, a run has said so and ended by then.
LIMIT_SECONDS = 400


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a server and all that it started, as when its machine is switched off."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_words(command: Command) -> list[str]:
    """The line in which a run that ended badly names what is missing: its own, or that of Prefect or Ray."""
    named = [line for line in command.said.splitlines() if re.search("cluster|GCS|[Cc]onnect|server|API", line)]
    assert named, command.said
    return [re.sub(r"^\S*\[[^]]*\] ", "", named[-1]).strip()]


class PrefectServer:
    """A server as a user runs one."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        folder.mkdir()
        own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        self._environment = own
        self.address = f"http://127.0.0.1:{self.port}/api"
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "prefect", "server", "start", "--port", str(self.port), "--no-ui"]
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                words, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
                    assert answer.status == 200
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.3)

    @property
    def environment(self) -> dict[str, str]:
        return {"PREFECT_API_URL": self.address, "PREFECT_HOME": str(self.folder / "client")}

    def kill(self) -> None:
        end_group(self.process)


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[PrefectServer]:
    server = PrefectServer(tmp_path / "prefect")
    yield server
    server.kill()


@pytest.mark.fault(18, "kill -9 of the user's Prefect server after three steps; it stays down")
def test_a_run_whose_prefect_server_is_killed_ends_and_the_ledger_is_enough(
    undisturbed: Made, tmp_path: Path, prefect: PrefectServer, ended: Ending
) -> None:
    out = tmp_path / "out"
    command = Command(undisturbed.campaign, out, **prefect.environment)
    command.until(lambda: command.steps() >= 3, "three steps were finished")
    prefect.kill()
    killed = time.monotonic()
    code = command.wait(LIMIT_SECONDS)
    took = f"{time.monotonic() - killed:.0f}"
    assert command.gone()
    assert half_written(out) == []
    if code == 0:
        ended.complete(films(out), undisturbed.films, exit_code=code, seconds_until_its_end=took)
        return
    said, kept = last_words(command), finished_steps(out)
    assert len(kept) >= 3
    second = Command(undisturbed.campaign, out)
    assert second.wait() == 0, second.said
    assert finished_steps(out).items() >= kept.items(), "a finished step was made again"
    ended.failed(said, films(out), undisturbed.films, exit_code=code, seconds_until_its_end=took, steps_kept=len(kept))


@pytest.mark.fault(18, "the user's Prefect server is restarted after three steps")
def test_a_run_whose_prefect_server_is_restarted_is_finished(
    undisturbed: Made, tmp_path: Path, prefect: PrefectServer, ended: Ending
) -> None:
    out = tmp_path / "out"
    command = Command(undisturbed.campaign, out, **prefect.environment)
    command.until(lambda: command.steps() >= 3, "three steps were finished")
    prefect.kill()
    prefect.start()
    assert command.wait(LIMIT_SECONDS) == 0, command.said
    ended.complete(films(out), undisturbed.films, exit_code=0)


class Head:
    """A cluster of one node, as a user starts it."""

    def __init__(self, folder: Path) -> None:
        self.address = f"{get_node_ip_address()}:{free_port()}"
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
        }
        words = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--disable-usage-stats"]
        words += [f"--port={self.address.rpartition(':')[2]}", "--include-dashboard=false", "--num-cpus=2"]
        words += ["--object-store-memory=80000000"]
        log = folder / "head.log"
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                words, env=own | self.environment, stdout=stream, stderr=stream, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while "Ray runtime started" not in log.read_text():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)

    def kill(self) -> None:
        end_group(self.process)


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    made = Head(tmp_path_factory.mktemp("head"))
    yield made
    made.kill()


@pytest.mark.fault(19, "kill -9 of the head of the Ray cluster, with all that runs on it, after three steps")
def test_a_run_whose_ray_head_is_killed_ends_and_the_next_one_completes(
    undisturbed: Made, tmp_path: Path, head: Head, ended: Ending
) -> None:
    out = tmp_path / "out"
    command = Command(undisturbed.campaign, out, "--cluster", head.address, **head.environment)
    command.until(lambda: command.steps() >= 3, "three steps were finished")
    head.kill()
    killed = time.monotonic()
    code = command.wait(LIMIT_SECONDS)
    took = time.monotonic() - killed
    assert code != 0
    said, kept = last_words(command), finished_steps(out)
    second = Command(undisturbed.campaign, out)
    assert second.wait() == 0, second.said
    assert finished_steps(out).items() >= kept.items(), "a finished step was made again"
    assert half_written(out) == []
    ended.failed(said, films(out), undisturbed.films, exit_code=code, seconds_until_its_end=f"{took:.0f}",
                 steps_kept=len(kept))  # fmt: skip


@pytest.mark.fault(19, "another token than the cluster's")
def test_a_wrong_token_is_an_error_and_no_hang(undisturbed: Made, tmp_path: Path, head: Head, ended: Ending) -> None:
    out = tmp_path / "out"
    wrong = head.environment | {"RAY_AUTH_TOKEN": TOKEN.replace("a-token", "no-token")}
    began = time.monotonic()
    command = Command(undisturbed.campaign, out, "--cluster", head.address, **wrong)
    assert command.wait(LIMIT_SECONDS) == 2
    took = time.monotonic() - began
    (said,) = (line for line in command.said.splitlines() if line.startswith(head.address))
    assert "refuses our token" in said
    assert not finished_steps(out)
    right = Command(undisturbed.campaign, out, "--cluster", head.address, **head.environment)
    assert right.wait(LIMIT_SECONDS) == 0, right.said
    ended.failed([said], films(out), undisturbed.films, exit_code=2, seconds_until_its_end=f"{took:.0f}")


@pytest.mark.fault(19, "64 MB of shared memory, less than Ray's store asks for")
def test_small_shared_memory_is_enough(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    small = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$0" "$@"'
    try:
        able = subprocess.run([*words, small, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("this system does not let us lay a small file system over /dev/shm")
    command = Command(undisturbed.campaign, tmp_path / "out", before=[*words, small])
    assert command.wait() == 0, command.said
    ended.complete(films(tmp_path / "out"), undisturbed.films, exit_code=0)
