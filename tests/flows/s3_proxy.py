"""A proxy between a client and a server that speaks S3, which does to requests what networks and servers do."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOR_EVER = 10**9


@dataclass
class Fault:
    """What happens to the next requests that fit: "503 SlowDown" or such, reset, lost, slow, cut, flip up or down."""

    kind: str
    method: str = ""
    #: Regular expression on the path with its query.
    path: str = ""
    times: int = 1
    seconds: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and re.search(self.path, path) is not None


class FaultProxy:
    """`address` leads to the server at `host`:`port`; `seen` are the requests that came, as "PUT /bucket/key?query"."""

    def __init__(self, host: str, port: int) -> None:
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.fault_for(self.command, self.path)
                kind = fault.kind if fault else ""
                if fault and kind == "slow":
                    time.sleep(fault.seconds)
                if kind[:1].isdigit():
                    status, _, code = kind.partition(" ")
                    self.answer(int(status), {"Content-Type": "application/xml"}, _error(code))
                elif kind == "reset":
                    self.reset()
                else:
                    body = _flipped(body) if kind == "flip up" else body
                    connection = http.client.HTTPConnection(host, port, timeout=30)
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                    connection.request(self.command, self.path, body, headers)
                    response = connection.getresponse()
                    content = response.read()
                    connection.close()
                    content = _flipped(content) if kind == "flip down" else content
                    if kind == "lost":
                        self.reset()
                        return
                    self.answer(response.status, dict(response.headers), content, half=kind == "cut")

            def answer(self, status: int, headers: dict[str, str], content: bytes, *, half: bool = False) -> None:
                self.send_response(status)
                length = headers.pop("Content-Length", str(len(content)))
                for name, value in headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "server", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else content[: len(content) // (1 + half)])
                if half:
                    self.wfile.flush()
                    time.sleep(0.05)
                    self.reset()

            def reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_: object) -> None:
                """The tests look at `seen`."""

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Clients that hang up are what this is for."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            fault = next((one for one in self.faults if one.fits(method, path)), None)
            if fault:
                fault.times -= 1
            return fault

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>AKIAIOSFODNN7EXAMPLE said no</Message></Error>".encode()


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:] if content else content
