"""The Prefect server that keeps schedules: the user's, or one of Spotmill's own on this machine.

A server of the user's is named by PREFECT_API_URL or a profile, and nothing about it is touched. Spotmill's own lives
as long as `spotmill schedules serve`: it listens on this machine alone, behind a password, because whoever may create
a run there may run programs here. Does not know schedules.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.embedded_server import watch
from flows.files import write_whole
from flows.model import BadInput, Problem

#: The server's first start makes its database: some 15 s here, more on a loaded machine.
START_SECONDS = 180.0
STOP_SECONDS = 10.0
PORT = 4200
START = "Start one with `spotmill schedules serve`, or name yours: PREFECT_API_URL=http://host:4200/api"


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Spotmill's own server keeps its database, its password and its log."""
    base = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "spotmill" / "prefect"


def is_users(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the user has named a server."""
    return bool(environment.get("PREFECT_API_URL") or environment.get("PREFECT_PROFILE"))


def connect(environment: MutableMapping[str, str] = os.environ) -> str:
    """Have Prefect's client speak to the server that there is, and make sure that it answers. Returns its address.

    To be called before Prefect is imported. Raises: BadInput when there is none, or it does not answer.
    """
    if not is_users(environment):
        folder = home(environment)
        address = folder / "address"
        if not (address.is_file() and _is_held(folder)):
            raise _bad("no_server", "schedules need a Prefect server, and none is named or running", START)
        environment.update(_client(folder, address.read_text("utf-8").strip()))
    from prefect.client.orchestration import get_client

    client = get_client(sync_client=True)
    if error := client.api_healthcheck():
        message = f"the Prefect server at {client.api_url} does not answer ({type(error).__name__})"
        raise _bad("server_down", message, "Check that it runs and that PREFECT_API_URL is its address")
    return str(client.api_url)


def _client(folder: Path, address: str) -> dict[str, str]:
    """What a process needs to speak to Spotmill's own server."""
    return {
        "PREFECT_API_URL": address,
        "PREFECT_API_AUTH_STRING": (folder / "password").read_text("utf-8").strip(),
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_TELEMETRY_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _is_held(folder: Path) -> bool:
    """Whether a living process keeps a server there."""
    try:
        with _held(folder):
            return False
    except OSError:
        return True


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Raises: BlockingIOError when another process has it."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def own_server(
    port: int, say: Callable[[str], None], environment: MutableMapping[str, str] = os.environ
) -> Iterator[subprocess.Popen[bytes]]:
    """A server of Spotmill's own for the time of the block; `environment` names it from then on.

    Raises: BadInput when one runs already, or it does not start.
    """
    folder = home(environment)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = folder / "password"
    if not password.is_file():
        password.touch(mode=0o600)
        write_whole(password, f"spotmill:{secrets.token_urlsafe(24)}\n")
        password.chmod(0o600)
    try:
        with _held(folder):
            yield from _served(folder, port, say, environment)
    except BlockingIOError as error:
        raise _bad("served", "schedules are being served on this machine already", "End that one first") from error


def _served(
    folder: Path, port: int, say: Callable[[str], None], environment: MutableMapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            fix = "Another port: --port 4201. If it is your Prefect server: PREFECT_API_URL=http://127.0.0.1:4200/api"
            raise _bad("port_taken", f"something listens on port {port} already", fix)
    client = _client(folder, f"http://127.0.0.1:{port}/api")
    words = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            words,
            env={**environment, **client, "PREFECT_SERVER_API_AUTH_STRING": client["PREFECT_API_AUTH_STRING"]},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        watch(server.pid)
        environment.update(client)
        _wait(server, log)
        write_whole(folder / "address", client["PREFECT_API_URL"] + "\n")
        say(f"Prefect's page: http://127.0.0.1:{port}; its password is in {folder / 'password'}")
        yield server
    finally:
        (folder / "address").unlink(missing_ok=True)
        end(server)


def _wait(server: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers. Raises: BadInput with the end of its log when it does not."""
    from prefect.client.orchestration import get_client

    client, until = get_client(sync_client=True), time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        if client.api_healthcheck() is None:
            return
        time.sleep(0.5)
    last = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
    message = f"Prefect's server did not start: {' '.join(last)[:200] or 'it did not answer'}"
    raise _bad("server_start", message, f"See {log}; another port: --port 4201")


def end(process: subprocess.Popen[bytes], seconds: float = STOP_SECONDS) -> None:
    """End a process with all that it has started in its session: politely, then by force."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def _bad(code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("prefect", None, None, code, "", message, fix),))
