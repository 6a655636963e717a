"""Sends what waits in the outbox to a server: signed, each attempt against the clock, again after growing pauses.

Signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body. No redirect is followed; proxies, cookies and
passwords of the environment are not used. Tells what went wrong without the address, whose path may be a secret. Knows
bodies; not what they say.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flows.outbox import Message, Outbox, Waiting

if TYPE_CHECKING:
    import httpx

_RETRIED = (408, 425, 429)
#: About this one body; any other refusal holds for the next message as well.
_OF_THE_BODY = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often."""

    attempts: int = 4
    #: Of one attempt, from the name to the end of the answer's head.
    seconds: float = 10.0
    #: Before the second attempt; doubled each time, and shortened at random so that senders part.
    backoff_seconds: float = 1.0
    most_backoff_seconds: float = 30.0
    #: Spent on attempts that fail and on pauses, and on all sending, at the end of a run.
    patience_seconds: float = 120.0
    most_seconds: float = 900.0
    #: A message that nobody has taken for so long is given up.
    keep_days: float = 7.0


class Refused(Exception):
    """The server did not take a message: may another attempt help, is it about this body alone, when to come back."""

    def __init__(self, reason: str, *, again: bool, alone: bool = False, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.again, self.alone, self.wait_seconds = again, alone, wait_seconds


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of a message."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"


class Post:
    """Sends a body once: `with Post(url, secret, limits) as post: post(message)`."""

    def __init__(self, url: str, secret: bytes, limits: Limits) -> None:
        self._url, self._secret, self._limits = url, secret, limits
        self._client: httpx.AsyncClient | None = None

    def __enter__(self) -> Self:
        # A thread of its own: the caller may be inside an event loop (Prefect), where none can be started.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="webhook")
        self._runner = asyncio.Runner()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def __call__(self, message: Message) -> None:
        """Returns when the server has acknowledged. Raises: Refused."""
        self._thread.submit(lambda: self._runner.run(self._once(message))).result()

    async def _once(self, message: Message) -> None:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=self._limits.seconds)
        body, now = message.body.encode("utf-8"), int(time.time())
        headers = {
            "content-type": "application/json",
            "user-agent": "spotmill",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._secret, message.id, now, body),
        }
        try:
            # A slow drip does not prolong it: the clock is that of the whole attempt.
            async with (
                asyncio.timeout(self._limits.seconds),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                _judge(response)
        except TimeoutError:
            raise Refused(f"no answer within {self._limits.seconds:g} s", again=True) from None
        except httpx.HTTPError as error:
            raise Refused(f"it cannot be reached ({type(error).__name__})", again=True) from None
        except httpx.InvalidURL:
            raise Refused("the address cannot be asked", again=False) from None

    def _close(self) -> None:
        if self._client is not None:
            self._runner.run(self._client.aclose())
        self._runner.close()


def _judge(response: httpx.Response) -> None:
    """Nothing for an acknowledgement. Raises: Refused."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Refused(f"it redirects ({status}), which is not followed: name the final address", again=False)
    wait = response.headers.get("retry-after", "")
    seconds = float(wait) if wait.isdecimal() and len(wait) < 6 else 0.0
    again = status >= 500 or status in _RETRIED
    raise Refused(f"it answered {status}", again=again, alone=status in _OF_THE_BODY, wait_seconds=seconds)


@dataclass(slots=True)
class Sent:
    """How the sending went."""

    sent: int = 0
    waiting: int = 0
    given_up: int = 0
    #: Why the first of those that wait was not taken.
    reason: str = ""

    def sentence(self, host: str) -> str:
        """One line for the end of a run."""
        parts = [f"{self.sent} {'message' if self.sent == 1 else 'messages'} sent to {host}"]
        if self.waiting:
            parts.append(f"{self.waiting} not taken ({self.reason}); the next run sends them again")
        if self.given_up:
            parts.append(f"{self.given_up} given up, too old")
        return f"Webhook: {'; '.join(parts)}"


class Sender:
    """`Sender(outbox, post, limits).send()` sends all that waits, the oldest first."""

    def __init__(
        self,
        outbox: Outbox,
        post: Callable[[Message], None],
        limits: Limits,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outbox, self._post, self._limits, self._sleep = outbox, post, limits, sleep
        self._jitter = random.Random()  # noqa: S311 - spreads retries in time, guards nothing
        self._lost_seconds = 0.0

    def send(self) -> Sent:
        """Send until nothing waits, the server is down, or patience ends."""
        sent, ends = Sent(), time.monotonic() + self._limits.most_seconds
        with self._outbox.sending(self._limits.patience_seconds) as ours:
            down = "" if ours else "another run is sending"
            for waiting in self._outbox.waiting():
                down = down or ("there was no more time" if time.monotonic() > ends else "")
                down = self._send_one(waiting, sent, down)
        return sent

    def _send_one(self, waiting: Waiting, sent: Sent, down: str) -> str:
        """Send a message or count why not. Returns why no more should be tried, "" to go on."""
        if time.time() - waiting.message.queued > self._limits.keep_days * 86_400:
            self._outbox.done(waiting)
            sent.given_up += 1
            return down
        reason, down = (down, down) if down else self._attempts(waiting.message)
        if reason:
            sent.waiting, sent.reason = sent.waiting + 1, sent.reason or reason
        else:
            self._outbox.done(waiting)
            sent.sent += 1
        return down

    def _attempts(self, message: Message) -> tuple[str, str]:
        """Why a message was not taken, and the same if it holds for the others too; both "" when it was taken."""
        attempt = 0
        while True:
            attempt += 1
            began = time.monotonic()
            try:
                self._post(message)
            except Refused as refused:
                self._lost_seconds += time.monotonic() - began
                pause = self._pause(attempt, refused.wait_seconds)
                patient = self._lost_seconds + pause <= self._limits.patience_seconds
                if not (refused.again and attempt < self._limits.attempts and patient):
                    tries = f", tried {attempt} times" if attempt > 1 else ""
                    reason = f"{refused}{tries}"
                    return reason, "" if refused.alone else reason
                self._lost_seconds += pause
                self._sleep(pause)
            else:
                return "", ""

    def _pause(self, attempt: int, wanted: float) -> float:
        limits = self._limits
        backoff = min(limits.most_backoff_seconds, limits.backoff_seconds * 2.0 ** (attempt - 1))
        return min(wanted, limits.most_backoff_seconds) + backoff * self._jitter.uniform(0.5, 1.0)
