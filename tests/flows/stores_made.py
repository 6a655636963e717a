"""Stores of every kind for the tests: a folder, memory, and a real server that speaks S3 on this machine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from pathlib import Path

import pytest

from flows.stores.bucket import BucketStore
from flows.stores.contract import Store
from flows.stores.folder import FolderStore
from flows.stores.memory import MemoryStore
from flows.stores.s3 import Patience, Requests
from tests.flows.s3_proxy import FaultProxy

ACCESS_KEY, SECRET_KEY = "AKIATESTINGTESTING00", "a-secret-access-key-of-the-tests"
BUCKET = "spotmill-tests"
KINDS = ("folder", "memory", "s3")
#: Small, so that the tests need no large files. The server holds parts to 5 MiB, as S3 does.
SINGLE_PUT_BYTES, PART_BYTES = 6 << 20, 5 << 20
_numbers = itertools.count()

NewStore = Callable[[], Store]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a moto server with an empty bucket."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        set_credentials(patch)
        running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        running.start()
        host, port = running.get_host_and_port()
        address = f"http://{host}:{port}"
        Requests("s3://tests", address).client.create_bucket(Bucket=BUCKET)
        yield address
        running.stop()


def set_credentials(patch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, and no others."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", "/dev/null")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture(scope="session")
def one_proxy(server: str) -> Iterator[FaultProxy]:
    host, port = server.removeprefix("http://").split(":")
    made = FaultProxy(host, int(port))
    yield made
    made.close()


@pytest.fixture
def proxy(one_proxy: FaultProxy) -> FaultProxy:
    """A proxy before the server, without faults yet."""
    one_proxy.faults, one_proxy.seen = [], []
    return one_proxy


def bucket_store(endpoint: str, notes: Path, *, prefix: str = "", **more: object) -> BucketStore:
    """A store in the server's bucket, below a prefix of its own unless one is named."""
    prefix = prefix or f"root-{next(_numbers)}/ads"
    requests = copy(_requests(endpoint))
    requests.address = f"s3://{BUCKET}/{prefix}"
    sizes = {"single_put_bytes": SINGLE_PUT_BYTES, "part_bytes": PART_BYTES}
    return BucketStore(BUCKET, prefix, requests, notes, **{**sizes, **more})  # type: ignore[arg-type]


@cache
def _requests(endpoint: str) -> Requests:
    """A client takes a quarter of a second to be made."""
    return Requests("", endpoint, Patience(attempts=3, connect_seconds=2.0, read_seconds=1.0))


def store_of(kind: str, folder: Path, server: str) -> Store:
    """An empty store of a kind."""
    if kind == "folder":
        return FolderStore(folder / "store")
    return MemoryStore() if kind == "memory" else bucket_store(server, folder / "notes")
