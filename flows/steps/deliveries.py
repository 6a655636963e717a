"""Steps after which nothing touches a film: its signature, and what is made of the signed film."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from flows.revision import revision_of
from flows.steps.films import MasterStep, PackageStep
from flows.steps.keys import Asset, with_key
from flows.steps.sound import TrackStep


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs: by a certificate chain and a private key, or a function that has the key signed with elsewhere."""

    #: Leaf and intermediates as PEM; counts by its bytes.
    chain: Asset
    #: Private key as PEM; a place, not part of any key.
    key_file: Path | None = None
    #: "module:function" of a key service.
    callback: str = ""
    timestamp_url: str = ""
    #: Certificates, as PEM text, that this machine trusts; "" trusts nobody, and only the signature is proven.
    anchors: str = ""

    def identity(self) -> list[str]:
        """What of it decides the signed bytes."""
        return [self.chain.sha256, self.timestamp_url]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that went into a film: the brand's logo, the row's picture."""

    asset: Asset
    #: inputTo (a model saw it) or componentOf (it is seen in the film).
    relationship: str


@dataclass(frozen=True, slots=True)
class DeliveryStep:
    """The file for one placement: the package signed, the last thing that touches its bytes, and its marks proven."""

    kind: ClassVar[str] = "delivery"
    package: PackageStep
    #: None leaves it unsigned.
    signing: Signing | None
    #: What the signed statement says: IPTC source type, models, AI training.
    source_type: str = ""
    models: tuple[tuple[str, str], ...] = ()
    ai_training: str = ""
    sources: tuple[Source, ...] = ()
    key: str = ""

    @property
    def master(self) -> MasterStep:
        """The film without its sound."""
        return self.package.master

    @property
    def track(self) -> TrackStep | None:
        """Its sound."""
        return self.package.track

    @property
    def placement(self) -> str:
        """Where it runs."""
        return self.package.placement

    def keyed(self) -> DeliveryStep:
        """The same step with its key."""
        facts = {
            "package": self.package.key,
            "signing": self.signing.identity() if self.signing else None,
            "sources": [[source.asset.sha256, source.relationship] for source in self.sources],
            "revision": revision_of("delivery"),
        }
        return with_key(self, facts)


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A small copy of a delivery with DRAFT written over it, to be seen until a person has approved the delivery."""

    kind: ClassVar[str] = "draft"
    delivery: DeliveryStep
    key: str = ""

    @property
    def placement(self) -> str:
        """Where the delivery runs."""
        return self.delivery.placement

    def keyed(self) -> DraftStep:
        """The same step with its key."""
        return with_key(self, {"delivery": self.delivery.key, "revision": revision_of("draft")})


@dataclass(frozen=True, slots=True)
class SurvivalStep:
    """What of the marks is left after an encode like those of platforms: nothing is kept of it but the finding."""

    kind: ClassVar[str] = "survival"
    delivery: DeliveryStep
    key: str = ""

    @property
    def placement(self) -> str:
        """Where the delivery runs."""
        return self.delivery.placement

    def keyed(self) -> SurvivalStep:
        """The same step with its key. What is measured are the pictures, whoever has signed them."""
        return with_key(self, {"delivery": self.delivery.package.key, "revision": revision_of("survival")})
