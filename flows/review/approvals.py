"""Decisions of people about exact bytes, kept for good in the ledger.

Each decision is a file of its own, written once and never changed. It names the events that its author had seen, so
that two people who decide at the same moment lose nothing: both files are there, neither supersedes the other, and the
rejection holds until somebody who has seen both decides again. Other bytes have another SHA-256 and therefore another
folder: an approval cannot outlive a change of the film. Knows hashes and names; not films, placements or pages.

    LEDGER/approvals/<first two of sha256>/<sha256>/<event id>.json
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from flows.files import sync, write_whole

APPROVE, REJECT, COMMENT = "approve", "reject", "comment"
KINDS = (APPROVE, REJECT, COMMENT)
WAITING, APPROVED, REJECTED = "waiting", "approved", "rejected"
LIMIT_REVIEWER_CHARACTERS = 80
LIMIT_TEXT_CHARACTERS = 4000
#: Events that one may have seen of one film; far more than people ever write.
LIMIT_AFTER = 1000

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Time first, so that names sort as things happened; the random part keeps two of the same instant apart.
_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{16}")
#: Joiners shape Persian, Indic scripts and emoji.
_KEPT = "\n\u200c\u200d"


class BadDecision(ValueError):
    """A decision that cannot be recorded; its text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one person said about one film."""

    id: str
    sha256: str
    #: One of `KINDS`.
    kind: str
    reviewer: str
    #: The reason of a rejection, a comment, or "".
    text: str
    #: UTC, ISO 8601.
    at: str
    #: Ids of the events of this film that the reviewer had seen.
    after: tuple[str, ...]
    #: What the film was shown as: campaign/creative/placement. Tells who approved an earlier version; grants nothing.
    about: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that was said about one film, oldest first."""

    events: tuple[Event, ...] = ()
    #: Names of files that should hold an event and cannot be read as one.
    damaged: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """What somebody who has seen this history has seen."""
        return tuple(event.id for event in self.events)

    @property
    def state(self) -> str:
        """Waiting, approved or rejected.

        What a damaged file said is unknown, and it may have been a rejection: nothing is approved beside one.
        """
        state = state_of(self.events)
        return WAITING if self.damaged and state == APPROVED else state


def heads(events: Iterable[Event]) -> tuple[Event, ...]:
    """The decisions that hold: those that no other decision was made in knowledge of."""
    decisions = [event for event in events if event.kind != COMMENT]
    seen = {earlier: event.id for event in decisions for earlier in event.after if earlier != event.id}
    return tuple(event for event in decisions if event.id not in seen)


def state_of(events: Iterable[Event]) -> str:
    """Waiting, approved or rejected: one rejection among the heads outweighs any number of approvals."""
    kinds = {event.kind for event in heads(events)}
    return REJECTED if REJECT in kinds else APPROVED if APPROVE in kinds else WAITING


@dataclass(frozen=True, slots=True)
class Approvals:
    """The decisions below a ledger's folder."""

    root: Path

    def decide(
        self, sha256: str, kind: str, reviewer: str, text: str = "", *, after: Iterable[str] = (), about: str = ""
    ) -> Event:
        """Record a decision or a comment. On return it is on the disk.

        Raises: BadDecision; NoSpace, CannotWrite.
        """
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(8)}"
        seen = tuple(dict.fromkeys(after))
        event = Event(name, sha256, kind, _line(reviewer), tidy(text), now.isoformat(), seen, _line(about))
        complaint = _complaint(event)
        if complaint:
            raise BadDecision(complaint)
        folder = self.folder(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(asdict(event), ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        write_whole(folder / f"{event.id}.json", content)
        for made in (folder.parent, folder.parent.parent):
            sync(made)
        return event

    def history(self, sha256: str) -> History:
        """What was said about these bytes."""
        return read_history(self.folder(sha256), sha256)

    def state(self, sha256: str) -> str:
        """Waiting, approved or rejected."""
        return self.history(sha256).state

    def folder(self, sha256: str) -> Path:
        """Where the events about these bytes lie. Raises: BadDecision for what is no SHA-256."""
        if not _SHA256.fullmatch(sha256):
            raise BadDecision("this is not the SHA-256 of a film")
        return self.root / "approvals" / sha256[:2] / sha256

    def decided(self) -> Iterator[str]:
        """The SHA-256 of every film that something was said about."""
        for folder in sorted((self.root / "approvals").glob("??/*")):
            if _SHA256.fullmatch(folder.name):
                yield folder.name


def event_names(folder: Path) -> tuple[str, ...]:
    """Names of the event files of a film, in their order; files that are being written do not count."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return ()
    return tuple(sorted(name for name in names if name.endswith(".json") and not name.startswith(".")))


def read_history(folder: Path, sha256: str) -> History:
    """The events of a folder. A file that holds none is named, never passed over."""
    events, damaged = [], []
    for name in event_names(folder):
        event = _read(folder / name, sha256)
        if event:
            events.append(event)
        else:
            damaged.append(name)
    return History(tuple(events), tuple(damaged))


def _read(path: Path, sha256: str) -> Event | None:
    """The event in a file, None when it is not a whole event about these bytes under its own name."""
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or found.keys() != {field.name for field in fields(Event)}:
            return None
        texts = [value for name, value in found.items() if name != "after"]
        if not all(isinstance(value, str) for value in (*texts, *found["after"])):
            return None
        event = Event(**{**found, "after": tuple(found["after"])})
        datetime.fromisoformat(event.at)
    except (OSError, ValueError, TypeError):
        return None
    whole = event.id == path.stem and event.sha256 == sha256 and not _complaint(event)
    return event if whole else None


def _complaint(event: Event) -> str:
    """Why an event cannot be recorded, "" when it can."""
    if event.kind not in KINDS:
        return f"{event.kind[:40]!r} is no decision. Use one of: {', '.join(KINDS)}"
    if not event.reviewer:
        return "a decision needs the name of who made it. Give a name"
    if len(event.reviewer) > LIMIT_REVIEWER_CHARACTERS:
        return f"the name has more than {LIMIT_REVIEWER_CHARACTERS} characters. Shorten it"
    if len(event.text) > LIMIT_TEXT_CHARACTERS:
        return f"the text has more than {LIMIT_TEXT_CHARACTERS:,} characters. Shorten it"
    if event.kind != APPROVE and not event.text:
        return "a rejection needs its reason" if event.kind == REJECT else "a comment needs a text"
    if len(event.after) > LIMIT_AFTER or not all(_ID.fullmatch(name) for name in (event.id, *event.after)):
        return "the events that the reviewer had seen are not events. Reload the page"
    return ""


def tidy(text: str) -> str:
    """A text of several lines without control and format characters, such as bidi overrides."""
    kept = (mark for mark in text if mark in _KEPT or unicodedata.category(mark) not in ("Cc", "Cf", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _line(text: str) -> str:
    return " ".join(tidy(text.replace("\t", " ")).split())
