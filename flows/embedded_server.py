"""Ends Prefect's embedded server when the run that started it is killed: Prefect itself would leave it running.

`watch` starts a small process that holds the reading end of a pipe. The pipe closes when this process ends, however it
ends; the watcher then ends the server, unless Prefect has done so already. Ray needs no such help: its daemons watch
their driver themselves.
"""

from __future__ import annotations

import subprocess
import sys

#: The whole watcher. It checks what the process is before it ends it: the id may belong to somebody else by then.
WATCHER = """\
import os, signal, sys, time
sys.stdin.read()
server = int(sys.argv[1])
for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 0.0)):
    try:
        with open(f"/proc/{server}/cmdline", "rb") as line:
            if b"prefect" not in line.read():
                break
        os.kill(server, number)
    except OSError:
        break
    time.sleep(patience)
"""

_watchers: list[subprocess.Popen[bytes]] = []


def watch(server_pid: int) -> None:
    """Have the server with this process id ended when this process is gone."""
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", WATCHER, str(server_pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in the terminal is not meant for it
    )
    _watchers.append(watcher)  # kept, so that the pipe stays open as long as we live
