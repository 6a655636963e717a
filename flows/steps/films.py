"""Steps that finish films: master, package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from flows.ledger import digest
from flows.model import ContentBrief, LayerBrief
from flows.revision import revision_of
from flows.steps.footage import PlateStep
from flows.steps.keys import Secret, key_of, sha256_of, with_key
from flows.steps.sound import TrackStep, VoiceStep

#: Hex digits of a master's key that its invisible mark carries: 48 bits.
MARK_DIGITS = 12


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """What of the brand is drawn; files count by their bytes."""

    name: str
    primary: str
    accent: str
    ink: str
    paper: str
    logo: Path | None
    logo_sha256: str
    fonts: tuple[Path, ...]
    fonts_sha256: tuple[str, ...]
    font_family: str

    def identity(self) -> dict[str, object]:
        """The facts that decide pixels, as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("logo", "fonts")}


@dataclass(frozen=True, slots=True)
class ContentStep:
    """A plate looked at by models of the user's own: what they say of it, before anything is written on it."""

    kind: ClassVar[str] = "content"
    plate: PlateStep
    checks: ContentBrief
    #: The models' bytes, labels and limits.
    identity: Mapping[str, object]
    key: str = ""

    def keyed(self) -> ContentStep:
        """The same step with its key. Models count by their bytes."""
        return with_key(self, {"plate": self.plate.key, "checks": None, "revision": revision_of("content")})


@dataclass(frozen=True, slots=True)
class MasterStep:
    """Layers and captions drawn over a plate and encoded: one film for one aspect and length."""

    kind: ClassVar[str] = "master"
    plate: PlateStep
    voice: VoiceStep | None
    layers: tuple[LayerBrief, ...]
    locale: str
    brand: BrandFacts
    #: x, y, width, height of the box that text and logos stay in.
    safe: tuple[int, int, int, int]
    caption_characters: int
    disclosure_label: str
    watermark: str
    quality: str
    #: None where no model looks at the footage; else no film is made of what it refuses.
    content: ContentStep | None = None
    #: Invisible mark, and its revision; "" draws none. Its payload is the beginning of this step's own key.
    invisible_mark: str = ""
    mark_revision: str = ""
    #: None is the public pattern.
    mark_secret: Secret | None = None
    #: Seconds from the start that show the label; None is the whole film.
    disclosure_seconds: float | None = None
    key: str = ""

    def keyed(self, layers_key: str = "", brand_key: str = "") -> MasterStep:
        """The same step with its key. The digests of layers and brand are the same for all films of a creative."""
        facts = {
            "plate": self.plate.key,
            "voice": key_of(self.voice),
            "brand": brand_key or digest(self.brand.identity()),
            "layers": layers_key or digest(self.layers),
            "mark_secret": sha256_of(self.mark_secret),
            "content": key_of(self.content),
            "revision": revision_of("master"),
        }
        return with_key(self, facts)

    @property
    def mark_id(self) -> str:
        """Payload of the invisible mark, as hex; "" without one."""
        return self.key[:MARK_DIGITS] if self.invisible_mark else ""


@dataclass(frozen=True, slots=True)
class PackageStep:
    """Master and track joined for one placement, with poster and captions, checked against the placement's limits."""

    kind: ClassVar[str] = "package"
    master: MasterStep
    track: TrackStep | None
    placement: str
    #: The placement's limits that the check holds the file against, as JSON values.
    limits: Mapping[str, object]
    title: str
    key: str = ""

    def keyed(self) -> PackageStep:
        """The same step with its key."""
        facts = {"master": self.master.key, "track": key_of(self.track), "revision": revision_of("package")}
        return with_key(self, facts)
