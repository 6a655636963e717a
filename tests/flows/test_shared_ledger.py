"""One ledger before a folder and a store: what is told to be finished is on the store, and comes when it is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.crew import InlineCrew
from flows.files import sha256_file
from flows.jobs import Batch, FilmJob, FootageJob
from flows.keys import new_keys
from flows.ledger import LOCK_DIGITS, Ledger, Workspace, digest
from flows.model import BadInput
from flows.node import SecretMissing, secret_bytes, secret_here
from flows.order import Order, prepare
from flows.settings import Settings
from flows.steps import Asset, Secret
from flows.steps.files import with_files
from flows.stores.assets import AssetChanged, AssetSender, bring_asset
from flows.stores.contract import Corrupt, Store, StoreFailed
from flows.stores.memory import MemoryStore
from flows.stores.mirror import LedgerMirror
from flows.stores.shared import LedgerPlace, SharedLedger
from flows.studio import Run
from tests.flows.small import small_campaign
from tests.flows.stores_made import KINDS, server, store_of

__all__ = ["server"]

KEY = digest("a step")


def write(text: str) -> Callable[[Workspace], None]:
    def work(space: Workspace) -> None:
        space.file("a.txt").write_text(text)
        space.facts["length"] = len(text)

    return work


def machine(tmp_path: Path, name: str, store: Store, *, lists: bool = False) -> SharedLedger:
    root = tmp_path / name
    return SharedLedger(root, LedgerMirror(Ledger(root), store), lists=lists)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> Store:
    return store_of(request.param, tmp_path, server)


def test_what_a_worker_has_made_is_found_by_others_and_by_the_driver(store: Store, tmp_path: Path) -> None:
    one, two, driver = (machine(tmp_path, name, store, lists=name == "driver") for name in ("one", "two", "driver"))
    assert driver.find("test", KEY) is None  # it has listed the kind by now
    assert not one.make("test", KEY, write("from one")).cached
    assert two.make("test", KEY, write("never written")).file("a.txt").read_text() == "from one"
    assert driver.find("test", KEY) is None
    driver.learn("test", KEY)
    assert (driver.keys("test"), one.keys("test")) == ({KEY}, {KEY})
    looked = driver.look("test", KEY)
    assert looked
    assert looked.facts == {"length": 8}
    assert not driver.home("test", KEY).exists(), "to know of a step costs none of its bytes"
    found = driver.find("test", KEY)
    assert found
    assert found.file("a.txt").read_text() == "from one"


def test_what_was_made_before_there_was_a_store_or_while_it_failed_goes_there_when_it_is_needed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine(tmp_path, "one", store)
    Ledger(one.root).make("test", KEY, write("long ago"))
    assert machine(tmp_path, "two", store).find("test", KEY) is None
    assert one.find("test", KEY)
    assert machine(tmp_path, "three", store).find("test", KEY)

    other, put = digest("another"), store.put

    def fails(*given: object, **named: object) -> None:
        raise StoreFailed("down")

    monkeypatch.setattr(store, "put", fails)
    with pytest.raises(StoreFailed):
        one.make("test", other, write("made"))
    monkeypatch.setattr(store, "put", put)
    assert one.make("test", other, write("never written")).file("a.txt").read_text() == "made"
    assert machine(tmp_path, "four", store).find("test", other)


def test_what_is_no_longer_whole_on_the_store_is_missing(tmp_path: Path) -> None:
    store = MemoryStore()
    machine(tmp_path, "one", store).make("test", KEY, write("text"))
    driver = machine(tmp_path, "driver", store, lists=True)
    assert driver.look("test", KEY)
    store.delete(next(name for name in store.names() if name.endswith("a.txt")))
    assert driver.find("test", KEY) is None
    assert driver.look("test", KEY) is None
    assert not machine(tmp_path, "two", store).make("test", KEY, write("again")).cached


def test_a_step_can_be_brought_while_another_with_its_lock_is_made(tmp_path: Path) -> None:
    store = MemoryStore()
    key, fellow = KEY[:LOCK_DIGITS] + "0" * 29, KEY[:LOCK_DIGITS] + "1" * 29
    machine(tmp_path, "one", store).make("test", fellow, write("needed"))
    two = machine(tmp_path, "two", store)

    def work(space: Workspace) -> None:
        found = two.find("test", fellow)
        assert found
        assert two.sweep() == 0
        write(found.file("a.txt").read_text())(space)

    assert two.make("test", key, work).file("a.txt").read_text() == "needed"


def test_a_step_that_is_being_brought_is_not_swept_away(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with ledger.bringing(KEY) as space:
        assert Ledger(tmp_path).sweep() == 0
        assert space.folder.is_dir()
    assert list((tmp_path / "work").iterdir()) == []
    (tmp_path / "work" / f"get-{KEY}-12345678").mkdir()
    assert ledger.sweep() == 1


def test_a_campaign_is_made_on_one_machine_and_costs_nothing_on_another(tmp_path: Path) -> None:
    new_keys(tmp_path / "keys", "Tests", 30)  # one certificate: a machine's own would sign another film
    campaign = small_campaign(tmp_path / "campaign", rows="row_id,product,price\nred,Red cup,9.90\n")
    address = f"file://{tmp_path}/shared"

    def run(name: str) -> Run:
        keys = {f"sign_{name}": str(tmp_path / "keys" / f"{name}.pem") for name in ("key", "chain")}
        settings = Settings(out=tmp_path / name, store=address, **keys)
        work = Run(Order(campaign), settings, lambda: InlineCrew(LedgerPlace(settings.ledger_folder, address)))
        work.read()
        for _ in work.produce():
            pass
        work.report()
        return work

    one, two = run("one"), run("two")
    made = [sum(cost.made for cost in work.costs.by_kind.values()) for work in (one, two)]
    assert (made[0] > 5, made[1]) == (True, 0)
    films = [next((tmp_path / name).glob("Small/*/*.mp4")).read_bytes() for name in ("one", "two")]
    assert films[0] == films[1]
    kinds = {path.name for path in (tmp_path / "two" / ".ledger" / "steps").iterdir()}
    assert kinds == {"delivery", "package"}, "footage and masters stay where they are"


def test_a_store_without_rights_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    work = Run(
        Order(small_campaign(tmp_path / "campaign")),
        Settings(out=tmp_path / "out", store=f"file://{tmp_path}/file/shared"),
    )
    with pytest.raises(BadInput, match="file/shared"):
        work.read()


# --- the user's files -----------------------------------------------------------------------------------------------


def test_files_of_the_user_come_over_the_store_by_their_bytes(store: Store, tmp_path: Path) -> None:
    picture = tmp_path / "Ünser Bild.png"
    picture.write_bytes(b"pixels")
    sha256 = sha256_file(picture)
    sender = AssetSender(store)
    assert sender.send(picture, sha256) == picture
    brought = bring_asset(store, tmp_path / "node", picture, sha256)
    assert (brought.name, brought.read_bytes()) == (picture.name, b"pixels")
    picture.unlink()
    assert sender.send(picture, sha256) == picture, "it is there by now"
    assert bring_asset(store, tmp_path / "node", picture, sha256) == brought
    with pytest.raises(AssetChanged, match="changed or removed"):
        AssetSender(store).send(picture, "0" * 64)


def test_a_file_that_is_another_one_on_the_store_does_not_come(tmp_path: Path) -> None:
    store, sha256 = MemoryStore(), "ab" * 32
    store.write(f"assets/ab/{sha256}", b"something else")
    with pytest.raises(Corrupt):
        bring_asset(store, tmp_path, Path("logo.png"), sha256)
    assert not list(tmp_path.rglob("logo*"))


def test_every_file_of_a_job_moves_and_no_secret_does(tmp_path: Path) -> None:
    plan = next(prepare(Order(small_campaign(tmp_path))).plans())
    film = plan.films[0]
    font, logo, secret = tmp_path / "font.ttf", tmp_path / "logo.png", tmp_path / "mark.key"
    brand = dataclasses.replace(
        film.master.brand, logo=logo, logo_sha256="1" * 64, fonts=(font,), fonts_sha256=("2" * 64,)
    )
    shot = dataclasses.replace(film.master.plate.footage[0], picture=Asset(tmp_path / "cup.png", "3" * 64))
    plate = dataclasses.replace(film.master.plate, footage=(shot,))
    master = dataclasses.replace(film.master, brand=brand, plate=plate, mark_secret=Secret(secret, "4" * 64))
    package = dataclasses.replace(film.deliveries[0].package, master=master)
    delivery = dataclasses.replace(film.deliveries[0], package=package)
    job = FilmJob(master, (delivery,))
    moved = with_files(job, lambda path, sha256: Path("/node") / sha256[0] / path.name)
    assert (moved.master.brand.logo, moved.master.brand.fonts) == (
        Path("/node/1/logo.png"),
        (Path("/node/2/font.ttf"),),
    )
    assert moved.master.plate.footage[0].picture == Asset(Path("/node/3/cup.png"), "3" * 64)
    assert moved.master.mark_secret == Secret(secret, "4" * 64)
    assert moved.deliveries[0].package.master is moved.master, "what films share is sent once"
    assert (moved.id, moved.master.key) == (job.id, job.master.key)
    seen: list[Path] = []
    with_files(Batch((FootageJob(shot),)), lambda path, sha256: seen.append(path) or path)  # type: ignore[func-returns-value]
    assert seen == [tmp_path / "cup.png"]


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_lies_where_the_driver_has_it_or_where_the_machine_says(tmp_path: Path) -> None:
    there, own = tmp_path / "mark.key", tmp_path / "own.key"
    own.write_bytes(b"0123456789abcdef")
    with pytest.raises(SecretMissing, match="SPOTMILL_MARK_KEY"):
        secret_here(there, "SPOTMILL_MARK_KEY", {})
    named = {"SPOTMILL_MARK_KEY": str(own)}
    assert secret_here(there, "SPOTMILL_MARK_KEY", named) == own
    assert secret_bytes(Secret(there, sha256_file(own)), named) == b"0123456789abcdef"
    with pytest.raises(SecretMissing, match="is not the secret"):
        secret_bytes(Secret(there, "0" * 64), named)
    assert secret_bytes(None, named) == b""
