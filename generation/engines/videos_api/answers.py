"""What a server's answer means: a job, or which of our errors, in the server's own words.

Pure: takes statuses and bodies, knows no connection. Servers differ in how they say what went wrong (an `error` object,
FastAPI's `detail`, a proxy's HTML page); all of it is read here, cut to a length that fits a table, without markup.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.engines.videos_api.address import KEY_VARIABLE, URL_VARIABLE
from generation.errors import BadShot, GenerationError, NotAvailable, OutOfMemory, Refused, Transient

#: Characters of a server's message that are shown.
_LONGEST = 400
#: Parts of error codes and types by which servers say that the content was declined.
_REFUSALS = ("moderation", "content_policy", "content_filter", "policy_violation", "safety", "nsfw", "unsafe", "refus")
#: Codes by which gateways say that the account has no money left: waiting does not help.
_UNPAID = ("insufficient_quota", "billing", "payment", "insufficient_credit", "insufficient_balance")
_MEMORY = re.compile(r"out[ _-]?of[ _-]?memory|\bOOM\b|CUDA_ERROR_OUT_OF", re.IGNORECASE)
_PASSING = (408, 409, 425, 429)
_PAGE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
#: Job ids go into paths: no slash, no `..`.
_ID = re.compile(r"[A-Za-z0-9][\w:=~-]*(\.[\w:=~-]+)*")


@dataclass(frozen=True, slots=True)
class Said:
    """What a server said about a fault."""

    message: str
    code: str = ""
    kind: str = ""
    #: An `error` object of the API, not a page of a proxy or a framework that knows no such path.
    structured: bool = False

    def __str__(self) -> str:
        code = f" [{self.code}]" if self.code and self.code not in self.message else ""
        return f"{self.message or 'no reason given'}{code}"

    @property
    def refused(self) -> bool:
        """Whether the content was declined."""
        return any(part in f"{self.code} {self.kind}".lower() for part in _REFUSALS)

    @property
    def out_of_memory(self) -> bool:
        """Whether the server's memory did not suffice."""
        return bool(_MEMORY.search(f"{self.code} {self.kind} {self.message}"))

    @property
    def unpaid(self) -> bool:
        """Whether the account is used up."""
        return any(part in f"{self.code} {self.kind}".lower() for part in _UNPAID)


@dataclass(frozen=True, slots=True)
class Job:
    """A video at the server, as it described it last."""

    id: str
    #: queued, in_progress, completed or failed by the API; servers add their own.
    status: str
    progress: int = 0
    error: Said | None = None
    record: Mapping[str, object] = field(default_factory=dict)
    #: When the server wants to be asked again.
    poll_after_seconds: float | None = None


def said(body: bytes) -> Said:
    """Read an error's body, whatever its form."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        title = _PAGE.search(text)
        return Said(_short(title[1] if title else text))
    return said_in(value)


def said_in(value: object) -> Said:
    """The same for a body, or an `error`, that is decoded already."""
    if not isinstance(value, dict):
        return Said(_short(value if isinstance(value, str) else json.dumps(value)))
    inner = value.get("error")
    if isinstance(inner, dict):
        return _of_object(inner)
    for name in ("error", "message", "detail"):
        if value.get(name):
            return Said(_short(_detail(value[name])), _word(value.get("code")), _word(value.get("type")))
    return Said(_short(json.dumps(value)))


def _of_object(error: Mapping[str, object]) -> Said:
    kind, code = _word(error.get("type")), _word(error.get("code"))
    return Said(_short(_detail(error.get("message") or "")), code, kind, structured=True)


def _detail(value: object) -> str:
    """FastAPI's list of faults as a sentence; anything else as it is."""
    if isinstance(value, list):
        faults = [fault for fault in value if isinstance(fault, dict)]
        return "; ".join(
            f"{'.'.join(str(part) for part in _list(fault.get('loc')))}: {fault.get('msg', '')}" for fault in faults
        )
    return value if isinstance(value, str) else json.dumps(value)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _word(value: object) -> str:
    return _short(str(value))[:80] if value is not None else ""


def _short(text: str) -> str:
    plain = html.unescape(re.sub(r"<[^>]*>", " ", text))
    plain = re.sub(r"\s+", " ", "".join(sign if sign.isprintable() else " " for sign in plain)).strip()
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1].rstrip() + "…"


def fault_of(status: int, body: bytes, what: str) -> GenerationError:
    """The error for an HTTP answer that is none of success; `what` says what was asked for."""
    words = said(body)
    text = f"videos-api: {what}: the server answered {status}: {words}"
    if words.refused:
        return Refused(text)
    if words.out_of_memory:
        return OutOfMemory(text)
    if words.unpaid or status == 402:
        return NotAvailable(f"{text}. The account behind {KEY_VARIABLE} is used up")
    if status in (401, 403):
        return NotAvailable(f"{text}. Check the key in {KEY_VARIABLE}")
    if status == 404 and not words.structured:
        return NotAvailable(f"{text}. Check the address in {URL_VARIABLE}: it ends where /videos begins")
    if status in _PASSING or status >= 500:
        return Transient(text)
    return BadShot(text)


def failure_of(job: Job) -> GenerationError:
    """The error for a job that has ended without a film."""
    words = job.error or Said("")
    text = f"videos-api: job {job.id} {job.status}: {words}"
    if words.refused:
        return Refused(text)
    if words.out_of_memory:
        return OutOfMemory(text)
    if "invalid" in f"{words.kind} {words.code}".lower():
        return BadShot(text)
    return Transient(text)


def job_of(value: object, poll_after_seconds: float | None = None) -> Job:
    """A job from the decoded body of an answer.

    Raises: Transient when it is none.
    """
    if not isinstance(value, dict) or not _ID.fullmatch(str(value.get("id", ""))[:200]):
        raise Transient(f"videos-api: the server's answer is no video job: {_short(json.dumps(value))[:200]}")
    error = value.get("error")
    progress = value.get("progress")
    return Job(
        id=str(value["id"])[:200],
        status=_word(value.get("status")) or "unknown",
        progress=int(min(100, max(0, progress))) if isinstance(progress, int | float) and progress == progress else 0,
        error=(_of_object(error) if isinstance(error, dict) else said_in(error)) if error else None,
        record=value,
        poll_after_seconds=poll_after_seconds,
    )
