"""Which share of the time a GPU works: NVML's utilisation, read ten times a second by a child process.

NVML counts the part of each of its own short periods in which at least one kernel ran; the mean over a batch says how
long the GPU waited for the host, for decoding or for files. It does not say how well the kernels use the card: the
achieved share of the arithmetic rate does. `nvidia-smi` reads it, so that no library is needed.
"""

from __future__ import annotations

import shutil
import subprocess
from types import TracebackType
from typing import Self

_EVERY_MS = 100


class Busy:
    """`with Busy() as busy: ...; busy.share` is the mean from 0 to 1, or None; then `why` says why."""

    def __init__(self, program: str = "nvidia-smi") -> None:
        self.share: float | None = None
        self.why = ""
        self._program = shutil.which(program)
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if self._program is None:
            self.why = "nvidia-smi is not installed here"
            return self
        # One card: the first that is visible is the one that torch uses as cuda:0 on a machine with one.
        command = [self._program, "--id=0", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        self._child = subprocess.Popen(
            [*command, f"--loop-ms={_EVERY_MS}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is None:
            return
        self._child.terminate()
        said, _ = self._child.communicate(timeout=30)
        # The last line may be cut by the end of the child.
        lines = said.splitlines()[:-1] if not said.endswith("\n") else said.splitlines()
        values = [int(line) for line in lines if line.strip().isdigit()]
        if values:
            self.share = sum(values) / len(values) / 100
        else:
            self.why = f"nvidia-smi gave no figures ({said.strip()[:100]})"
