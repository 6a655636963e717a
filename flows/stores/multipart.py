"""A large file in parts that survive the death of whoever sends them.

Nothing is to be seen under the name before the last request has joined the parts. Which upload it is and which parts
have arrived is noted in a small file on this machine after each part; whoever sends the same bytes to the same name
again asks the store what it has, and sends the rest. Knows requests and parts; what errors mean is the caller's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.files import write_whole
from flows.ledger import digest

#: The least that S3 takes for every part but the last is 5 MiB; it takes 10,000 parts.
PART_BYTES = 8 << 20
MOST_PARTS = 9_000

#: Makes a request by its name: call(operation, **parameters).
Call = Callable[..., Any]


@dataclass(slots=True)
class Upload:
    """An upload that has begun, as it is noted."""

    upload_id: str
    part_bytes: int
    #: Part number -> [ETag, SHA-256 in base64] of those that have arrived.
    parts: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Sender:
    """Sends one file to one key."""

    call: Call
    #: Bucket and Key.
    place: dict[str, str]
    source: Path
    sha256: str
    #: Where uploads are noted.
    notes: Path
    part_bytes: int = PART_BYTES
    #: The upload that this one sends to. The note may be of somebody else's: two may send the same bytes at once.
    upload: Upload | None = None

    def send(self, *, if_absent: bool) -> None:
        """Send what is missing and join the parts. Errors of the requests pass through, with the note kept."""
        self.upload = upload = self._resumed() or self._begun()
        for number, block in self._blocks(upload.part_bytes):
            if str(number) not in upload.parts:
                upload.parts[str(number)] = self._send_part(upload, number, block)
                self._keep(upload)
        listed = [
            {"PartNumber": int(number), "ETag": etag, "ChecksumSHA256": checksum}
            for number, (etag, checksum) in sorted(upload.parts.items(), key=lambda item: int(item[0]))
        ]
        only = {"IfNoneMatch": "*"} if if_absent else {}
        self.call(
            "CompleteMultipartUpload",
            **self.place,
            UploadId=upload.upload_id,
            MultipartUpload={"Parts": listed},
            **only,
        )
        self.forget()

    def give_up(self) -> None:
        """End the upload, so that nobody pays for its parts. Errors of the request pass through."""
        if upload := self.upload or self._noted():
            self.call("AbortMultipartUpload", **self.place, UploadId=upload.upload_id)
            self.forget()

    def forget(self) -> None:
        """Remove the note."""
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.notes / f"{digest([self.place, self.sha256])}.json"

    def _noted(self) -> Upload | None:
        with suppress(OSError, ValueError, TypeError):
            return Upload(**json.loads(self._note.read_text("utf-8")))
        return None

    def _keep(self, upload: Upload) -> None:
        self.notes.mkdir(parents=True, exist_ok=True)
        content = {name: getattr(upload, name) for name in Upload.__slots__}
        write_whole(self._note, json.dumps(content))

    def _begun(self) -> Upload:
        part_bytes = max(self.part_bytes, -(-self.source.stat().st_size // MOST_PARTS))
        answer = self.call(
            "CreateMultipartUpload", **self.place, ChecksumAlgorithm="SHA256", Metadata={"sha256": self.sha256}
        )
        upload = Upload(answer["UploadId"], part_bytes)
        self._keep(upload)
        return upload

    def _resumed(self) -> Upload | None:
        """The upload that was begun before, with the parts that the store says it has; None when there is none."""
        upload = self._noted()
        if upload is None:
            return None
        present = self._present(upload.upload_id)
        if present is None:
            self.forget()
            return None
        upload.parts = {number: part for number, part in upload.parts.items() if present.get(number) == part[0]}
        return upload

    def _present(self, upload_id: str) -> dict[str, str] | None:
        """Part number -> ETag at the store; None when it has forgotten the upload."""
        found: dict[str, str] = {}
        marker = 0
        while True:
            answer = self.call("ListParts", **self.place, UploadId=upload_id, PartNumberMarker=marker)
            if answer is None:
                return None
            found |= {str(part["PartNumber"]): part["ETag"] for part in answer.get("Parts", [])}
            if not answer.get("IsTruncated"):
                return found
            marker = answer["NextPartNumberMarker"]

    def _send_part(self, upload: Upload, number: int, block: bytes) -> list[str]:
        checksum = base64.b64encode(hashlib.sha256(block).digest()).decode()
        answer = self.call(
            "UploadPart",
            **self.place,
            UploadId=upload.upload_id,
            PartNumber=number,
            Body=block,
            ChecksumSHA256=checksum,
        )
        return [answer["ETag"], checksum]

    def _blocks(self, part_bytes: int) -> Iterator[tuple[int, bytes]]:
        with self.source.open("rb") as stream:
            number = 0
            while block := stream.read(part_bytes):
                number += 1
                yield number, block
