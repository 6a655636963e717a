"""Machines without a shared disk have the same steps, byte for byte, whoever made them and whenever somebody dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.ledger import Ledger, Workspace, digest
from flows.stores.contract import NotThere, Store, StoreFailed
from flows.stores.memory import MemoryStore
from flows.stores.mirror import LedgerMirror
from flows.stores.shared import SharedLedger
from tests.flows.stores_made import KINDS, server, set_credentials, store_of

__all__ = ["server"]

ROOT = Path(__file__).resolve().parents[2]
KEY = digest("a step")


def work(space: Workspace) -> None:
    """Makes other bytes each time, as a model on another GPU does."""
    space.file("video.mp4").write_bytes(os.urandom(100_000))
    space.file("poster.jpg").write_bytes(b"the same poster")
    space.facts |= {"words": ["Tea", "für", "dich"], "frames": 90}


def contents(ledger: Ledger, key: str = KEY) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in ledger.home("footage", key).iterdir()}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> Store:
    return store_of(request.param, tmp_path, server)


def mirror(tmp_path: Path, name: str, store: Store) -> LedgerMirror:
    return LedgerMirror(Ledger(tmp_path / name), store)


def shared(mirror: LedgerMirror, *, lists: bool = False) -> SharedLedger:
    """The ledger in front of both, as a worker or the driver opens it."""
    return SharedLedger(mirror.ledger.root, mirror, lists=lists)


def test_what_one_machine_has_made_the_other_has(store: Store, tmp_path: Path) -> None:
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    assert not two.fetch("footage", KEY)
    made = shared(one).make("footage", KEY, work)
    assert one.keys("footage") == {KEY} == two.keys("footage")
    assert two.keys("voice") == set()
    assert two.fetch("footage", KEY)
    found = two.ledger.find("footage", KEY)
    assert found
    assert (found.facts, found.seconds, found.cpu_seconds) == (made.facts, made.seconds, made.cpu_seconds)
    assert contents(one.ledger) == contents(two.ledger)
    assert not list((tmp_path / "two" / "work").iterdir())


def test_a_step_is_made_once_for_all(store: Store, tmp_path: Path) -> None:
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    shared(one).make("footage", KEY, work)

    def never(space: Workspace) -> None:
        raise AssertionError

    shared(two).make("footage", KEY, never)
    assert one.push("footage", KEY)
    assert contents(one.ledger) == contents(two.ledger)


def test_whose_marker_comes_first_has_made_the_step(store: Store, tmp_path: Path) -> None:
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    for machine in (one, two):
        machine.ledger.make("footage", KEY, work)
    assert contents(one.ledger) != contents(two.ledger)
    assert one.push("footage", KEY)
    assert not two.push("footage", KEY)
    assert contents(one.ledger) == contents(two.ledger)
    assert len(list(store.names())) == 3  # the loser's film is not left lying


def test_a_step_without_its_marker_is_not_there(store: Store, tmp_path: Path) -> None:
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    shared(one).make("footage", KEY, work)
    store.delete(f"steps/footage/{KEY[:2]}/{KEY}/done.json")
    assert not two.fetch("footage", KEY)
    shared(two).make("footage", KEY, work)
    assert one.keys("footage") == {KEY}


def test_a_step_whose_file_is_gone_is_not_there_and_is_mended_by_the_next_that_makes_it(
    store: Store, tmp_path: Path
) -> None:
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    shared(one).make("footage", KEY, work)
    store.delete(next(name for name in store.names() if name.endswith("video.mp4")))
    assert not two.fetch("footage", KEY)
    assert two.ledger.find("footage", KEY) is None
    shared(two).make("footage", KEY, work)
    three = mirror(tmp_path, "three", store)
    assert three.fetch("footage", KEY)
    assert contents(three.ledger) == contents(two.ledger)


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"[1]", b'{"files": {"a": 1}}'])
def test_a_marker_that_is_none_leads_nowhere(tmp_path: Path, content: bytes) -> None:
    store = MemoryStore()
    one = mirror(tmp_path, "one", store)
    store.write(f"steps/footage/{KEY[:2]}/{KEY}/done.json", content)
    assert not one.fetch("footage", KEY)
    shared(one).make("footage", KEY, work)
    assert mirror(tmp_path, "two", store).fetch("footage", KEY)


def test_a_marker_cannot_lead_out_of_the_step(tmp_path: Path) -> None:
    store = MemoryStore()
    files = {"../../evil": {"size": 1, "sha256": "a" * 64}}
    marker = {"files": files, "facts": {}, "seconds": 1.0, "cpu_seconds": 1.0}
    store.write(f"steps/footage/{KEY[:2]}/{KEY}/done.json", json.dumps(marker).encode())
    store.write(f"steps/footage/{KEY[:2]}/{KEY}/{'a' * 32}/evil", b"x")
    assert not mirror(tmp_path, "one", store).fetch("footage", KEY)


def test_what_was_not_made_cannot_be_stored(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="not in the ledger"):
        mirror(tmp_path, "one", MemoryStore()).push("footage", KEY)


@pytest.mark.fault(5, "kill -9 between a step's files and its marker on a store")
def test_whoever_dies_before_the_marker_leaves_nothing_that_counts(tmp_path: Path) -> None:
    store = MemoryStore()
    one, two = mirror(tmp_path, "one", store), mirror(tmp_path, "two", store)
    one.ledger.make("footage", KEY, work)
    write = store.write

    def dying(name: str, content: bytes, *, if_absent: bool = False) -> object:
        raise StoreFailed("gone")

    store.write = dying  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreFailed):
        one.push("footage", KEY)
    store.write = write  # type: ignore[method-assign]
    assert len(list(store.names())) == 2
    assert not two.fetch("footage", KEY)
    shared(two).make("footage", KEY, work)
    assert not one.push("footage", KEY)
    assert contents(one.ledger) == contents(two.ledger)


CHILD = """
import sys
from pathlib import Path
from flows.ledger import Ledger
from flows.stores.mirror import LedgerMirror
from flows.stores.opening import open_store
from tests.flows.test_store_mirror import KEY, work
ledger = Ledger(Path(sys.argv[1]))
store = open_store(sys.argv[2], state_folder=ledger.root, endpoint=sys.argv[3])
mirror = LedgerMirror(ledger, store)
ledger.make("footage", KEY, work)
print("ready", flush=True)
sys.stdin.readline()
print(mirror.push("footage", KEY))
"""


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_two_processes_that_made_the_same_step_at_once_end_with_the_same_bytes(
    tmp_path: Path, server: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credentials(monkeypatch)
    address = f"file://{tmp_path}/shared" if kind == "folder" else f"s3://spotmill-tests/{tmp_path.name}"
    words = [sys.executable, "-c", CHILD]
    running = [
        subprocess.Popen(
            [*words, str(tmp_path / name), address, server if kind == "s3" else ""],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for one in running:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    before = [contents(Ledger(tmp_path / name)) for name in ("one", "two")]
    assert before[0]["video.mp4"] != before[1]["video.mp4"]
    for one in running:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].strip() for one in running)
    assert said == ["False", "True"]
    assert contents(Ledger(tmp_path / "one")) == contents(Ledger(tmp_path / "two"))
