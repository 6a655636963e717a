"""Collecting removes what nobody refers to and what is old, both; nothing while somebody works, nothing on a guess."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import cli
from flows.gc import collect, collect_store, using
from flows.ledger import Ledger, Workspace, digest
from flows.model import BadInput
from flows.registry import Entry, Registry
from flows.review.release import held
from flows.stores.contract import Listed, Store
from flows.stores.memory import MemoryStore
from flows.stores.mirror import LedgerMirror
from tests.flows.reviewed import Reviewed, reviewed

DAY = 24 * 3600
OLD, YOUNG = digest("old"), digest("young")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",))
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    """A finished run of four deliveries, 40 days old; beside it an old step and a young one that nobody names."""
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    made = Reviewed(tmp_path / "out" / "tea")
    for key in (OLD, YOUNG):
        made.ledger.make("footage", key, lambda space: space.file("video.mp4").write_bytes(b"x" * 1000) and None)
    for marker in made.ledger.root.glob("steps/*/*/*/done.json"):
        if YOUNG not in str(marker):
            age(marker)
    return made


def age(path: Path, days: int = 40) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def out_of(made: Reviewed) -> list[Path]:
    return [made.folder.parent]


def test_what_is_old_and_not_referred_to_goes_and_nothing_else(made: Reviewed) -> None:
    marker = made.ledger.home("footage", OLD) / "done.json"
    size = 1000 + marker.stat().st_size
    dry = collect(made.ledger, out_of(made), older_seconds=30 * DAY, dry_run=True)
    assert made.ledger.find("footage", OLD)
    done = collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert dry.removed == done.removed == {"footage": (1, size)}
    assert (done.referred, done.young, done.busy, done.total_bytes) == (8, 1, 0, size)
    assert made.ledger.find("footage", OLD) is None
    assert made.ledger.find("footage", YOUNG)
    for record in made.records:
        assert made.final(record).is_file()
    assert not list((made.ledger.root / "work").glob("*"))
    assert collect(made.ledger, out_of(made), older_seconds=30 * DAY).removed == {}


def test_what_the_registry_remembers_stays_without_its_film_in_the_folder(made: Reviewed) -> None:
    record = made.records[0]
    key = made.facts(record)["steps"]["delivery"]  # type: ignore[index]
    entry = Entry("", record.sha256, "Tea", record.creative_id, 1, "red", record.placement, key)
    Registry(made.ledger.root).add(entry)
    made.approvals.decide(record.sha256, "approve", "Ada")
    shutil.rmtree((made.folder / record.path).parent)
    done = collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert made.ledger.find("delivery", key)
    assert made.ledger.find("draft", key) is None
    assert done.removed["draft"][0] == 2
    assert made.approvals.state(record.sha256) == "approved"
    assert Registry(made.ledger.root).by_sha256(record.sha256) == (entry,)


def test_films_that_were_moved_aside_are_referred_to(made: Reviewed) -> None:
    (made.folder / "retired" / "2026-11-26").mkdir(parents=True)
    record = made.records[0]
    home = (made.folder / record.path).parent
    home.rename(made.folder / "retired" / "2026-11-26" / home.name)
    assert collect(made.ledger, out_of(made), older_seconds=30 * DAY).referred == 8


def test_a_damaged_step_goes_by_its_age(made: Reviewed) -> None:
    home = made.ledger.home("footage", OLD)
    (home / "done.json").unlink()
    assert collect(made.ledger, out_of(made), older_seconds=30 * DAY).young == 2
    age(home)
    assert collect(made.ledger, out_of(made), older_seconds=30 * DAY).removed == {"footage": (1, 1000)}


def test_nothing_is_removed_while_a_run_writes_or_a_step_is_made(made: Reviewed) -> None:
    with held(made.folder), pytest.raises(BadInput, match="another run is writing here"):
        collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    with made.ledger.making("plate", [digest("other")]), pytest.raises(BadInput, match="steps are being made here"):
        collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert made.ledger.find("footage", OLD)


def test_a_run_that_uses_the_ledger_keeps_everything(made: Reviewed) -> None:
    with using(made.ledger), using(made.ledger), pytest.raises(BadInput, match="a run is going on here"):
        collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert made.ledger.find("footage", OLD)
    assert collect(made.ledger, out_of(made), older_seconds=30 * DAY).removed


def test_old_notes_of_uploads_go_too(made: Reviewed) -> None:
    notes = made.ledger.root / "uploads" / "bucket-ads"
    notes.mkdir(parents=True)
    for name in ("old.json", "young.json"):
        (notes / name).write_text("{}")
    age(notes / "old.json")
    collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert [path.name for path in notes.iterdir()] == ["young.json"]


def test_a_step_whose_lock_is_taken_meanwhile_stays(made: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "busy", lambda self: False)
    with made.ledger.making("footage", [OLD]):
        done = collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    assert (done.busy, done.removed) == (1, {})
    assert made.ledger.find("footage", OLD)


def test_what_cannot_be_read_is_not_taken_for_nothing(made: Reviewed, tmp_path: Path) -> None:
    facts = (made.folder / made.records[0].path).with_suffix(".json")
    content = facts.read_text("utf-8")
    facts.write_text(content[:40], "utf-8")
    with pytest.raises(BadInput, match="not known what it refers to"):
        collect(made.ledger, out_of(made), older_seconds=30 * DAY)
    facts.write_text(content, "utf-8")
    for folder in (tmp_path / "typo", made.folder):
        with pytest.raises(BadInput, match="no results are here"):
            collect(made.ledger, [folder], older_seconds=30 * DAY)
    assert made.ledger.find("footage", OLD)
    assert not (tmp_path / "typo").exists()


class DatedStore(MemoryStore):
    """Memory in which everything under some names is old."""

    def __init__(self) -> None:
        super().__init__()
        self.old: set[str] = set()
        self.deleted: list[str] = []

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        then = datetime.now(UTC) - timedelta(days=40)
        for item in super().listing(prefix):
            yield Listed(item.name, item.size, then) if item.name in self.old else item

    def delete(self, name: str) -> None:
        self.deleted.append(name)
        super().delete(name)


def keys_of(store: Store) -> set[str]:
    return {name.split("/")[3] for name in store.names("steps")}


def test_a_store_is_swept_of_old_steps_and_of_what_beaten_machines_left(made: Reviewed, tmp_path: Path) -> None:
    store = DatedStore()
    mirror = LedgerMirror(made.ledger, store)
    kept = made.facts(made.records[0])["steps"]["delivery"]  # type: ignore[index]
    for kind, key in (("footage", OLD), ("delivery", kept)):
        assert mirror.push(kind, key)
    store.write(f"steps/delivery/{kept[:2]}/{kept}/{'a' * 32}/video.mp4", b"of a machine that died")
    store.write("steps/footage/other.txt", b"not ours")
    store.write("assets/aa/old", b"a picture")
    store.old = set(store.names())
    mirror.push("footage", YOUNG)
    store.write("assets/bb/young", b"another")
    store.write(f"steps/plate/{OLD[:2]}/{OLD}/{'b' * 32}/video.mp4", b"being sent right now")
    before = set(store.names())
    dry = collect_store(store, made.ledger, out_of(made), older_seconds=30 * DAY, dry_run=True)
    assert set(store.names()) == before
    done = collect_store(store, made.ledger, out_of(made), older_seconds=30 * DAY)
    assert dry.removed == done.removed
    assert {kind: steps for kind, (steps, _) in done.removed.items()} == {"footage": 1, "delivery": 0, "asset": 1}
    assert list(store.names("assets")) == ["assets/bb/young"]
    assert (done.referred, done.young) == (1, 1)
    assert store.deleted[0].endswith(f"{'a' * 32}/video.mp4")
    assert store.deleted[1].endswith(f"{OLD}/done.json")
    assert store.read("steps/footage/other.txt") == b"not ours"
    other = LedgerMirror(Ledger(tmp_path / "other"), store)
    assert other.fetch("delivery", kept)
    assert other.fetch("footage", YOUNG)
    assert not other.fetch("footage", OLD)
    assert f"steps/plate/{OLD[:2]}/{OLD}/{'b' * 32}/video.mp4" in set(store.names())


def test_a_store_keeps_a_day_at_least(made: Reviewed) -> None:
    with pytest.raises(BadInput, match="1d or more"):
        collect_store(MemoryStore(), made.ledger, out_of(made), older_seconds=3600)


def test_the_command_says_what_it_did(made: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dry = CliRunner().invoke(cli.commands, ["gc", "--dry-run"])
    assert "would be removed." in dry.output
    done = CliRunner().invoke(cli.commands, ["gc", "--older-than", "30d"])
    assert done.exit_code == cli.ALL_DONE
    assert "1 step, 1.1 kB removed." in done.output
    assert "Kept: 8 referred to, 1 younger, 0 in use." in done.output
    (tmp_path / "spotmill.toml").write_text(f'ledger = "{made.ledger.root}"\nstore = "file://{tmp_path}/store"\n')
    for words, match in (
        ([], "Name every results' folder that uses it"),
        (["--out", "out", "--older-than", "soon"], "no span of time"),
        (["--out", "out", "--out", "typo"], "no results are here"),
        (["--out", "out", "--older-than", "1h", "--store"], "1d or more"),
    ):
        result = CliRunner().invoke(cli.commands, ["gc", *words])
        assert isinstance(result.exception, BadInput)
        assert match in str(result.exception)
    assert "0 steps" in CliRunner().invoke(cli.commands, ["gc", "--out", "out", "--store"]).output
    (tmp_path / "spotmill.toml").unlink()
    several = CliRunner().invoke(cli.commands, ["gc", "--out", "out", "--out", "other"])
    assert "ledger of its own" in str(several.exception)


def test_the_ledger_removes_by_one_rename(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)

    def work(space: Workspace) -> None:
        space.file("a").write_bytes(b"x")

    ledger.make("plate", OLD, work)
    assert not ledger.busy()
    with ledger.making("plate", [OLD]):
        assert ledger.busy()
        assert not ledger.remove("plate", OLD)
    assert ledger.remove("plate", OLD)
    assert ledger.remove("plate", OLD)
    assert ledger.find("plate", OLD) is None
    assert json.dumps(sorted(path.name for path in (tmp_path / "work").iterdir())) == "[]"


@pytest.mark.slow
def test_a_run_after_collecting_makes_nothing_anew(tmp_path: Path) -> None:
    from tests.flows.small import run, small_campaign

    campaign = small_campaign(tmp_path / "campaign", rows="row_id,product,price\nred,Red cup,9.90\n")
    run(campaign, tmp_path / "out")
    ledger = Ledger(tmp_path / "out" / ".ledger")
    done = collect(ledger, [tmp_path / "out"], older_seconds=-10)
    assert set(done.removed) == {"bed", "mix"}
    before = {path: path.stat().st_mtime_ns for path in ledger.root.glob("steps/*/*/*/done.json")}
    assert run(campaign, tmp_path / "out").summary.counts == {"done": 1}
    assert {path: path.stat().st_mtime_ns for path in ledger.root.glob("steps/*/*/*/done.json")} == before
