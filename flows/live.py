"""Signs of life: which step a worker is at and how many frames it has, how far a shot is, what it looks like by now.

Workers write them; the driver reads them, tells people, and knows by them what lives and what hangs. They lie in the
ledger's folder, the only thing that workers and driver share (`nodes.py` carries them where it is not one folder):

    LEDGER/live/<key>.json     a shot or a text: phase, done, total, text, when
    LEDGER/live/<key>.jpg      its newest preview, where the engine makes one
    LEDGER/live/<name>.json    the work that a worker was given: the step, its frames, what is made of it by now
    LEDGER/live/<name>.stop    the driver asks the worker to stop where the next shot would begin

Nothing is built on them: a sign that cannot be written or read is no fault of the step.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

#: A model of 14 billion parameters takes seconds for a step and the animatic milliseconds for a frame; people and
#: deadlines need neither more often.
LEAST_PAUSE_SECONDS = 0.5
#: What a killed run left behind and no later one took up.
STALE_SECONDS = 24 * 3600.0
#: Parts of a sign that are always written.
OF_EVERY_STEP = ("phase", "done", "total", "text", "when")


@dataclass(frozen=True, slots=True)
class Sign:
    """How far one step is; what follows `step` is only known of the work that a worker was given."""

    phase: str
    done: int
    total: int
    #: What is being made, in the user's words: the beginning of the prompt.
    text: str
    #: Seconds since 1970 by the worker's clock; only ever compared with other signs of the same step.
    when: float
    #: Kind of the step that the worker is at.
    step: str = ""
    #: The longest that this step has been without a new frame.
    gap_seconds: float = 0.0
    #: Steps of the work that are made by now, and what they took.
    made: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    #: Which process it is, and on which machine of a cluster.
    pid: int = 0
    node: str = ""

    @property
    def counting(self) -> bool:
        """Whether there is another frame to come."""
        return 0 < self.done != self.total

    def sentence(self) -> str:
        """For a progress bar: "denoising 12/40"."""
        return f"{self.phase or 'rendering'} {self.done}/{self.total}"


NAMES = tuple(part.name for part in fields(Sign))


class LiveFolder:
    """The signs of a ledger."""

    def __init__(self, ledger: Path) -> None:
        self.folder = ledger / "live"

    def read(self, key: str) -> Sign | None:
        """The newest sign of a step; None when there is none."""
        try:
            return Sign(**json.loads(self._file(key, ".json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def all(self) -> dict[str, Sign]:
        """The newest sign of each step that has one."""
        names = [path.stem for path in self.folder.glob("[!.]*.json")]
        return {name: sign for name in names if (sign := self.read(name))}

    def write(self, key: str, sign: Sign, preview: Path | None = None) -> None:
        """Put a sign in place of the one before, in one step each for picture and words."""
        with suppress(OSError):
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
            if preview is not None:
                with self._whole(key, ".jpg") as part:
                    shutil.copyfile(preview, part)
            values = ((name, getattr(sign, name)) for name in NAMES)
            shown = {name: value for name, value in values if value or name in OF_EVERY_STEP}
            with self._whole(key, ".json") as part:
                part.write_text(json.dumps(shown, ensure_ascii=False), "utf-8")

    def forget(self, key: str) -> None:
        """The step has ended."""
        for ending in (".json", ".jpg", ".stop"):
            with suppress(OSError):
                self._file(key, ending).unlink(missing_ok=True)

    def ask_to_stop(self, name: str) -> None:
        """Whoever has this work is to stop where the next shot would begin."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file(name, ".stop").touch()

    def is_to_stop(self, name: str) -> bool:
        """Whether that was asked."""
        return self._file(name, ".stop").exists()

    def stops(self) -> set[str]:
        """Names of all work that is to stop."""
        return {path.stem for path in self.folder.glob("[!.]*.stop")}

    def sweep(self) -> None:
        """Remove what runs left that were killed long ago."""
        for file in self.folder.glob("*"):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > STALE_SECONDS:
                    file.unlink()

    def _file(self, key: str, ending: str) -> Path:
        return self.folder / f"{key}{ending}"

    @contextmanager
    def _whole(self, key: str, ending: str) -> Iterator[Path]:
        """A path to write to that becomes the sign at once. Not forced to the disk: it is news, not a result."""
        part = self.folder / f".{key}.{secrets.token_hex(4)}{ending}"
        try:
            yield part
            part.replace(self._file(key, ending))
        except BaseException:
            part.unlink(missing_ok=True)
            raise


class Pulse:
    """The signs of one step while it is made: written at most twice a second, gone at the end."""

    def __init__(self, folder: LiveFolder, key: str, text: str) -> None:
        self._folder, self._key, self._text = folder, key, text
        self._written = float("-inf")
        self._preview: Path | None = None

    def beat(self, phase: str, done: int, total: int, preview: Path | None = None) -> None:
        """Note how far the step is; a preview waits for the next sign that is written."""
        self._preview = preview or self._preview
        now = time.monotonic()
        if now - self._written < LEAST_PAUSE_SECONDS:
            return
        sign = Sign(phase, done, total, self._text, time.time())
        self._folder.write(self._key, sign, self._preview)
        self._written, self._preview = now, None

    def stop(self) -> None:
        """The step has ended, well or not."""
        self._folder.forget(self._key)


class WorkPulse:
    """The signs of the work that a worker was given, without a name of none at all.

    Which step it is at is written at once, so that what hangs can be named; frames at most twice a second.
    """

    def __init__(self, folder: LiveFolder, name: str, node: str = "") -> None:
        self._folder, self._name = folder, name
        self._sign = Sign("", 0, 0, "", 0.0, pid=os.getpid(), node=node)
        self._changed = self._written = 0.0

    def begin(self, step: str) -> None:
        """A step begins."""
        self._changed = time.monotonic()
        self._write(replace(self._sign, step=step, phase="", done=0, total=0, gap_seconds=0.0))

    def seen(self, phase: str, done: int, total: int) -> None:
        """There are so many frames of the step by now."""
        now = time.monotonic()
        gap = max(self._sign.gap_seconds, now - self._changed)
        self._changed = now
        # What is over is written at once: nobody waits for another frame of it then.
        if now - self._written >= LEAST_PAUSE_SECONDS or (done == total and self._sign.counting):
            self._write(replace(self._sign, phase=phase, done=done, total=total, gap_seconds=gap))
        elif gap > self._sign.gap_seconds:
            self._sign = replace(self._sign, gap_seconds=gap)

    def made(self, seconds: float, cpu_seconds: float) -> None:
        """A step of the work is in the ledger."""
        sign = self._sign
        made, seconds, cpu_seconds = sign.made + 1, sign.seconds + seconds, sign.cpu_seconds + cpu_seconds
        self._write(replace(sign, made=made, seconds=seconds, cpu_seconds=cpu_seconds))

    def is_to_stop(self) -> bool:
        """Whether the driver asks for nothing more to be begun."""
        return bool(self._name) and self._folder.is_to_stop(self._name)

    def stop(self) -> None:
        """The work has ended, well or not."""
        if self._name:
            self._folder.forget(self._name)

    def _write(self, sign: Sign) -> None:
        self._sign, self._written = replace(sign, when=time.time()), time.monotonic()
        if self._name:
            self._folder.write(self._name, self._sign)
