"""The library's signer for one of ours: by a private key in a file, or by a function that has a key service sign.

What the user's function raises is kept beside it, because the library would log and swallow it, and written nowhere: it
may hold what a key service said. Knows no film.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import (
    BadCertificate,
    CallbackFailed,
    GenerationError,
    SignerUnreachable,
    SigningFailed,
    TimestampFailed,
)
from generation.marks.credentials.chain import Chain, describe_chain
from generation.marks.credentials.keys import plain_signature, read_file, refuse_false_signature
from generation.marks.credentials.spec import Signer

if TYPE_CHECKING:
    import c2pa

Function = Callable[[bytes, str], bytes]


class Lent:
    """The library's signer for the time of one film, and what went wrong inside the user's function."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._error: Exception | None = None
        self.native: c2pa.Signer

    def explained(self, error: Exception, film: str) -> GenerationError:
        """The library's exception as ours. It may name an address, never a key."""
        from c2pa import C2paError

        if self._error is not None:
            return self._of_function(self._error)
        stamped = self._signer.timestamp_url
        if stamped and isinstance(error, C2paError.Signature):
            return TimestampFailed(f"{film}: no time stamp by {_host(stamped)} ({error}); it is not signed without one")
        return SigningFailed(f"{film}: could not be signed ({error})")

    def _of_function(self, error: Exception) -> GenerationError:
        if isinstance(error, GenerationError):
            return error
        name, kind = self._signer.callback, type(error).__name__
        if isinstance(error, ConnectionError | TimeoutError):
            return SignerUnreachable(f"{name}: the key service did not answer ({kind})")
        return CallbackFailed(f"{name}: the signing function raised {kind}")

    def guarded(self, function: Function, chain: Chain) -> Callable[[bytes], bytes]:
        """The user's function as the library calls it; its answer is held against the certificate."""

        def call(data: bytes) -> bytes:
            try:
                signature = plain_signature(bytes(function(data, chain.algorithm)), chain.algorithm)
                refuse_false_signature(chain.pem, chain.algorithm, data, signature)
            except Exception as error:  # noqa: BLE001 - somebody else's code, called from inside a native library
                self._error = error
                return b""
            return signature

        return call


def chain_of(signer: Signer) -> Chain:
    """The signer's chain, held against its key. Raises: SignerExpired, BadCertificate."""
    if bool(signer.key_pem) == bool(signer.callback):
        raise BadCertificate("a signer needs a private key or a signing function, one of the two")
    return describe_chain(signer.chain_pem, signer.key_pem, algorithm=signer.algorithm).refuse_if_bad()


@contextmanager
def lend(signer: Signer, chain: Chain) -> Iterator[Lent]:
    """The library's signer. With a key file the library signs itself, which takes 10 kB less room in each film."""
    from c2pa import C2paError

    address = signer.timestamp_url or None
    if address and not address.startswith(("http://", "https://")):
        raise SigningFailed(f"a time stamp authority's address begins with http:// or https://, not {address[:12]!r}")
    lent = Lent(signer)
    try:
        lent.native = _by_key(signer.key_pem, chain, address) if signer.key_pem else _by_function(lent, signer, chain)
    except C2paError as error:
        raise BadCertificate(f"{signer.chain_pem.name}: cannot sign ({error})") from error
    with lent.native:
        yield lent


def _by_key(key: Path, chain: Chain, address: str | None) -> c2pa.Signer:
    from c2pa import C2paSignerInfo, Signer

    stamps = address.encode() if address else None
    return Signer.from_info(C2paSignerInfo(chain.algorithm, chain.pem.encode(), read_file(key), stamps))


def _by_function(lent: Lent, signer: Signer, chain: Chain) -> c2pa.Signer:
    from c2pa import C2paSigningAlg
    from c2pa import Signer as Native

    call = lent.guarded(signing_function(signer.callback), chain)
    return Native.from_callback(call, C2paSigningAlg[chain.algorithm.upper()], chain.pem, signer.timestamp_url or None)


def signing_function(name: str) -> Function:
    """The function behind module:function. Raises: CallbackFailed.

    The module is an installed one or lies in PYTHONPATH. The working folder is not searched: whoever unpacks a
    stranger's campaign and its settings there must not run the stranger's code.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise CallbackFailed(f"{name!r} names no signing function; write it as module:function")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise CallbackFailed(f"{name}: there is no such signing function ({error})") from error
    if not callable(found):
        raise CallbackFailed(f"{name}: this is no function")
    function: Function = found
    return function


def _host(address: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname or "the authority"
