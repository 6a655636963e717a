"""Messages that wait to be sent, and what was told last about each delivery; kept in the ledger until acknowledged.

A message is a file, written whole before anything is sent and removed when somebody has acknowledged it. Whoever is
killed in between leaves it for the next run, which sends it again under the same id: at least once, never twice after
an acknowledgement that we saw. What was told is a file per campaign; the messages that still wait count as told. Knows
no HTTP and no campaign's words.

    LEDGER/outbox/messages/<time queued>-<number>-<id>.json
    LEDGER/outbox/told/<campaign>.json          delivery -> what was told last
    LEDGER/outbox/lock                          held while messages are sent
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from flows.files import safe_slug, write_whole
from flows.ledger import digest


@dataclass(frozen=True, slots=True)
class Message:
    """One body to send, under one id however often it is tried."""

    id: str
    campaign: str
    #: The bytes that are signed and sent, as text.
    body: str
    #: Seconds since 1970 when it was queued.
    queued: float
    #: Delivery -> what this message tells about it; {} for a summary.
    tells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message on the disk."""

    path: Path
    message: Message


@dataclass(frozen=True, slots=True)
class Outbox:
    """The messages below a ledger's folder."""

    root: Path

    def queue(self, messages: Sequence[Message]) -> None:
        """Put messages down, then note what they tell. On return they are on the disk. Raises: NoSpace, CannotWrite."""
        self._messages.mkdir(parents=True, exist_ok=True)
        told: dict[str, dict[str, str]] = {}
        for number, message in enumerate(messages):
            name = f"{int(message.queued * 1000):015d}-{number:06d}-{message.id}.json"
            write_whole(self._messages / name, json.dumps(asdict(message), ensure_ascii=False) + "\n")
            told.setdefault(message.campaign, {}).update(message.tells)
        for campaign, news in told.items():
            self._note(campaign, news)

    def _note(self, campaign: str, news: Mapping[str, str]) -> None:
        if news:
            path = self._told(campaign)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps({**_read_told(path), **news}, ensure_ascii=False, sort_keys=True) + "\n")

    def told(self, campaign: str) -> dict[str, str]:
        """What was told last about each delivery of a campaign, by messages that were sent or still wait."""
        told = _read_told(self._told(campaign))
        for waiting in self.waiting():
            if waiting.message.campaign == campaign:
                told.update(waiting.message.tells)
        return told

    def waiting(self) -> Iterator[Waiting]:
        """The messages that nobody has acknowledged, oldest first."""
        for path in sorted(self._messages.glob("*.json")):
            message = _read_message(path)
            if message:
                yield Waiting(path, message)

    def done(self, waiting: Waiting) -> None:
        """Remove a message: it was acknowledged, or given up."""
        waiting.path.unlink(missing_ok=True)

    @contextmanager
    def sending(self, patience_seconds: float) -> Iterator[bool]:
        """Be the only one who sends; False when somebody else still does after so long."""
        path = self.root / "outbox" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        ends = time.monotonic() + patience_seconds
        with path.open("w") as lock:
            held = _lock(lock)
            while not held and time.monotonic() < ends:
                time.sleep(0.1)
                held = _lock(lock)
            yield held

    @property
    def _messages(self) -> Path:
        return self.root / "outbox" / "messages"

    def _told(self, campaign: str) -> Path:
        return self.root / "outbox" / "told" / f"{safe_slug(campaign)}-{digest(campaign)[:8]}.json"


def _lock(file: IO[str]) -> bool:
    """Take the lock if it is free; the kernel frees it when its holder dies."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_message(path: Path) -> Message | None:
    """The message in a file; None for a file that holds none, which no writing of ours leaves."""
    try:
        return Message(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _read_told(path: Path) -> dict[str, str]:
    """What a file says; {} where there is none: then everything is news, under new ids."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
