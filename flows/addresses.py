"""Which addresses of the internet may be asked for an asset: https, a host that the campaign names, a public machine.

Pure: reads addresses and IP numbers, asks nobody. A name says little about where it leads, so every IP address that a
name stands for is judged as well (`is_public`), and `fetching.py` connects to the one that was judged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urljoin

LIMIT_URL_CHARACTERS = 2_000
#: A name with dots whose last part holds a letter: no IP address in any spelling (2852039166, 127.1, 0x7f.1) is one.
_HOST = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!0x[0-9a-f]*$)[a-z0-9-]*[a-z][a-z0-9-]*[a-z0-9]"
)
_URL = re.compile(r"https://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.DOTALL | re.IGNORECASE)
#: What may stand in a path or query as it is; the rest is percent-encoded.
_PLAIN = "%/?&=:@!$'()*+,;~-._[]"

#: Global by the registries, and yet ways into somebody's inside: relays and translators that carry another address in
#: them, and addresses on which clouds answer every machine (Azure's 168.63.129.16, Oracle's 192.0.0.192).
_NOT_OURS = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",
            "192.0.0.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # Teredo and other protocol assignments
            "2002::/16",  # 6to4: bytes 3 to 6 are an IPv4 address
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
#: What IPv6 has given out to networks at all; outside lie NAT64 (64:ff9b::/96), mapped and compatible IPv4, link-local.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")


class BadAddress(ValueError):
    """An address that is not asked; `fix` says how it would be."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Address:
    """A checked https address in its parts."""

    host: str
    #: Path and query as they are asked for, ASCII only.
    target: str

    @property
    def url(self) -> str:
        """The whole of it; two spellings of one address are equal here."""
        return f"https://{self.host}{self.target}"

    def joined(self, location: str, hosts: Collection[str]) -> Address:
        """Where a redirect from here leads. Raises: BadAddress."""
        return read_address(urljoin(self.url, location), hosts)


def is_address(text: str) -> bool:
    """Whether a cell names an address rather than a file."""
    return "://" in text or text.startswith(("//", "\\\\", "data:"))


def host_name(text: str) -> str:
    """An entry of `asset_hosts` in lower case.

    Raises: BadAddress for anything but a full name of a host: an IP address, a pattern, a port, a scheme.
    """
    name = text.strip().lower().removesuffix(".")
    if not _HOST.fullmatch(name):
        raise BadAddress(f"{text!r} is no name of a host", "Write the name alone, like cdn.example.com")
    return name


def read_address(text: str, hosts: Collection[str]) -> Address:
    """The parts of an address that may be asked.

    Raises: BadAddress for every other scheme, port or host than https, 443 and those of `hosts`.
    """
    parts = _URL.fullmatch(text)
    if len(text) > LIMIT_URL_CHARACTERS or parts is None or re.search(r"[\x00-\x20\x7f\\]", parts[1]):
        raise BadAddress("not an https address", "Write it in full, like https://cdn.example.com/bottle.png")
    authority, path, query = parts[1].lower(), parts[2] or "/", parts[3] or ""
    if "@" in authority:
        raise BadAddress("the address holds a name or password", "Use an address that needs none")
    host, colon, port = authority.partition(":")
    if colon and port != "443":
        raise BadAddress("another port than 443", "Serve the file on the usual port of https")
    host = host.removesuffix(".")
    if host not in hosts:
        raise BadAddress(f"{_short(host)} is not one of the campaign's hosts", _way_in(host))
    return Address(host, quote(f"{path}{query}", safe=_PLAIN))


def _short(host: str) -> str:
    return host if len(host) <= 80 else f"{host[:80]}…"


def _way_in(host: str) -> str:
    if not _HOST.fullmatch(host):
        return "Only hosts with a name are asked; download the file into the campaign's folder"
    return f"Add it to `asset_hosts` in campaign.yaml if it is yours: asset_hosts: [{_short(host)}]"


def is_public(ip: str) -> bool:
    """Whether an IP address is that of a machine on the public internet, and of nothing else."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if address.is_multicast or not address.is_global:
        return False
    if address.version == 6 and (address.scope_id or address not in _GIVEN_OUT):
        return False
    return not any(address in network for network in _NOT_OURS if network.version == address.version)
