"""Who may talk to the review server: those who were given its address, from a page of its own.

The token in the address is exchanged for a cookie at once, so that it stands in no later request, no referrer and no
log. The Host header is checked because a foreign name may be made to resolve to this machine (DNS rebinding); the
Origin of what changes anything, because a foreign page may post here. Knows HTTP headers; not what is served.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LIMIT_BODY_BYTES = 8_000_000
_READING = ("GET", "HEAD")

#: Nothing is fetched from elsewhere, nothing inline runs, nobody frames the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A redirect would still be the navigation of whoever linked here, and a strict cookie would not go with it.
_ENTER = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><title>Review</title>'


@dataclass(frozen=True, slots=True)
class Door:
    """What opens the server: its token, and the names under which it may be called."""

    token: str
    #: Host names, small letters, without ports. Addresses are allowed where `any_address` is set.
    hosts: Collection[str] = LOOPBACK
    any_address: bool = False
    #: Worth as much as the token and different from it: a cookie is sent to every port of the host.
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Name of the cookie, its own for each server: two reviews on one machine do not log each other out."""
        return f"spotmill_{sha256(self.token.encode()).hexdigest()[:12]}"

    def is_ours(self, host: str) -> bool:
        """Whether a Host header is one that our own pages send."""
        name = (urlsplit(f"//{host}").hostname or "").lower()
        if name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.any_address


class Gate:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)  # there are no web sockets behind it
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """The response to whoever may not pass, or who has just shown the token; None lets the request pass."""
        headers = Headers(scope=scope)
        if not _is_text(headers.get("host", "")) or not self._door.is_ours(headers.get("host", "")):
            return _no("This is not a name of this server.")
        if scope["path"] == "/":
            shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if shown and _same(shown, self._door.token):
                return self._enter()
        if not _same(_cookie(headers, self._door.cookie), self._door.ticket):
            return _no("Open the address that `spotmill review` printed; it ends in a token.")
        return None if scope["method"] in _READING else _refused(headers)

    def _enter(self) -> Response:
        page = HTMLResponse(_ENTER)
        page.set_cookie(self._door.cookie, self._door.ticket, httponly=True, samesite="strict", path="/")
        return page


def _refused(headers: Headers) -> Response | None:
    """Why something that changes anything is not taken; None when it comes from our own page and is not too large."""
    # As a browser writes it: scheme and host, nothing else. Behind a proxy the scheme may be the proxy's.
    if headers.get("origin", "") not in (f"http://{headers['host']}", f"https://{headers['host']}"):
        return _no("This request does not come from the review page.")
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LIMIT_BODY_BYTES:
        return PlainTextResponse("The request is too large, or does not say how large it is.", 413)
    return None


def _cookie(headers: Headers, name: str) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def _same(shown: str, secret: str) -> bool:
    """Compare in constant time: the answer's delay tells nothing about the secret."""
    return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), secret.encode())


def _is_text(host: str) -> bool:
    """Whether a Host header can be taken apart at all: `[` alone makes the standard library raise."""
    try:
        urlsplit(f"//{host}").hostname  # noqa: B018 - it is the parsing that may fail
    except ValueError:
        return False
    return True


def _no(sentence: str) -> Response:
    return PlainTextResponse(sentence, 403)
