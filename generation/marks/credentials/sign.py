"""Signs a film: the claim goes in as the last thing that touches its bytes, and the target is whole or not there.

No request is made for anything that a file names (`offline.py`). The one address that is spoken to is the time stamp
authority's, if the signer names one. What a certificate must be is in `chain.py`, what is stated in `statement.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import BadMedia
from generation.marks.credentials.offline import context, has_statement, mime_of, readable
from generation.marks.credentials.signers import Lent, chain_of, lend
from generation.marks.credentials.spec import Claim, Ingredient, Signed, Signer
from generation.marks.credentials.statement import definition, ingredient
from generation.marks.credentials.whole_file import Watched, whole_file

if TYPE_CHECKING:
    import c2pa

FORMAT = "video/mp4"


def sign_film(source: Path, target: Path, claim: Claim, signer: Signer) -> Signed:
    """Copy `source` to `target` with the claim signed into it.

    A source that carries a statement already keeps it: it becomes the parent that was opened.

    Raises: SignerExpired, BadCertificate before the film is read; BadMedia for a source or ingredient that is not what
    it should be; TimestampFailed, SignerUnreachable, which may pass; CallbackFailed, SigningFailed; a disk's OSError.
    """
    began = time.perf_counter()
    chain = chain_of(signer)
    claim = _with_parent(claim, source)
    for one in claim.ingredients:
        _refuse_changed(one)
    with lend(signer, chain) as lent, whole_file(target) as written:
        manifest = _sign(source, written, claim, lent)
    return Signed(
        manifest=manifest,
        sha256=_sha256(target),
        issuer=chain.issuer,
        fingerprint=chain.fingerprint,
        expires=chain.not_after,
        timestamped=bool(signer.timestamp_url),
        seconds=time.perf_counter() - began,
    )


def _sign(source: Path, written: Watched, claim: Claim, lent: Lent) -> bytes:
    from c2pa import Builder, C2paError

    read = tuple(one for one in claim.ingredients if readable(one))
    told = tuple(one for one in claim.ingredients if one not in read)
    try:
        with context() as offline, Builder(definition(claim, told), offline) as builder:
            for one in read:
                _add(builder, one)
            with source.open("rb") as film:
                manifest: bytes = builder.sign(lent.native, FORMAT, film, written)
                return manifest
    except C2paError as error:
        if written.fault is not None:
            raise written.fault from error
        if isinstance(error, C2paError.Io) or "could not be parsed" in str(error):
            raise BadMedia(f"{source.name}: this is no whole MP4 film ({error})") from error
        raise lent.explained(error, source.name) from error


def _add(builder: c2pa.Builder, one: Ingredient) -> None:
    assert one.path is not None
    with one.path.open("rb") as stream:
        builder.add_ingredient(ingredient(one), mime_of(one), stream)


def _refuse_changed(one: Ingredient) -> None:
    """The statement names an ingredient by its hash, and must not name it falsely."""
    if one.path is not None and _sha256(one.path) != one.sha256:
        raise BadMedia(f"{one.path.name}: the file has changed since the film was made of it")


def _with_parent(claim: Claim, source: Path) -> Claim:
    """The claim of a film that was signed before: not made anew, but opened."""
    if not source.is_file():
        raise BadMedia(f"{source}: there is no such film")
    if any(one.relationship == "parentOf" for one in claim.ingredients) or not has_statement(source):
        return claim
    parent = Ingredient(source, _sha256(source), source.name, "parentOf", FORMAT)
    edited = claim.edited or (("c2pa.edited", "Signed again"),)
    return dataclasses.replace(claim, ingredients=(parent, *claim.ingredients), edited=edited)


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise BadMedia(f"{path}: there is no such file")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
