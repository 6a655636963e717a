"""What a run opens on the network while it works: looked up in /proc for its own processes, not believed.

Ray as it comes listens on every interface, whatever address it is given; a run of ours on loopback only. Other users of
the machine reach loopback as well: Ray asks them for its token, Prefect's embedded server for its password.
"""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.small import small_campaign
from tests.flows.test_faults import Command

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
ROOT = Path(__file__).resolve().parents[2]

START = """
import sys
from pathlib import Path
if sys.argv[1] == "ours":
    from flows.ray_profile import use_local_ray
    use_local_ray()
    from flows.cluster import RayCrew
    from flows.stores.shared import LedgerPlace
    crew = RayCrew(LedgerPlace(Path(sys.argv[2])), workers=1)
    import ray
else:
    import ray
    ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
"""
#: A stranger on the machine, who may know the address but not the token.
JOIN = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False)
print("joined")
"""


def children(of: int) -> list[int]:
    """A process and everything that it started, and those started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [of]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def listening(processes: list[int]) -> dict[str, str]:
    """Every address on which these processes take connections, with what listens there."""
    owners: dict[str, int] = {}
    for process in processes:
        try:
            links = [str(handle.readlink()) for handle in Path(f"/proc/{process}/fd").iterdir()]
        except OSError:
            continue
        owners |= {link[8:-1]: process for link in links if link.startswith("socket:[")}
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in owners:
                name = Path(f"/proc/{owners[words[9]]}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[f"{_address(words[1])}:{int(words[1].rpartition(':')[2], 16)}"] = name
    return found


def _address(text: str) -> str:
    """The kernel writes addresses as 32-bit words in the machine's order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text.partition(":")[0]), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def outside(found: dict[str, str]) -> dict[str, str]:
    return {
        address: name
        for address, name in found.items()
        if not ipaddress.ip_address(address.rpartition(":")[0]).is_loopback
    }


def started(whose: str, ledger: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.Popen(
        [sys.executable, "-c", START, whose, ledger],
        cwd=ROOT,
        env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def joins(address: str, **environment: str) -> bool:
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | environment
    own["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # or Ray would look for 127.0.0.1 at the machine's own address
    done = subprocess.run([sys.executable, "-c", JOIN, address], env=own, capture_output=True, text=True, timeout=120)
    return "joined" in done.stdout


def answer(url: str, body: bytes | None = None) -> int:
    """What a stranger is answered."""
    question = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(question, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    with started("ours", tmp_path_factory.mktemp("ledger")) as process:
        yield process.pid, address_of(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


@pytest.mark.slow
def test_ray_as_it_comes_listens_on_every_interface_even_when_told_loopback(tmp_path: Path) -> None:
    with started("naive", tmp_path) as process:
        assert address_of(process)
        assert len(outside(listening(children(process.pid)))) >= 5
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def test_our_ray_listens_on_loopback_only(ours: tuple[int, str]) -> None:
    found = listening(children(ours[0]))
    assert len(found) >= 5, found
    assert outside(found) == {}


@pytest.mark.slow
def test_nobody_joins_our_ray_without_its_token(ours: tuple[int, str]) -> None:
    process, address = ours
    environment = dict(
        line.split("=", 1) for line in Path(f"/proc/{process}/environ").read_text().split("\0") if "=" in line
    )
    assert "RAY_AUTH_TOKEN" not in environment  # made by the process itself; only its children have it
    token = next(
        line.split("=", 1)[1]
        for child in children(process)
        for line in Path(f"/proc/{child}/environ").read_text().split("\0")
        if line.startswith("RAY_AUTH_TOKEN=")
    )
    assert not joins(address, RAY_AUTH_MODE="disabled")
    assert not joins(address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64)
    assert joins(address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)


@pytest.mark.slow
def test_a_whole_run_listens_on_loopback_only(tmp_path: Path) -> None:
    command = Command(
        small_campaign(tmp_path / "campaign", "row_id,product,price\nred,Red cup,9.90\n"), tmp_path / "out"
    )
    seen: dict[str, str] = {}

    def both_are_up() -> bool:
        mine = [command.process.pid, *command.descendants(lambda line: True)]
        seen.update(listening(mine))
        names = json.dumps(list(seen.values()))
        return "prefect" in names and "raylet" in names and command.steps() > 0

    command.until(both_are_up, "Ray and Prefect listened")
    (server,) = [address for address, name in seen.items() if "prefect.server" in name]
    assert answer(f"http://{server}/api/health") == 200
    assert answer(f"http://{server}/api/flow_runs/filter", b"{}") == 401
    assert answer(f"http://{server}/api/admin/settings") == 401
    while command.process.poll() is None:
        seen.update(listening([command.process.pid, *command.descendants(lambda line: True)]))
        time.sleep(0.5)
    assert command.wait() == 0, command.log.read_text()
    assert len(seen) >= 5
    assert outside(seen) == {}
    assert command.gone()
