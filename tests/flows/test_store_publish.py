"""Films go to a bucket by the same rules as to a folder: files first, then the list, and again without a copy."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import cli
from flows.ages import seconds_of
from flows.files import sha256_file
from flows.model import BadInput
from flows.publish import publish
from flows.stores.bucket import BucketStore
from flows.stores.contract import Store
from flows.stores.folder import FolderStore
from flows.stores.memory import MemoryStore
from tests.flows.reviewed import Reviewed, reviewed
from tests.flows.s3_proxy import FOR_EVER, Fault, FaultProxy
from tests.flows.stores_made import BUCKET, SECRET_KEY, bucket_store, one_proxy, proxy, server, set_credentials

__all__ = ["one_proxy", "proxy", "server"]


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",), required=False)
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    """A finished run of four deliveries that nobody has to approve."""
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


@pytest.fixture
def bucket(proxy: FaultProxy, tmp_path: Path) -> BucketStore:
    return bucket_store(proxy.address, tmp_path / "notes")


def put(proxy: FaultProxy) -> list[str]:
    """Names of what was sent, in its order."""
    return [one.rsplit("/", 1)[1] for one in proxy.seen if one.startswith("PUT ") and "/probe-" not in one]


def test_files_come_first_and_the_list_last(made: Reviewed, bucket: BucketStore, proxy: FaultProxy) -> None:
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.present, done.refused) == (4, 0, [])
    assert done.shelf.place == f"{bucket.address}/tea"
    sent = put(proxy)
    assert len(sent) == 4 * 4 + 1
    assert sent[-1] == "published.json"
    listed = json.loads(bucket.read("tea/published.json") or b"")
    assert {record.status for record in made.records} == {"published"}
    for item in listed["deliveries"]:
        for name, sha256 in item["files"].items():
            there = bucket.head(f"tea/{name}")
            assert there
            assert there.sha256 == sha256
    assert len(list(bucket.names())) == 17


def test_a_second_run_sends_nothing(made: Reviewed, bucket: BucketStore, proxy: FaultProxy) -> None:
    publish(made.folder, bucket, made.ledger)
    proxy.seen.clear()
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.present) == (0, 4)
    assert put(proxy) == []


@pytest.mark.fault(8, "503 for ever to one film of four")
def test_what_stops_half_way_is_not_on_the_list_and_goes_on(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy
) -> None:
    proxy.faults = [Fault("503 SlowDown", "PUT", path="offer--linkedin_square.*mp4", times=FOR_EVER)]
    with pytest.raises(BadInput, match="publish again to go on") as caught:
        publish(made.folder, bucket, made.ledger)
    assert caught.value.problems[0].code == "transient"
    assert bucket.read("tea/published.json") is None
    assert {record.status for record in made.records} == {"done"}
    proxy.faults = []
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.present) == (1, 3)
    assert bucket.read("tea/published.json")


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_somebody_elses_file_is_not_written_over(made: Reviewed, tmp_path: Path, kind: str) -> None:
    store: Store = MemoryStore() if kind == "memory" else FolderStore(tmp_path / "store")
    record = made.records[0]
    name = f"tea/{record.creative_id}--{record.placement}--{record.sha256[:8]}"
    store.write(f"{name}.mp4", b"theirs")
    (refusal,) = publish(made.folder, store, made.ledger).refused
    assert refusal.code == "conflict"
    assert store.read(f"{name}.mp4") == b"theirs"
    store.delete(f"{name}.mp4")
    assert publish(made.folder, store, made.ledger).copied == 1
    # Facts that we have published ourselves may be renewed.
    facts = (made.folder / record.path).with_suffix(".json")
    facts.write_text(facts.read_text("utf-8") + "\n", "utf-8")
    assert not publish(made.folder, store, made.ledger).refused
    assert store.read(f"{name}.json") == facts.read_bytes()


def test_a_list_that_is_not_ours_is_left_alone(made: Reviewed) -> None:
    store = MemoryStore()
    store.write("tea/published.json", b"[]")
    with pytest.raises(BadInput, match="no list of published deliveries"):
        publish(made.folder, store, made.ledger)
    assert list(store.names()) == ["tea/published.json"]


def test_changed_bytes_never_leave(made: Reviewed) -> None:
    store = MemoryStore()
    film = made.final(made.records[0])
    film.write_bytes(film.read_bytes()[:-1] + b"!")
    (refusal,) = publish(made.folder, store, made.ledger).refused
    assert refusal.code == "bytes_changed"
    assert sum(name.endswith(".mp4") for name in store.names()) == 3


def test_links_open_the_films_and_lie_in_one_file_for_its_owner_alone(
    made: Reviewed, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.chdir(tmp_path)
    words = ["publish", "out/tea", "--to", f"s3://{BUCKET}/{tmp_path.name}", "--links", "7d"]
    result = CliRunner().invoke(cli.commands, words)
    assert result.exit_code == cli.ALL_DONE, result.output
    assert "4 published, 0 there already, 0 refused." in result.output
    assert "links.csv; whoever has one has the film until it expires." in result.output
    path = made.folder / "links.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["creative_id"], row["placement"]) for row in rows} == {record.key for record in made.records}
    for row in rows:
        expires = datetime.strptime(row["expires_at"], "%Y-%m-%dT%H:%M:%S%z")
        assert abs(expires - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=5)
        with urllib.request.urlopen(row["url"], timeout=10) as answer:
            assert sha256_file(made.final(made.record(row["creative_id"], row["placement"]))) == row["sha256"]
            assert answer.status == 200
    everything = result.output + "".join(
        file.read_text("utf-8", "replace") for file in made.folder.rglob("*") if file.suffix in (".csv", ".json")
    )
    assert SECRET_KEY not in everything
    path.unlink()
    assert not any("X-Amz" in file.read_text("utf-8", "replace") for file in made.folder.glob("*.csv"))


def test_links_that_cannot_be_are_refused_before_anything_is_copied(made: Reviewed, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder has no links"):
        publish(made.folder, tmp_path / "to", made.ledger, 60)
    store = MemoryStore()
    with pytest.raises(BadInput, match="7 days"):
        publish(made.folder, store, made.ledger, 8 * 24 * 3600)
    assert not (tmp_path / "to").exists()
    assert list(store.names()) == []


def test_spans_of_time_are_read_as_they_are_written() -> None:
    assert [seconds_of(text, "--links") for text in ("90m", "12h", "7d", "4w")] == [5400, 43200, 604800, 2419200]
    for text in ("", "7", "d", "0d", "-1d", "1.5h", "7 days", "9999999d"):
        with pytest.raises(BadInput, match="no span of time"):
            seconds_of(text, "--links")
