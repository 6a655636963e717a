"""HTTPS on loopback with a certificate authority made for the test, and a stand-in for the internet that leads to it.

`with TlsServer("cdn.example.com") as server: server.routes["/a.png"] = content(png)`. Loopback has many addresses: one
plays the CDN, another the metadata service that nobody outside may ask.
"""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flows.addresses import is_public
from flows.fetching import Internet

CDN, METADATA = "127.0.0.1", "127.0.0.2"
HOST = "cdn.example.com"
Answer = Callable[[BaseHTTPRequestHandler], None]


def content(body: bytes, **headers: str) -> Answer:
    """200 with these bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | named).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, Location=location)


@lru_cache(maxsize=4)
def certificate(*hosts: str) -> tuple[bytes, bytes, bytes]:
    """An authority, and a certificate of it for these hosts with its key, as PEM."""
    now = datetime.datetime.now(datetime.UTC)

    def build(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = build("Test CA", "Test CA", root).add_extension(x509.BasicConstraints(True, None), critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    signed = build(hosts[0], "Test CA", leaf).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    form, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return (
        authority.sign(root, hashes.SHA256()).public_bytes(pem),
        signed.sign(root, hashes.SHA256()).public_bytes(pem),
        leaf.private_bytes(pem, form, bare),
    )


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


class TlsServer:
    """Answers by path; remembers every request as (path, Host header) and every name that TLS asked for."""

    def __init__(self, *hosts: str, address: str = CDN, port: int = 0) -> None:
        self.routes: dict[str, Answer] = {}
        self.seen: list[tuple[str, str]] = []
        self.names: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.authority, chain, key = certificate(*(hosts or (HOST,)))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers.get("Host", "")))
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                with suppress(OSError):
                    outer.routes.get(self.path.partition("?")[0], status(404))(self)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Quiet((address, port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            (Path(folder) / "chain.pem").write_bytes(chain)
            (Path(folder) / "key.pem").write_bytes(key)
            context.load_cert_chain(f"{folder}/chain.pem", f"{folder}/key.pem")
        context.sni_callback = lambda _socket, name, _context: self.names.append(name or "")
        # Shaken in the thread of each connection: one that stalls holds up no other.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class LocalInternet(Internet):
    """The internet as a test sees it: names lead where the test says, the CDN's loopback address counts as public."""

    def __init__(self, server: TlsServer, names: dict[str, list[list[str]]] | None = None) -> None:
        self.port = server.port
        self._authority = server.authority.decode()
        #: Host -> its answers one after the other; the last one is repeated.
        self.answers = names or {HOST: [[CDN]]}
        self.asked: list[str] = []

    async def numbers(self, host: str) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("Name or service not known")
        answers = self.answers[host]
        return answers[min(self.asked.count(host), len(answers)) - 1]

    def allows(self, ip: str) -> bool:
        return ip == CDN or is_public(ip)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._authority)
