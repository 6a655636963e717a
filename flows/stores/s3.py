"""Requests to S3, of AWS or of anything that speaks it: the only file that knows boto3.

The client tries faults that may pass a few times; what is left is told as the port's errors (`s3_faults.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flows.stores.contract import BLOCK_BYTES, StoreRefused
from flows.stores.s3_faults import NO_CREDENTIALS, Broken, NoUpload, Taken, by_code, by_family

#: Requests that ask for something: 404 is an answer, not a fault.
_ASKING = ("HeadBucket", "HeadObject", "GetObject", "ListParts")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and how long it is waited for."""

    attempts: int = 4
    connect_seconds: float = 5.0
    read_seconds: float = 60.0


class Requests:
    """Requests by their name, with the credentials of the environment, the profile or the machine."""

    def __init__(self, address: str, endpoint: str = "", patience: Patience | None = None) -> None:
        """Raises: ImportError without boto3; StoreRefused without credentials."""
        from botocore.exceptions import BotoCoreError

        quiet()
        patience = patience or Patience()
        self.address, self.attempts = address, patience.attempts
        try:
            self.client, self._credentials = _client(endpoint, patience)
        except BotoCoreError as error:
            raise self._told("credentials", error) from error

    @property
    def temporary(self) -> bool:
        """Whether the credentials end by themselves; links that they sign end with them."""
        return bool(self._credentials.get_frozen_credentials().token)

    @property
    def at_aws(self) -> bool:
        """Whether requests go to AWS itself. A profile may name another server."""
        host = urlsplit(self.client.meta.endpoint_url).hostname or ""
        return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))

    def call(self, operation: str, **parameters: Any) -> Any:
        """Make a request. None where an object, bucket or upload is asked for that is not there.

        Raises: errors of the port; Taken for a condition that does not hold, NoUpload for an upload that has gone.
        """
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, xform_name(operation))(**parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status == 404 and operation in _ASKING and code != "NoSuchBucket":
                return None
            if status == 412:
                raise Taken(str(parameters.get("Key"))) from error
            if code == "NoSuchUpload":
                raise NoUpload(str(parameters.get("Key"))) from error
            raise by_code(self.address, operation, code, status) from error
        except BotoCoreError as error:
            raise self._told(operation, error) from error

    def blocks(self, body: Any) -> Iterator[bytes]:
        """The body of an answer. Raises: Broken when the connection breaks; Corrupt when a checksum does not fit."""
        from botocore.exceptions import BotoCoreError, FlexibleChecksumError

        try:
            with body:
                yield from body.iter_chunks(BLOCK_BYTES)
        except FlexibleChecksumError as error:
            raise self._told("GetObject", error) from error
        except BotoCoreError as error:
            raise Broken(f"{self.address}: GetObject: the connection broke. Try again later") from error

    def sign(self, operation: str, parameters: dict[str, str], seconds: int) -> str:
        """An address for a GET, signed here."""
        url = self.client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
        return str(url)

    def _told(self, operation: str, error: Exception) -> Exception:
        return by_family(self.address, operation, error) or error


def quiet() -> None:
    """Keep DEBUG lines from being written, whatever the root logger is set to: they hold access keys and signatures."""
    for name in ("boto3", "botocore", "urllib3"):
        if logging.getLogger(name).level < logging.INFO:
            logging.getLogger(name).setLevel(logging.WARNING)


def _client(endpoint: str, patience: Patience) -> tuple[Any, Any]:
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise StoreRefused(f"S3: {NO_CREDENTIALS}")
    config = Config(
        signature_version="s3v4",  # links of other endpoints would be signed in the old way
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
        # Each request carries the SHA-256 that we give it; some servers stumble over what would be added.
        request_checksum_calculation="when_required",
    )
    region = session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=endpoint or None, region_name=region, config=config), credentials
