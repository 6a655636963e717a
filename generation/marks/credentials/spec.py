"""What is said in a signed statement and who signs it, as frozen records. Imports nothing heavy; checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

#: How an ingredient went in: a model saw it, it is seen or heard in the film, or the film is an edited copy of it.
Relationship = Literal["inputTo", "componentOf", "parentOf"]
#: Whether the film may be used to train models.
Training = Literal["notAllowed", "allowed", "constrained"]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file that went into a film."""

    #: None where only its hash is known.
    path: Path | None
    sha256: str
    title: str
    relationship: str = "componentOf"
    #: "" goes by the file's name.
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is stated about one film. Public: whoever has the film can read it."""

    title: str
    #: A term of IPTC's vocabulary, such as trainedAlgorithmicMedia, or its whole address.
    digital_source_type: str
    #: The software, as name/version.
    made_by: str
    #: Identities and revisions of the models behind the footage.
    models: tuple[tuple[str, str], ...] = ()
    #: What was done after the footage was made: C2PA's name of the action, and a description.
    edited: tuple[tuple[str, str], ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    training: str = "notAllowed"
    #: Payload of the invisible mark as hex; "" where there is none.
    mark: str = ""
    #: Plain texts by name that lead back to whoever made it.
    job: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a certificate chain, and either its private key or a function that has a key service sign."""

    #: The leaf's certificate, then intermediates, as PEM; the root stays out.
    chain_pem: Path
    #: Private key as PEM, without a passphrase.
    key_pem: Path | None
    #: "module:function" taking bytes and the algorithm's name, giving the signature.
    callback: str = ""
    #: es256, es384, es512, ps256, ps384, ps512 or ed25519; "" goes by the key.
    algorithm: str = ""
    #: RFC 3161 time stamp authority; "" signs without a time stamp.
    timestamp_url: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What signing gave."""

    #: The whole C2PA store as it lies in the film: a sidecar for when the film has lost it.
    manifest: bytes
    sha256: str
    issuer: str
    #: SHA-256 of the leaf's certificate.
    fingerprint: str
    #: When the certificate ends, ISO 8601.
    expires: str
    timestamped: bool
    seconds: float
