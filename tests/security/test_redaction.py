"""Secrets in logs, failures and reports: a plain logger writes them, and ours does not."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.jobs import failure_of
from flows.problems import Problems, shown
from flows.redaction import REDACTED, Redaction, guard_logs, redact, secrets_of
from flows.report import ReportData
from flows.run_log import log_file
from tests.flows.test_report import rendered
from tests.flows.test_results import failed

KEY = "hf_AbCdEfGhIjKlMnOpQrStUvWx"
ENVIRONMENT = {
    "HF_TOKEN": "tok-5f2c9b7e",
    "SPOTMILL_VIDEOS_KEY": "vk/live+12345678=",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEJr",
    "RAY_AUTH_TOKEN": "0f" * 32,
    "PREFECT_API_AUTH_STRING": "admin:hunter2hunter2",
    "SPOTMILL_WEBHOOK_URL": "https://hooks.example.com/services/T0/B0/abcdef",
    "OPENAI_API_KEY": "sk-proj-abcdefabcdef",
}
PRESIGNED = (
    "https://bucket.s3.amazonaws.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261126%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261126T000000Z"
    "&X-Amz-Security-Token=IQoJb3Jp&X-Amz-SignedHeaders=host&X-Amz-Signature=5c7f1e2d3a4b"
)
#: A text, what must be gone, what must still be there.
TEXTS = [
    (PRESIGNED, ["AKIAIOSFODNN7", "IQoJb3Jp", "5c7f1e2d3a4b"], ["bucket.s3.amazonaws.com/a.png", "X-Amz-Date=2026"]),
    ("https://me:pass%40word@cdn.example.com/a", ["me:", "pass%40word"], ["cdn.example.com/a"]),
    ("redis://:hunter2@10.0.0.1:6379/0", ["hunter2"], ["10.0.0.1:6379"]),
    ("Authorization: Bearer abc.def.ghi", ["abc.def"], ["Authorization"]),
    ("headers={'authorization': b'Basic dXNlcjpwYXNz', 'host': 'x'}", ["dXNlcjpwYXNz"], ["'host': 'x'"]),
    ("[(b'Authorization', b'Bearer abcdefgh12345678')]", ["abcdefgh12345678"], ["Authorization"]),
    (
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261126/us-east-1/s3/aws4_request, "
        "SignedHeaders=host, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024",
        ["AKIAIOSFODNN7", "fe5f80f7"],
        [],
    ),
    (f"could not load with {KEY} from the hub", [KEY], ["from the hub"]),
    ('{"access_token": "zzzz9999", "ok": 1}', ["zzzz9999"], ['"ok": 1']),
    ("GET /v1?api_key=abc123&size=9 HTTP/1.1", ["abc123"], ["size=9"]),
    ("https://acc.blob.core.windows.net/c/a?sv=2024&sig=QmFzZTY0&se=2026", ["QmFzZTY0"], ["sv=2024", "se=2026"]),
    ("webhook secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw= read", ["MfKQ9r8G", "LaSw="], ["webhook secret", "read"]),
    ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\nafter", ["MHcCAQEE"], ["after"]),
]


@pytest.mark.parametrize(("text", "gone", "kept"), TEXTS)
def test_what_opens_something_is_taken_out_and_the_rest_stays(text: str, gone: list[str], kept: list[str]) -> None:
    assert all(part in text for part in (*gone, *kept))
    clean = redact(text, {})
    assert REDACTED in clean
    assert not [part for part in gone if part in clean]
    assert not [part for part in kept if part not in clean]
    assert redact(clean, {}) == clean


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_values_of_secret_variables_are_taken_out_wherever_they_stand(name: str) -> None:
    from urllib.parse import quote

    value = ENVIRONMENT[name]
    for form in (value, quote(value, safe="")):
        assert redact(f"before {form} after", ENVIRONMENT) == f"before {REDACTED} after"


@pytest.mark.parametrize(
    "text",
    [
        "Basic packaging for every bearer of good news",
        "Signature dish: token of love, secret sauce, password-free",
        "The key is in SPOTMILL_VIDEOS_KEY; see https://example.com/a?utm_source=mail&w=1#sig",
        "Write name@example.com, or 10:30 @ the shop",
        "mailto:me@example.com",
        "steps/master/0123456789abcdef0123456789abcdef/video.mp4",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text, ENVIRONMENT) == text


def test_short_values_paths_and_other_variables_are_no_secrets() -> None:
    environment = {"HF_TOKEN": "x", "API_KEY": "EMPTY", "PATH": "/usr/bin:/bin", "SIGN_KEY": "/home/me/sign.pem"}
    environment |= {"SPOTMILL_WEBHOOK_SECRET_FILE": "webhook.key", "RAY_AUTH_TOKEN_PATH": "tokens.txt"}
    environment |= {"SSL_PRIVATE_KEY": "/etc/ssl/key.pem", "HOME": "/home/someone", "KEYBOARD": "qwertyuiop"}
    assert secrets_of(environment) == ()


def test_redacting_takes_time_in_proportion_to_the_text() -> None:
    import time

    for text in ("a://" * 50_000, "x" * 200_000, "authorization: " * 10_000, "?sig=" * 40_000, "Bearer " * 30_000):
        began = time.process_time()
        redact(text, ENVIRONMENT)
        assert time.process_time() - began < 2


# --- logs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A secret in the environment, and a process whose loggers are not guarded before and after."""
    monkeypatch.setenv("SPOTMILL_VIDEOS_KEY", ENVIRONMENT["SPOTMILL_VIDEOS_KEY"])
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield ENVIRONMENT["SPOTMILL_VIDEOS_KEY"]
    logging.setLogRecordFactory(before)


def logged(name: str, level: int, *message: object, **more: object) -> str:
    """What a handler of somebody else's writes of one line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logger = logging.getLogger(name)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        logger.log(level, *message, **more)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
    return stream.getvalue()


@pytest.mark.parametrize("name", ["spotmill", "prefect.flow_runs", "ray.worker", "httpx", "botocore.auth", "anything"])
def test_any_logger_writes_a_secret_until_the_logs_are_guarded(secrets: str, name: str) -> None:
    assert secrets in logged(name, logging.WARNING, "asked with %s", secrets)
    guard_logs()
    guard_logs()  # twice is once
    assert logged(name, logging.WARNING, "asked with %s", secrets) == f"{name} asked with {REDACTED}\n"
    assert logged(name, logging.INFO, "%d of %s", 3, {"a": 1}) == f"{name} 3 of {{'a': 1}}\n"


def test_a_traceback_is_redacted_too(secrets: str) -> None:
    def written() -> str:
        try:
            raise ValueError(f"401 for key {secrets}")
        except ValueError:
            return logged("prefect.task_runs", logging.ERROR, "it failed", exc_info=True)

    assert secrets in written()
    guard_logs()
    assert secrets not in written()
    assert f"ValueError: 401 for key {REDACTED}" in written()


def test_botocores_debug_lines_are_never_written(secrets: str) -> None:
    line = "CanonicalRequest:\nPUT\n/a\n\nx-amz-meta-note:our campaign\n"
    assert "our campaign" in logged("botocore.auth", logging.DEBUG, line)
    guard_logs()
    for name in ("botocore.auth", "botocore", "s3transfer.tasks", "urllib3.connectionpool"):
        assert "our campaign" not in logged(name, logging.DEBUG, line)
        assert "our campaign" in logged(name, logging.INFO, line)


def test_a_record_whose_arguments_do_not_fit_is_not_made_worse(
    secrets: str, capsys: pytest.CaptureFixture[str]
) -> None:
    guard_logs()
    logged("spotmill", logging.INFO, "%s and %s", "one")
    assert "not enough arguments" in capsys.readouterr().err


def test_the_log_file_of_a_run_is_redacted_without_any_guard(secrets: str, tmp_path: Path) -> None:
    with log_file(tmp_path / "run.log"):
        logging.getLogger("spotmill").error("footage failed: %s\n%s", secrets, f"trace {KEY}")
    text = (tmp_path / "run.log").read_text("utf-8")
    assert "footage failed" in text
    assert secrets not in text
    assert KEY not in text


def test_the_filter_can_be_hung_on_any_handler(secrets: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "with %s", (secrets,), None)
    assert Redaction().filter(record)
    assert record.getMessage() == f"with {REDACTED}"


# --- results ---------------------------------------------------------------------------------------------------------


def test_the_message_of_a_failure_holds_no_secret(secrets: str) -> None:
    failure = failure_of(RuntimeError(f"the server said: bad key {secrets}"), "footage")
    assert failure.message == f"RuntimeError: the server said: bad key {REDACTED}"
    assert secrets not in failure.trace


def test_a_complaint_shows_no_presigned_part_and_no_password() -> None:
    problems = Problems("rows.csv")
    problems.add("file_address", "an address", value=PRESIGNED)
    problems.add("bad_url", "not an address", value="https://me:secret@shop.example/a")
    assert "5c7f1e2d3a4b" in PRESIGNED[-20:]  # the end of a long value is shown
    assert [
        part for part in ("5c7f1e2d3a4b", "secret") if part in str([one.sentence() for one in problems.found])
    ] == []
    assert shown("plain") == "plain"


def test_the_contact_sheet_shows_cells_without_what_opens_them(tmp_path: Path) -> None:
    page = rendered(tmp_path, ReportData("x", (failed(cells={"picture": PRESIGNED}),)))
    assert "bucket.s3.amazonaws.com" in page
    assert "5c7f1e2d3a4b" not in page
