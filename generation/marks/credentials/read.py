"""Reads the signed statement of a file, or one kept beside it: who signed, what is claimed, and what is left of it.

Whoever decides asks for `trusted`, never for `valid`: anybody can sign validly with a certificate of their own making.
Makes no request, whatever a file names. Knows no registry: whether a film is ours by other signs is not asked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from generation.errors import BadMedia
from generation.marks.credentials.meanings import DAMAGED, ELSEWHERE, UNKNOWN_KIND, sentence
from generation.marks.credentials.offline import context, has_statement
from generation.marks.credentials.statement import ACTIONS, JOB, MARK_METHOD, SOFT_BINDING, TRAINING

State = Literal["trusted", "valid_untrusted", "invalid", "none"]
_STATES: dict[str, State] = {"Trusted": "trusted", "Valid": "valid_untrusted"}
#: Codes that speak of the file's data alone: the statement itself may still hold.
_OF_DATA = ("assertion.bmffHash.", "assertion.dataHash.", "assertion.boxesHash.")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a file's statement is worth, and what it says. Claims of an `invalid` one are hearsay."""

    state: State
    #: Name on the certificate, and its organisation.
    signer: str = ""
    issuer: str = ""
    #: The time in the time stamp, "" where there is none; and whether its authority is among the anchors. A stamp of
    #: any other proves nothing, and does not let a signature outlive its certificate.
    signed_at: str = ""
    time_stamped: bool = False
    title: str = ""
    made_by: str = ""
    #: IPTC's term.
    digital_source_type: str = ""
    actions: tuple[tuple[str, str], ...] = ()
    ingredients: tuple[str, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    training: str = ""
    #: Payload of the invisible mark as hex.
    mark: str = ""
    job: Mapping[str, str] = field(default_factory=dict)
    #: The verifier's complaints, and what each means.
    codes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    #: The statement's own signature holds and is by a trusted certificate, whatever became of the file.
    statement_trusted: bool = False

    @property
    def changed(self) -> bool:
        """Whether a trusted statement about this film no longer fits the file: edited since."""
        return self.state == "invalid" and self.statement_trusted


def read_credentials(path: Path, *, anchors: str, manifest: bytes | None = None) -> Credentials:
    """The credentials of a file, for whom the anchors (PEM) are trusted; with `manifest`, that statement for this file.

    Raises: BadMedia when there is no such file.
    """
    from c2pa import C2paError, Reader

    try:
        with path.open("rb") as stream, context(anchors) as offline:
            reader = Reader(None, stream, manifest, offline)
            with reader:
                return _credentials(json.loads(reader.json()))
    except OSError as error:
        raise BadMedia(f"{path}: cannot be read ({error.strerror})") from error
    except C2paError as error:
        return _unreadable(path, error, detached=manifest is not None)


def _unreadable(path: Path, error: Exception, *, detached: bool) -> Credentials:
    from c2pa import C2paError

    if isinstance(error, C2paError.ManifestNotFound):
        return Credentials("none")
    if isinstance(error, C2paError.RemoteManifest) or str(error).startswith("Remote:"):
        return _with_codes("none", ELSEWHERE)
    if detached or has_statement(path):
        return _with_codes("invalid", DAMAGED)
    return _with_codes("none", UNKNOWN_KIND)


def _with_codes(state: State, code: str) -> Credentials:
    return Credentials(state, codes=(code,), reasons=(sentence(code),))


# --- what the library found -----------------------------------------------------------------------------------------


def _credentials(found: Mapping[str, Any]) -> Credentials:
    active = _map(_map(found.get("manifests")).get(_text(found.get("active_manifest"))))
    results = _map(_map(found.get("validation_results")).get("activeManifest"))
    failed = tuple(dict.fromkeys(_text(one.get("code")) for one in _maps(results.get("failure"))))
    succeeded = {_text(one.get("code")) for one in _maps(results.get("success"))}
    signature = _map(active.get("signature_info"))
    return Credentials(
        state=_STATES.get(_text(found.get("validation_state")), "invalid"),
        signer=_text(signature.get("common_name")),
        issuer=_text(signature.get("issuer")),
        signed_at=_text(signature.get("time")),
        time_stamped="timeStamp.trusted" in succeeded,
        title=_text(active.get("title")),
        made_by=_software(next(iter(_maps(active.get("claim_generator_info"))), {})),
        ingredients=tuple(_text(one.get("title")) for one in _maps(active.get("ingredients"))),
        codes=failed,
        reasons=tuple(dict.fromkeys(sentence(code) for code in failed)),
        statement_trusted=_holds(succeeded, failed),
        **_claims(_maps(active.get("assertions"))),
    )


def _holds(succeeded: set[str], failed: tuple[str, ...]) -> bool:
    signed = {"claimSignature.validated", "signingCredential.trusted"} <= succeeded
    return signed and all(code.startswith(_OF_DATA) for code in failed)


def _claims(assertions: list[dict[str, Any]]) -> dict[str, Any]:
    """What the assertions say, in the record's words. A stranger's may lack any of it, or have any shape."""
    stated = {_text(one.get("label")): _map(one.get("data")) for one in assertions}
    actions = _maps(stated.get(ACTIONS, {}).get("actions"))
    types = [_text(one.get("digitalSourceType")) for one in actions]
    job = dict(stated.get(JOB, {}))
    models = _maps(job.pop("models", None))
    return {
        "actions": tuple((_text(one.get("action")), _text(one.get("description"))) for one in actions),
        "digital_source_type": next((kind.rsplit("/", 1)[-1] for kind in types if kind), ""),
        "models": tuple((_text(one.get("id")), _text(one.get("revision"))) for one in models),
        "training": _training(_map(stated.get(TRAINING, {}).get("entries"))),
        "mark": _mark(stated.get(SOFT_BINDING, {})),
        "job": {_text(name): _text(value) for name, value in job.items()},
    }


def _training(entries: Mapping[str, Any]) -> str:
    """The one answer to all four uses; several different ones, each with its use."""
    uses = {_text(name).rpartition(".")[2]: _text(_map(entry).get("use")) for name, entry in entries.items()}
    if len(set(uses.values())) == 1:
        return next(iter(uses.values()))
    return ", ".join(f"{name} {use}" for name, use in sorted(uses.items()))


def _mark(binding: Mapping[str, Any]) -> str:
    if binding.get("alg") != MARK_METHOD:
        return ""
    return next((_text(block.get("value")) for block in _maps(binding.get("blocks"))), "")


def _software(facts: Mapping[str, Any]) -> str:
    return "/".join(filter(None, (_text(facts.get("name")), _text(facts.get("version")))))


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A text from a stranger's statement, on one line and of bounded length."""
    text = "" if value is None else str(value)[:500]
    return "".join(character if character.isprintable() else " " for character in text)
