"""What every store promises, asked of each of them: a folder, memory, and a bucket on a real server."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.files import sha256_file
from flows.stores.contract import Conflict, Corrupt, NotThere, Store, Stored, StoreError, sha256_of
from flows.stores.folder import FolderStore
from flows.stores.memory import MemoryStore
from tests.flows.stores_made import KINDS, SINGLE_PUT_BYTES, server, store_of

__all__ = ["server"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> Store:
    return store_of(request.param, tmp_path, server)


def file(folder: Path, content: bytes, name: str = "source") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 1, 100_003, SINGLE_PUT_BYTES + 7], ids=str)
def test_the_same_bytes_come_back(store: Store, tmp_path: Path, size: int) -> None:
    source = file(tmp_path, os.urandom(size))
    stored = store.put("films/red/reel.mp4", source)
    assert stored == Stored("films/red/reel.mp4", size, sha256_file(source)) == store.head("films/red/reel.mp4")
    assert store.get("films/red/reel.mp4", tmp_path / "back") == stored
    assert (tmp_path / "back").read_bytes() == source.read_bytes() == store.read("films/red/reel.mp4")


def test_what_is_not_there_is_said_so_and_leaves_the_target_as_it_was(store: Store, tmp_path: Path) -> None:
    target = file(tmp_path, b"before", "target")
    with pytest.raises(NotThere):
        store.get("a/b", target)
    assert (store.read("a/b"), store.head("a/b")) == (None, None)
    assert target.read_bytes() == b"before"
    store.delete("a/b")


def test_a_plain_put_replaces(store: Store, tmp_path: Path) -> None:
    for content in (b"one", b"two!", b"six!"):
        store.put("list.json", file(tmp_path, content))
        assert store.read("list.json") == content


def test_a_conditional_put_keeps_what_is_there(store: Store, tmp_path: Path) -> None:
    first = store.put("film", file(tmp_path, b"first"), if_absent=True)
    assert store.put("film", file(tmp_path, b"first"), if_absent=True) == first
    with pytest.raises(Conflict):
        store.put("film", file(tmp_path, b"other"), if_absent=True)
    assert store.read("film") == b"first"


def test_of_eight_writers_at_once_one_wins(store: Store, tmp_path: Path) -> None:
    sources = [file(tmp_path, b"writer %d" % number, str(number)) for number in range(8)]

    def put(source: Path) -> bytes | None:
        try:
            store.put("film", source, if_absent=True)
        except Conflict:
            return None
        return source.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        won = [content for content in pool.map(put, sources) if content]
    assert won == [store.read("film")]


def test_names_are_listed_sorted_by_folder(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    for name in ("steps/b/2", "steps/a/1", "steps/a-b", "other", "stepsx"):
        store.write(name, name.encode())
    assert list(store.names("steps")) == ["steps/a-b", "steps/a/1", "steps/b/2"] == list(store.names("steps/"))
    assert list(store.names()) == ["other", "steps/a-b", "steps/a/1", "steps/b/2", "stepsx"]
    assert list(store.names("steps/a")) == ["steps/a/1"]
    (listed,) = store.listing("steps/a")
    assert listed.size == len("steps/a/1")
    assert before < listed.modified < datetime.now(UTC) + timedelta(seconds=5)


def test_what_is_deleted_is_gone(store: Store) -> None:
    store.write("a/b/c", b"x")
    store.write("a/d", b"x")
    store.delete("a/b/c")
    assert list(store.names()) == ["a/d"]
    assert store.read("a/b/c") is None
    store.write("a/b/c", b"y", if_absent=True)
    assert store.read("a/b/c") == b"y"


BAD_NAMES = ("", "/a", "a/", "a//b", "../a", "a/../b", "a/..", ".hidden", "a\\b", "é", "e\u0301", "a b", "a\n", "con")
BAD_NAMES = (*BAD_NAMES, "x/NUL.txt", "a.", "a" * 201, "/".join(["a" * 100] * 9), "a?b", "a%2e")


def test_names_that_could_mean_something_else_are_refused_everywhere(store: Store, tmp_path: Path) -> None:
    source = file(tmp_path, b"x")
    asks = (
        lambda name: store.put(name, source),
        lambda name: store.get(name, tmp_path / "t"),
        *(store.read, store.head, store.delete),
        lambda name: store.link(name, 60),
    )
    for name in BAD_NAMES:
        for ask in asks:
            with pytest.raises(ValueError, match="no name for an object"):
                ask(name)


def test_links_live_as_long_as_they_may(store: Store) -> None:
    store.write("a", b"x")
    assert "a" in store.link("a", 60).url
    assert store.link("a", 60).url not in repr(store.link("a", 60))
    for seconds in (0, -1, 7 * 24 * 3600 + 1):
        with pytest.raises(ValueError, match="7 days"):
            store.link("a", seconds)


def test_the_check_of_a_store_that_works_leaves_nothing(store: Store) -> None:
    store.check()
    assert list(store.names()) == []


def test_a_file_that_was_changed_on_the_disk_is_not_handed_out(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.write("film", b"abc")
    facts = (tmp_path / "store" / "film").stat()
    (tmp_path / "store" / "film").write_bytes(b"abd")
    for times in (None, (facts.st_atime_ns, facts.st_mtime_ns)):  # with a new time, and with nothing but other bytes
        if times:
            os.utime(tmp_path / "store" / "film", ns=times)
        with pytest.raises(Corrupt):
            store.get("film", tmp_path / "target")
        with pytest.raises(Corrupt):
            store.read("film")
    assert not (tmp_path / "target").exists()


def test_a_folder_writer_that_dies_between_facts_and_file_leaves_the_earlier_version_whole(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.write("film", b"abc")
    original = Path.replace

    def die(self: Path, target: Path) -> Path:
        if self.parent.name == "parts":
            raise KeyboardInterrupt
        return original(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            store.write("film", b"defg")
    assert store.read("film") == b"abc"
    assert not list((tmp_path / "store" / ".store" / "parts").iterdir())
    store.write("film", b"defg")
    assert store.read("film") == b"defg"


def test_what_a_writer_who_died_has_left_in_a_folder_is_swept_by_its_age(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.write("film", b"abc")
    left = file(tmp_path / "store" / ".store" / "parts", b"half a film", "left")
    assert store.sweep_uploads(datetime.now(UTC) - timedelta(hours=1)) == 0
    os.utime(left, (0, 0))
    assert store.sweep_uploads(datetime.now(UTC) - timedelta(hours=1)) == 1
    assert not left.exists()
    with pytest.raises(ValueError, match="without a zone"):
        MemoryStore().sweep_uploads(datetime.now(UTC).replace(tzinfo=None))


def test_a_file_that_others_put_there_has_no_hash_and_is_never_taken_for_ours(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "rows.csv").write_bytes(b"a,b")
    assert store.head("rows.csv") == Stored("rows.csv", 3, "")
    assert store.get("rows.csv", tmp_path / "got") == Stored("rows.csv", 3, sha256_of(b"a,b"))
    with pytest.raises(Conflict):
        store.write("rows.csv", b"a,b", if_absent=True)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file")
    with pytest.raises(StoreError, match="cannot be written"):
        FolderStore(tmp_path / "store").write("a", b"x")


def test_memory_that_rots_is_noticed() -> None:
    from dataclasses import replace

    store = MemoryStore()
    store.write("a", b"x")
    store._kept["a"] = replace(store._kept["a"], content=b"y")
    with pytest.raises(Corrupt):
        store.read("a")
