"""Fetches a file over https from one of the hosts that a campaign names, and from nowhere else.

A name is resolved once; every address that it stands for is judged (`addresses.py`), and the connection goes to the
judged one by its number, with the name only in TLS and in the Host header: an answer that changes between the check and
the connection changes nothing. Redirects are followed by hand and judged like the first address. No proxy, cookie or
certificate of the environment is used. Knows no campaign and not what a file should be; keeps nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flows.addresses import Address, BadAddress, is_public, read_address

if TYPE_CHECKING:
    import httpx

_PORT = 443
_REDIRECTS = (301, 302, 303, 307, 308)


class NotFetched(Exception):
    """A file could not be fetched; `fix` is the way out. `code` is stable."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.fix = code, fix


@dataclass(frozen=True, slots=True)
class Limits:
    """How large, how long, how far."""

    most_bytes: int = 64 << 20
    #: From the first question to the last byte, redirects included; a slow drip does not prolong it.
    seconds: float = 120.0
    connect_seconds: float = 10.0
    redirects: int = 3
    at_once: int = 6


class Internet:
    """How a name becomes numbers, which of them may be asked, where they listen, and whom TLS trusts.

    Handed in, so that tests can stand in for the internet.
    """

    port = _PORT

    async def numbers(self, host: str) -> list[str]:
        """Every IP address of a host, in the system's order. Raises: OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def allows(self, ip: str) -> bool:
        """Whether the machine at an IP address may be asked."""
        return is_public(ip)

    def trust(self) -> ssl.SSLContext:
        """The certificates that hosts must show."""
        import httpx

        return httpx.create_ssl_context(trust_env=False)


class Fetcher:
    """`Fetcher(hosts).fetch({url: path})` writes each file to its path, several at a time."""

    def __init__(self, hosts: Collection[str], internet: Internet | None = None, limits: Limits | None = None) -> None:
        self._hosts = frozenset(hosts)
        self._internet = internet or Internet()
        self._limits = limits or Limits()

    def fetch(self, wanted: Mapping[str, Path]) -> dict[str, NotFetched]:
        """Fetch each address to its path; what could not be fetched, and why. Its path may hold a part."""
        # A thread of its own: the caller may be inside an event loop (Prefect), where none can be started.
        with ThreadPoolExecutor(1, thread_name_prefix="fetching") as thread:
            return thread.submit(lambda: asyncio.run(self._all(wanted))).result()

    async def _all(self, wanted: Mapping[str, Path]) -> dict[str, NotFetched]:
        trust = self._internet.trust()
        turns = asyncio.Semaphore(self._limits.at_once)

        async def one(url: str, path: Path) -> NotFetched | None:
            async with turns:
                return await self._within_time(url, path, trust)

        faults = await asyncio.gather(*(one(url, path) for url, path in wanted.items()))
        return {url: fault for url, fault in zip(wanted, faults, strict=True) if fault is not None}

    async def _within_time(self, url: str, path: Path, trust: ssl.SSLContext) -> NotFetched | None:
        """The whole of one file against the clock. The answer is the fault, so that the others go on."""
        try:
            async with asyncio.timeout(self._limits.seconds) as clock:
                await self._follow(read_address(url, self._hosts), path, trust, clock.when() or 0.0)
        except BadAddress as error:
            return NotFetched("address_refused", str(error), error.fix)
        except NotFetched as error:
            return error
        except TimeoutError:
            return _late(f"the file did not arrive within {self._limits.seconds:g} s")
        return None

    async def _follow(self, address: Address, path: Path, trust: ssl.SSLContext, ends: float) -> None:
        for _ in range(self._limits.redirects + 1):
            location = await self._ask(address, path, trust, ends)
            if location is None:
                return
            address = address.joined(location, self._hosts)
        raise _failed(address, f"it redirects more than {self._limits.redirects} times")

    async def _ask(self, address: Address, path: Path, trust: ssl.SSLContext, ends: float) -> str | None:
        """One question to a judged machine: None when the file is written, else where the answer points to."""
        import httpx

        ip = await self._judged(address)
        host = f"[{ip}]" if ":" in ip else ip
        url = httpx.URL(f"https://{host}:{self._internet.port}{address.target}")
        # httpx closes a connection that its own clock ends, and forgets one that ours ends while TLS is agreed on. It
        # allows the same time again for TLS: less than half of what is left, so that its clock is the first.
        connect = min(self._limits.connect_seconds, 0.4 * max(0.0, ends - asyncio.get_running_loop().time()))
        timeout = httpx.Timeout(self._limits.seconds, connect=connect)
        # Identity only: a few compressed kilobytes can stand for gigabytes.
        headers = {"Host": address.host, "User-Agent": "spotmill", "Accept": "*/*", "Accept-Encoding": "identity"}
        name = {"sni_hostname": address.host}  # for TLS: which certificate is asked for, and which is accepted
        try:
            async with (
                httpx.AsyncClient(verify=trust, trust_env=False, follow_redirects=False, timeout=timeout) as client,
                client.stream("GET", url, headers=headers, extensions=name) as response,
            ):
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return str(response.headers["location"])
                self._check(address, response)
                with path.open("wb") as file:
                    await self._take(address, response, file)
                return None
        except httpx.TimeoutException:
            raise _late(f"{address.host} does not answer") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise _failed(address, str(error) or type(error).__name__) from None

    async def _judged(self, address: Address) -> str:
        """The one IP address that is connected to. A single bad one among several spoils the name."""
        try:
            numbers = await self._internet.numbers(address.host)
        except (OSError, UnicodeError) as error:
            raise _failed(address, f"its name is not known ({error})") from None
        bad = [ip for ip in numbers if not self._internet.allows(ip)]
        if bad or not numbers:
            message = f"{address.host} leads to {bad[0] if bad else 'nowhere'}, which is no public address"
            raise NotFetched("address_refused", message, "Only public hosts are asked; download the file instead")
        return next((ip for ip in numbers if ":" not in ip), numbers[0])

    def _check(self, address: Address, response: httpx.Response) -> None:
        """Refuse by the head what need not be read."""
        if response.status_code != 200:
            raise _failed(address, f"it answered {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise _failed(address, "it sent the file compressed although that was not asked for")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limits.most_bytes:
            raise self._too_large(address)

    async def _take(self, address: Address, response: httpx.Response, file: IO[bytes]) -> None:
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._limits.most_bytes:
                raise self._too_large(address)
            file.write(chunk)

    def _too_large(self, address: Address) -> NotFetched:
        message = f"{address.host} sends more than {self._limits.most_bytes / 2**20:.0f} MiB"
        return NotFetched("fetch_too_large", message, "Use a smaller file")


def _late(message: str) -> NotFetched:
    return NotFetched("fetch_timed_out", message, "Try again, or download the file into the campaign's folder")


def _failed(address: Address, reason: str) -> NotFetched:
    fix = "Open the address in a browser; if it works there, download the file into the campaign's folder"
    return NotFetched("fetch_failed", f"{address.host}: {reason[:300]}", fix)
