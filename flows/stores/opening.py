"""From an address to a store: `file:///mnt/ads`, `s3://bucket/prefix`, `memory://name`.

The kinds of stores are a table here. Libraries load when a store of theirs is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flows.files import safe_slug
from flows.model import BadInput, Problem
from flows.problems import did_you_mean, shown
from flows.stores.contract import Store, StoreError, is_name
from flows.stores.memory import MemoryStore

#: An endpoint for all of AWS, and one for S3 alone, as AWS's own tools read them.
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: Stores in memory, by address, for as long as this process lives.
_MEMORIES: dict[str, MemoryStore] = {}


@dataclass(frozen=True, slots=True)
class Opening:
    """From where and how a store is opened."""

    state_folder: Path
    endpoint: str
    environment: Mapping[str, str]
    attempts: int


def is_address(text: str) -> bool:
    """Whether a text names a store rather than a folder."""
    return "://" in text


def open_store(
    address: str,
    *,
    state_folder: Path,
    endpoint: str = "",
    environment: Mapping[str, str] = os.environ,
    attempts: int = 0,
) -> Store:
    """The store at an address. `state_folder` is of this machine: what is under way is noted there. `attempts` is how
    often a request to a server is tried; 0 is some seconds long.

    Raises: BadInput for an address, an endpoint or a machine that it cannot be opened with. Asks no server yet.
    """
    scheme, there, _ = address.partition("://")
    if not there:
        fix = "Write file:///folder for a folder, s3://bucket/prefix for a bucket"
        raise _bad(address, "not_an_address", "this is no address of a store", fix)
    if scheme not in SCHEMES:
        fix = did_you_mean(scheme, SCHEMES)
        raise _bad(address, "unknown_store", f"there is no store of the kind {shown(scheme)!r}", fix)
    if urlsplit(address).username is not None or "@" in urlsplit(address).netloc:
        fix = "Keep them in the environment or a profile: the address is printed and logged"
        raise _bad(f"{scheme}://…", "secret_in_address", "an address holds no names, keys or passwords", fix)
    return SCHEMES[scheme](address, Opening(state_folder, endpoint, environment, attempts))


def _open_folder(address: str, opening: Opening) -> Store:
    from flows.stores.folder import FolderStore

    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
        raise _bad(address, "no_folder", "this names no folder", "Write file:///folder, with three slashes")
    return FolderStore(Path(unquote(parts.path)), address.rstrip("/"))


def _open_memory(address: str, opening: Opening) -> Store:
    return _MEMORIES.setdefault(address, MemoryStore(address))


def _open_bucket(address: str, opening: Opening) -> Store:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        fix = "Write s3://bucket/prefix; buckets have 3 to 63 small letters, digits, dots and hyphens"
        raise _bad(address, "no_bucket_name", "this names no bucket", fix)
    if prefix and not is_name(prefix):
        fix = "Use letters, digits, '.', '_' and '-' between slashes"
        raise _bad(address, "no_prefix", "this prefix cannot be used", fix)
    notes = opening.state_folder / "uploads" / safe_slug(f"{bucket}-{prefix}")
    return _bucket(bucket, prefix, opening, notes)


def _bucket(bucket: str, prefix: str, opening: Opening, notes: Path) -> Store:
    from flows.stores.bucket import BucketStore
    from flows.stores.s3 import Patience, Requests

    named = next((opening.environment[name] for name in ENDPOINT_VARIABLES if opening.environment.get(name)), "")
    endpoint = _checked(opening.endpoint or named)
    patience = Patience(attempts=opening.attempts) if opening.attempts else Patience()
    address = f"s3://{bucket}/{prefix}".rstrip("/")
    try:
        requests = Requests(address, endpoint, patience)
    except ImportError as error:
        raise _bad(address, "no_boto3", "buckets need boto3, which is not installed", "pip install boto3") from error
    except StoreError as error:
        raise explained(error, address) from error
    return BucketStore(bucket, prefix, requests, notes, trusted=requests.at_aws)


def _checked(endpoint: str) -> str:
    """The endpoint, when it is an address of a server and nothing else. Raises: BadInput."""
    if not endpoint:
        return ""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        fix = "Write it like https://s3.example.com, without keys"
        raise _bad(parts.hostname or "endpoint", "bad_endpoint", "this is no address of a server that speaks S3", fix)
    return endpoint


@contextmanager
def explaining(place: str) -> Iterator[None]:
    """What a store cannot do in here is told as a sentence for the terminal. Raises: BadInput."""
    try:
        yield
    except StoreError as error:
        raise explained(error, place) from error


def explained(error: StoreError, place: str) -> BadInput:
    """A store's refusal as a sentence for the terminal."""
    message = str(error).removeprefix(f"{place}: ").rstrip(".")
    return BadInput((Problem(place, None, None, error.code, "", message, ""),))


def _bad(address: str, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(shown(address), None, None, code, "", message, fix),))


SCHEMES: dict[str, Callable[[str, Opening], Store]] = {
    "file": _open_folder,
    "memory": _open_memory,
    "s3": _open_bucket,
}
