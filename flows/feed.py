"""Runs a campaign when a new CSV lands: `spotmill watch`.

A feed is looked at by content, taken once it has come to rest, checked as a table, and run in a process of its own, as
`spotmill run` does it: one that dies takes no watcher with it. What was run is remembered in the ledger, so that a
restart does not run the same bytes again. Does not know what rows mean; that nothing is made twice is the ledger's
work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.feed_sources import NoFeed, Source
from flows.files import atomic_path, sha256_file, write_whole
from flows.problems import Problems
from flows.table import read_table

Say = Callable[[str], None]

#: Between the two looks that must agree before a file counts as whole.
REST_SECONDS = 2.0
#: A run that died is begun again so often for the same bytes; then they wait for a change.
TRIES = 3
#: By the exit code of `spotmill run`; any other is a run that died.
OUTCOMES = {0: "done", 1: "failed", 2: "refused"}
DIED = "died"
BUSY = "another run of this campaign is going on; waiting for its end"
#: Files whose change may turn a refusal; more than these are not looked at.
LIMIT_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Memory:
    """What a campaign was last run for: LEDGER/feeds/<campaign>.json."""

    sha256: str = ""
    outcome: str = ""
    ended: str = ""
    tries: int = 0
    #: The campaign's files after the run: what was refused is tried again when they change.
    files: str = ""

    @classmethod
    def read(cls, path: Path) -> Memory:
        """An unreadable memory is none: the run then finds everything in the ledger."""
        with suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(path.read_text("utf-8")))
        return cls()

    def write(self, path: Path) -> None:
        """Whole or as it was before."""
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")


@dataclass(slots=True)
class Watcher:
    """Looks at one campaign's feed. `run` makes it and returns the exit code; `busy` tells whether another run does."""

    campaign: Path
    rows_file: Path
    source: Source
    #: LEDGER/feeds/<campaign>.json
    memory: Path
    run: Callable[[], int]
    busy: Callable[[], bool]
    say: Say
    #: Waits, and returns True when it is to end.
    pause: Callable[[float], bool]
    rest_seconds: float = REST_SECONDS
    #: The last look found no feed, or somebody else at work.
    waiting: bool = False
    _told: str = ""
    _sign: str = ""

    def watch(self, every_seconds: float) -> None:
        """Look until told to end."""
        while True:
            self.look()
            if self.pause(every_seconds):
                return

    def look(self) -> int | None:
        """One look: the exit code of the run that it led to, None when there was no reason for one."""
        self.waiting = False
        try:
            sign = self.source.sign()
            if sign == self._sign and not self._again():
                return None
            settled = self._settled(sign)
        except NoFeed as error:
            self._wait(f"{error}; waiting for it")
            return None
        return self._judge(*settled) if settled else None

    def _again(self) -> bool:
        """Whether bytes that were looked at already are to be run again."""
        last = Memory.read(self.memory)
        return _open(last) or (last.outcome == "refused" and last.files != fingerprint(self.campaign))

    def _settled(self, sign: str) -> tuple[str, str] | None:
        """Sign and hash of the feed once two looks agree; None when it is to end. The copy lies beside the memory."""
        before = ""
        while True:
            self.source.copy(self._copy)
            sha256, now = sha256_file(self._copy), self.source.sign()
            if (sha256, now) == (before, sign):
                return sign, sha256
            before, sign = sha256, now
            if self.pause(self.rest_seconds):
                return None

    @property
    def _copy(self) -> Path:
        return self.memory.with_suffix(".csv")

    def _judge(self, sign: str, sha256: str) -> int | None:
        last = Memory.read(self.memory)
        if sha256 == last.sha256 and not self._again():
            self._sign = sign
            self._tell(f"{self.source.place}: these rows were run at {last.ended} ({last.outcome})")
            return None
        if self.busy():
            self._wait(BUSY)
            return None
        code = self._refuse()
        if code is None:
            code = self._run()
        if code is not None:
            self._remember(sha256, code, last)
            self._sign = sign  # of the bytes that were run: what has landed since is seen at the next look
        return code

    def _remember(self, sha256: str, code: int, last: Memory) -> None:
        outcome = OUTCOMES.get(code, DIED)
        tries = last.tries + 1 if outcome == DIED and last.sha256 == sha256 else 1
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        Memory(sha256, outcome, ended, tries, fingerprint(self.campaign)).write(self.memory)
        if outcome == DIED:
            more = "it is begun again" if tries < TRIES else f"after {TRIES} tries it waits for other rows"
            self.say(f"the run died (exit code {code}); {more}")

    def _refuse(self) -> int | None:
        """Exit code 2 for a file that is no table, told once; None, with the rows in place, for one that is."""
        problems = Problems(self.source.place)
        table = read_table(self._copy, problems)
        if table is None or problems.found:
            self._tell("\n".join(problem.sentence() for problem in problems.found))
            return 2
        if self.source.place != str(self.rows_file):
            with atomic_path(self.rows_file) as part:
                part.write_bytes(self._copy.read_bytes())
        return None

    def _run(self) -> int | None:
        """Run; None when it was stopped or came second to another run, which counts as not run."""
        self._told = ""
        self.say(f"{self.source.place}: new rows; the run begins")
        code = self.run()
        if self.pause(0):
            return None
        if code == 2 and self.busy():
            self._wait(BUSY)
            return None
        return code

    def _wait(self, reason: str) -> None:
        self.waiting = True
        self._tell(reason)

    def _tell(self, sentence: str) -> None:
        """Say it, unless it was the last thing said."""
        if sentence != self._told:
            self.say(sentence)
            self._told = sentence


def _open(last: Memory) -> bool:
    return last.outcome == DIED and last.tries < TRIES


def fingerprint(campaign: Path) -> str:
    """Something that differs when a file of the campaign's folder may have changed."""
    lines = []
    for number, path in enumerate(sorted(campaign.rglob("*"))):
        if number >= LIMIT_FILES:
            break
        with suppress(OSError):
            facts = path.stat()
            if path.is_file():
                lines.append(f"{path.relative_to(campaign)} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
