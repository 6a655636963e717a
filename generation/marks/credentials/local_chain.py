"""A certificate chain made on this machine: root, intermediate, leaf. Whoever is given root.pem trusts it, nobody else.

The profile is the one that C2PA verifiers accept: a leaf that is no authority, for signatures, with a purpose. The keys
of root and intermediate are thrown away at once, so that nothing else can ever be issued by them. Knows no films.
"""

from __future__ import annotations

import datetime
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

KEY, CHAIN, ROOT = "key.pem", "chain.pem", "root.pem"
DAYS = 365
#: A signature made at once must not lie before its certificate, even where clocks differ a little.
_LEEWAY = datetime.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LocalChain:
    """Where the files of a chain lie."""

    folder: Path

    @property
    def key(self) -> Path:
        """The leaf's private key; readable by its owner alone."""
        return self.folder / KEY

    @property
    def chain(self) -> Path:
        """Leaf and intermediate."""
        return self.folder / CHAIN

    @property
    def root(self) -> Path:
        """What a verifier has to be given."""
        return self.folder / ROOT

    @property
    def is_there(self) -> bool:
        """Whether all three files are."""
        return all(path.is_file() for path in (self.key, self.chain, self.root))


def make_test_chain(
    folder: Path, *, organisation: str, days: int = DAYS, begins: datetime.datetime | None = None
) -> LocalChain:
    """Make a chain in a new or empty folder, which nobody but its owner may enter: all three files, or none.

    Raises: FileExistsError where the folder holds anything: keys are never written over.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name[:40]}.{secrets.token_hex(6)}.part")
    part.mkdir(mode=0o700)
    try:
        for name, content, mode in _contents(organisation, days, begins or datetime.datetime.now(datetime.UTC)):
            _write(part / name, content, mode)
        # An empty folder is replaced in one step; one that somebody has just filled is not.
        part.replace(folder)
    except OSError as error:
        if folder.is_dir() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} exists and is not an empty folder") from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return LocalChain(folder)


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(handle, "wb") as stream:  # noqa: PTH123 - the mode is set as the file is made, never after
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _contents(organisation: str, days: int, begins: datetime.datetime) -> list[tuple[str, bytes, int]]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    top, middle, low = (generate_private_key(SECP256R1()) for _ in range(3))
    period = (begins - _LEEWAY, begins + datetime.timedelta(days=days))
    names = [f"Test {part} made by Spotmill" for part in ("root", "intermediate", "signer")]
    root = _certificate(organisation, names[0], top, names[0], top, period, authority=True)
    intermediate = _certificate(organisation, names[1], middle, names[0], top, period, authority=True)
    leaf = _certificate(organisation, names[2], low, names[1], middle, period, authority=False)
    pem = [certificate.public_bytes(Encoding.PEM) for certificate in (leaf, intermediate, root)]
    key = low.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [(KEY, key, 0o600), (CHAIN, pem[0] + pem[1], 0o644), (ROOT, pem[2], 0o644)]


def _certificate(
    organisation: str,
    name: str,
    key: EllipticCurvePrivateKey,
    by: str,
    by_key: EllipticCurvePrivateKey,
    period: tuple[datetime.datetime, datetime.datetime],
    *,
    authority: bool,
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    public = key.public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(organisation, name))
        .issuer_name(_name(organisation, by))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(period[0])
        .not_valid_after(period[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority=authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False)
    )
    if not authority:
        purposes = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(purposes, critical=False)
    return made.sign(by_key, SHA256())


def _name(organisation: str, common: str) -> Any:
    from cryptography.x509 import Name, NameAttribute
    from cryptography.x509.oid import NameOID

    return Name(
        [NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]), NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _usage(*, authority: bool) -> Any:
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
