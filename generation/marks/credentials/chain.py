"""Certificate chains: what a chain is, and what is wrong with it, before anything is spent.

The rules are those that C2PA verifiers enforce on a signing certificate. Measured: emailProtection is accepted by all
of them; documentSigning and C2PA's own purpose by those that are told of it, as `offline.py` does. Writes nothing and
knows no film. Keys are in `keys.py`, chains for tests are made in `local_chain.py`.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.errors import BadCertificate, SignerExpired
from generation.marks.credentials.keys import algorithm_of, load_key, read_file, same_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Extensions, ExtensionType

#: Purposes (extended key usage) that may sign, by their object identifiers.
PURPOSES = {
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.62558.2.1": "C2PA signing",
}
_ANY_PURPOSE = "2.5.29.37.0"


@dataclass(frozen=True, slots=True)
class Chain:
    """Facts about a certificate chain, and complaints about it. A chain with complaints cannot sign."""

    subject: str
    issuer: str
    #: ISO 8601, UTC.
    not_before: str
    not_after: str
    algorithm: str
    #: SHA-256 of the leaf.
    fingerprint: str
    #: The PEM text that is put into a film.
    pem: str
    complaints: tuple[str, ...] = ()
    #: Whether the leaf does not hold now; its sentence is among the complaints.
    expired: bool = False

    def refuse_if_bad(self) -> Chain:
        """The same chain if it can sign. Raises: SignerExpired, BadCertificate."""
        if self.complaints:
            only_time = self.expired and len(self.complaints) == 1
            raise (SignerExpired if only_time else BadCertificate)("; ".join(self.complaints))
        return self


def describe_chain(
    chain_pem: Path,
    key_pem: Path | None = None,
    *,
    anchors: str = "",
    algorithm: str = "",
    now: datetime.datetime | None = None,
) -> Chain:
    """What would sign, and everything that is wrong with it. If `anchors` (PEM) are given, one must have issued it.

    Raises: BadCertificate when a file cannot be read as what it should be; no text of it is quoted.
    """
    certificates = _certificates(chain_pem)
    leaf = certificates[0]
    complaints = [*_profile(leaf, algorithm, chain_pem.name), *_order(certificates, anchors, chain_pem.name)]
    if key_pem is not None and not same_key(load_key(key_pem), leaf.public_key()):
        complaints.append(f"{key_pem.name}: the private key does not belong to the certificate in {chain_pem.name}")
    late = _out_of_time(certificates, now or datetime.datetime.now(datetime.UTC), chain_pem.name)
    return Chain(
        subject=_name(leaf, issuer=False),
        issuer=_name(leaf, issuer=True),
        not_before=leaf.not_valid_before_utc.isoformat(),
        not_after=leaf.not_valid_after_utc.isoformat(),
        algorithm=algorithm_of(leaf.public_key(), algorithm),
        fingerprint=_fingerprint(leaf),
        pem="".join(_pem(certificate) for certificate in certificates),
        complaints=(*complaints, *late),
        expired=bool(late),
    )


def check_anchors(pem: str) -> None:
    """Raises: BadCertificate where a text holds no certificate in PEM form, or a broken one."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise BadCertificate("there is no certificate in PEM form in it") from error


# --- what a verifier asks of a certificate --------------------------------------------------------------------------


def _profile(leaf: Certificate, algorithm: str, file: str) -> Iterator[str]:
    from cryptography import x509

    if not algorithm_of(leaf.public_key()):
        yield f"{file}: its key is of a kind or size that C2PA refuses; take EC P-256, RSA of 2048 bits or Ed25519"
    elif not algorithm_of(leaf.public_key(), algorithm):
        yield f"{file}: its key does not sign with {algorithm}"
    extensions = leaf.extensions
    basic = _extension(extensions, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield f"{file}: the first certificate is an authority's (CA), which signs certificates and no films"
    usage = _extension(extensions, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        yield f"{file}: the certificate's key usage lacks digitalSignature"
    yield from _purposes(_extension(extensions, x509.ExtendedKeyUsage), file)
    if leaf.subject == leaf.issuer:
        yield f"{file}: the certificate is signed by itself; verifiers ask for one by an authority"


def _purposes(found: object, file: str) -> Iterator[str]:
    from cryptography.x509 import ExtendedKeyUsage

    wanted = "emailProtection, documentSigning or C2PA signing"
    if not isinstance(found, ExtendedKeyUsage):
        yield f"{file}: the certificate states no purpose (extended key usage); it must state {wanted}"
        return
    stated = [purpose.dotted_string for purpose in found]
    if _ANY_PURPOSE in stated:
        yield f"{file}: the certificate is for any purpose, which C2PA refuses; it must state {wanted}"
    elif not set(stated) & PURPOSES.keys():
        yield f"{file}: the certificate is for another purpose ({', '.join(stated)}); it must state {wanted}"


def _order(certificates: Sequence[Certificate], anchors: str, file: str) -> Iterator[str]:
    """Each certificate must be issued by the next, the last one by an anchor, if anchors are given."""
    from cryptography.x509 import load_pem_x509_certificates

    for one, following in itertools.pairwise(certificates):
        if not _issued_by(one, following):
            yield (
                f"{file}: an intermediate certificate is missing or out of order: {_name(one, issuer=False)} is by "
                f"{_name(one, issuer=True)}, and {_name(following, issuer=False)} follows"
            )
    trusted = load_pem_x509_certificates(anchors.encode()) if anchors.strip() else []
    last = certificates[-1]
    if trusted and last not in trusted and not any(_issued_by(last, anchor) for anchor in trusted):
        yield (
            f"{file}: none of the trusted certificates has issued its last one, {_name(last, issuer=False)}; an "
            f"intermediate by {_name(last, issuer=True)} is missing, or the anchors are another authority's"
        )


def _issued_by(one: Certificate, other: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        one.verify_directly_issued_by(other)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _out_of_time(certificates: Sequence[Certificate], now: datetime.datetime, file: str) -> tuple[str, ...]:
    """At most one sentence: a renewal mends all of them."""
    for certificate in certificates:
        name = _name(certificate, issuer=False)
        if now > certificate.not_valid_after_utc:
            return (f"{file}: the certificate of {name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}",)
        if now < certificate.not_valid_before_utc:
            begins = certificate.not_valid_before_utc.strftime("%Y-%m-%d %H:%M")
            return (f"{file}: the certificate of {name} holds from {begins} UTC on; is this machine's clock right?",)
    return ()


# --- reading --------------------------------------------------------------------------------------------------------


def _certificates(path: Path) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(read_file(path))
    except ValueError:
        raise BadCertificate(f"{path.name}: there is no certificate in PEM form in it") from None


def _extension(extensions: Extensions, kind: type[ExtensionType]) -> Any:
    from cryptography.x509 import ExtensionNotFound

    try:
        return extensions.get_extension_for_class(kind).value
    except ExtensionNotFound:
        return None


def _name(certificate: Certificate, *, issuer: bool) -> str:
    """Organisation and common name, whichever there are."""
    from cryptography.x509.oid import NameOID

    name = certificate.issuer if issuer else certificate.subject
    parts = (name.get_attributes_for_oid(kind) for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME))
    texts = dict.fromkeys(str(found[0].value) for found in parts if found)
    return ", ".join(texts) or name.rfc4514_string()


def _fingerprint(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex()


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode("ascii")
