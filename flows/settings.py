"""How this machine runs Spotmill, as opposed to what a campaign wants: one frozen `Settings`.

Each value is taken from the first place that states it: command line, environment (`SPOTMILL_…`), `spotmill.toml` in
the working folder, default. Only `cli/` and `campaign.py` read settings; everything below gets plain values.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from flows.model import BadInput, Problem

FILE = "spotmill.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Resolved settings of one invocation."""

    #: Where campaigns' results go: OUT/<campaign>/.
    out: Path = Path("out")
    #: Finished steps, shared by all campaigns of an output folder; "" means OUT/.ledger.
    ledger: str = ""
    #: Address of a store that machines share finished steps by, as in s3://bucket/ledger; "" keeps them on this one.
    store: str = ""
    #: Address of a server that speaks S3, for buckets elsewhere than at AWS; "" asks AWS_ENDPOINT_URL, then AWS.
    s3_endpoint: str = ""
    #: CPU workers; 0 means one for each core that this process may use.
    workers: int = 0
    #: Address of a Ray cluster to use; "" starts one on this machine for the time of the run.
    cluster: str = ""
    #: How long to wait for machines that a cluster must start first.
    cluster_wait_seconds: float = 0.0
    #: A step that shows nothing for so long is ended: an engine between two signs, what has no frames to count.
    job_deadline_seconds: float = 1800.0
    #: The same for kinds of step that are to have a deadline of their own, as in "footage=7200, voice=120".
    step_deadlines: str = ""
    #: A program or an encoder that shows no new frame for so long is ended.
    silence_seconds: float = 60.0
    #: Attempts for a job whose worker died or whose fault may pass, counted for each class of fault.
    attempts: int = 3
    #: The same for classes that are to have a number of their own, as in "transient=5, infrastructure=2, memory=1".
    attempts_by_fault: str = ""
    #: US dollars for an hour of one CPU core or one GPU; negative means unknown, and unknown is printed as unknown.
    cpu_hour_usd: float = -1.0
    gpu_hour_usd: float = -1.0
    #: Watts of one busy CPU core and of one busy GPU, and grams of CO2 for a kilowatt hour; negative means unknown.
    cpu_core_watts: float = -1.0
    gpu_watts: float = -1.0
    grid_gco2_per_kwh: float = -1.0
    #: Where to tell what became of each delivery; "" tells nobody. The secret that signs it is in a file.
    webhook_url: str = ""
    webhook_secret_file: str = ""
    #: batch: many events in a message; each: a message for each event.
    webhook_events: str = "batch"
    #: Columns of the rows that events may hold, separated by commas.
    webhook_fields: str = ""
    #: Private key and certificates that sign deliveries, PEM files; "none" as the key leaves them unsigned. Without any
    #: of these a test certificate is made in the ledger. A function may sign in the key's stead: module:function.
    sign_key: str = ""
    sign_chain: str = ""
    sign_callback: str = ""
    #: RFC 3161 time stamp authority: signatures outlive their certificate.
    sign_timestamp_url: str = ""
    #: PEM file of the certificates that are trusted when signatures are read back.
    trust_anchors: str = ""
    #: File with the secret of the invisible mark; "" takes the public pattern.
    mark_key: str = ""

    @property
    def ledger_folder(self) -> Path:
        """The ledger's folder, absolute."""
        return Path(self.ledger).absolute() if self.ledger else self.out.absolute() / ".ledger"

    @property
    def worker_count(self) -> int:
        """CPU workers to start."""
        return self.workers or len(os.sched_getaffinity(0))


def told(settings: Settings) -> dict[str, str]:
    """The settings as they may stand in a manifest: of an address only the host: the rest may be a secret."""
    shown = {field.name: str(getattr(settings, field.name)) for field in fields(settings)}
    addresses = ("webhook_url", "sign_timestamp_url")
    return shown | {name: urlsplit(shown[name]).hostname or "" for name in addresses}


def load_settings(flags: Mapping[str, object], environment: Mapping[str, str], folder: Path) -> Settings:
    """Merge the four sources; `flags` with the value None were not given.

    Raises: BadInput naming the place for an unknown key or a value of the wrong type.
    """
    file = folder / FILE
    values: dict[str, object] = {}
    if file.is_file():
        values |= _from_file(file)
    known = {field.name: field for field in fields(Settings)}
    for name in known:
        variable = f"SPOTMILL_{name.upper()}"
        if environment.get(variable):
            values[name] = _typed(variable, name, environment[variable])
    values |= {name: _typed(f"--{name}", name, value) for name, value in flags.items() if value is not None}
    return Settings(**values)  # type: ignore[arg-type]  # every value went through _typed


def _from_file(file: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(file.name, "", "not_toml", str(error), "Mend the file or remove it") from error
    known = [field.name for field in fields(Settings)]
    for name in content:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}"
            raise _bad(file.name, name, "unknown_key", "", hint, "this setting does not exist")
    return {name: _typed(file.name, name, value) for name, value in content.items()}


def _typed(place: str, name: str, value: object) -> object:
    """The value as the type of the field's default."""
    default = getattr(Settings(), name)
    try:
        if isinstance(default, int):
            number = int(str(value))
            if number < 0:
                raise ValueError  # noqa: TRY301 - the same sentence serves both
            return number
        return float(str(value)) if isinstance(default, float) else type(default)(value)
    except (TypeError, ValueError) as error:
        raise _bad(place, name, "wrong_type", str(value), f"Give a value like {default!r}") from error


def _bad(
    place: str, name: str, code: str, value: str, fix: str, message: str = "this value cannot be used"
) -> BadInput:
    return BadInput((Problem(place, None, name, code, value[:60], message, fix),))
