"""Signs of life of steps that take long: how far a shot is, and what its first frame looks like by now.

A worker writes them while an engine renders; the driver reads them at each poll, tells people, and knows by them that
a shot of an hour is not one that hangs. They lie in the ledger's folder, the only thing that workers and driver share:

    LEDGER/live/<key>.json    phase, done, total, text, when
    LEDGER/live/<key>.jpg     the newest preview, where the engine makes one

Nothing is built on them: a sign that cannot be written or read is no fault of the step.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

#: A model of 14 billion parameters takes seconds for a step and the animatic milliseconds for a frame; people and
#: deadlines need neither more often.
LEAST_PAUSE_SECONDS = 0.5
#: What a killed run left behind and no later one took up.
STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Sign:
    """How far one step is."""

    phase: str
    done: int
    total: int
    #: What is being made, in the user's words: the beginning of the prompt.
    text: str
    #: Seconds since 1970 by the worker's clock; only ever compared with other signs of the same step.
    when: float

    def sentence(self) -> str:
        """For a progress bar: "denoising 12/40"."""
        return f"{self.phase or 'rendering'} {self.done}/{self.total}"


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
            self.folder.mkdir(parents=True, exist_ok=True)
            if preview is not None:
                with self._whole(key, ".jpg") as part:
                    shutil.copyfile(preview, part)
            with self._whole(key, ".json") as part:
                part.write_text(json.dumps(asdict(sign), ensure_ascii=False), "utf-8")

    def forget(self, key: str) -> None:
        """The step has ended."""
        for ending in (".json", ".jpg"):
            with suppress(OSError):
                self._file(key, ending).unlink(missing_ok=True)

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
        finally:
            part.unlink(missing_ok=True)


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
