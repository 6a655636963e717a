"""A server of the OpenAI Videos API on loopback, and the faults of real ones, for tests over the wire.

It speaks what SDKs send: multipart forms, bracketed form keys, or JSON. Its films are a pure function of prompt, seed,
size, length and reference picture, as a model with a seed makes them. `with VideosServer() as server: server.url`.
"""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import io
import json
import math
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from generation.media.frames import VideoWriter, new_frame
from generation.spec import Size


@dataclass(frozen=True)
class Fault:
    """An answer instead of the right one. `cut` sends that much of the body and drops the connection."""

    status: int = 500
    body: bytes = (
        b'{"error": {"message": "The server had an error", "type": "server_error", "param": null, "code": null}}'
    )
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    #: Do what was asked first, then answer so: the answer is lost, not the deed.
    after: bool = False
    #: Send this much of the body, then drop the connection; -1 is all of it.
    cut: int = -1

    @classmethod
    def json(cls, status: int, message: str, code: str | None = None, kind: str = "", **headers: str) -> Fault:
        error = {"message": message, "type": kind or "invalid_request_error", "param": None, "code": code}
        return cls(status, json.dumps({"error": error}).encode(), headers)


@dataclass
class Seen:
    """One request as it came; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Job:
    """A video of the server."""

    id: str
    form: dict[str, str]
    picture: bytes | None
    key: str
    created_at: float
    polls: int = 0


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may hang up; anything else is a fault of this file and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class VideosServer:
    """Set its attributes before or between requests; `faults` are used up in order, by method and kind of path."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.seen: list[Seen] = []
        #: "POST videos", "GET job", "GET content", "GET list", "DELETE job" -> answers to give first.
        self.faults: dict[str, list[Fault]] = {}
        #: Polls until a job is finished; `progress` grows with them.
        self.polls = 4
        self.poll_after_ms: str | None = "0"
        #: Merged into the record of every job, such as {"status": "failed", "error": {...}}.
        self.record: dict[str, Any] = {}
        #: Instead of what is asked for.
        self.size: Size | None = None
        self.fps: Fraction | None = None
        self.frames: int | None = None
        self.film: bytes | None = None
        self.honours_keys = False
        self.deletes = True
        #: Jobs ever begun, and the most that were not finished at one time.
        self.made = 0
        self.most_in_flight = 0
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def count(self, what: str) -> int:
        """How many requests of that kind came."""
        return sum(kind_of(seen.method, seen.path) == what for seen in self.seen)

    # --- what the API does ------------------------------------------------------------------------------------------

    def create(self, form: dict[str, str], picture: bytes | None, key: str) -> dict[str, Any]:
        if self.honours_keys and key:
            for job in self.jobs.values():
                if job.key == key:
                    return self.describe(job)
        self.made += 1
        job = Job(f"video_{self.made}", form, picture, key, time.time())
        self.jobs[job.id] = job
        in_flight = sum(other.polls < self.polls for other in self.jobs.values())
        self.most_in_flight = max(self.most_in_flight, in_flight)
        return self.describe(job)

    def describe(self, job: Job) -> dict[str, Any]:
        done = job.polls >= self.polls
        record = {
            "id": job.id,
            "object": "video",
            "model": job.form.get("model", "served-model"),
            "status": "completed" if done else "in_progress" if job.polls else "queued",
            "progress": min(100, 100 * job.polls // max(1, self.polls)),
            "created_at": int(job.created_at),
            "prompt": job.form["prompt"],
            "seconds": job.form.get("seconds", "4"),
            "size": job.form.get("size", "720x1280"),
            "seed": job.form.get("seed"),
        }
        return record | self.record

    def content(self, job: Job) -> bytes:
        if self.film is not None:
            return self.film
        form = job.form
        size = self.size or Size(*(int(side) for side in form["size"].split("x")))
        fps = self.fps or Fraction(form.get("fps", "24"))
        frames = self.frames or int(form.get("num_frames") or math.ceil(int(form["seconds"]) * fps))
        return film(form["prompt"], int(form.get("seed", 0)), size, fps, frames, job.picture)


def film(prompt: str, seed: int, size: Size, fps: Fraction, frames: int, picture: bytes | None = None) -> bytes:
    """An MP4 file: slow waves whose light follows the prompt, whose place the seed, whose colour the picture."""
    words = hashlib.sha256(prompt.encode()).digest()
    places = np.random.default_rng(seed).uniform(0, 6.28, 3)
    u, v = (words[1] // 4 + 96, words[2] // 4 + 96) if picture is None else chroma(picture)
    y, x = np.mgrid[0 : size.height_px, 0 : size.width_px] / max(size.width_px, size.height_px) * 6.28
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with VideoWriter(path, size, fps) as writer:
            for index in range(frames):
                frame, planes = new_frame(size)
                wave = np.sin(x + places[0] + index * 0.12) + np.sin(y + places[1] + x * places[2] / 3 - index * 0.05)
                planes.y[:] = np.clip(60 + words[0] * 0.45 + 22 * wave, 16, 235)
                planes.u[:], planes.v[:] = u, v
                writer.write_frame(frame)
        return path.read_bytes()


def chroma(picture: bytes) -> tuple[int, int]:
    """Mean blue and red difference of a picture file."""
    small = Image.open(io.BytesIO(picture)).convert("YCbCr").resize((1, 1), Image.Resampling.BOX)
    _, u, v = small.getpixel((0, 0))  # type: ignore[misc]
    return int(u), int(v)


def kind_of(method: str, path: str) -> str:
    """A request without its particulars: "GET job"."""
    route = urlsplit(path).path.removeprefix("/v1/")
    if route == "videos":
        return f"{method} {'list' if method == 'GET' else 'videos'}"
    return f"{method} {'content' if route.endswith('/content') else 'job'}"


def _fields(kind: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """Fields and reference picture of a body: JSON, or a multipart form as SDKs send it."""
    if kind.startswith("application/json"):
        return {name: str(value) for name, value in json.loads(body).items()}, None
    assert kind.startswith("multipart/form-data; boundary="), kind
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body
    )
    fields, picture = {}, None
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            fields[name] = content.decode("utf-8")
        else:
            assert name == "input_reference"
            picture = content
    return fields, picture


def _handler(server: VideosServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two packets; otherwise the second waits 40 ms for the first one's receipt.
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            with server.lock:
                kind = kind_of(self.command, self.path)
                waiting = server.faults.get(kind)
                fault = waiting.pop(0) if waiting else None
                answer = None if fault is not None and not fault.after else self._act(kind, body)
                if answer is None:
                    self._note({})
            if fault is not None:
                self._send(fault.status, fault.body, fault.kind, fault.headers, fault.cut)
            elif answer is not None:
                self._send(*answer)

        def _note(self, form: dict[str, str]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.seen.append(Seen(self.command, self.path, headers, form))

        def _act(self, kind: str, body: bytes) -> tuple[int, bytes, str, dict[str, str]]:
            if kind == "POST videos":
                form, picture = _fields(self.headers.get("content-type", ""), body)
                self._note(form)
                return self._json(200, server.create(form, picture, self.headers.get("idempotency-key", "")))
            self._note({})
            if kind == "GET list":
                limit = int(parse_qs(urlsplit(self.path).query).get("limit", ["20"])[0])
                newest = [server.describe(job) for job in reversed(server.jobs.values())][:limit]
                return self._json(200, {"object": "list", "data": newest, "has_more": False})
            job = server.jobs.get(re.sub(r"^/v1/videos/|/content.*$", "", self.path))
            if job is None:
                return self._json(404, {"error": {"message": "Video not found", "type": "invalid_request_error"}})
            if kind == "GET content":
                return 200, server.content(job), "video/mp4", {}
            if kind == "DELETE job" and not server.deletes:
                return self._json(405, {"detail": "Method Not Allowed"})
            if kind == "DELETE job":
                del server.jobs[job.id]
                return self._json(200, {"id": job.id, "object": "video.deleted", "deleted": True})
            job.polls += 1
            return self._json(200, server.describe(job))

        def _json(self, status: int, value: object) -> tuple[int, bytes, str, dict[str, str]]:
            headers = {} if server.poll_after_ms is None else {"openai-poll-after-ms": server.poll_after_ms}
            return status, json.dumps(value).encode(), "application/json", headers

        def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str], cut: int = -1) -> None:
            if cut == 0:
                self.close_connection = True
                return
            try:
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body if cut < 0 else body[:cut])
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            if cut > 0:
                self.close_connection = True

    return Handler
