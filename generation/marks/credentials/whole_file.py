"""A file for a native library to write into: whole at its place, or nothing; and the disk's own error when it fails.

The library is handed functions and hears only that one of them failed; a full disk must still be told as a full disk.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class Watched(io.BufferedRandom):
    """A file, read and written, that remembers the first error of the disk."""

    fault: OSError | None = None

    def write(self, data: Any, /) -> int:
        """As in the base class."""
        with self._watching():
            return super().write(data)

    def flush(self) -> None:
        """As in the base class."""
        with self._watching():
            super().flush()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As in the base class; writes what is buffered first."""
        with self._watching():
            return super().seek(offset, whence)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = self.fault or error
            raise


@contextmanager
def whole_file(target: Path) -> Iterator[Watched]:
    """A fresh file beside `target`, moved there when the block ends well; gone otherwise. Raises: OSError."""
    part = target.with_name(f".{target.stem[:20]}.{secrets.token_hex(6)}.part{target.suffix}")
    try:
        with Watched(io.FileIO(part, "x+b")) as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
