"""Tells a server of the user's what became of each delivery, and how the run went: signed, retried, under stable ids.

One event for each terminal state that a delivery comes to (a run that changes nothing tells nothing new), and one
summary of each run. Bodies hold no secrets, and of the rows only what `webhook_fields` names. Messages wait in the
ledger (`outbox.py`) until the server has taken them (`posting.py`): one that is down costs a run nothing.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.columns import plain_name
from flows.deliveries import FAILED_STATES, FINISHED_STATES, DeliveryRecord, count_states, verdict
from flows.files import CannotWrite
from flows.ledger import digest
from flows.model import BadInput, Problem
from flows.outbox import Message, Outbox
from flows.posting import Limits, Post, Sender
from flows.redaction import Redactor

if TYPE_CHECKING:
    from flows.settings import Settings

MODES = ("batch", "each")
#: Columns of results.csv that `webhook_fields` may name beside those of the rows: they may quote a cell.
OWN_FIELDS = ("row_id", "message", "fix", "url_with_utm")
#: Events in one message of the mode `batch`; some 60 kB.
BATCH = 100
#: Standard Webhooks asks for 24 to 64 bytes.
LEAST_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """Where to send, and with which secret."""

    url: str
    secret: bytes
    mode: str
    fields: tuple[str, ...]

    @property
    def host(self) -> str:
        """What may be shown: some services write a secret into the path."""
        return urlsplit(self.url).netloc


# --- settings -----------------------------------------------------------------------------------------------------


def endpoint_of(settings: Settings) -> Endpoint | None:
    """The endpoint that the settings name, None without one.

    Raises: BadInput for an address that is not safe, a secret that is missing or short, a mode that there is not.
    """
    if not settings.webhook_url:
        return None
    complaint = _bad_url(settings.webhook_url)
    if complaint:
        raise _bad("webhook_url", "bad_webhook_url", *complaint)
    if settings.webhook_events not in MODES:
        fix = f"Write one of: {', '.join(MODES)}"
        raise _bad("webhook_events", "bad_webhook_events", f"{settings.webhook_events[:40]!r} is no mode", fix)
    fields = tuple(dict.fromkeys(filter(None, map(plain_name, settings.webhook_fields.split(",")))))
    return Endpoint(settings.webhook_url, _secret(settings.webhook_secret_file), settings.webhook_events, fields)


def _bad_url(url: str) -> tuple[str, str] | None:
    """Why an address is not sent to, and the way out; None when it is."""
    fix = "Write https://hooks.example.com/spotmill, or http:// for a server on this machine"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "this is no address", fix
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or not host:
        return "this is no address", fix
    if parts.username is not None or parts.password is not None:
        return "the address holds a name or password", "Leave it out: the signature says who sends"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "the address is not https", fix


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(file: str) -> bytes:
    """The secret in a file: `whsec_` and base64, or the bytes as they are."""
    make = 'Make one: `echo "whsec_$(openssl rand -base64 32)" > webhook.secret`, and name it in webhook_secret_file'
    if not file:
        raise _bad("webhook_secret_file", "no_webhook_secret", "webhooks are signed, and no secret is named", make)
    try:
        raw = Path(file).read_bytes().strip()
        secret = base64.b64decode(raw.removeprefix(b"whsec_"), validate=True) if raw.startswith(b"whsec_") else raw
    except OSError as error:
        message = f"the file of the secret cannot be read ({error.strerror})"
        raise _bad("webhook_secret_file", "no_webhook_secret", message, make) from error
    except binascii.Error as error:
        raise _bad("webhook_secret_file", "bad_webhook_secret", "after whsec_ there is no base64", make) from error
    if len(secret) < LEAST_SECRET_BYTES:
        message = f"the secret has fewer than {LEAST_SECRET_BYTES} bytes"
        raise _bad("webhook_secret_file", "bad_webhook_secret", message, make)
    return secret


def _bad(name: str, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("spotmill.toml", None, name, code, "", message, fix),))


# --- what is told -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A finished run, as far as webhooks speak about it."""

    campaign: str
    #: Seconds since 1970 when it began; names the run.
    started: float
    seconds: float
    records: Sequence[DeliveryRecord]

    @property
    def run(self) -> str:
        """The run's id."""
        return digest([self.campaign, self.started])[:16]


def news(told: Told, endpoint: Endpoint, before: Mapping[str, str], now: float) -> list[Message]:
    """The messages of a run: deliveries whose state or bytes differ from what was told before, then the summary."""
    fresh = [
        record
        for record in told.records
        if record.status in (*FINISHED_STATES, *FAILED_STATES) and before.get(_key(record)) != _state(record)
    ]
    redact = Redactor()
    events = [_event(told, record, endpoint, redact) for record in fresh]
    tells = [{_key(record): _state(record)} for record in fresh]
    messages = []
    size = BATCH if endpoint.mode == "batch" else 1
    for start in range(0, len(events), size):
        part = events[start : start + size]
        known = {key: state for one in tells[start : start + size] for key, state in one.items()}
        body = part[0] if endpoint.mode == "each" else _batched(told, part)
        messages.append(_message(told, body, known, now))
    return [*messages, _message(told, _summary(told, len(events)), {}, now)]


def _key(record: DeliveryRecord) -> str:
    return " / ".join(record.key)


def _state(record: DeliveryRecord) -> str:
    """What a delivery has come to: its state, with the bytes or the reason."""
    return f"{record.status} {record.sha256 or f'{record.step} {record.code}'}"


def _event(told: Told, record: DeliveryRecord, endpoint: Endpoint, redact: Redactor) -> dict[str, object]:
    data: dict[str, object] = {
        "campaign": told.campaign,
        "run": told.run,
        "row": record.row,
        "creative_id": record.creative_id,
        "locale": record.locale,
        "segment": record.segment,
        "variant": record.variant,
        "control_id": record.control_id,
        "placement": record.placement,
        "status": record.status,
        "code": record.code,
        "step": record.step,
        "attempts": record.attempts,
        "path": record.path,
        "sha256": record.sha256,
        "disclosure": record.disclosure,
        "approval": record.approval,
    }
    if endpoint.fields:
        data["fields"] = {name: redact(value) for name, value in _fields(record, endpoint.fields).items()}
    event_id = digest([told.campaign, told.run, _key(record), _state(record)])
    return {"id": f"evt_{event_id}", "type": f"row.{record.status}", "timestamp": _time(told), "data": data}


def _fields(record: DeliveryRecord, names: Iterable[str]) -> dict[str, str]:
    """The cells that the settings let out; a name that the row does not have is left out."""
    cells = {plain_name(column): cell for column, cell in record.cells.items()}
    own = {name: str(getattr(record, name)) for name in OWN_FIELDS}
    both = {**own, **cells}
    return {name: both[name] for name in names if name in both}


def _batched(told: Told, events: Sequence[Mapping[str, object]]) -> dict[str, object]:
    name = digest([event["id"] for event in events])
    data = {"campaign": told.campaign, "run": told.run, "events": list(events)}
    return {"id": f"evt_{name}", "type": "rows.settled", "timestamp": _time(told), "data": data}


def _summary(told: Told, changed: int) -> dict[str, object]:
    counts = count_states(told.records)
    data = {
        "campaign": told.campaign,
        "run": told.run,
        "verdict": verdict(counts),
        "counts": counts,
        "deliveries": len(told.records),
        "changed": changed,
        "seconds": round(told.seconds, 1),
    }
    return {
        "id": f"evt_{digest([told.run, 'batch.done'])}",
        "type": "batch.done",
        "timestamp": _time(told),
        "data": data,
    }


def _time(told: Told) -> str:
    return datetime.fromtimestamp(told.started + told.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(told: Told, body: Mapping[str, object], tells: Mapping[str, str], now: float) -> Message:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Message(str(body["id"]), told.campaign, text, now, tells)


def notify(told: Told, endpoint: Endpoint | None, ledger: Path, limits: Limits | None = None) -> str:
    """Tell about a run, and send what earlier ones left. Returns what to say at its end, "" without an endpoint.

    Never raises for a server that is down or a disk that is full: the films are made.
    """
    if endpoint is None:
        return ""
    outbox, limits = Outbox(ledger), limits or Limits()
    try:
        outbox.queue(news(told, endpoint, outbox.told(told.campaign), time.time()))
        with Post(endpoint.url, endpoint.secret, limits) as post:
            sentence = Sender(outbox, post, limits).send().sentence(endpoint.host)
    except (CannotWrite, OSError) as error:
        return f"Webhook: not everything could be queued or sent ({error})"
    unknown = _unknown(endpoint.fields, told.records)
    return f"{sentence}; webhook_fields names no column {', '.join(unknown)}" if unknown else sentence


def _unknown(names: Sequence[str], records: Sequence[DeliveryRecord]) -> list[str]:
    """Names of fields that no row has."""
    known = {plain_name(column) for record in records for column in record.cells}
    return [name for name in names if name not in {*known, *OWN_FIELDS}]
