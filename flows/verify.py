"""Is this film ours, who signed it, and was it changed since? By its statement, its hash, or its invisible mark alone.

A film that comes back from a platform has another size, another codec and no statement; its mark still leads to the
registry, and the statement kept there is held against it. A film does not say by which method it was marked: each that
this machine has is tried. Reads only; decides by what is proven: a claim that no
trusted signature covers makes no film ours. What is said of a film is in `verdict.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flows.files import sha256_file
from flows.model import BadInput, Problem
from flows.registry import Entry, Registry
from flows.settings import Settings
from flows.verdict import Evidence, MarkFound, Verdict, judged, unreadable
from generation.errors import BadMedia, GenerationError
from generation.marks.credentials.read import Credentials, read_credentials

if TYPE_CHECKING:
    from generation.marks.invisible.contract import Effort, Reading

DEADLINE_SECONDS = 120.0
#: Kept statements held against one film: a mark belongs to one master, and a master to a few deliveries.
MOST_KEPT = 12


def verifier_for(settings: Settings) -> tuple[Verifier, tuple[str, ...]]:
    """What this machine holds films against, and what a reader should know about it.

    Raises: BadInput for files that the settings name and that cannot be used.
    """
    from flows.keys import anchors_for
    from flows.marking import mark_secret
    from flows.node import secret_bytes

    root = settings.ledger_folder
    secret = secret_bytes(mark_secret(settings.mark_key))
    marks, lacking = invisible_marks()
    verifier = Verifier(Registry(root), anchors_for(settings, root), marks, lacking, secret)
    notes = []
    if not (root / "registry").is_dir():
        notes.append(f"nothing was delivered from {root}: only signatures can tell here; name --out or --ledger")
    if not verifier.anchors:
        notes.append("no certificate is trusted here: name a file of them in spotmill.toml as `trust_anchors`")
    return verifier, tuple(notes)


def invisible_marks() -> tuple[Mapping[str, Mark], Mapping[str, str]]:
    """The methods that mark our films and that this machine can read, and why it cannot read others.

    Raises: BadInput when a model for a mark is named and cannot be used.
    """
    from generation.marks.invisible import get_mark
    from generation.marks.invisible.learned import VARIABLE

    marks: dict[str, Mark] = {"spread": get_mark("spread")}
    if not os.environ.get(VARIABLE):
        return marks, {"learned": f"{VARIABLE} names no models here"}
    try:
        marks["learned"] = get_mark("learned")
    except GenerationError as error:
        fix = "Name the folder with encoder.onnx and decoder.onnx, or take the variable away"
        problem = Problem(VARIABLE, None, None, "bad_mark_model", os.environ[VARIABLE][:60], str(error), fix)
        raise BadInput((problem,)) from error
    return marks, {}


class Mark(Protocol):
    """The part of the port for invisible marks that is used here."""

    def read(self, path: Path, *, key: bytes, effort: Effort, deadline_seconds: float) -> Reading:
        """The mark in a film, or that there is none."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What films are held against."""

    registry: Registry
    #: Certificates as PEM text.
    anchors: str
    #: By method, in the order in which they are tried.
    marks: Mapping[str, Mark]
    #: Method -> why it cannot be tried here.
    lacking: Mapping[str, str] = field(default_factory=dict)
    mark_key: bytes = b""
    deadline_seconds: float = DEADLINE_SECONDS

    def all(self, paths: Iterable[Path]) -> list[Verdict]:
        """A verdict for each file, in their order."""
        return [self.one(path) for path in paths]

    def one(self, path: Path) -> Verdict:
        """The verdict on one file; whatever the file is, it is no exception."""
        try:
            if not path.is_file():
                return unreadable(path, "there is no such file")
            sha256, own = sha256_file(path), read_credentials(path, anchors=self.anchors)
        except (OSError, BadMedia) as error:
            return unreadable(path, str(error))
        marks = self._marks(path)
        found = marks[0]
        exact = self.registry.by_sha256(sha256)
        if own.state == "none" and not exact and found.is_no_film:
            return unreadable(path, found.trouble)
        entries = exact or self._by_mark(own, found)
        kept = None if exact or own.statement_trusted else self._kept(path, entries)
        return judged(Evidence(path, sha256, own, marks, narrowed(entries, own, kept), bool(exact), kept))

    def _marks(self, path: Path) -> tuple[MarkFound, ...]:
        """What every method found, the one first that leads somewhere: to our registry, or at least to a mark."""
        found = [*self._looked_for(path), *(MarkFound(name, trouble=why) for name, why in self.lacking.items())]
        found.sort(key=lambda one: (not self.registry.by_mark(one.payload), not one.payload))  # stable
        return tuple(found)

    def _looked_for(self, path: Path) -> Iterator[MarkFound]:
        """One method after another, until a mark of the registry's is found: a reading takes seconds."""
        for name, mark in self.marks.items():
            found = self._read(name, mark, path)
            yield found
            if self.registry.by_mark(found.payload):
                break

    def _read(self, name: str, mark: Mark, path: Path) -> MarkFound:
        try:
            reading = mark.read(path, key=self.mark_key, effort="full", deadline_seconds=self.deadline_seconds)
        except GenerationError as error:
            return MarkFound(name, trouble=str(error), is_no_film=isinstance(error, BadMedia))
        payload = reading.payload.hex() if reading.payload else ""
        return MarkFound(name, payload, reading.score, reading.threshold, reading.frames, reading.change)

    def _by_mark(self, own: Credentials, found: MarkFound) -> tuple[Entry, ...]:
        """By what was read from the picture; else by what a trusted statement says of it."""
        read = self.registry.by_mark(found.payload)
        return read or (self.registry.by_mark(own.mark) if own.statement_trusted else ())

    def _kept(self, path: Path, entries: Sequence[Entry]) -> Credentials | None:
        """The kept statement that fits the film best: one that holds, before one that the film was changed since."""
        hashes = list(dict.fromkeys(entry.sha256 for entry in entries))[:MOST_KEPT]
        stored = [manifest for sha256 in hashes if (manifest := self.registry.manifest(sha256))]
        read = [read_credentials(path, anchors=self.anchors, manifest=manifest) for manifest in stored]
        return max(read, key=lambda one: (one.state == "trusted", one.statement_trusted), default=None)


def narrowed(entries: Sequence[Entry], own: Credentials, kept: Credentials | None) -> tuple[Entry, ...]:
    """Those entries whose placement a statement names; all of them where none does."""
    statements = [one for one in (own, kept) if one is not None and (one.statement_trusted or one.state == "trusted")]
    places = {one.job.get("placement", "") for one in statements[:1]}
    return tuple(entry for entry in entries if entry.placement in places) or tuple(entries)
