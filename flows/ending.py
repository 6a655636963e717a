"""Ends a process of ours that hangs, and everything that it has started, each with its whole process group.

A worker that was stopped or sits in a system call hears no request; only the kernel's signal ends it. Its programs lead
groups of their own (`generation/media/ffmpeg.py`). Knows processes of this machine, no jobs.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def end_process(pid: int, begins_with: str) -> bool:
    """Kill a process and its descendants. False when there is none of this number whose command line begins so: it has
    ended by itself, and its number may be somebody else's by now."""
    if pid <= 1 or pid == os.getpid() or not _command_line(pid).startswith(begins_with):
        return False
    family = [pid, *_descendants(pid)]
    for one in family:
        with suppress(ProcessLookupError, PermissionError):
            # A group that somebody outside the family leads is not ours to end.
            if os.getpgid(one) == one:
                os.killpg(one, signal.SIGKILL)
            os.kill(one, signal.SIGKILL)
    return True


def _command_line(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _descendants(pid: int) -> list[int]:
    """Children and their children, nearest first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], list(children.get(pid, ()))
    while waiting:
        one = waiting.pop(0)
        found.append(one)
        waiting += children.get(one, ())
    return found
