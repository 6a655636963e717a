"""What a store and the network do while films are published: each film there once, with its bytes, or a sentence."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from flows.files import sha256_file
from flows.model import BadInput
from flows.publish import publish
from flows.stores.bucket import BucketStore
from flows.stores.contract import Store
from flows.stores.memory import MemoryStore
from tests.faults.ending import Ending
from tests.faults.runs import ROOT
from tests.flows.reviewed import Reviewed, reviewed
from tests.flows.s3_proxy import FOR_EVER, Fault, FaultProxy
from tests.flows.stores_made import bucket_store, one_proxy, proxy, server

__all__ = ["one_proxy", "proxy", "server"]


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",), required=False)
    return out


@pytest.fixture(scope="module")
def undisturbed(run_once: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a store holds when nothing goes wrong."""
    out, store = tmp_path_factory.mktemp("undisturbed") / "out", MemoryStore()
    shutil.copytree(run_once, out, copy_function=shutil.copy2)
    publish(out / "tea", store, Reviewed(out / "tea").ledger)
    return films(store)


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    """A finished run of four deliveries that nobody has to approve."""
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


@pytest.fixture
def bucket(proxy: FaultProxy, tmp_path: Path) -> BucketStore:
    """Reads back what it sends: the server does not look at checksums."""
    store = bucket_store(proxy.address, tmp_path / "notes")
    assert not store._looks_at_checksums()
    proxy.seen.clear()
    return store


def films(store: Store) -> dict[str, str]:
    """Every film in a store, by the bytes that come back."""
    names = [name for name in store.names() if name.endswith(".mp4")]
    found = {}
    for name in names:
        there = store.head(name)
        assert there
        found[name] = there.sha256
    return found


def sends(proxy: FaultProxy, ending: str = ".mp4") -> Counter[str]:
    """How often each file was sent."""
    put = [one.rsplit("/", 1)[1] for one in proxy.seen if one.startswith("PUT ")]
    return Counter(name for name in put if name.endswith(ending))


PASSING = [
    Fault("500 InternalError", "PUT", path="question--tiktok.*mp4", times=2),
    Fault("503 SlowDown", "PUT", path="question--linkedin.*mp4"),
    Fault("lost", "PUT", path="offer--tiktok.*mp4"),
    Fault("reset", "PUT", path="offer--linkedin.*mp4"),
    Fault("slow", "PUT", path="offer--linkedin.*vtt", seconds=1.3),
    Fault("reset", "PUT", path="published.json"),
]


@pytest.mark.fault(8, "one call meets 500 twice, 503, a lost answer, hang-ups and a server slower than the deadline")
def test_what_passes_is_tried_again(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault(one.kind, one.method, one.path, one.times, one.seconds) for one in PASSING]
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.refused) == (4, [])
    assert all(fault.times == 0 for fault in proxy.faults), "every fault was met"
    sent = sends(proxy)
    assert len(list(bucket.names())) == 17
    ended.complete(films(bucket), undisturbed, films_sent=sum(sent.values()), faults_met=sum(f.times for f in PASSING))


def refused(made: Reviewed, bucket: BucketStore) -> list[str]:
    """Publish, and what it said of why it could not."""
    with pytest.raises(BadInput) as caught:
        publish(made.folder, bucket, made.ledger)
    assert {record.status for record in made.records} == {"done"}, "nothing counts as published yet"
    return [problem.sentence() for problem in caught.value.problems]


def then_whole(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending, said: list[str]
) -> None:
    """Publish once more without the fault."""
    requests = len(proxy.seen)
    proxy.faults = []
    done = publish(made.folder, bucket, made.ledger)
    assert done.refused == []
    assert {record.status for record in made.records} == {"published"}
    ended.failed(said, films(bucket), undisturbed, requests_until_it_gave_up=requests)


@pytest.mark.fault(9, "the bucket answers AccessDenied, ExpiredToken or NoSuchBucket to everything")
@pytest.mark.parametrize(
    "answer",
    [
        "403 AccessDenied",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("400 ExpiredToken", "404 NoSuchBucket")),
    ],
)
def test_what_is_refused_is_asked_once(
    made: Reviewed,
    bucket: BucketStore,
    proxy: FaultProxy,
    undisturbed: dict[str, str],
    ended: Ending,
    answer: str,
) -> None:
    proxy.faults = [Fault(answer, times=FOR_EVER)]
    said = refused(made, bucket)
    assert len(proxy.seen) <= 2, "no storm of requests"
    then_whole(made, bucket, proxy, undisturbed, ended, said)


@pytest.mark.fault(9, "the rights end in the middle: the second film is refused")
def test_rights_that_end_in_the_middle_keep_what_is_there(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault("400 ExpiredToken", "PUT", path="linkedin.*mp4", times=FOR_EVER)]
    said = refused(made, bucket)
    there = films(bucket)
    assert len(there) == 1
    sent = sends(proxy)
    then_whole(made, bucket, proxy, undisturbed, ended, said)
    (first,) = there
    assert sends(proxy)[first.rsplit("/", 1)[1]] == sent[first.rsplit("/", 1)[1]], "it was sent again"


@pytest.mark.slow
@pytest.mark.fault(8, "the server answers 503 for ever to one film")
def test_a_server_that_stays_down_is_a_sentence(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault("503 SlowDown", "PUT", path="offer--tiktok.*mp4", times=FOR_EVER)]
    said = refused(made, bucket)
    assert sum(sends(proxy)[name] for name in sends(proxy) if "offer--tiktok" in name) == bucket.requests.attempts
    then_whole(made, bucket, proxy, undisturbed, ended, said)


@pytest.mark.fault(20, "the store says that our clock is wrong (RequestTimeTooSkewed)")
def test_a_wrong_clock_is_named_by_the_store(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault("403 RequestTimeTooSkewed", times=FOR_EVER)]
    said = refused(made, bucket)
    assert "clock is wrong" in said[0]
    then_whole(made, bucket, proxy, undisturbed, ended, said)


@pytest.mark.fault(10, "a bit flips on its way up, once")
def test_bytes_that_change_once_are_sent_again(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault("flip up", "PUT", path="tiktok.*mp4")]
    assert publish(made.folder, bucket, made.ledger).refused == []
    ended.complete(films(bucket), undisturbed, films_sent=sum(sends(proxy).values()))


@pytest.mark.slow
@pytest.mark.fault(10, "a bit of one film flips on its way up every time")
def test_bytes_that_always_change_are_taken_away(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    proxy.faults = [Fault("flip up", "PUT", path="offer--tiktok.*mp4", times=FOR_EVER)]
    said = refused(made, bucket)
    assert not [name for name in films(bucket) if "offer--tiktok" in name]
    then_whole(made, bucket, proxy, undisturbed, ended, said)


PUBLISHER = """
import sys
from pathlib import Path
from flows.publish import publish
from tests.flows.reviewed import Reviewed
from tests.flows.stores_made import bucket_store
made = Reviewed(Path(sys.argv[1]))
store = bucket_store(sys.argv[2], Path(sys.argv[3]), prefix=sys.argv[4])
publish(made.folder, store, made.ledger)
"""


@pytest.mark.fault(5, "kill -9 when the last film is in the store and the list that names it is being written")
@pytest.mark.parametrize("moment", ["offer--linkedin.*mp4", pytest.param("published.json", marks=pytest.mark.slow)])
def test_kill_9_of_a_publication_sends_no_film_twice(
    made: Reviewed,
    bucket: BucketStore,
    proxy: FaultProxy,
    undisturbed: dict[str, str],
    ended: Ending,
    moment: str,
) -> None:
    """The proxy holds a request up, and the publisher is killed meanwhile. A film that was held up arrives all the
    same, with nobody left who knows."""
    proxy.faults = [Fault("slow", "PUT", path=moment, seconds=0.8)]
    words = [
        sys.executable,
        "-c",
        PUBLISHER,
        str(made.folder),
        proxy.address,
        str(bucket.notes),
        bucket._root.rstrip("/"),
    ]
    child = subprocess.Popen(words, cwd=ROOT)
    deadline = time.monotonic() + 60
    while proxy.faults[0].times and time.monotonic() < deadline:
        assert child.poll() is None
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait(60) == -signal.SIGKILL
    until = time.monotonic() + 10
    while len(films(bucket)) < 4 and time.monotonic() < until:
        time.sleep(0.05)  # what was held up arrives
    assert {record.status for record in made.records} == {"done"}
    there, before = films(bucket), sends(proxy)
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.present) == (4 - len(there), len(there))
    assert {record.status for record in made.records} == {"published"}
    again = sends(proxy) - before
    assert len(list(bucket.names())) == 17
    ended.complete(films(bucket), undisturbed, films_sent_again=sum(again.values()), killed_at=moment)
    assert not again


@pytest.mark.slow
@pytest.mark.fault(24, "published once more, nothing changed")
def test_publishing_again_sends_nothing(
    made: Reviewed, bucket: BucketStore, proxy: FaultProxy, undisturbed: dict[str, str], ended: Ending
) -> None:
    publish(made.folder, bucket, made.ledger)
    proxy.seen.clear()
    before = sha256_file(made.folder / "results.csv")
    done = publish(made.folder, bucket, made.ledger)
    assert (done.copied, done.present) == (0, 4)
    assert sha256_file(made.folder / "results.csv") == before
    ended.complete(films(bucket), undisturbed, films_sent=sum(sends(proxy).values()))
    assert not sends(proxy, "")
