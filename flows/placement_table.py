"""`placements.toml` becomes records that fit together: sizes, lengths, rates, loudness, safe zones, watermark policy.

The whole file is checked when it is read, so a wrong number is a sentence that names its table. Callers go through
`placements.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from flows.facts import CONFIDENCES, BadTable, Facts, Origin, Table
from flows.problems import did_you_mean

#: The rate that Spotmill delivers (generation.spec.DELIVERY_FPS, not imported: `--help` stays light).
DELIVERY_FPS = Fraction(30000, 1001)


@dataclass(frozen=True, slots=True)
class Safe:
    """Margins to keep free of text and logos: top and bottom as parts of the height, left and right of the width."""

    top: float
    bottom: float
    left: float
    right: float

    def holds(self, other: Safe) -> bool:
        """Whether what keeps clear of these margins keeps clear of the other ones too."""
        return (
            self.top >= other.top
            and self.bottom >= other.bottom
            and self.left >= other.left
            and self.right >= other.right
        )


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture that several placements share; its safe box lies inside theirs."""

    id: str
    aspect: str
    width: int
    height: int
    safe: Safe


@dataclass(frozen=True, slots=True)
class Watermark:
    """Whether the brand's visible watermark is drawn by default, and why. True in a condition when it is."""

    visible: bool
    reason: str
    origin: Origin

    def __bool__(self) -> bool:
        return self.visible


@dataclass(frozen=True, slots=True)
class Placement:
    """One place where an ad runs, and what it takes there."""

    id: str
    title: str
    platform: str
    aspect: str
    width: int
    height: int
    #: Id of the picture encode that serves it.
    rendition: str
    fps_min: Fraction
    fps_max: Fraction
    min_seconds: float
    max_seconds: float
    recommended_seconds: tuple[float, float]
    max_bytes: int
    min_bytes: int
    #: Bounds of the video stream's rate; None where nothing is published.
    min_kbps: int | None
    max_kbps: int | None
    audio_kbps: int
    loudness_lufs: float
    true_peak_dbtp: float
    safe: Safe
    #: `burn`: only burned into the picture; `both`: takes a caption file as well.
    captions: str
    #: Limits of the texts beside the film and of the cover, by name; empty where nothing is published.
    text: Mapping[str, object] = field(hash=False)
    thumbnail: Mapping[str, object] = field(hash=False)
    watermark: Watermark
    note: str
    origin: Origin
    #: Confidence by group: geometry, fps, duration, size, codec, loudness, safe, captions.
    field_confidence: Mapping[str, str] = field(hash=False)

    def limits(self) -> dict[str, object]:
        """What a delivered file is held against, as JSON values; exact rates as text."""
        return {
            "width": self.width,
            "height": self.height,
            "fps_min": str(self.fps_min),
            "fps_max": str(self.fps_max),
            "min_seconds": self.min_seconds,
            "max_seconds": self.max_seconds,
            "min_bytes": self.min_bytes,
            "max_bytes": self.max_bytes,
            "min_kbps": self.min_kbps,
            "max_kbps": self.max_kbps,
            "audio_kbps": self.audio_kbps,
            "loudness_lufs": self.loudness_lufs,
            "true_peak_dbtp": self.true_peak_dbtp,
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A whole read file."""

    placements: Mapping[str, Placement]
    renditions: Mapping[str, Rendition]
    #: What holds for a preview, wherever it is meant to run later.
    preview: Watermark


def read_catalogue(file: Path) -> Catalogue:
    """Read and check a placements file.

    Raises: BadInput naming every table that is wrong.
    """
    facts = Facts(file, ("placement", "rendition", "audio", "text", "thumbnail", "watermark"))
    reading = _Reading(facts)
    facts.problems.raise_if_any()
    return reading.catalogue()


class _Reading:
    """Turns the tables of one file into records that fit together."""

    def __init__(self, facts: Facts) -> None:
        self._renditions = facts.each("rendition", _rendition)
        self._audio = facts.each("audio", _audio)
        self._text = facts.each("text", _limits)
        self._thumbnail = facts.each("thumbnail", _limits)
        self._watermarks = facts.each("watermark", _watermark)
        self.placements = facts.each("placement", self._placement)
        for name, (_, names) in self._watermarks.items():
            with facts.blaming(f"watermark.{name}"):
                _all_known("placements", names, self.placements)
        with facts.blaming("watermark.preview"):
            if "preview" not in self._watermarks:
                raise BadTable("", "is missing")

    def catalogue(self) -> Catalogue:
        """The records."""
        preview, _ = self._watermarks["preview"]
        return Catalogue(self.placements, self._renditions, preview)

    def _placement(self, name: str, table: Table) -> Placement:
        audio_kbps, loudness_lufs, true_peak_dbtp = self._audio[table.one_of("audio", self._audio)]
        rendition = self._renditions[table.one_of("rendition", self._renditions)]
        low, high = table.numbers("recommended", 2)
        place = Placement(
            id=name,
            title=table.text("title"),
            platform=table.text("platform"),
            aspect=table.text("aspect"),
            width=table.whole("width"),
            height=table.whole("height"),
            rendition=rendition.id,
            fps_min=table.rate("fps_min", "1"),
            fps_max=table.rate("fps_max"),
            min_seconds=table.number("min_seconds"),
            max_seconds=table.number("max_seconds"),
            recommended_seconds=(low, high),
            max_bytes=table.whole("max_bytes"),
            min_bytes=table.whole("min_bytes", 1),
            min_kbps=table.whole("min_kbps", None),
            max_kbps=table.whole("max_kbps", None),
            audio_kbps=audio_kbps,
            loudness_lufs=loudness_lufs,
            true_peak_dbtp=true_peak_dbtp,
            safe=_safe(table),
            captions=table.one_of("captions", ("burn", "both")),
            text=_named(table, "text", self._text),
            thumbnail=_named(table, "thumbnail", self._thumbnail),
            watermark=self._watermark_of(name),
            note=table.text("note", ""),
            origin=table.origin(),
            field_confidence=_field_confidence(table),
        )
        _check(place, rendition)
        return place

    def _watermark_of(self, name: str) -> Watermark:
        policies = [policy for policy, names in self._watermarks.values() if name in names]
        if len(policies) != 1:
            raise BadTable("", f"stands in {len(policies)} watermark tables instead of one")
        return policies[0]


def _check(place: Placement, rendition: Rendition) -> None:
    """Refuse a placement whose own values contradict each other or the picture it is served with."""
    shape = (rendition.aspect, rendition.width, rendition.height)
    if shape != (place.aspect, place.width, place.height):
        raise BadTable("rendition", f"{rendition.id} has another size or aspect")
    if not rendition.safe.holds(place.safe):
        raise BadTable("safe", f"rendition {rendition.id} does not keep these margins clear")
    low, high = place.recommended_seconds
    if not 0 < place.min_seconds <= low <= high <= place.max_seconds:
        raise BadTable("recommended", "does not lie between min_seconds and max_seconds")
    if not place.fps_min <= DELIVERY_FPS <= place.fps_max:
        raise BadTable("fps_max", f"rules out {DELIVERY_FPS}, the rate that is delivered")
    if place.min_bytes >= place.max_bytes:
        raise BadTable("max_bytes", "is not above min_bytes")
    if place.min_kbps and place.max_kbps and place.min_kbps > place.max_kbps:
        raise BadTable("max_kbps", "is below min_kbps")


def _rendition(name: str, table: Table) -> Rendition:
    rendition = Rendition(name, table.text("aspect"), table.whole("width"), table.whole("height"), _safe(table))
    try:
        across, down = (int(part) for part in rendition.aspect.split(":"))
    except ValueError as error:
        raise BadTable("aspect", "is not two whole numbers such as 9:16", rendition.aspect) from error
    if rendition.width * down != rendition.height * across:
        raise BadTable("aspect", f"is not that of {rendition.width}x{rendition.height}", rendition.aspect)
    if rendition.width % 2 or rendition.height % 2:
        raise BadTable("width", "4:2:0 pictures need even sides", f"{rendition.width}x{rendition.height}")
    return rendition


def _safe(table: Table) -> Safe:
    safe = Safe(*table.numbers("safe", 4))
    parts = (safe.top, safe.bottom, safe.left, safe.right)
    if min(parts) < 0 or safe.top + safe.bottom >= 1 or safe.left + safe.right >= 1:
        raise BadTable("safe", "leaves no room", parts)
    return safe


def _audio(name: str, table: Table) -> tuple[int, float, float]:
    """kbit/s, LUFS, dBTP. Where nothing is published the usual -14 LUFS and -1 dBTP hold."""
    kbps = table.whole("kbps")
    loudness, peak = table.number("loudness_lufs", -14.0), table.number("true_peak_dbtp", -1.0)
    if not -40 <= loudness <= -5 or not -10 <= peak <= 0:
        raise BadTable("loudness_lufs", "or the true peak is out of any broadcaster's range", (loudness, peak))
    return kbps, loudness, peak


def _limits(name: str, table: Table) -> Mapping[str, object]:
    """Limits by name; their origin goes along as `source`, `checked` and `confidence`."""
    origin = table.origin()
    facts = {"source": origin.source, "checked": origin.checked.isoformat(), "confidence": origin.confidence}
    return {**table.rest(), **facts}


def _watermark(name: str, table: Table) -> tuple[Watermark, tuple[str, ...]]:
    """The policy, and the placements that it is for."""
    names = table.texts("placements")
    return Watermark(table.switch("visible"), table.text("reason"), table.origin()), names


def _named(table: Table, key: str, known: Mapping[str, Mapping[str, object]]) -> Mapping[str, object]:
    name = table.one_of(key, ("", *known))
    return known[name] if name else {}


def _field_confidence(table: Table) -> Mapping[str, str]:
    values = Table(table.take("fields", dict))
    return {group: values.one_of(group, CONFIDENCES) for group in values.names()}


def _all_known(key: str, names: tuple[str, ...], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise BadTable(key, f"names no placement of this file. {did_you_mean(name, known)}".strip(), name)
