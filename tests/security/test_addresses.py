"""Addresses of assets as a way inside (SSRF): each works on a naive fetcher first, and on ours nothing is reached.

One loopback address plays the CDN that the campaign trusts, another the metadata service of a cloud.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.addresses import BadAddress, is_public, read_address
from flows.fetching import Fetcher, Internet
from tests.security.tls_server import CDN, HOST, METADATA, LocalInternet, TlsServer, content, redirect

SECRET = b"role-credentials"


@pytest.fixture
def cdn() -> Iterator[TlsServer]:
    with TlsServer(HOST) as server:
        yield server


@pytest.fixture
def metadata(cdn: TlsServer) -> Iterator[TlsServer]:
    """On the CDN's port, so that the address alone decides who is reached."""
    with TlsServer(HOST, address=METADATA, port=cdn.port) as server:
        server.routes["/latest"] = content(SECRET)
        yield server


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ours(cdn: TlsServer, path: Path, url: str = f"https://{HOST}/a.png", **answers: list[list[str]]) -> str:
    internet = LocalInternet(cdn, {HOST: answers["numbers"]} if answers else None)
    faults = Fetcher([HOST], internet).fetch({url: path})
    return str(faults.get(url, ""))


def test_a_redirect_to_the_metadata_service_is_followed_by_a_plain_client_and_not_by_ours(
    cdn: TlsServer, metadata: TlsServer, tmp_path: Path
) -> None:
    cdn.routes["/a.png"] = redirect(f"https://{METADATA}:{cdn.port}/latest")
    with httpx.Client(verify=trusting(), follow_redirects=True, trust_env=False) as client:
        assert client.get(f"https://{CDN}:{cdn.port}/a.png").content == SECRET
    assert len(metadata.seen) == 1
    assert "another port" in ours(cdn, tmp_path / "a")
    cdn.routes["/a.png"] = redirect(f"https://{METADATA}/latest")
    assert "not one of the campaign's hosts" in ours(cdn, tmp_path / "a")
    assert len(metadata.seen) == 1


def test_a_name_that_changes_its_address_after_the_check_fools_a_plain_client_and_not_ours(
    cdn: TlsServer, metadata: TlsServer, tmp_path: Path
) -> None:
    answers = [[CDN], [METADATA]]
    cdn.routes["/latest"] = content(b"a picture")
    internet = LocalInternet(cdn, {HOST: answers})

    def naive() -> bytes:
        """Checks one answer, connects to the next: what every client does that checks before it calls a library."""
        (checked,) = asyncio.run(internet.numbers(HOST))
        assert internet.allows(checked)
        (connected,) = asyncio.run(internet.numbers(HOST))
        with httpx.Client(verify=trusting(), trust_env=False) as client:
            return client.get(f"https://{connected}:{cdn.port}/latest").content

    assert naive() == SECRET
    assert len(metadata.seen) == 1
    assert ours(cdn, tmp_path / "a", f"https://{HOST}/latest", numbers=answers) == ""
    assert (tmp_path / "a").read_bytes() == b"a picture"
    # With a redirect to itself the name is asked for once more, and judged once more.
    cdn.routes["/a.png"] = redirect("/latest")
    assert METADATA in ours(cdn, tmp_path / "b", numbers=answers)
    assert len(metadata.seen) == 1


@pytest.mark.parametrize("spelling", ["2130706434", "127.2", "0x7f.2", "0x7f000002", "0177.0.0.2", "127.0.0.2"])
def test_spellings_of_a_number_lead_a_plain_client_inside_and_are_no_host_here(
    cdn: TlsServer, metadata: TlsServer, spelling: str
) -> None:
    # What the system makes of it is where a plain client would connect to.
    number = socket.getaddrinfo(spelling, 443, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    assert number == METADATA
    with pytest.raises(BadAddress, match="not one of"):
        read_address(f"https://{spelling}/latest", [HOST])
    # Even were it allowed by name, the number behind it is judged.
    internet = Internet()
    assert not any(internet.allows(ip) for ip in asyncio.run(internet.numbers(spelling)))
    assert metadata.seen == []


#: Inside addresses; True where Python's own `is_global` would let them through.
INSIDE = {
    "127.0.0.1": False,
    "10.0.0.1": False,
    "172.16.0.1": False,
    "192.168.1.1": False,
    "169.254.169.254": False,
    "100.100.100.200": False,  # Alibaba's metadata, in the carriers' range
    "168.63.129.16": True,  # Azure's
    "192.0.0.192": True,  # Oracle's
    "192.88.99.1": True,  # 6to4 relay
    "0.0.0.0": False,
    "224.0.0.1": True,
    "239.255.255.250": True,
    "240.0.0.1": False,
    "255.255.255.255": False,
    "198.18.0.1": False,
    "::1": False,
    "::": False,
    "::ffff:169.254.169.254": False,
    "::ffff:8.8.8.8": False,
    "::169.254.169.254": True,  # IPv4-compatible
    "64:ff9b::169.254.169.254": True,  # NAT64
    "64:ff9b::a00:1": True,
    "64:ff9b:1::1": True,
    "2002:a9fe:a9fe::": True,  # 6to4 around 169.254.169.254
    "2001:0:a9fe:a9fe::": False,  # Teredo
    "fe80::1": False,
    "fe80::1%eth0": False,
    "fd00:ec2::254": False,  # AWS's metadata over IPv6
    "fec0::1": True,
    "ff02::1": True,
    "2001:db8::1": False,
    "3fff::1": True,
    "5f00::1": True,
    "4000::1": True,
    "not an address": False,
    "": False,
}


@pytest.mark.parametrize("ip", INSIDE)
def test_no_inside_address_is_public(ip: str) -> None:
    assert not is_public(ip)


def test_pythons_own_word_would_let_some_of_them_through() -> None:
    import ipaddress

    through = {ip for ip in INSIDE if ip and ip[0] != "n" and ipaddress.ip_address(ip).is_global}
    assert {"168.63.129.16", "192.0.0.192", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::"} <= through


@pytest.mark.parametrize("ip", [ip for ip in INSIDE if ip and " " not in ip])
def test_a_trusted_name_that_leads_inside_is_not_followed(cdn: TlsServer, tmp_path: Path, ip: str) -> None:
    class Strict(LocalInternet):
        def allows(self, number: str) -> bool:
            return is_public(number)

    url = f"https://{HOST}/a.png"
    faults = Fetcher([HOST], Strict(cdn, {HOST: [[ip]]})).fetch({url: tmp_path / "a"})
    assert faults[url].code == "address_refused"
    assert cdn.names == []
