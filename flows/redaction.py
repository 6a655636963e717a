"""Takes secrets out of text that people will read: log lines, failure messages, values in complaints, cells in reports.

What is taken out: values of the environment's secret variables, Authorization headers, keys and signatures of clouds,
names and passwords in addresses, and the parts of a presigned address that open it. `guard_logs` does so for every
logger of the process, also those of Prefect, Ray and HTTP clients, whoever made them and whenever. Knows patterns, not
meanings: a secret that is neither in the environment nor looks like one stays (SECURITY.md says so).
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

REDACTED = "[redacted]"
#: Shorter values are stand-ins ("x", "EMPTY", "1") and parts of ordinary words.
_SHORTEST = 8
#: Variables whose value opens something. SPOTMILL_SIGN_KEY and the like name files: those stay readable.
_SECRET_NAME = re.compile(
    r"(?i)(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH_STRING|API_?KEY|ACCESS_KEY|ACCESS_KEY_ID|"
    r"VIDEOS_KEY|PRIVATE_KEY|WEBHOOK_URL)(_|$)"
)
#: What holds the name of a secret's place, not the secret. A webhook's address is a secret as a whole.
_NAMES_ONLY = re.compile(r"(?i)_(FILE|PATH|DIR)$|(?<!WEBHOOK)_URL$")
#: Names in an address's query, in JSON and in configuration, after which a secret stands.
_OPENING_WORDS = (
    r"x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential|awsaccesskeyid|"
    r"key-pair-id|signature|sig|policy|access_token|refresh_token|id_token|auth_token|token|api_?key|apikey|"
    r"secret_?access_?key|client_secret|secret|password|passwd|pwd"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Headers, as HTTP clients and botocore print them: in lines, in dicts, as bytes.
        (r"((?:proxy-)?authorization[\"']?\s*[:=,]\s*(?:b?[\"'])?)[^\r\n\"']{4,}", rf"\1{REDACTED}"),
        (r"((?:x-amz-security-token|x-api-key|cookie)[\"']?\s*[:,]\s*(?:b?[\"'])?)[^\r\n\"']{4,}", rf"\1{REDACTED}"),
        # Without its header's name a word may follow: tokens are long and have digits.
        (r"\b(bearer|basic)\s+(?=[a-z+/=_.~-]*[0-9])[a-z0-9+/=_.~-]{16,}", rf"\1 {REDACTED}"),
        # Names and passwords before the host.
        (r"([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]{1,400}@", rf"\1{REDACTED}@"),
        (rf"([?&;](?:{_OPENING_WORDS})=)[^\s&;\"'<>#]+", rf"\1{REDACTED}"),
        (rf"([\"'](?:{_OPENING_WORDS})[\"']\s*:\s*[\"'])[^\"']+", rf"\1{REDACTED}"),
        (r"\b(signature=)[0-9a-f]{32,}", rf"\1{REDACTED}"),
        # What keys look like: AWS, Hugging Face, OpenAI and its like, GitHub, Google, Slack; private keys in PEM.
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", REDACTED),
        (r"\b(?:hf_|sk-|sk_live_|whsec_|ghp_|gho_|github_pat_|xox[abpr]-|AIza)[A-Za-z0-9+/=_-]{16,}", REDACTED),
        (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}-----|\Z)", REDACTED),
    )
)
#: Logs that hold signatures and bodies below this level (botocore prints the whole signed request).
_NOT_BELOW = {"botocore": logging.INFO, "boto3": logging.INFO, "s3transfer": logging.INFO, "urllib3": logging.INFO}
_NOT_BELOW |= {"httpcore": logging.INFO, "hpack": logging.INFO}
_DROPPED = "a line of %s that may hold signatures is not written"


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the environment's secret variables, longest first: one may be part of another."""
    values = {value.strip() for name, value in environment.items() if _opens(name)}
    # A file's name is no secret, and sentences about it have to name it.
    kept = {value for value in values if len(value) >= _SHORTEST and not value.startswith(("/", "~", "./"))}
    return tuple(sorted(kept, key=len, reverse=True))


@lru_cache(maxsize=4096)
def _opens(name: str) -> bool:
    """Whether a variable of this name holds a secret: asked of the whole environment for every line of a log."""
    return bool(_SECRET_NAME.search(name)) and not _NAMES_ONLY.search(name)


class Redactor:
    """Redacts many texts with the secrets that the environment held when it was made: `Redactor()(text)`."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        secrets = secrets_of(environment)
        self._forms = tuple(dict.fromkeys(form for one in secrets for form in (one, quote(one, safe=""))))

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by `[redacted]`."""
        for form in self._forms:
            text = text.replace(form, REDACTED)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def redact(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """One text without secrets."""
    return Redactor(environment)(text)


class Redaction(logging.Filter):
    """Redacts a record before it is written; for handlers and loggers that are known by name."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: lines are changed, never dropped."""
        guarded(record)
        return True


def guarded(record: logging.LogRecord) -> logging.LogRecord:
    """The record without secrets in its message and its traceback."""
    if getattr(record, "is_redacted", False):
        return record  # when it was made; handlers that are known by name would do it again for every line
    record.is_redacted = True
    family = record.name.partition(".")[0]
    if record.levelno < _NOT_BELOW.get(family, logging.NOTSET):
        record.msg, record.args, record.exc_info, record.exc_text = _DROPPED, (family,), None, None
        return record
    try:
        message = record.getMessage()
    except (TypeError, ValueError):
        return record  # arguments that do not fit: logging reports that itself
    clean = redact(message)
    if clean != message:
        record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
        record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if record.exc_text:
        record.exc_text = redact(record.exc_text)
    return record


def guard_logs() -> None:
    """From now on every record of every logger in this process is redacted when it is made."""
    make = logging.getLogRecordFactory()
    if getattr(make, "guards_secrets", False):
        return

    def make_guarded(*given: object, **more: object) -> logging.LogRecord:
        return guarded(make(*given, **more))

    make_guarded.guards_secrets = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_guarded)
