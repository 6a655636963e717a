"""What a server and the network do to a bucket, done for real: each ends whole, or as a sentence and nothing left."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from flows.files import sha256_file
from flows.model import BadInput
from flows.redaction import redact
from flows.stores import s3_faults
from flows.stores.bucket import BucketStore
from flows.stores.contract import Conflict, Corrupt, StoreError, StoreFailed, StoreRefused
from flows.stores.opening import open_store
from flows.stores.s3 import Requests
from tests.faults.ending import Ending
from tests.flows.s3_proxy import FOR_EVER, Fault, FaultProxy
from tests.flows.stores_made import (
    ACCESS_KEY,
    BUCKET,
    PART_BYTES,
    SECRET_KEY,
    SINGLE_PUT_BYTES,
    bucket_store,
    one_proxy,
    proxy,
    server,
    set_credentials,
)

__all__ = ["one_proxy", "proxy", "server"]

ROOT = Path(__file__).resolve().parents[2]
LARGE = 2 * PART_BYTES + 1000


@pytest.fixture
def store(proxy: FaultProxy, tmp_path: Path) -> BucketStore:
    """A store behind the proxy that reads back what it puts: the server does not look at checksums."""
    store = bucket_store(proxy.address, tmp_path / "notes")
    assert not store._looks_at_checksums()
    proxy.seen.clear()
    return store


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(50_000))
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(LARGE))
    assert LARGE > SINGLE_PUT_BYTES
    return path


def uploads(store: BucketStore) -> list[str]:
    """Uploads that are under way below the store's root."""
    listed = store.requests.call("ListMultipartUploads", Bucket=BUCKET, Prefix=store._root)
    return [item["Key"] for item in listed.get("Uploads", [])]


def sha256_of(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()


def requests(proxy: FaultProxy, method: str, words: str = "") -> list[str]:
    return [one for one in proxy.seen if one.startswith(f"{method} ") and words in one]


# --- what passes ----------------------------------------------------------------------------------------------------

PASSING = {
    "500 twice": Fault("500 InternalError", "PUT", times=2),
    "throttled": Fault("503 SlowDown", "PUT", times=1),
    "reset": Fault("reset", "PUT", times=1),
    "slow": Fault("slow", "PUT", times=1, seconds=1.3),
}


@pytest.mark.fault(8, "500 twice, throttled, reset, slow, at one object")
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_while_the_client_tries_again_costs_nothing(
    store: BucketStore, proxy: FaultProxy, film: Path, fault: str
) -> None:
    proxy.faults = [PASSING[fault]]
    store.put("film.mp4", film, if_absent=True)
    assert store.read("film.mp4") == film.read_bytes()


@pytest.mark.fault(8, "an answer is lost after the object was stored")
def test_a_lost_answer_is_no_conflict_with_ourselves(store: BucketStore, proxy: FaultProxy, film: Path) -> None:
    proxy.faults = [Fault("lost", "PUT")]
    store.put("film.mp4", film, if_absent=True)
    assert len(requests(proxy, "PUT")) == 2
    assert store.read("film.mp4") == film.read_bytes()
    film.write_bytes(b"other")
    with pytest.raises(Conflict):
        store.put("film.mp4", film, if_absent=True)


def test_a_lost_answer_to_the_joining_of_parts_is_a_success(store: BucketStore, proxy: FaultProxy, large: Path) -> None:
    proxy.faults = [Fault("lost", "POST", path="uploadId=")]
    store.put("large.mp4", large, if_absent=True)
    assert store.head("large.mp4") is not None
    assert uploads(store) == []
    assert not list(store.notes.glob("*"))


@pytest.mark.fault(8, "reads that are reset, slow, refused, or break off")
@pytest.mark.parametrize("kind", ["reset", "500 InternalError", "slow", "cut"])
def test_a_read_is_tried_again(store: BucketStore, proxy: FaultProxy, film: Path, tmp_path: Path, kind: str) -> None:
    store.put("film.mp4", film)
    proxy.faults = [Fault(kind, "GET", seconds=1.3)]
    store.get("film.mp4", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == film.read_bytes()


# --- what does not --------------------------------------------------------------------------------------------------


def test_a_server_that_stays_down_is_a_fault_that_may_pass(store: BucketStore, proxy: FaultProxy, film: Path) -> None:
    proxy.faults = [Fault("503 SlowDown", times=FOR_EVER)]
    with pytest.raises(StoreFailed, match="503 SlowDown") as caught:
        store.put("film.mp4", film)
    assert caught.value.code == "transient"
    assert len(proxy.seen) == store.requests.attempts


def test_a_body_that_always_breaks_off_leaves_nothing(
    store: BucketStore, proxy: FaultProxy, film: Path, tmp_path: Path
) -> None:
    store.put("film.mp4", film)
    proxy.seen.clear()
    proxy.faults = [Fault("cut", "GET", times=FOR_EVER)]
    with pytest.raises(StoreFailed, match="the connection broke"):
        store.get("film.mp4", tmp_path / "back")
    assert len(proxy.seen) == store.requests.attempts
    assert [path.name for path in tmp_path.iterdir() if "back" in path.name] == []


REFUSED = {
    "403 AccessDenied": "s3:PutObject",
    "400 ExpiredToken": "have expired",
    "403 InvalidAccessKeyId": "access key is not known",
    "403 SignatureDoesNotMatch": "signature was refused",
    "403 RequestTimeTooSkewed": "clock is wrong",
    "404 NoSuchBucket": "no bucket of this name",
    "400 AuthorizationHeaderMalformed": "another region",
    "501 NotImplemented": "conditional writes",
}


@pytest.mark.fault(9, "eight refusals that do not pass")
@pytest.mark.parametrize("answer", REFUSED)
def test_what_does_not_pass_is_asked_once_and_says_the_way_out(
    store: BucketStore, proxy: FaultProxy, film: Path, answer: str
) -> None:
    proxy.faults = [Fault(answer, times=FOR_EVER)]
    with pytest.raises(StoreRefused, match=REFUSED[answer]) as caught:
        store.put("film.mp4", film)
    assert len(proxy.seen) == 1
    assert "AKIA" not in str(caught.value)


@pytest.mark.fault(10, "bits flip on their way down")
def test_bytes_that_change_on_the_way_down_are_not_kept(
    store: BucketStore, proxy: FaultProxy, film: Path, tmp_path: Path
) -> None:
    store.put("film.mp4", film)
    proxy.faults = [Fault("flip down", "GET", times=FOR_EVER)]
    with pytest.raises(Corrupt):
        store.get("film.mp4", tmp_path / "back")
    with pytest.raises(Corrupt):
        store.read("film.mp4")
    assert [path.name for path in tmp_path.iterdir() if "back" in path.name] == []
    proxy.faults = [Fault("flip down", "GET", times=1)]
    store.get("film.mp4", tmp_path / "back")  # once may happen
    assert (tmp_path / "back").read_bytes() == film.read_bytes()


@pytest.mark.fault(10, "bits flip on their way up, whole and in parts")
@pytest.mark.parametrize("size", [50_000, LARGE], ids=["whole", "in parts"])
def test_bytes_that_change_on_the_way_up_are_found_by_reading_back_and_removed(
    store: BucketStore, proxy: FaultProxy, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    proxy.faults = [Fault("flip up", "PUT", times=FOR_EVER)]
    with pytest.raises(Corrupt, match="other bytes were stored"):
        store.put("film.mp4", source, if_absent=True)
    assert list(store.names()) == []
    assert uploads(store) == []
    proxy.faults = [Fault("flip up", "PUT", times=1)]
    store.put("film.mp4", source, if_absent=True)
    assert store.read("film.mp4") == source.read_bytes()


def test_a_server_that_looks_at_checksums_is_believed(proxy: FaultProxy, film: Path, tmp_path: Path) -> None:
    store = bucket_store(proxy.address, tmp_path / "notes")
    proxy.faults = [Fault("400 BadDigest", "PUT", path="/probe-")]
    store.put("film.mp4", film)
    assert requests(proxy, "GET") == []
    assert len(requests(proxy, "PUT", "film.mp4")) == 1
    proxy.faults = [Fault("400 BadDigest", "PUT", times=FOR_EVER)]
    with pytest.raises(Corrupt, match="arrived changed"):
        store.put("film.mp4", film)


# --- parts ----------------------------------------------------------------------------------------------------------


@pytest.mark.fault(11, "the second of three parts is answered with 500 for ever")
def test_a_part_that_may_pass_later_is_resumed(
    store: BucketStore, proxy: FaultProxy, large: Path, ended: Ending
) -> None:
    proxy.faults = [Fault("500 InternalError", "PUT", path="partNumber=2", times=FOR_EVER)]
    with pytest.raises(StoreFailed) as caught:
        store.put("large.mp4", large)
    assert store.head("large.mp4") is None
    assert len(uploads(store)) == 1
    proxy.faults = []
    proxy.seen.clear()
    store.put("large.mp4", large)
    assert [re.findall(r"partNumber=(\d)", one) for one in requests(proxy, "PUT")] == [["2"], ["3"]]
    assert uploads(store) == []
    there, sent = {"large.mp4": sha256_of(store.read("large.mp4"))}, {"large.mp4": sha256_file(large)}
    ended.failed([str(caught.value)], there, sent, parts_sent_then="2 of 3")


@pytest.mark.fault(11, "a part, and the joining of the parts, is refused")
@pytest.mark.parametrize("request_path", ["partNumber=2", "uploadId=[^&]*$"])
def test_an_upload_that_is_refused_is_ended(
    store: BucketStore, proxy: FaultProxy, large: Path, request_path: str
) -> None:
    method = "PUT" if "part" in request_path else "POST"
    proxy.faults = [Fault("403 AccessDenied", method, path=request_path, times=FOR_EVER)]
    with pytest.raises(StoreRefused, match="s3:PutObject"):
        store.put("large.mp4", large)
    assert list(store.names()) == []
    assert uploads(store) == []
    assert not list(store.notes.glob("*"))


def test_an_upload_whose_credentials_expire_goes_on_with_new_ones(
    store: BucketStore, proxy: FaultProxy, large: Path
) -> None:
    proxy.faults = [
        Fault("400 ExpiredToken", "PUT", path="partNumber=3", times=FOR_EVER),
        Fault("400 ExpiredToken", "DELETE", times=FOR_EVER),
    ]
    with pytest.raises(StoreRefused, match="have expired"):
        store.put("large.mp4", large)
    assert len(requests(proxy, "PUT", "partNumber=3")) == 1
    proxy.faults = []
    proxy.seen.clear()
    store.put("large.mp4", large)
    assert [re.findall(r"partNumber=(\d)", one) for one in requests(proxy, "PUT")] == [["3"]]
    assert uploads(store) == []


def test_a_name_taken_while_the_parts_were_sent_is_a_conflict(
    store: BucketStore, proxy: FaultProxy, large: Path, film: Path
) -> None:
    store.put("large.mp4", film)
    with pytest.raises(Conflict):
        store.put("large.mp4", large, if_absent=True)
    assert store.read("large.mp4") == film.read_bytes()
    assert uploads(store) == []


def test_an_upload_that_the_store_has_forgotten_is_begun_again(
    store: BucketStore, proxy: FaultProxy, large: Path
) -> None:
    proxy.faults = [Fault("500 InternalError", "PUT", path="partNumber=3", times=FOR_EVER)]
    with pytest.raises(StoreFailed):
        store.put("large.mp4", large)
    proxy.faults = []
    assert store.sweep_uploads(datetime.now(UTC)) == 1
    store.put("large.mp4", large)
    assert store.read("large.mp4") == large.read_bytes()


CHILD = """
import sys, os, signal
from pathlib import Path
from tests.flows.stores_made import bucket_store
store = bucket_store(sys.argv[1], Path(sys.argv[3]), prefix=sys.argv[2])
call = store.requests.call
def dying(operation, **more):
    if operation == "UploadPart" and more["PartNumber"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(operation, **more)
store.requests.call = dying
store.put("large.mp4", Path(sys.argv[4]), if_absent=True)
"""


@pytest.mark.fault(11, "kill -9 of the sender before the last of three parts")
def test_an_upload_whose_process_was_killed_goes_on_where_it_was(
    store: BucketStore, proxy: FaultProxy, large: Path, ended: Ending
) -> None:
    words = [sys.executable, "-c", CHILD, proxy.address, store._root.rstrip("/"), str(store.notes), str(large)]
    assert subprocess.run(words, cwd=ROOT, timeout=60, check=False).returncode == -9
    assert store.head("large.mp4") is None
    assert list(store.names()) == []
    assert len(uploads(store)) == 1
    proxy.seen.clear()
    store.put("large.mp4", large, if_absent=True)
    assert [re.findall(r"partNumber=(\d)", one) for one in requests(proxy, "PUT")] == [["3"]]
    there, sent = {"large.mp4": sha256_of(store.read("large.mp4"))}, {"large.mp4": sha256_file(large)}
    ended.complete(there, sent, parts_sent_then="1 of 3")


@pytest.mark.fault(11, "an upload whose sender never comes back")
def test_an_upload_that_nobody_goes_on_with_is_swept_by_its_age(store: BucketStore, large: Path) -> None:
    store.requests.call("CreateMultipartUpload", **store._place("dead.mp4"))
    # The server of the tests dates every upload 2010.
    assert store.sweep_uploads(datetime(2010, 1, 1, tzinfo=UTC)) == 0
    assert len(uploads(store)) == 1
    assert store.sweep_uploads(datetime.now(UTC) - timedelta(days=1)) == 1
    assert uploads(store) == []


def test_long_listings_come_page_by_page(store: BucketStore, proxy: FaultProxy, large: Path, tmp_path: Path) -> None:
    call = store.requests.call
    pages = {"ListObjectsV2": {"MaxKeys": 2}, "ListParts": {"MaxParts": 1}, "ListMultipartUploads": {"MaxUploads": 1}}
    store.requests.call = (  # type: ignore[method-assign]
        lambda operation, **more: call(operation, **more, **pages.get(operation, {}))
    )
    names = [f"films/{number}" for number in range(5)]
    for name in names:
        store.write(name, name.encode())
    assert list(store.names("films")) == names
    assert len(requests(proxy, "GET", "list-type=2")) == 3
    proxy.faults = [Fault("500 InternalError", "PUT", path="partNumber=3", times=FOR_EVER)]
    with pytest.raises(StoreFailed):
        store.put("large.mp4", large)
    proxy.faults = []
    proxy.seen.clear()
    store.put("large.mp4", large)
    assert [re.findall(r"partNumber=(\d)", one) for one in requests(proxy, "PUT")] == [["3"]]
    for number in range(3):
        store.requests.call("CreateMultipartUpload", **store._place(f"dead{number}"))
    assert store.sweep_uploads(datetime.now(UTC)) == 3


def test_two_who_send_the_same_large_file_at_once_both_succeed(store: BucketStore, large: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: store.put("large.mp4", large, if_absent=True), range(2)))
    assert done[0] == done[1] == store.head("large.mp4")
    assert uploads(store) == []


def test_a_part_that_the_server_fails_on_is_a_success_where_the_same_file_lies_already(
    store: BucketStore, proxy: FaultProxy, large: Path
) -> None:
    made = store.put("large.mp4", large)
    proxy.faults = [Fault("500 InternalError", "PUT", path="partNumber=2", times=FOR_EVER)]
    assert store.put("large.mp4", large, if_absent=True) == made
    assert uploads(store) == []
    large.write_bytes(os.urandom(LARGE))
    with pytest.raises(StoreFailed):
        store.put("large.mp4", large)


# --- links, secrets, rights -----------------------------------------------------------------------------------------


def test_a_link_opens_by_a_plain_get_and_says_until_when(store: BucketStore, proxy: FaultProxy, film: Path) -> None:
    store.put("film.mp4", film)
    link = store.link("film.mp4", 600)
    with urllib.request.urlopen(link.url, timeout=10) as answer:
        assert answer.read() == film.read_bytes()
    parts = urlsplit(link.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    # The server of the tests does not look at the date: what a real one goes by is what is said here.
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == ("600", "AWS4-HMAC-SHA256")
    signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    assert link.expires_at == signed + timedelta(seconds=600)
    assert abs(signed - datetime.now(UTC)) < timedelta(minutes=1)
    assert parts.netloc == urlsplit(proxy.address).netloc
    assert SECRET_KEY not in link.url
    assert "Signature=[redacted]" in redact(link.url)
    assert not link.temporary


def test_a_link_of_temporary_credentials_says_so(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token-of-one-session")
    assert open_store(f"s3://{BUCKET}", state_folder=tmp_path, endpoint=server).link("film.mp4", 60).temporary


def test_no_secret_is_in_messages_or_logs(
    store: BucketStore, proxy: FaultProxy, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    Requests("s3://quiet", proxy.address)
    caplog.set_level(logging.DEBUG)  # whatever the root logger says
    texts = []
    for answer in ("403 SignatureDoesNotMatch", "503 SlowDown", "reset", "412 PreconditionFailed"):
        proxy.faults = [Fault(answer, times=FOR_EVER)]
        with pytest.raises(StoreError) as caught:
            store.put("film.mp4", film, if_absent=True)
        texts.append(repr(caught.value))
    for text in (*texts, caplog.text):
        assert not re.search(rf"{ACCESS_KEY}|{SECRET_KEY}|AKIA|Signature=", text), text
    assert logging.getLogger("botocore.auth").getEffectiveLevel() >= logging.INFO


def test_the_rights_that_are_used_are_those_of_the_policy(proxy: FaultProxy, large: Path, film: Path) -> None:
    policy = policy_of_the_page()
    used = set()
    store = bucket_store(proxy.address, large.parent / "notes")
    store.requests.client.meta.events.register("before-call.s3", lambda model, **_: used.add(model.name))
    store.check()
    store.put("film.mp4", film, if_absent=True)
    proxy.faults = [Fault("500 InternalError", "PUT", path="partNumber=2", times=FOR_EVER)]
    with pytest.raises(StoreFailed):
        store.put("large.mp4", large)
    proxy.faults = []
    store.put("large.mp4", large)
    store.put("film.mp4", large)
    store.requests.call("CreateMultipartUpload", **store._place("dead.mp4"))
    store.sweep_uploads(datetime.now(UTC))
    store.read("film.mp4")
    store.delete("film.mp4")
    assert used == set(s3_faults.ACTIONS)
    assert policy == {s3_faults.ACTIONS[name] for name in used}


def policy_of_the_page() -> set[str]:
    page = (ROOT / "docs" / "stores.md").read_text("utf-8")
    policy = json.loads(re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0])
    assert policy["Version"] == "2012-10-17"
    assert all(statement["Effect"] == "Allow" and statement["Resource"] for statement in policy["Statement"])
    objects = [one for one in policy["Statement"] if "/*" in str(one["Resource"])]
    assert all("Object" in action or "Upload" in action for one in objects for action in one["Action"])
    return {action for statement in policy["Statement"] for action in statement["Action"]}


MISSING = {
    "HEAD": ("", "s3:ListBucket"),
    "PUT": ("", "s3:PutObject"),
    "GET": ("check-", "s3:GetObject and s3:ListBucket"),
    "DELETE": ("check-", "s3:DeleteObject"),
}


@pytest.mark.parametrize("method", MISSING)
def test_the_check_names_the_right_that_is_missing(store: BucketStore, proxy: FaultProxy, method: str) -> None:
    path, action = MISSING[method]
    proxy.faults = [Fault("403 AccessDenied", method, path=path, times=FOR_EVER)]
    with pytest.raises(StoreRefused, match=action if method != "HEAD" else "HeadBucket is not allowed"):
        store.check()


def test_a_server_without_conditional_writes_is_refused(store: BucketStore, proxy: FaultProxy) -> None:
    """Done to its answers: this one knows them."""
    call = store.requests.call

    def careless(operation: str, **more: object) -> object:
        more.pop("IfNoneMatch", None)
        return call(operation, **more)

    store.requests.call = careless  # type: ignore[method-assign]
    with pytest.raises(StoreRefused, match="does not know conditional writes"):
        store.check()
    assert list(store.names()) == []


# --- opening --------------------------------------------------------------------------------------------------------

BAD_ADDRESSES = {
    "s3a://bucket/ads": 'Did you mean "s3"',
    "gs://bucket/ads": "Known: file, memory, s3",
    "bucket/ads": "file:///folder",
    "file://mnt/ads": "three slashes",
    "file:///": "names no folder",
    "s3://": "s3://bucket/prefix",
    "s3://Bucket_A/ads": "small letters",
    "s3://bucket/../x": "cannot be used",
    f"s3://{ACCESS_KEY}:{SECRET_KEY}@bucket/x": "holds no names, keys or passwords",
}


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_address_that_opens_nothing_says_what_would(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=re.escape(BAD_ADDRESSES[address])) as caught:
        open_store(address, state_folder=tmp_path)
    assert SECRET_KEY not in str(caught.value)


def test_addresses_open_their_stores(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)
    opened: list[Callable[[], object]] = [
        lambda: open_store(f"file://{tmp_path}/a%20b", state_folder=tmp_path),
        lambda: open_store("memory://one", state_folder=tmp_path),
        lambda: open_store(f"s3://{BUCKET}/opened/", state_folder=tmp_path, endpoint=server),
        lambda: open_store(
            f"s3://{BUCKET}/opened", state_folder=tmp_path, environment={**os.environ, "AWS_ENDPOINT_URL": server}
        ),
    ]
    for make in opened:
        store = make()
        store.check()  # type: ignore[attr-defined]
        store.write("a", b"x")  # type: ignore[attr-defined]
        assert make().read("a") == b"x"  # type: ignore[attr-defined]
    assert (tmp_path / "a b" / "a").read_bytes() == b"x"
    for endpoint in ("ftp://x", "s3.example.com", "https://me:secret@s3.example.com"):
        with pytest.raises(BadInput, match="speaks S3") as caught:
            open_store("s3://bucket", state_folder=tmp_path, endpoint=endpoint)
        assert "secret" not in str(caught.value)


def test_only_aws_itself_is_believed_to_look_at_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)
    trusted = open_store("s3://bucket", state_folder=tmp_path)
    assert isinstance(trusted, BucketStore)
    assert trusted._checks_bytes
    (tmp_path / "config").write_text("[default]\nendpoint_url = https://s3.example.com\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    other = open_store("s3://bucket", state_folder=tmp_path)
    assert isinstance(other, BucketStore)
    assert other._checks_bytes is None


def test_missing_credentials_and_a_missing_library_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credentials(monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadInput, match="no credentials were found"):
        open_store("s3://bucket/x", state_folder=tmp_path)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BadInput, match="pip install boto3"):
        open_store("s3://bucket/x", state_folder=tmp_path)
