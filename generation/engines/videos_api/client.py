"""The HTTP code: one server, five calls, each with its deadline, its limits and its retries.

Raises our errors only, and none of httpx's stays attached to them: those hold the request and with it the key. Never
follows a redirect to another host. Knows jobs and bytes, not shots.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from generation.engines.videos_api.address import URL_VARIABLE, Server
from generation.engines.videos_api.answers import Job, fault_of, job_of, said
from generation.engines.videos_api.form import PICTURE_FIELD, Form
from generation.engines.videos_api.limits import Clock, Limits
from generation.engines.videos_api.retries import Passing, Retries, retry_after
from generation.errors import BadShot, GenerationError, NotAvailable, Transient

_FILM_TYPES = ("video/", "application/octet-stream", "application/binary", "application/mp4", "binary/octet-stream")
_REDIRECTS = 3


class Gone(Transient):
    """The server does not know the job (any more), or has no film of it left."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new job; `doubt` says in a sentence when the server may have made a second one."""

    job: Job
    doubt: str = ""


class Client:
    """`with Client(server) as client: job = client.create(form, key).job`."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        key = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        self._http = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": "spotmill"} | key,
            timeout=httpx.Timeout(limits.answer_seconds, connect=limits.connect_seconds),
            follow_redirects=False,
            # A proxy of the environment is for hosts elsewhere: loopback is reached directly.
            trust_env=not server.is_local,
            # Without encryption there is nobody's certificate to check: a context that trusts nobody costs 40 ms less.
            verify=True if server.url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self._retries = Retries(limits, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create(self, form: Form, key: str) -> Created:
        """Post a shot. A server that honours `key` gives the same job for a second post of it.

        When an answer is lost, the server's list is searched before the form is posted again; `doubt` says so.

        Raises: BadShot, Refused, Transient, OutOfMemory, NotAvailable.
        """
        parts: list[tuple[str, tuple[str | None, str | bytes, str] | tuple[None, str]]] = [
            (name, (None, value)) for name, value in form.fields
        ]
        if form.picture is not None:
            parts.append((PICTURE_FIELD, ("reference.png", form.picture, "image/png")))
        # Lists do not go by our clock; a minute forgives a server whose own is behind.
        began = time.time() - 60
        doubts: list[str] = []

        def once() -> Created:
            answer = self._answer("POST", "videos", "posting the shot", files=parts, headers={"Idempotency-Key": key})
            return Created(answer, doubts[-1] if doubts else "")

        def recover() -> Created | None:
            doubts.append(
                "a post was not answered or with an error, and the shot posted again: the server may have made it twice"
            )
            for record in self._recent():
                if _is_ours(record, form, key, began):
                    return Created(job_of(record), "the answer was lost; its job was found in the server's list")
            return None

        return self._retries.run(once, recover)

    def retrieve(self, job_id: str) -> Job:
        """How far a job is. Raises: Gone, and as `create`."""
        return self._retries.run(lambda: self._answer("GET", f"videos/{job_id}", f"asking for job {job_id}"))

    def delete(self, job_id: str) -> str:
        """Remove a job and its film, best effort and in one try; "" or a sentence why it is still there."""
        try:
            with self._called("DELETE", f"videos/{job_id}", f"deleting job {job_id}") as response:
                response.read()
        except Passing as passing:
            return str(passing.fault)
        except Gone:
            return ""
        except GenerationError as fault:
            return str(fault)
        return ""

    def download(self, job_id: str, path: Path) -> None:
        """Write a finished job's film to `path`. Raises: Gone, Transient when it breaks off or is none."""
        self._retries.run(lambda: self._download_once(job_id, path))

    def _download_once(self, job_id: str, path: Path) -> None:
        what = f"the film of job {job_id}"
        ends = self._clock.now() + self._limits.download_seconds
        headers = {"Accept": "application/binary"}
        with self._called("GET", f"videos/{job_id}/content", what, headers=headers) as response:
            self._check_film_type(response, what)
            size = 0
            with path.open("wb") as file:
                for chunk in response.iter_bytes(1 << 16):
                    size += len(chunk)
                    if size > self._limits.most_film_bytes:
                        raise BadShot(f"videos-api: {what} is larger than {self._limits.most_film_bytes:,} bytes")
                    if self._clock.now() > ends:
                        raise Passing(Transient(f"videos-api: {what} took over {self._limits.download_seconds:g} s"))
                    file.write(chunk)

    def _check_film_type(self, response: httpx.Response, what: str) -> None:
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind and not kind.startswith(_FILM_TYPES):
            words = said(self._body(response))
            raise Passing(Transient(self._shown(f"videos-api: {what} came as {kind}, not as a video: {words}")))

    def _recent(self) -> list[Mapping[str, object]]:
        """The newest jobs of the server; () where it has no list."""
        try:
            with self._called("GET", "videos?limit=50&order=desc", "listing jobs") as response:
                value = json.loads(self._shown_bytes(self._body(response)))
        except (Passing, GenerationError, ValueError):
            return []
        data = value.get("data") if isinstance(value, dict) else None
        return [record for record in data if isinstance(record, dict)] if isinstance(data, list) else []

    def _answer(self, method: str, path: str, what: str, **content: object) -> Job:
        with self._called(method, path, what, **content) as response:
            body = self._body(response)
            after = response.headers.get("openai-poll-after-ms", "")
        try:
            value = json.loads(self._shown(body.decode("utf-8", "replace")))
        except (ValueError, RecursionError):
            words = said(body)
            raise Passing(
                Transient(self._shown(f"videos-api: {what}: the answer is no JSON: {words}")), lost=method == "POST"
            ) from None
        return job_of(value, min(float(after) / 1000, self._limits.most_wait_seconds) if after.isdecimal() else None)

    @contextmanager
    def _called(self, method: str, path: str, what: str, **content: object) -> Iterator[httpx.Response]:
        """One request, answered with success. Raises: our errors, or Passing for what may be tried again."""
        try:
            with self._sent(method, f"{self._server.url}/{path}", what, content) as response:
                if not response.is_success:
                    self._raise_fault(response, method, path, what)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            fault = Transient(self._shown(f"videos-api: {self._server.host} cannot be reached ({error})"))
            raise Passing(fault) from None
        except httpx.InvalidURL as error:
            raise NotAvailable(f"{URL_VARIABLE} is not an address that can be asked: {error}") from None
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise Passing(Transient(self._shown(f"videos-api: {what}: {told}")), lost=method == "POST") from None

    @contextmanager
    def _sent(self, method: str, url: str, what: str, content: Mapping[str, object]) -> Iterator[httpx.Response]:
        """The request, and for GET the redirects that stay on the server."""
        for _ in range(_REDIRECTS):
            with self._http.stream(method, url, **content) as response:  # type: ignore[arg-type]
                if not response.has_redirect_location:
                    yield response
                    return
                url = self._redirected(response, method, what)
        raise NotAvailable(f"videos-api: {what}: the server redirects again and again; check {URL_VARIABLE}")

    def _redirected(self, response: httpx.Response, method: str, what: str) -> str:
        try:
            target = response.url.join(response.headers["location"])
        except httpx.InvalidURL:
            raise NotAvailable(f"videos-api: {what}: the server redirects to no address") from None
        here = response.url
        if method != "GET" or (target.scheme, target.host, target.port) != (here.scheme, here.host, here.port):
            raise NotAvailable(
                f"videos-api: {what}: the server redirects to {target.scheme}://{target.netloc.decode()[:100]}, which"
                f" is not followed: name the final address in {URL_VARIABLE}"
            )
        return str(target)

    def _raise_fault(self, response: httpx.Response, method: str, path: str, what: str) -> None:
        fault = fault_of(response.status_code, self._shown_bytes(self._body(response)), what)
        if response.status_code in (404, 410) and path != "videos" and not isinstance(fault, Transient):
            raise Gone(str(fault))
        if isinstance(fault, Transient):
            # A proxy gives up before the server does: the job may have been made.
            lost = method == "POST" and response.status_code >= 500
            raise Passing(fault, retry_after(response.headers.get("retry-after", "")), lost=lost)
        raise fault

    def _body(self, response: httpx.Response) -> bytes:
        """The start of a body: an error or a job is never long."""
        body = b""
        for chunk in response.iter_bytes(1 << 16):
            body += chunk
            if len(body) > self._limits.most_answer_bytes:
                break
        return body[: self._limits.most_answer_bytes]

    def _shown(self, text: str) -> str:
        return self._server.without_key(text)

    def _shown_bytes(self, body: bytes) -> bytes:
        return self._shown(body.decode("utf-8", "replace")).encode()


def _is_ours(record: Mapping[str, object], form: Form, key: str, began: float) -> bool:
    """Whether a listed job proves to be of this very post: by our key, or by the same words, size and seed just now."""
    if record.get("idempotency_key") == key:
        return True
    created = record.get("created_at")
    if not isinstance(created, int | float) or created < began:
        return False
    return bool(form.get("seed")) and all(
        str(record.get(name, "")) == form.get(name) for name in ("prompt", "size", "seed")
    )
