"""Runs the ffmpeg program: which binary, what it may open, how long it may take, and that nothing of it stays behind.

Command lines come from ffmpeg-python, which only builds them: its own `run` has no deadline and deadlocks on full
pipes. Everything is a list of arguments; no shell, no network: inputs and outputs are `file:` with an absolute path.
Does not know what is being encoded or measured; that is said in `mux.py` and `scan.py`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import ffmpeg
import imageio_ffmpeg
from ffmpeg.dag import topo_sort
from ffmpeg.nodes import InputNode, OutputNode, get_stream_spec_nodes

from generation.errors import NotAvailable, ToolFailed, ToolKilled, ToolTimedOut
from generation.media.life import silence_seconds, tell
from generation.media.progress import Progress

#: Names the ffmpeg program to use instead of the one that the package imageio-ffmpeg carries.
VARIABLE = "SPOTMILL_FFMPEG"
PROTOCOLS = "file,pipe"

_GRACE_SECONDS = 1.5
_STDERR_MAX_BYTES = 4 << 20
#: A log that grows beyond this is a flood that would fill the disk.
_LOG_MAX_BYTES = 64 << 20
_LOOK_SECONDS = 0.5
_QUOTED_LINES = 8
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")

# Linux ends this child when the thread that waits for it ends, however that happens (kill -9 of a worker leaves no
# time to tidy up, and a process group only helps whoever is still alive to signal it). `preexec_fn` would run Python
# between fork and exec and can deadlock in a process with threads, so a fresh interpreter without site-packages
# (10 ms) makes the call and becomes ffmpeg. If the parent died before the call, its id has changed: do not start.
_LAUNCH = """\
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL) or os.getppid() != int(sys.argv[1]):
    os._exit(125)
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """The program in use: where it is, what named it (the variable or `imageio-ffmpeg`), its version."""

    path: Path
    origin: str
    version: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that came to its end: what ffmpeg wrote to stderr (its last 4 MiB, lines ended by `\\n`), its exit code."""

    stderr: str
    exit_code: int = 0


def ffmpeg_in_use() -> Ffmpeg:
    """The ffmpeg that `run` starts.

    Raises: NotAvailable when the program named by SPOTMILL_FFMPEG is missing, not executable or not an ffmpeg; a
    wrong name never falls back to another program.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        return _examined(named, VARIABLE)
    # Not get_ffmpeg_exe(): that quietly turns to whatever `ffmpeg` lies on PATH when its own binary is missing.
    binaries = Path(imageio_ffmpeg.__file__).parent / "binaries"
    packaged = sorted(binaries.glob("ffmpeg-*"))
    if not packaged:
        raise NotAvailable(
            f"the installed imageio-ffmpeg carries no ffmpeg for this platform; set {VARIABLE} to the path of one"
        )
    return _examined(str(packaged[0]), "imageio-ffmpeg")


def find_ffmpeg() -> Path:
    """Path of the ffmpeg program; see `ffmpeg_in_use` for how it is chosen and what it raises."""
    return ffmpeg_in_use().path


def ffmpeg_version() -> str:
    """Version of the ffmpeg program, as it states it; for the manifest."""
    return ffmpeg_in_use().version


@lru_cache(maxsize=8)
def _examined(named: str, origin: str) -> Ffmpeg:
    path = Path(named).expanduser().absolute()
    if not path.is_file():
        raise NotAvailable(f"{origin}: there is no ffmpeg program at {path}")
    if not os.access(path, os.X_OK):
        raise NotAvailable(f"{origin}: {path} is not executable")
    try:
        answer = subprocess.run(
            [str(path), "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAvailable(f"{origin}: {path} does not answer -version ({error})") from error
    if answer.returncode < 0:
        raise ToolKilled(f"{origin}: {path} ended with {_ending(answer.returncode)} when asked for its version")
    version = re.match(rb"ffmpeg version (\S+)", answer.stdout)
    if answer.returncode or version is None:
        raise NotAvailable(f"{origin}: {path} does not answer -version as ffmpeg does")
    return Ffmpeg(path, origin, version.group(1).decode("utf-8", "replace"))


def source(path: Path, container: str = "mp4", **options: object) -> Any:
    """An input of a command line: a local file, read as `container` whatever its content claims to be."""
    return ffmpeg.input(file_url(path), format=container, protocol_whitelist=PROTOCOLS, **options)


def file_url(path: Path) -> str:
    """`file:` and the absolute path: no file's name can be read as an option, a protocol or a list."""
    return f"file:{path.absolute()}"


def run(
    stream: Any,
    *,
    deadline_seconds: float | None = None,
    frames: int = 0,
    cwd: Path | None = None,
    log: str = "warning",
    failure_is_answer: bool = False,
) -> Finished:
    """Run what ffmpeg-python composed and wait for its end; on any way out no process is left.

    It may take as long as it makes new frames; one that has made none for the silence that `life.py` allows is ended.
    `frames` is how many there will be, for words only. `log` is ffmpeg's log level. With `failure_is_answer` a failing
    exit code is returned instead of raised (a check wants to know); death by a signal is still raised.

    Raises: ToolFailed with the end of stderr, ToolKilled; ToolTimedOut after the silence, or at `deadline_seconds`
    where there is one; NotAvailable; ValueError when an input or output is not a local file made by `source` and
    `file_url`.
    """
    _refuse_foreign_names(stream)
    program = str(find_ffmpeg())
    compiled = ffmpeg.compile(stream, cmd=program, overwrite_output=True)
    argv = [program, "-nostdin", "-hide_banner", "-loglevel", log, "-progress", "pipe:1", *compiled[1:]]
    finished = _finish(argv, deadline_seconds, frames, cwd)
    if finished.exit_code < 0 or (finished.exit_code and not failure_is_answer):
        kind = ToolKilled if finished.exit_code < 0 else ToolFailed
        raise kind(f"ffmpeg ended with {_ending(finished.exit_code)}: {last_lines(finished.stderr)}")
    return finished


def last_lines(stderr: str, count: int = _QUOTED_LINES) -> str:
    """The last lines of a log on one line, for a sentence; without addresses, which differ in every run."""
    lines = [line.strip() for line in _ADDRESS.sub("", stderr).splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "it wrote nothing to stderr"


def _refuse_foreign_names(stream: Any) -> None:
    nodes, _ = topo_sort(get_stream_spec_nodes(stream))
    for node in nodes:
        if not isinstance(node, InputNode | OutputNode):
            continue
        name = str(node.kwargs.get("filename", ""))
        to_nowhere = isinstance(node, OutputNode) and node.kwargs.get("format") == "null" and name == "-"
        if not to_nowhere and not name.startswith("file:/"):
            raise ValueError(f"ffmpeg may only open local files by their absolute path, not {name!r}")
        if isinstance(node, InputNode) and node.kwargs.get("protocol_whitelist") != PROTOCOLS:
            raise ValueError(f"the input {name!r} does not restrict its protocols to {PROTOCOLS}")


def _finish(argv: Sequence[str], deadline_seconds: float | None, frames: int, cwd: Path | None) -> Finished:
    if deadline_seconds is not None and deadline_seconds <= 0:
        raise ValueError(f"a deadline of {deadline_seconds} s leaves no time")
    # Files, not pipes: nobody needs to read them for ffmpeg to go on.
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as report:
        process = _start(argv, cwd, log, report)
        try:
            _wait(process, log, Progress(report), deadline_seconds, frames)
        except BaseException:
            _end(process)
            raise
        tell("ffmpeg", 1, 1)
        said = _tail(log)
        os.write(log.fileno(), b"\n")  # a full disk has swallowed what it said: that is an OSError, not a bad film
        return Finished(said, process.returncode)


def _wait(
    process: subprocess.Popen[bytes], log: IO[bytes], progress: Progress, deadline_seconds: float | None, frames: int
) -> None:
    """Wait for its end. Raises: ToolTimedOut, ToolFailed when it is to be ended."""
    ends = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    silence = silence_seconds()
    look = min(_LOOK_SECONDS, silence / 4)
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(look if ends is None else max(0.0, min(look, ends - time.monotonic())))
            return
        if progress.look(2 * look):
            tell("ffmpeg", progress.frames, frames)
        if progress.silent_seconds >= silence:
            raise ToolTimedOut(f"ffmpeg showed no sign of life for {silence:g} s{_at(progress, frames)}{_said(log)}")
        if ends is not None and time.monotonic() >= ends:
            raise ToolTimedOut(f"ffmpeg was ended after {deadline_seconds:g} s: {last_lines(_tail(log))}")
        if os.fstat(log.fileno()).st_size > _LOG_MAX_BYTES:
            raise ToolFailed(f"ffmpeg wrote more than {_LOG_MAX_BYTES >> 20} MiB of complaints{_said(log)}")


def _at(progress: Progress, frames: int) -> str:
    if not progress.frames:
        return " (before its first frame)"
    return f" (frame {progress.frames} of {frames})" if frames else f" (frame {progress.frames})"


def _said(log: IO[bytes]) -> str:
    return f" and was ended: {last_lines(_tail(log))}"


def _start(argv: Sequence[str], cwd: Path | None, log: IO[bytes], report: IO[bytes]) -> subprocess.Popen[bytes]:
    if sys.platform == "linux" and sys.executable:
        argv = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *argv]
    # FFREPORT would write a file of ffmpeg's own choosing, AV_LOG_* would colour the log that is parsed.
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("FFREPORT", "AV_LOG_"))}
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=report, stderr=log, cwd=cwd, env=quiet, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: ask first (an encoder may close its file), then insist.

    An ffmpeg that waits to open a FIFO ignores SIGTERM; one behind a wrapper script outlives its leader.
    """
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - _STDERR_MAX_BYTES))
    # Progress ends in a carriage return, and the next message follows on the same line.
    return log.read().decode("utf-8", "replace").replace("\r", "\n")


def _ending(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
