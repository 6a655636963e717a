"""For tests of signed statements: films, certificates of any profile, a time stamp authority, a server that counts."""

from __future__ import annotations

import datetime
import hashlib
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from generation.marks.credentials.local_chain import LocalChain
from generation.marks.credentials.spec import Claim, Ingredient, Signer
from generation.media.ffmpeg import find_ffmpeg

DAY = datetime.timedelta(days=1)


def ffmpeg(*words: str | Path) -> None:
    subprocess.run([str(find_ffmpeg()), "-y", "-v", "error", *map(str, words)], check=True, timeout=60)


def make_film(path: Path, size: str = "160x120") -> Path:
    """A second of moving colours with sound; nobody has signed it."""
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1"),
        *("-pix_fmt", "yuv420p", "-threads", "1", "-c:v", "libx264", "-movflags", "+faststart", path),
    )
    return path


def claim(**changes: Any) -> Claim:
    said: dict[str, Any] = {
        "title": "Red cup, reels",
        "digital_source_type": "trainedAlgorithmicMedia",
        "made_by": "Spotmill/1.2",
        "models": (("wan2.2", "abc123"),),
        "edited": (("c2pa.edited", "Drawn over the footage: headline"),),
        "training": "notAllowed",
        "mark": "a1b2c3d4e5f6",
        "job": {"delivery": "0123", "placement": "linkedin_square"},
    }
    return Claim(**(said | changes))


def ingredient(path: Path, relationship: str = "componentOf") -> Ingredient:
    return Ingredient(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.name, relationship)


def signer(chain: LocalChain, **changes: Any) -> Signer:
    return Signer(**({"chain_pem": chain.chain, "key_pem": chain.key} | changes))


# --- certificates that `spotmill keys new` would never make -----------------------------------------------------------


@cache
def authority() -> tuple[x509.Certificate, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    return issue("Root", key, None, ca=True), key


def issue(
    name: str,
    key: Any,
    by: tuple[x509.Certificate, Any] | None,
    *,
    ca: bool = False,
    purposes: tuple[str, ...] | None = ("1.3.6.1.5.5.7.3.4",),
    signature: bool = True,
    begins: datetime.datetime | None = None,
    ends: datetime.datetime | None = None,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dawn"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    issuer, its_key = (by[0].subject, by[1]) if by else (subject, key)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now - DAY)
        .not_valid_after(ends or now + 90 * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(its_key.public_key()), critical=False)
    )
    usage = x509.KeyUsage(signature and not ca, False, not signature, False, False, ca, ca, False, False)
    made = made.add_extension(usage, critical=True)
    if not ca and purposes is not None:
        asked = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose) for purpose in purposes])
        made = made.add_extension(asked, critical=purposes == (ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,))
    return made.sign(its_key, SHA256())


def leaf(folder: Path, key: Any = None, by: Any = None, **facts: Any) -> LocalChain:
    """A chain of one leaf by `authority()`, with facts that may be wrong, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    key = key or ec.generate_private_key(ec.SECP256R1())
    files = LocalChain(folder)
    files.chain.write_bytes(issue("Signer", key, by or authority(), **facts).public_bytes(Encoding.PEM))
    files.key.write_bytes(pem_of(key))
    files.root.write_bytes(authority()[0].public_bytes(Encoding.PEM))
    return files


def pem_of(key: Any) -> bytes:
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return data


def sign_with(key_file: Path) -> Callable[[bytes, str], bytes]:
    """A key service: what it gives for an EC key is DER, as cloud services do."""
    key = load_pem_private_key(key_file.read_bytes(), None)

    def call(data: bytes, algorithm: str) -> bytes:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(data, ec.ECDSA(SHA256()))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return key.sign(data)

    return call


# --- servers on loopback ----------------------------------------------------------------------------------------------


@contextmanager
def serving(answer: Callable[[str, bytes], tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers by a function of path and body; its address, and the requests that came."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            seen.append(f"{self.command} {self.path}")
            code, body = answer(self.path, self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(code)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - names of the base class

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_TSA = """
[tsa]
default_tsa = one
[one]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
certs = ./tsa_root.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


def time_stamps(folder: Path) -> Callable[[str, bytes], tuple[int, bytes]]:
    """A time stamp authority by openssl's own program, with its certificates in `folder`."""
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root = issue("Time root", root_key, None, ca=True)
    stamper = issue("Time", key, (root, root_key), purposes=(ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,))
    (folder / "tsa_root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(stamper.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(pem_of(key))
    (folder / "tsa.cnf").write_text(_TSA)
    (folder / "serial").write_text("01")

    def answer(path: str, query: bytes) -> tuple[int, bytes]:
        (folder / "query").write_bytes(query)
        words = ["openssl", "ts", "-reply", "-queryfile", "query", "-out", "reply", "-config", "tsa.cnf"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=20)
        return 200, (folder / "reply").read_bytes()

    return answer
