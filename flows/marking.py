"""How films are marked on this machine: who signs them, and the secret of the invisible mark.

From settings to the values that a plan hashes. Signs nothing and draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.files import sha256_file
from flows.model import BadInput, Problem
from flows.settings import Settings
from flows.steps import Secret, Signing


@dataclass(frozen=True, slots=True)
class Marking:
    """What marks the films of a run. The default signs nothing and takes the public pattern."""

    signing: Signing | None = None
    mark_secret: Secret | None = None
    #: What a reader must not miss about the signature.
    notice: str = ""


def marking_for(settings: Settings, *, create: bool) -> Marking:
    """The marking that the settings ask for. With nothing configured, `create` makes a test certificate in the ledger.

    Raises: BadInput for a key, chain or secret that cannot be used.
    """
    from flows.keys import signer_for

    choice = signer_for(settings, settings.ledger_folder, create=create)
    return Marking(choice.signing, mark_secret(settings.mark_key), choice.notice)


def mark_secret(name: str) -> Secret | None:
    """The file with the secret of the invisible mark; None for the public pattern. Raises: BadInput."""
    if not name:
        return None
    path = Path(name).absolute()
    if not path.is_file() or path.stat().st_size < 16:
        message = "the secret of the invisible mark is no file of at least 16 bytes"
        fix = "Make one with `head -c 32 /dev/urandom > mark.key`, or leave `mark_key` out for the public pattern"
        raise BadInput((Problem("spotmill.toml", None, "mark_key", "bad_mark_key", name[:60], message, fix),))
    return Secret(path, sha256_file(path))
