"""Each state is told once, signed, under one id; a server that is down, slow or redirecting costs the run nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.deliveries import FAILED_STATES, FINISHED_STATES, DeliveryRecord
from flows.model import BadInput
from flows.outbox import Message, Outbox
from flows.posting import Limits, Post, Refused, Sender
from flows.settings import Settings, told
from flows.webhooks import BATCH, Endpoint, Told, endpoint_of, news, notify
from tests.flows.test_results import done, failed

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = b"0123456789abcdef0123456789abcdef"
QUICK = Limits(attempts=3, seconds=0.5, backoff_seconds=0.01, most_backoff_seconds=0.02, patience_seconds=10)


class Receiver:
    """A real server on this machine: what it was sent, and what it is told to answer."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        #: Answers to come, the last one for good: a status, or seconds to keep silent.
        self.answers: list[int | float] = [200]
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                if isinstance(answer, float):
                    time.sleep(answer)
                    return
                self.send_response(answer)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # senders hang up on silence, as they should

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook/secret-part"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    def events(self) -> list[dict[str, Any]]:
        """Events of deliveries, taken out of their batches."""
        found = []
        for body in self.bodies():
            found += body["data"]["events"] if body["type"] == "rows.settled" else [body]
        return [event for event in found if event["type"] != "batch.done"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def endpoint(receiver: Receiver, mode: str = "batch", fields: tuple[str, ...] = ()) -> Endpoint:
    return Endpoint(receiver.url, SECRET, mode, fields)


def run_of(*records: DeliveryRecord, started: float = 1_800_000_000.0) -> Told:
    return Told("Spring", started, 12.0, records)


TWO = (done(), failed())


# --- what is told ---------------------------------------------------------------------------------------------------


def test_each_state_is_told_once_and_each_run_is_summed_up(receiver: Receiver, tmp_path: Path) -> None:
    for started in (1.0, 2.0):
        sentence = notify(run_of(*TWO, started=started), endpoint(receiver), tmp_path, QUICK)
    assert sentence == f"Webhook: 1 message sent to 127.0.0.1:{receiver.server.server_address[1]}"
    assert [event["type"] for event in receiver.events()] == ["row.done", "row.failed"]
    sums = [body["data"] for body in receiver.bodies() if body["type"] == "batch.done"]
    assert [(one["counts"], one["changed"], one["verdict"]) for one in sums] == [
        ({"done": 1, "failed": 1}, 2, "done with errors"),
        ({"done": 1, "failed": 1}, 0, "done with errors"),
    ]
    assert sums[0]["run"] != sums[1]["run"]


def test_other_bytes_and_a_state_that_comes_back_are_news(receiver: Receiver, tmp_path: Path) -> None:
    states = [done(), done(sha256="1" * 64), failed(placement="tiktok_infeed"), done(sha256="1" * 64)]
    for started, record in enumerate(states):
        notify(run_of(record, started=float(started)), endpoint(receiver, "each"), tmp_path, QUICK)
    told_types = [event["type"] for event in receiver.events()]
    assert told_types == ["row.done", "row.done", "row.failed", "row.done"]
    ids = [event["id"] for event in receiver.events()]
    assert len(set(ids)) == 4


def test_many_events_share_a_message_unless_each_is_asked_for(receiver: Receiver, tmp_path: Path) -> None:
    records = [done(creative=f"c{number}") for number in range(BATCH + 1)]
    assert len(news(run_of(*records), endpoint(receiver), {}, 1.0)) == 3
    assert len(news(run_of(*records), endpoint(receiver, "each"), {}, 1.0)) == BATCH + 2
    notify(run_of(*records), endpoint(receiver), tmp_path, QUICK)
    assert [len(body["data"]["events"]) for body in receiver.bodies()[:2]] == [BATCH, 1]
    assert Counter(event["data"]["creative_id"] for event in receiver.events()) == Counter(
        record.creative_id for record in records
    )


def test_states_that_are_not_final_are_not_told(receiver: Receiver) -> None:
    running = replace(done(), status="running", path="", sha256="")
    assert [json.loads(message.body)["type"] for message in news(run_of(running), endpoint(receiver), {}, 1.0)] == [
        "batch.done"
    ]


def test_cells_leave_only_by_name(receiver: Receiver, tmp_path: Path) -> None:
    secret = "sk-" + "a1" * 16
    private = failed(cells={"row_id": "r1", "Customer Mail": "ada@example.org", "note": "x"}, message=f"ada: {secret}")
    notify(run_of(private), endpoint(receiver, "each"), tmp_path / "a", QUICK)
    assert b"ada" not in b"".join(body for _, body in receiver.requests)
    receiver.requests.clear()
    fields = ("customer_mail", "message", "moon")
    sentence = notify(run_of(private), endpoint(receiver, "each", fields), tmp_path / "b", QUICK)
    assert receiver.events()[0]["data"]["fields"] == {"customer_mail": "ada@example.org", "message": "ada: [redacted]"}
    assert sentence.endswith("webhook_fields names no column moon")


def test_the_page_has_every_event() -> None:
    page = (ROOT / "docs" / "handoff.md").read_text("utf-8")
    named = set(re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE))
    events = {word for names in named for word in re.findall(r"`([a-z_]+\.[a-z_]+)`", names)}
    assert events == {*(f"row.{state}" for state in (*FINISHED_STATES, *FAILED_STATES)), "rows.settled", "batch.done"}


# --- sending --------------------------------------------------------------------------------------------------------


def test_the_signature_is_one_that_the_documented_example_accepts(receiver: Receiver, tmp_path: Path) -> None:
    notify(run_of(*TWO), endpoint(receiver), tmp_path, QUICK)
    page = (ROOT / "docs" / "handoff.md").read_text("utf-8")
    example = next(block for block in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S) if "verify" in block)
    names: dict[str, Any] = {}
    exec(example, names)
    verify = names["verify_signature"]
    shared = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    headers, body = receiver.requests[0]
    verify(shared, headers, body)
    assert headers["webhook-id"] == json.loads(body)["id"]
    with pytest.raises(ValueError, match="not signed"):
        verify(shared, headers, body + b" ")
    with pytest.raises(ValueError, match="not signed"):
        verify(shared, {**headers, "webhook-id": "evt_other"}, body)
    with pytest.raises(ValueError, match="too old"):
        verify(shared, {**headers, "webhook-timestamp": "1"}, body)


def test_faults_that_pass_are_tried_again_under_the_same_id(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [500, 2.0, 200]
    sentence = notify(run_of(), endpoint(receiver), tmp_path, QUICK)
    assert sentence.startswith("Webhook: 1 message sent")
    ids = [headers["webhook-id"] for headers, _ in receiver.requests]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert [*Outbox(tmp_path).waiting()] == []


def test_a_server_that_is_down_is_told_of_and_gets_all_of_it_next_time(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [503]
    sentence = notify(run_of(*TWO, started=1.0), endpoint(receiver, "each"), tmp_path, QUICK)
    assert "3 not taken (it answered 503, tried 3 times); the next run sends them again" in sentence
    assert len(receiver.requests) == 3  # the first message; the others would fare no better
    receiver.answers = [200]
    receiver.requests.clear()
    notify(run_of(*TWO, started=2.0), endpoint(receiver, "each"), tmp_path, QUICK)
    assert [body["type"] for body in receiver.bodies()] == ["row.done", "row.failed", "batch.done", "batch.done"]


def test_nobody_listening_is_no_failure(tmp_path: Path) -> None:
    gone = Receiver()
    gone.server.shutdown()
    gone.server.server_close()
    sentence = notify(run_of(*TWO), endpoint(gone), tmp_path, QUICK)
    assert "2 not taken (it cannot be reached (ConnectError), tried 3 times)" in sentence
    assert "secret-part" not in sentence


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (307, 1), (422, 2)])
def test_what_no_other_attempt_mends_is_asked_once(receiver: Receiver, tmp_path: Path, status: int, asked: int) -> None:
    """A refused body says nothing of the next one; anything else does."""
    receiver.answers, receiver.headers = [status], {"location": receiver.url}
    sentence = notify(run_of(*TWO), endpoint(receiver), tmp_path, QUICK)
    assert "2 not taken" in sentence
    assert len(receiver.requests) == asked


def test_the_pause_that_the_server_asks_for_is_kept(tmp_path: Path) -> None:
    pauses: list[float] = []
    tries = iter([Refused("it answered 429", again=True, wait_seconds=7.0), None])

    def post(message: Message) -> None:
        fault = next(tries)
        if fault:
            raise fault

    box = Outbox(tmp_path)
    box.queue([Message("evt_1", "Spring", "{}", time.time())])
    sent = Sender(box, post, Limits(), pauses.append).send()
    assert (sent.sent, len(pauses)) == (1, 1)
    assert 7.5 <= pauses[0] <= 8.0


def test_patience_ends_and_old_messages_are_given_up(tmp_path: Path) -> None:
    def post(message: Message) -> None:
        raise Refused("it answered 503", again=True)

    box = Outbox(tmp_path)
    box.queue([Message("evt_1", "Spring", "{}", 0.0), Message("evt_2", "Spring", "{}", time.time())])
    slept: list[float] = []
    sent = Sender(box, post, Limits(attempts=99, patience_seconds=20), slept.append).send()
    assert (sent.sent, sent.waiting, sent.given_up) == (0, 1, 1)
    assert sum(slept) <= 20
    assert [waiting.message.id for waiting in box.waiting()] == ["evt_2"]


def test_only_one_sends_at_a_time(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    box.queue([Message("evt_1", "Spring", "{}", time.time())])
    with box.sending(0) as first:
        assert first
        sent = Sender(box, lambda message: None, Limits(patience_seconds=0)).send()
    assert (sent.sent, sent.waiting, sent.reason) == (0, 1, "another run is sending")


KILLED = """
import os, signal, sys, time
from pathlib import Path
from flows.outbox import Outbox
from flows.posting import Limits, Post, Sender
from flows.webhooks import Endpoint, news
from tests.flows.test_webhooks import SECRET, TWO, run_of
root, url, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
end, box = Endpoint(url, SECRET, "each", ()), Outbox(root)
def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)
if when == "before the note":
    Outbox._note = die
box.queue(news(run_of(*TWO, started=1.0), end, box.told("Spring"), time.time()))
if when == "after the answer":
    Outbox.done = die
with Post(end.url, end.secret, Limits()) as post:
    Sender(box, post, Limits()).send()
"""


@pytest.mark.parametrize(("when", "first"), [("after the answer", 1), ("before the note", 0)])
def test_a_killed_run_sends_what_is_left_and_tells_no_state_under_a_second_id(
    receiver: Receiver, tmp_path: Path, when: str, first: int
) -> None:
    """At least once: what was sent and not yet crossed out comes again under the id that it had."""
    command = [sys.executable, "-c", KILLED, str(tmp_path), receiver.url, when]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert len(receiver.requests) == first
    notify(run_of(*TWO, started=2.0), endpoint(receiver, "each"), tmp_path, QUICK)
    counted = Counter((event["type"], event["id"]) for event in receiver.events())
    assert {kind for kind, _ in counted} == {"row.done", "row.failed"}
    assert len(counted) == 2  # one id for each state, however often it came
    assert sorted(counted.values()) == ([1, 2] if first else [1, 1])
    assert [*Outbox(tmp_path).waiting()] == []


def test_a_full_disk_fails_no_run(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    sentence = notify(run_of(*TWO), endpoint(receiver), tmp_path, QUICK)
    assert sentence.startswith("Webhook: not everything could be queued or sent")


def test_a_slow_drip_does_not_hold_the_run(tmp_path: Path) -> None:
    """Every read of the answer's head arrives in time, and yet the attempt ends."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            talk, _ = server.accept()
            with talk, suppress(OSError):
                for letter in "HTTP/1.1 200 OK\r\nx: " + "y" * 400:
                    talk.sendall(letter.encode())
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with Post(url, SECRET, QUICK) as post, pytest.raises(Refused, match="no answer within"):
            post(Message("evt_1", "Spring", "{}", time.time()))


# --- settings -------------------------------------------------------------------------------------------------------


def configured(tmp_path: Path, **more: str) -> Settings:
    secret = tmp_path / "webhook.secret"
    secret.write_bytes(b"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    given = {"webhook_url": "https://hooks.example.com/a", "webhook_secret_file": str(secret), **more}
    return Settings(**given)  # type: ignore[arg-type]


def test_settings_become_an_endpoint(tmp_path: Path) -> None:
    found = endpoint_of(configured(tmp_path, webhook_fields="Market, row_id", webhook_events="each"))
    assert found
    assert (found.secret, found.fields, found.mode, found.host) == (
        SECRET,
        ("market", "row_id"),
        "each",
        "hooks.example.com",
    )
    assert endpoint_of(Settings()) is None
    assert "0123" not in repr(found)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/a", "bad_webhook_url"),
        ("https://me:pass@hooks.example.com/a", "bad_webhook_url"),
        ("https://hooks.example.com/a b", "bad_webhook_url"),
        ("https://[half", "bad_webhook_url"),
        ("ftp://localhost/", "bad_webhook_url"),
        ("localhost", "bad_webhook_url"),
    ],
)
def test_addresses_that_are_not_safe_are_refused(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        endpoint_of(configured(tmp_path, webhook_url=url))
    assert [problem.code for problem in caught.value.problems] == [code]
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://[::1]/", "http://localhost/", "https://10.0.0.7/x"])
def test_this_machine_may_do_without_tls(tmp_path: Path, url: str) -> None:
    assert endpoint_of(configured(tmp_path, webhook_url=url))


@pytest.mark.parametrize("content", [b"short", b"whsec_not base64!", b"whsec_YWJj", None])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    settings = configured(tmp_path)
    file = Path(settings.webhook_secret_file)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        endpoint_of(settings)
    assert "openssl rand" in str(caught.value)
    with pytest.raises(BadInput):
        endpoint_of(replace(settings, webhook_secret_file=""))


def test_a_mode_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no mode"):
        endpoint_of(configured(tmp_path, webhook_events="daily"))


def test_a_manifest_names_the_host_alone(tmp_path: Path) -> None:
    settings = configured(tmp_path, webhook_url="https://hooks.example.com/T0/B0/secret")
    assert told(settings)["webhook_url"] == "hooks.example.com"
    assert "B0" not in json.dumps(told(settings))
