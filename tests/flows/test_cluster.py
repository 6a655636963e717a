"""A cluster whose machines share no disk, on one machine: real Ray nodes, each with a folder of its own, and S3.

The nodes cannot see the driver's folders at all: an empty file system lies over them where the system allows that.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray.util import get_node_ip_address

from flows.keys import new_keys
from flows.ledger import Ledger
from flows.stores.bucket import BucketStore
from tests.flows.small import run, small_campaign
from tests.flows.stores_made import ACCESS_KEY, SECRET_KEY, bucket_store, server

__all__ = ["server"]

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(500)]
ROOT = Path(__file__).resolve().parents[2]
ROWS = "row_id,product,price\n" + "".join(f"r{number},Cup {number},{number}.90\n" for number in range(1, 5))
#: Runs a command where the first argument is an empty folder, in a world of mounts of its own.
HIDDEN = 'mount -t tmpfs none "$0" && exec "$@"'
TOKEN = "a-token-of-the-tests-that-is-long-enough-for-ray"


def can_hide(folder: Path) -> bool:
    """Whether this system lets us lay an empty file system over a folder."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", HIDDEN, folder, "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Nodes:
    """Ray nodes on this machine, each a process group of its own."""

    def __init__(self, folder: Path, driver: Path, environment: dict[str, str]) -> None:
        self._folder, self._driver, self._environment = folder, driver, environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.hidden = can_hide(driver)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            # Several nodes need the machine's own address: Ray takes 127.0.0.1 for a mistake.
            self.address = f"{get_node_ip_address()}:{free.getsockname()[1]}"

    def start(self, name: str, *, head: bool = False) -> Path:
        """Start a node and wait until it is there: two that begin at once on one machine take the same socket. The
        head only leads. Returns the folder of its ledger."""
        ledger = self._folder / name
        port = self.address.rpartition(":")[2]
        words = ["ray", "start", "--block", "--disable-usage-stats", "--object-store-memory=80000000"]
        words[0] = str(Path(sys.executable).parent / "ray")
        words += (
            ["--head", f"--port={port}", "--include-dashboard=false", "--num-cpus=0"]
            if head
            else [f"--address={self.address}", "--num-cpus=1"]
        )
        if self.hidden and not head:
            words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", HIDDEN, str(self._driver), *words]
        own = {"SPOTMILL_LEDGER": str(ledger), "SPOTMILL_SIGN_KEY": str(self._folder / "keys" / "key.pem")}
        with (self._folder / f"{name}.log").open("w") as log:
            self._running[name] = subprocess.Popen(
                words, env={**self._environment, **own}, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 240
        while "Ray runtime started" not in (said := (self._folder / f"{name}.log").read_text()):
            assert self._running[name].poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        return ledger

    def kill(self, name: str) -> None:
        """End a node and all that runs on it, as when a machine is switched off."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        mark = f"SPOTMILL_LEDGER={self._folder / name}".encode()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)


@pytest.fixture
def store(server: str, tmp_path: Path) -> BucketStore:
    return bucket_store(server, tmp_path / "notes")


@pytest.fixture
def nodes(server: str, tmp_path: Path) -> Iterator[Nodes]:
    for name in ("nodes", "driver"):
        (tmp_path / name).mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SPOTMILL_", "AWS_"))},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": server,
    }
    made = Nodes(tmp_path / "nodes", tmp_path / "driver", environment)
    yield made
    made.close()


def command(nodes: Nodes, campaign: Path, store: BucketStore, keys: Path) -> tuple[list[str], dict[str, str]]:
    out = campaign.parent / "out"
    words = [sys.executable, "-m", "flows", "run", str(campaign), "--out", str(out), "--cluster", nodes.address]
    settings = {
        "SPOTMILL_STORE": store.address,
        "SPOTMILL_SIGN_KEY": str(campaign.parent / "key.pem"),
        "SPOTMILL_SIGN_CHAIN": str(campaign.parent / "chain.pem"),
    }
    for name in ("key.pem", "chain.pem"):
        (campaign.parent / name).write_bytes((keys / name).read_bytes())
    return words, {**nodes._environment, **settings}


def until(happens: Callable[[], object], what: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 240
    while not happens():
        assert process.poll() is None, f"it ended before {what}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"{what} did not happen:\n{log.read_text()}"
        time.sleep(0.05)


def test_a_campaign_is_made_by_machines_that_share_no_disk_though_one_is_killed(
    nodes: Nodes, store: BucketStore, tmp_path: Path
) -> None:
    keys = tmp_path / "nodes" / "keys"
    new_keys(keys, "Tests", 30)
    nodes.start("head", head=True)
    ledgers = {name: nodes.start(name) for name in ("one", "two")}
    campaign = small_campaign(tmp_path / "driver" / "campaign", ROWS)
    logo = campaign / "logo.png"
    _write_logo(logo)
    (campaign / "brand.yaml").write_text("name: Dawn\nlogo: logo.png\n", "utf-8")
    undisturbed = run(campaign, tmp_path / "undisturbed")
    assert undisturbed.summary
    assert undisturbed.summary.counts == {"done": 4}

    words, environment = command(nodes, campaign, store, keys)
    log = tmp_path / "run.log"
    with log.open("w") as stream:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=stream, stderr=stream)
        until(lambda: list(store.names("steps/delivery")), "a film was finished", process, log)
        until(lambda: any(map(_at_work, ledgers.values())), "one was at the next", process, log)
        victim = next(name for name, ledger in ledgers.items() if _at_work(ledger))
        nodes.kill(victim)
        left = set(map(str, (ledgers[victim] / "work").iterdir()))
        ledgers["three"] = nodes.start("three")
        assert process.wait(timeout=400) == 0, log.read_text()

    out = tmp_path / "driver" / "out"
    lines = _lines(out)
    assert [line["status"] for line in lines] == ["done"] * 4
    assert left, "it died while it made something"
    assert _packages(out) == _packages(tmp_path / "undisturbed")
    assert any((ledger / "assets").rglob("logo.png") for ledger in ledgers.values())
    assert {path.name for path in (out / ".ledger" / "steps").iterdir()} <= {"delivery", "package"}
    assert not list((out / ".ledger" / "live").glob("*"))
    assert len({name.split("/")[3] for name in store.names("steps/delivery")}) == 4

    made = set(store.names())
    again = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert set(store.names()) == made, "the second run has nothing to make"


def test_a_machine_that_lacks_a_secret_is_named_before_anything_is_made(
    nodes: Nodes, store: BucketStore, tmp_path: Path
) -> None:
    if not nodes.hidden:
        pytest.skip("this system does not let us hide the driver's folder from a node")
    keys = tmp_path / "keys"
    new_keys(keys, "Tests", 30)
    nodes.start("head", head=True)
    ledger = nodes.start("one")
    campaign = small_campaign(tmp_path / "driver" / "campaign", ROWS)
    words, environment = command(nodes, campaign, store, keys)
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "machine_lacks" in ended.stderr
    assert "key.pem" in ended.stderr
    assert not (ledger / "steps").exists()


def _write_logo(path: Path) -> None:
    from PIL import Image

    Image.new("RGBA", (200, 80), (200, 30, 30, 255)).save(path)


def _at_work(ledger: Path) -> bool:
    return any((ledger / "work").glob("[0-9a-f]*"))


def _lines(out: Path) -> list[dict[str, str]]:
    with (out / "Small" / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _packages(out: Path) -> dict[str, bytes]:
    """Films by their creative, before they were signed: a signature holds the time."""
    ledger = Ledger(out / ".ledger")
    found = {}
    for path in (out / "Small").glob("*/linkedin_square.json"):
        steps = json.loads(path.read_text("utf-8"))["steps"]
        found[path.parent.name] = (ledger.home("package", steps["package"]) / "video.mp4").read_bytes()
    return found
