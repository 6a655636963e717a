"""What each machine of a cluster has of its own: the folder of its finished steps, and its copies of the secrets.

A run's settings are those of the driver's machine. Where machines share no disk, the environment of each names its own
ledger; a secret lies where it lies on the driver's machine, or where that environment says. Secrets are never sent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files import sha256_file

if TYPE_CHECKING:
    from flows.steps import Secret


class SecretMissing(Exception):
    """This machine does not have a secret of the run, or has another one under its name."""

    code = "secret_missing"


def ledger_here(root: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of this machine's ledger on a cluster without a common disk."""
    return Path(environment.get("SPOTMILL_LEDGER") or root).absolute()


def secret_here(path: Path, variable: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where this machine has a secret: at the path of the driver's machine, else where its environment says.

    Raises: SecretMissing.
    """
    named = environment.get(variable)
    for place in (path, Path(named).absolute() if named else None):
        if place and place.is_file():
            return place
    raise SecretMissing(f"{os.uname().nodename} does not have {path}, and {variable} names no other place there")


def secret_bytes(secret: Secret | None, environment: Mapping[str, str] = os.environ) -> bytes:
    """The secret of the invisible mark; b"" is the public pattern. Raises: SecretMissing."""
    if secret is None:
        return b""
    path = secret_here(secret.path, "SPOTMILL_MARK_KEY", environment)
    if sha256_file(path) != secret.sha256:
        raise SecretMissing(f"{path} on {os.uname().nodename} is not the secret of the mark that the run began with")
    return path.read_bytes()
