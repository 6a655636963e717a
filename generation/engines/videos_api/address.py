"""Which server is asked: read from the environment alone, so that no key lies in a campaign, a plan or a manifest.

Knows addresses, not HTTP. An address is taken over https; over plain http only on this machine, or on hosts that the
user has named one by one, because prompts and key would be readable on the way.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from generation.errors import NotAvailable

#: Base of the API, up to and without `/videos`.
URL_VARIABLE = "SPOTMILL_VIDEOS_URL"
KEY_VARIABLE = "SPOTMILL_VIDEOS_KEY"
#: Hosts of a private network that may be asked without encryption, parted by spaces or commas.
PLAIN_VARIABLE = "SPOTMILL_VIDEOS_PLAIN_HOSTS"

_EXAMPLE = "such as http://127.0.0.1:30010/v1"
#: Shorter ones are stand-ins for servers that ask for none ("x", "EMPTY"), and parts of ordinary words.
_SHORTEST_KEY = 8
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Server:
    """A checked address and the key for it."""

    url: str
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.url).netloc

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    def without_key(self, text: str) -> str:
        """The text as it may be shown: servers like to repeat the key they did not accept."""
        return text.replace(self.key, "[key]") if len(self.key) >= _SHORTEST_KEY else text


def server_from(environment: Mapping[str, str] = os.environ) -> Server:
    """The server that the environment names.

    Raises: NotAvailable when none is named, or its address or key cannot be used. The text never holds the key.
    """
    url = environment.get(URL_VARIABLE, "").strip().rstrip("/")
    if not url:
        raise NotAvailable(f"{URL_VARIABLE} is not set: name your server's address, {_EXAMPLE}")
    key = environment.get(KEY_VARIABLE, "").strip()
    if key and not _KEY.fullmatch(key):
        raise NotAvailable(f"{KEY_VARIABLE} holds characters that no header can carry; copy the key again")
    _check(url, re.split(r"[\s,]+", environment.get(PLAIN_VARIABLE, "").strip().lower()))
    return Server(url, key)


def _check(url: str, plain_hosts: list[str]) -> None:
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise NotAvailable(f"{URL_VARIABLE} is not an address; write it {_EXAMPLE}") from None
    if parts.username is not None or parts.password is not None:
        # Not repeated: what stands before the @ is a secret.
        raise NotAvailable(f"{URL_VARIABLE} holds a name or password; put the key into {KEY_VARIABLE} instead")
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\<>\"]", url):
        raise NotAvailable(f"{URL_VARIABLE} is not an http or https address; write it {_EXAMPLE}")
    if parts.query or parts.fragment:
        raise NotAvailable(f"{URL_VARIABLE} ends in a query or fragment; write it {_EXAMPLE}")
    if parts.scheme == "http" and not _is_loopback(host):
        _check_plain(parts, host, plain_hosts)


def _check_plain(parts: SplitResult, host: str, plain_hosts: list[str]) -> None:
    if host not in plain_hosts:
        raise NotAvailable(
            f"{URL_VARIABLE}: http to {parts.netloc} would send prompts and key unencrypted; use https, or name the"
            f" host in {PLAIN_VARIABLE} if the network between is yours"
        )
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return  # a name that the user has vouched for
    if address.is_global:
        raise NotAvailable(f"{URL_VARIABLE}: {host} is a public address; only https is used there")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
