"""The last steps of a film: sign it, prove its marks on the signed bytes, draft it for reviewers, see what survives.

Signing comes last because everything else would break the signature. What is proven is read back from the finished
file: the invisible mark, the signed statement, the disclosure label in its pixels. Turns steps into the plain values of
`generation.marks`; knows no campaign.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.creative import VIDEO, megapixel_frames, need
from flows.files import sha256_file
from flows.ledger import Finished, Ledger, Workspace
from flows.node import secret_bytes, secret_here
from flows.placements import get_placement, safe_box
from flows.sheet import brand_style
from flows.steps import DeliveryStep, DraftStep, MasterStep, Signing, SurvivalStep

if TYPE_CHECKING:
    from generation.marks.credentials.spec import Claim, Signer
    from generation.marks.invisible.contract import Effort, Reading

#: The signed statement as a file of its own, for a film whose platform has stripped it.
MANIFEST = "manifest.c2pa"
#: A search for the mark that takes so long, and ten times the film besides, will find nothing more.
MARK_SECONDS = 300.0
#: Proofs by name, in the order in which they are told.
PROOFS = {"mark": "invisible mark", "credentials": "signature", "label": "disclosure label"}


class CredentialsNotValid(Exception):
    """A film was signed, and its signature does not hold when read back: it is not delivered."""

    code = "credentials_not_valid"


def make_delivery(ledger: Ledger, step: DeliveryStep) -> Finished:
    """Sign the packaged film, and measure its marks on the signed bytes.

    Raises: CredentialsNotValid; what signing raises; a film is never delivered unsigned where it should be signed.
    """

    def work(space: Workspace) -> None:
        package, path = need(ledger, step.package).file(VIDEO), space.file(VIDEO)
        if step.signing:
            space.facts["signature"] = _sign(step, step.signing, package, space)
        else:
            shutil.copyfile(package, path)
        space.facts["sha256"] = sha256_file(path)
        space.facts["proof"] = prove(ledger, step, path)
        space.facts["work"] = _work(step)

    return ledger.make(step.kind, step.key, work)


def make_draft(ledger: Ledger, step: DraftStep) -> Finished:
    """Copy the delivery, small and with DRAFT written over it."""

    def work(space: Workspace) -> None:
        from generation.draft import write_draft

        write_draft(need(ledger, step.delivery).file(VIDEO), space.file(VIDEO))
        space.facts["work"] = _work(step.delivery)

    return ledger.make(step.kind, step.key, work)


def make_survival(ledger: Ledger, step: SurvivalStep) -> Finished:
    """Encode the delivery as a platform would, and read the invisible mark from that."""

    def work(space: Workspace) -> None:
        from generation.media.upload import encode_like_a_platform

        copy = space.file(VIDEO)
        encode_like_a_platform(need(ledger, step.delivery).file(VIDEO), copy)
        space.facts["survival"] = _mark_proof(step.delivery.master, copy, "full")
        space.facts["work"] = _work(step.delivery)
        copy.unlink()

    return ledger.make(step.kind, step.key, work)


# --- the signature ------------------------------------------------------------------------------------------------


def _sign(step: DeliveryStep, signing: Signing, package: Path, space: Workspace) -> dict[str, object]:
    from generation.marks.credentials.sign import sign_film

    signed = sign_film(package, space.file(VIDEO), claim_of(step), _signer(signing))
    space.file(MANIFEST).write_bytes(signed.manifest)
    return {
        "issuer": signed.issuer,
        "certificate": signed.fingerprint,
        "expires": signed.expires,
        "time_stamped": signed.timestamped,
        "manifest_bytes": len(signed.manifest),
    }


def claim_of(step: DeliveryStep) -> Claim:
    """What the signed statement says. It names no row and no customer: it is public, and `verify` has the registry."""
    from generation.marks.credentials.spec import Claim, Ingredient

    master = step.master
    layers = ", ".join(sorted({layer.kind for layer in master.layers})) or "no titles"
    return Claim(
        title=step.package.title,
        digital_source_type=step.source_type,
        made_by=f"Spotmill/{version('spotmill')}",
        models=step.models,
        edited=(("c2pa.edited", f"Drawn over the footage: {layers}; sound and captions added"),),
        ingredients=tuple(
            Ingredient(source.asset.path, source.asset.sha256, source.asset.path.name, source.relationship)
            for source in step.sources
        ),
        training=step.ai_training,
        mark=master.mark_id,
        job={"delivery": step.package.key, "placement": step.placement},
    )


def _signer(signing: Signing) -> Signer:
    from generation.marks.credentials.spec import Signer

    key = secret_here(signing.key_file, "SPOTMILL_SIGN_KEY") if signing.key_file else None
    return Signer(signing.chain.path, key, signing.callback, "", signing.timestamp_url)


# --- the proof ----------------------------------------------------------------------------------------------------


def prove(ledger: Ledger, step: DeliveryStep, path: Path) -> dict[str, object]:
    """What of the marks is in the finished bytes, with a verdict in words that begins with pass or fail.

    Raises: CredentialsNotValid.
    """
    proofs: dict[str, dict[str, object]] = {}
    if step.master.invisible_mark:
        proofs["mark"] = _mark_proof(step.master, path, "quick")
    if step.signing:
        proofs["credentials"] = _credentials_proof(step.signing, path)
    if step.master.disclosure_label:
        proofs["label"] = _label_proof(need(ledger, step.master), step, path)
    return {"verdict": _verdict(proofs), **proofs}


def _verdict(proofs: dict[str, dict[str, object]]) -> str:
    failed = [f"{PROOFS[name]}: {proof['reason']}" for name, proof in proofs.items() if not proof["passed"]]
    if failed:
        return f"fail: {'; '.join(failed)}"
    return f"pass: {', '.join(PROOFS[name] for name in proofs)}" if proofs else "pass: no marks are asked for"


def _mark_proof(master: MasterStep, path: Path, effort: Effort) -> dict[str, object]:
    from generation.marks.invisible import get_mark

    secret = secret_bytes(master.mark_secret)
    deadline_seconds = MARK_SECONDS + 10 * float(master.plate.frames / master.plate.fps)
    mark = get_mark(master.invisible_mark)
    reading: Reading = mark.read(path, key=secret, effort=effort, deadline_seconds=deadline_seconds)
    found = reading.payload.hex() if reading.payload else ""
    reason = "" if found == master.mark_id else f"another mark, {found}, was read" if found else "it could not be read"
    return {
        "passed": found == master.mark_id,
        "reason": reason,
        "read": found,
        "score": round(reading.score, 2),
        "threshold": round(reading.threshold, 2),
        "frames": reading.frames,
    }


def _credentials_proof(signing: Signing, path: Path) -> dict[str, object]:
    from generation.marks.credentials.read import read_credentials

    found = read_credentials(path, anchors=signing.anchors)
    if found.state not in ("trusted", "valid_untrusted"):
        raise CredentialsNotValid(f"{path.name}: {found.state}; {'; '.join(found.reasons)}")
    # Whoever signs with a certificate of their own and names no anchors has proven the signature, not the trust.
    passed = found.state == "trusted" or not signing.anchors
    return {"passed": passed, "reason": "" if passed else "the certificate is not trusted", "state": found.state}


def _label_proof(made: Finished, step: DeliveryStep, path: Path) -> dict[str, object]:
    """Whether the label stands on the film's pixels, inside what this placement leaves free."""
    from generation.marks.label import ExpectedLabel, prove_label
    from generation.spec import Box, Size

    master = step.master
    notes: Any = made.facts["notes"]
    drawn = next(layer for layer in notes["layers"] if layer["kind"] == "disclosure")
    expected = ExpectedLabel(
        text=master.disclosure_label,
        locale=master.locale,
        brand=brand_style(master.brand),
        size=Size(*master.plate.size),
        sheet_safe=Box(*master.safe),
        safe=Box(*safe_box(get_placement(step.placement), master.plate.size)),
        frames=tuple(drawn["frames"]),
        fps=master.plate.fps,
        box=Box(*drawn["box"]),
    )
    return prove_label(path, expected).as_json()


def _work(step: DeliveryStep) -> float:
    return megapixel_frames(step.master.plate.size, step.master.plate.frames)
