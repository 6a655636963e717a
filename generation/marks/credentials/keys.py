"""Keys: reading a private one, and telling a true signature from a false one.

No sentence of this file quotes a key. Knows no films and no rules of chains.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import BadCertificate, CallbackFailed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificatePublicKeyTypes,
        PrivateKeyTypes,
        PublicKeyTypes,
    )
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

#: What an EC key signs with is fixed by its curve, by the curve's size in bits.
_CURVES = {256: "es256", 384: "es384", 521: "es512"}
_RSA = ("ps256", "ps384", "ps512")
_LEAST_RSA_BITS = 2048


def algorithm_of(public: object, asked: str = "") -> str:
    """Signing algorithm of a public key; "" for a key that C2PA refuses, or one that the asked algorithm is not for."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    fitting: tuple[str, ...] = ()
    if isinstance(public, ec.EllipticCurvePublicKey):
        fitting = tuple(name for bits, name in _CURVES.items() if bits == public.curve.key_size)
    elif isinstance(public, rsa.RSAPublicKey):
        fitting = _RSA if public.key_size >= _LEAST_RSA_BITS else ()
    elif isinstance(public, ed25519.Ed25519PublicKey):
        fitting = ("ed25519",)
    if asked:
        return asked if asked in fitting else ""
    return fitting[0] if fitting else ""


def plain_signature(signature: bytes, algorithm: str) -> bytes:
    """An ECDSA signature as two numbers of fixed length; key services give it as DER. Others pass unchanged."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    size = {"es256": 32, "es384": 48, "es512": 66}.get(algorithm)
    if size is None or len(signature) == 2 * size:
        return signature
    try:
        first, second = decode_dss_signature(signature)
        return first.to_bytes(size, "big") + second.to_bytes(size, "big")
    except (ValueError, OverflowError) as error:
        raise CallbackFailed(f"the signing function gave {len(signature)} bytes that are no {algorithm}") from error


def refuse_false_signature(pem: str, algorithm: str, data: bytes, signature: bytes) -> None:
    """Raises: CallbackFailed where the signature is not by the key of the chain's first certificate."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.x509 import load_pem_x509_certificates

    public = load_pem_x509_certificates(pem.encode())[0].public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            pair = (int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
            public.verify(encode_dss_signature(*pair), data, ec.ECDSA(_hash(algorithm)))
        elif isinstance(public, rsa.RSAPublicKey):
            digest = _hash(algorithm)
            public.verify(signature, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        elif isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, data)
    except InvalidSignature as error:
        raise CallbackFailed(
            f"the signing function's signature is not by the certificate's key, or is not {algorithm}"
        ) from error


def load_key(path: Path) -> PrivateKeyTypes:
    """The private key of a PEM file. Raises: BadCertificate, naming the file and quoting nothing of it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = read_file(path)
    try:
        return load_pem_private_key(data, password=None)
    except TypeError:
        reason = "the private key has a passphrase, and nobody is there to give it; store it without one"
    except (ValueError, UnsupportedAlgorithm):
        reason = "this is no private key in PEM form"
    raise BadCertificate(f"{path.name}: {reason}")


def read_file(path: Path) -> bytes:
    """A file's bytes. Raises: BadCertificate."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{path}: cannot be read ({error.strerror})") from error


def same_key(private: PrivateKeyTypes, public: CertificatePublicKeyTypes) -> bool:
    """Whether the two are halves of one key."""
    return _encoded(private.public_key()) == _encoded(public)


def _encoded(public: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _hash(algorithm: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    by_bits: dict[str, HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    return by_bits[algorithm[2:]]
