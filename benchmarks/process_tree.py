"""CPU seconds of a command with everything it starts, daemons included, and a description of the machine.

A run starts Ray's daemons, their workers and ffmpeg. The kernel counts a child's CPU only for the one who waits for it,
and Ray's node waits for none of its workers (it ignores SIGCHLD): that way nine tenths of a run went missing. So every
descendant is looked at ten times a second in /proc, until it is gone. Most ffmpegs live for less than that: whoever
waits for one has its time, so what such a parent has is counted, and its children only where nobody waits for them.
The last tenth of a second of each process is not seen. Orphans are adopted (Linux: child subreaper), so that none is
lost and none is left behind.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY_SECONDS = 0.1
#: SIGCHLD in the mask of ignored signals in /proc: a parent that ignores it never waits.
_IGNORES_CHILDREN = 1 << (signal.SIGCHLD - 1)


class CommandFailed(RuntimeError):
    """The measured command did not end well; the text carries the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command and all its descendants cost."""

    cpu_seconds: float
    wall_seconds: float
    #: False where there is no /proc (not Linux): only what the kernel adds up is then in the figure.
    counts_orphans: bool
    output: str
    #: The CPU seconds by command line, each with those of the programs that it has waited for.
    by_program: Mapping[str, float]


def run_and_measure(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], deadline_seconds: float
) -> Spent:
    """Run `command` to its end and to the end of everything it started.

    Raises: CommandFailed on a non-zero exit or when the deadline passes.
    """
    adopted = _adopt_orphans()
    before, began = _children_cpu(), time.monotonic()
    watch = _Watch(os.getpid())
    watch.start()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            code = process.wait(deadline_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        wall = time.monotonic() - began
        _wait_for_the_rest(20.0)
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    if code:
        watch.end()
        raise CommandFailed(f"{' '.join(command)} ended with {code}:\n{output[-3000:]}")
    seen = watch.end()
    return Spent(max(sum(seen.values()), _children_cpu() - before), wall, adopted, output, seen)


class _Watch(threading.Thread):
    """Looks at all descendants of a process and keeps the CPU time that each was last seen with, together with that of
    the children that it has waited for. A child whose parent waits is in the parent's, once it has ended."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        #: Descendants nobody but us waits for -> their seconds. Others are only followed for their own children.
        self._cpu: dict[tuple[int, str], float] = {}
        #: The command lines of these: the last one, for workers change theirs.
        self._names: dict[tuple[int, str], str] = {}
        self._known: set[int] = {root}
        self._over = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._over.wait(_LOOK_EVERY_SECONDS):
            self._look()

    def end(self) -> dict[str, float]:
        """Stop, and the CPU seconds of all that were seen, by command line."""
        self._over.set()
        self.join()
        spent: dict[str, float] = {}
        for process, seconds in self._cpu.items():
            name = self._names.get(process, "")
            spent[name] = spent.get(name, 0.0) + seconds
        return spent

    def _look(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        found = [facts for facts in map(_stat, Path("/proc").glob("[0-9]*/stat")) if facts]
        ours, grown = {pid for pid, *_ in found if pid in self._known}, True
        while grown:  # children may be listed before their parents
            more = {pid for pid, parent, _, _ in found if parent in ours and pid not in ours}
            ours, grown = ours | more, bool(more)
        self._known = ours | {self._root}
        for pid, parent, born, used in found:
            if pid in ours and pid != self._root and (parent == self._root or _never_waits(parent)):
                self._cpu[pid, born] = used / ticks
                if name := _command_line(pid):
                    self._names[pid, born] = name


def _stat(file: Path) -> tuple[int, int, str, int] | None:
    """Process id, its parent's, when it began, and the CPU time of it and of the children that it has waited for, in
    clock ticks; None when it is gone."""
    try:
        fields = file.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(file.parent.name), int(fields[1]), fields[19], sum(map(int, fields[11:15]))


def _command_line(pid: int) -> str:
    """What a process calls itself; "" when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""


def _never_waits(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    ignored = next((line for line in lines if line.startswith("SigIgn:")), "SigIgn: 0")
    return bool(int(ignored.split()[1], 16) & _IGNORES_CHILDREN)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _adopt_orphans() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _wait_for_the_rest(patience_seconds: float) -> None:
    """Reap adopted children; those still running after the patience are asked, then forced, to end: they are ours."""
    for send, patience in ((None, patience_seconds), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        if send is not None:
            for child in _children():
                os.kill(child, send)
        while time.monotonic() < deadline:
            try:
                child, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not child:
                time.sleep(0.05)


def _children() -> list[int]:
    """Process ids of our direct children, adopted ones included."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        found.extend(int(pid) for pid in task.read_text().split())
    return found


def machine() -> dict[str, object]:
    """What a reader needs to compare figures; no name of the host."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
