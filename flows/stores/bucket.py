"""A store in a bucket: small files go up in one request, large ones in parts (`multipart.py`).

Each request carries its SHA-256, and so does each object, beside its bytes. A conditional put that comes back with 412
may have been our own, whose answer was lost: the hash that lies there decides. A server that does not look at checksums
(a wrong one is sent to find out) has everything read back and compared. Knows requests by name, not who makes them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from flows.files import atomic_path, sha256_file
from flows.stores.contract import (
    LIMIT_READ_BYTES,
    Conflict,
    Corrupt,
    Link,
    Listed,
    NotThere,
    Store,
    Stored,
    StoreError,
    StoreFailed,
    StoreRefused,
    check_moment,
    check_name,
    check_prefix,
    check_seconds,
    conflict,
    corrupt,
    is_name,
    not_there,
    too_large,
)
from flows.stores.multipart import PART_BYTES, Sender
from flows.stores.s3_faults import Broken, NoUpload, Taken

if TYPE_CHECKING:
    from flows.stores.s3 import Requests

#: A request of this size is sent again whole when it fails; larger files go in parts.
SINGLE_PUT_BYTES = 16 << 20
#: Bytes that change on the way change again on the third: then it is the disk or the server, not the line.
TRIES_OF_CHANGED = 2


class BucketStore(Store):
    """Objects in a bucket below a prefix."""

    def __init__(  # each is a part of where and how
        self,
        bucket: str,
        prefix: str,
        requests: Requests,
        notes: Path,
        *,
        trusted: bool = False,
        single_put_bytes: int = SINGLE_PUT_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """`notes` is a folder of this machine for uploads that are under way; `trusted` says that the server refuses
        bytes whose checksum is wrong (AWS does), otherwise it is tried once."""
        self.address, self.requests, self.notes = requests.address, requests, notes
        self._bucket, self._root = bucket, f"{prefix}/" if prefix else ""
        self._single, self._part_bytes = single_put_bytes, part_bytes
        self._checks_bytes: bool | None = True if trusted else None

    # --- putting ----------------------------------------------------------------------------------------------------

    def put(self, name: str, source: Path, *, if_absent: bool = False) -> Stored:
        """As the contract says."""
        made = Stored(check_name(name), source.stat().st_size, sha256_file(source))
        for left in reversed(range(TRIES_OF_CHANGED)):
            try:
                self._send(made, source, if_absent=if_absent)
                self._proven(made)
                return made
            except Corrupt:
                if not left:
                    raise
        raise AssertionError

    def _send(self, made: Stored, source: Path, *, if_absent: bool) -> None:
        """One way up. Where the name is taken, equal bytes are a success: an answer may have been lost."""
        sender = None
        try:
            if made.size <= self._single:
                self._put_whole(made, source, if_absent=if_absent)
            else:
                place = self._place(made.name)
                sender = Sender(self.requests.call, place, source, made.sha256, self.notes, self._part_bytes)
                sender.send(if_absent=if_absent)
        except (Taken, NoUpload) as error:
            self._settle(made, sender, error)
        except StoreFailed:
            # Two may send to one upload, and some servers answer 500 for a part of an upload that the other has joined.
            if sender is None or not self._lies_there(made):
                raise
            self._abandon(sender)
        except (StoreRefused, Corrupt):
            self._abandon(sender)
            raise

    def _put_whole(self, made: Stored, source: Path, *, if_absent: bool) -> None:
        only = {"IfNoneMatch": "*"} if if_absent else {}
        checksum = base64.b64encode(bytes.fromhex(made.sha256)).decode()
        with source.open("rb") as body:
            self.requests.call(
                "PutObject",
                **self._place(made.name),
                Body=body,
                ChecksumSHA256=checksum,
                Metadata={"sha256": made.sha256},
                **only,
            )

    def _lies_there(self, made: Stored) -> bool:
        try:
            return self.head(made.name) == made
        except StoreError:
            return False

    def _settle(self, made: Stored, sender: Sender | None, error: StoreError) -> None:
        """Somebody has the name, or the upload is no more: what lies there decides."""
        there = self.head(made.name)
        self._abandon(sender)
        if there == made:
            return
        if isinstance(error, Taken):
            raise conflict(made.name)
        raise StoreFailed(f"{self.address}: the upload of {made.name} was ended by others. Try again later")

    def _abandon(self, sender: Sender | None) -> None:
        """End an upload that leads nowhere. Where that is not allowed either, as with credentials that have expired, it
        is gone on with by the next who puts these bytes, or ended by `sweep_uploads` one day."""
        if sender:
            try:
                sender.give_up()
            except NoUpload:
                sender.forget()
            except StoreError:
                pass  # the note stays: the next put of these bytes goes on from it

    def _proven(self, made: Stored) -> None:
        """Read back what was put, unless the server itself looks at checksums. What is wrong is removed.

        Raises: Corrupt.
        """
        if self._looks_at_checksums():
            return
        with tempfile.TemporaryDirectory(prefix="spotmill-proof-") as folder:
            try:
                self.get(made.name, Path(folder) / "copy")
            except Corrupt as error:
                self.delete(made.name)
                message = f"{made.name}: other bytes were stored than were sent; they were removed"
                raise Corrupt(message) from error

    def _looks_at_checksums(self) -> bool:
        """Whether the server refuses bytes whose checksum is wrong; tried once, with an object of one byte."""
        if self._checks_bytes is None:
            name = f"probe-{secrets.token_hex(6)}"
            wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
            try:
                self.requests.call("PutObject", **self._place(name), Body=b"a", ChecksumSHA256=wrong)
            except Corrupt:
                self._checks_bytes = True
            else:
                self._checks_bytes = False
                self.delete(name)
        return self._checks_bytes

    # --- getting ----------------------------------------------------------------------------------------------------

    def get(self, name: str, target: Path) -> Stored:
        """As the contract says."""
        return self._get(name, target)

    def _get(self, name: str, target: Path, most_bytes: int | None = None) -> Stored:
        """A body that breaks off is asked for again, one that comes changed once more."""
        broken = changed = 0
        while True:
            try:
                return self._get_once(name, target, most_bytes)
            except Broken:
                broken += 1
                if broken == self.requests.attempts:
                    raise
            except Corrupt:
                changed += 1
                if changed == TRIES_OF_CHANGED:
                    raise

    def _get_once(self, name: str, target: Path, most_bytes: int | None) -> Stored:
        answer = self.requests.call("GetObject", **self._place(check_name(name)))
        if answer is None:
            raise not_there(name)
        if most_bytes is not None and answer["ContentLength"] > most_bytes:
            answer["Body"].close()
            raise too_large(name, answer["ContentLength"])
        made, size = hashlib.sha256(), 0
        with atomic_path(target) as part, part.open("wb") as out:
            for block in self.requests.blocks(answer["Body"]):
                made.update(block)
                size += out.write(block)
            if made.hexdigest() != answer["Metadata"].get("sha256", made.hexdigest()):
                raise corrupt(name)
        return Stored(name, size, made.hexdigest())

    def read(self, name: str) -> bytes | None:
        """As the contract says."""
        with tempfile.TemporaryDirectory(prefix="spotmill-read-") as folder:
            target = Path(folder) / "content"
            try:
                self._get(name, target, LIMIT_READ_BYTES)
            except NotThere:
                return None
            return target.read_bytes()

    def head(self, name: str) -> Stored | None:
        """As the contract says."""
        answer = self.requests.call("HeadObject", **self._place(check_name(name)))
        if answer is None:
            return None
        return Stored(name, answer["ContentLength"], answer["Metadata"].get("sha256", ""))

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """As the contract says."""
        folder = self._root + check_prefix(prefix)
        token: dict[str, str] = {}
        while True:
            answer = self.requests.call("ListObjectsV2", Bucket=self._bucket, Prefix=folder, **token)
            for item in answer.get("Contents", []):
                name = item["Key"].removeprefix(self._root)
                if is_name(name):
                    yield Listed(name, item["Size"], item["LastModified"])
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, name: str) -> None:
        """As the contract says."""
        self.requests.call("DeleteObject", **self._place(check_name(name)))

    def link(self, name: str, seconds: int) -> Link:
        """As the contract says; signed here, nobody is asked."""
        url = self.requests.sign("get_object", self._place(check_name(name)), check_seconds(seconds))
        signed = datetime.strptime(parse_qs(urlsplit(url).query)["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
        return Link(url, signed + timedelta(seconds=seconds), self.requests.temporary)

    def sweep_uploads(self, before: datetime) -> int:
        """As the contract says: uploads below this root whose parts nobody will join any more."""
        ended, moment = 0, check_moment(before)
        marker: dict[str, str] = {}
        while True:
            answer = self.requests.call("ListMultipartUploads", Bucket=self._bucket, Prefix=self._root, **marker)
            for item in answer.get("Uploads", []):
                ours = is_name(item["Key"].removeprefix(self._root))
                if ours and item["Initiated"] < moment:
                    place = {"Bucket": self._bucket, "Key": item["Key"], "UploadId": item["UploadId"]}
                    with suppress(NoUpload):
                        self.requests.call("AbortMultipartUpload", **place)
                        ended += 1
            if not answer.get("IsTruncated"):
                return ended
            marker = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def check(self) -> None:
        """As the contract says."""
        if self.requests.call("HeadBucket", Bucket=self._bucket) is None:
            raise StoreRefused(f"{self.address}: there is no bucket of this name. Check the address")
        name = f"check-{secrets.token_hex(6)}"
        self.write(name, b"a", if_absent=True)
        try:
            with suppress(Conflict):
                self.write(name, b"b", if_absent=True)
                message = "this server does not know conditional writes (If-None-Match), so two runs could undo"
                raise StoreRefused(f"{self.address}: {message} each other's work. Use another server or a newer one")
            if self.read(name) != b"a":
                raise StoreRefused(f"{self.address}: what is written cannot be read back")
        finally:
            self.delete(name)
        next(iter(self.listing()), None)
        self.sweep_uploads(datetime.fromtimestamp(0, UTC))

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._root + name}
