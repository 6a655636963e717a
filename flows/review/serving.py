"""`spotmill review`: opens a port on this machine, says the address once and serves until interrupted."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from flows.model import BadInput, Problem
from flows.review.gallery import ledger_of, open_gallery
from flows.review.gate import LOOPBACK, Door
from flows.review.server import Review, create_app

EXPOSED = (
    "This address can be reached from other machines: whoever has it, token included, sees the films and can decide, "
    "and nothing on the way is encrypted. Safer: leave --host out and use a tunnel (ssh -L)."
)
_ENTER = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={}"><title>Review</title>'


def serve(
    folder: Path, *, host: str, port: int, reviewer: str, browser: bool, ledger_setting: str, say: Callable[[str], None]
) -> None:
    """Serve the review of OUT/<campaign>/ until Ctrl+C.

    Raises: BadInput when no finished run is there, or the address cannot be had.
    """
    gallery = open_gallery(folder)
    review = Review(gallery.folder, ledger_of(gallery, ledger_setting), reviewer)
    listening = _listen(host, port)
    door = Door(secrets.token_urlsafe(32), _names(host), any_address=not _is_loopback(host))
    name = _reached_at(host)
    address = f"http://{f'[{name}]' if ':' in name else name}:{listening.getsockname()[1]}/?token={door.token}"
    say(f"{gallery.campaign}: {len(gallery.finished())} deliveries to look at. Ctrl+C ends the review.")
    if not _is_loopback(host):
        say(EXPOSED)
    say(address)
    review.settler.start()
    review.settler.add(record.sha256 for record in gallery.finished())
    try:
        with tempfile.TemporaryDirectory(prefix="spotmill-review-") as private:
            if browser:
                _open(address, Path(private))
            # No access log: the first request's line holds the token.
            app = create_app(review, door)
            config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
            with suppress(KeyboardInterrupt):  # the way to end a review
                uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
        review.settler.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        fix = "Leave --port out to have a free one chosen; --host takes an address of this machine"
        message = f"this address cannot be had ({error.strerror or error})"
        raise BadInput((Problem("review", None, None, "no_port", f"{host}:{port}", message, fix),)) from error


def _is_loopback(host: str) -> bool:
    return host in LOOPBACK


def _names(host: str) -> tuple[str, ...]:
    """The names by which pages may call this server."""
    if _is_loopback(host):
        return LOOPBACK
    own = socket.gethostname().lower()
    return (*LOOPBACK, host.lower(), own, own.partition(".")[0], f"{own.partition('.')[0]}.local")


def _reached_at(host: str) -> str:
    """What to write into the address: all addresses are none that a browser could open."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _open(address: str, private: Path) -> None:
    """Open the page. The browser gets a private file, not the address: everybody may see a program's arguments."""
    page = private / "review.html"
    handle = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(_ENTER.format(address))
    webbrowser.open(page.as_uri())
