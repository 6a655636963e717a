"""Who signs on this machine: the certificate that the settings name, or one for tests that is made once in the ledger.

Everything that is wrong with a certificate is found here, before anything is spent. Signs no film, and knows no
certificate's inside: `generation.marks.credentials` does.
"""

from __future__ import annotations

import datetime
import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files import sha256_file
from flows.model import BadInput
from flows.problems import Problems
from flows.settings import FILE, Settings
from flows.steps import Asset, Signing
from generation.errors import SigningFailed
from generation.marks.credentials.chain import Chain, check_anchors, describe_chain
from generation.marks.credentials.local_chain import LocalChain, make_test_chain

if TYPE_CHECKING:
    from generation.marks.credentials.spec import Signer

#: In place of a key: deliveries stay unsigned, and everything says so.
UNSIGNED = "none"
UNSIGNED_NOTICE = "Not signed, for `sign_key` is none: nothing in the films says who made them"
TEST_NOTICE = (
    "Signed with a test certificate that only this machine knows: nobody else trusts it. `spotmill keys` says how to "
    "bring your own"
)
#: Nobody's name: it is in every film, and the machine's or the user's name is not ours to publish.
TEST_ORGANISATION = "Spotmill test certificate"
#: Films must not lose their signature because a test certificate in a ledger has run out.
TEST_DAYS = 3650
#: Days before the end of a certificate from which on everything says so.
RENEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class SignerChoice:
    """Who signs, whom this machine trusts, and what a reader must not miss about it."""

    #: None leaves films unsigned.
    signing: Signing | None
    #: Certificates as PEM text; "" trusts nobody.
    anchors: str
    #: A sentence; "" where there is nothing to be told.
    notice: str
    #: Facts about the certificate.
    chain: Chain | None = None

    @property
    def signer(self) -> Signer | None:
        """The signer as `generation` takes it."""
        from generation.marks.credentials.spec import Signer

        made = self.signing
        return Signer(made.chain.path, made.key_file, made.callback, "", made.timestamp_url) if made else None


def signer_for(settings: Settings, ledger_root: Path, *, create: bool = True) -> SignerChoice:
    """The signer that the settings ask for. With nothing configured, `create` makes a test certificate in the ledger.

    Raises: BadInput with everything that is wrong with the files that the settings name.
    """
    if settings.sign_key == UNSIGNED:
        return SignerChoice(None, anchors_for(settings, ledger_root), UNSIGNED_NOTICE)
    problems = Problems(FILE)
    trusted = _anchors(settings, problems)
    if settings.sign_key or settings.sign_chain or settings.sign_callback:
        return _configured(settings, trusted, problems)
    problems.raise_if_any()
    return _test_signer(settings, ledger_root, trusted, create=create)


def anchors_for(settings: Settings, ledger_root: Path) -> str:
    """Whom this machine trusts: the certificates that the settings name, and its own test certificate if that signs.

    Raises: BadInput.
    """
    problems = Problems(FILE)
    trusted = _anchors(settings, problems)
    problems.raise_if_any()
    own = settings.sign_chain or settings.sign_callback or settings.sign_key not in ("", UNSIGNED)
    return trusted if own else trusted + _test_root(ledger_root)


def new_keys(folder: Path, organisation: str, days: int) -> list[str]:
    """Make a test chain in a new folder; what was made, who trusts it, and the lines for spotmill.toml.

    Raises: BadInput where the folder holds anything.
    """
    problems = Problems(str(folder))
    try:
        made = make_test_chain(folder.absolute(), organisation=organisation, days=days)
    except FileExistsError:
        problems.add("folder_not_empty", "this is there already and not an empty folder", "Name a new folder")
    except OSError as error:
        problems.add("not_writable", f"nothing can be written there ({error.strerror})", "Name another folder")
    problems.raise_if_any()
    return [
        f"wrote {made.key} (your private key: keep it to yourself), {made.chain}, {made.root}",
        f"Nobody trusts this certificate but who is given {made.root.name}: it is for tests, and for partners who take "
        "that file from you. To be trusted by everybody, have an authority on the C2PA trust list issue yours.",
        f"Lines for {FILE}:",
        f"sign_key = {json.dumps(str(made.key))}",
        f"sign_chain = {json.dumps(str(made.chain))}",
        f"trust_anchors = {json.dumps(str(made.root))}",
    ]


def show_keys(settings: Settings, ledger_root: Path) -> list[str]:
    """What would sign now, until when, and who trusts it. Makes nothing. Raises: BadInput."""
    choice = signer_for(settings, ledger_root, create=False)
    lines = [choice.notice] if choice.notice else []
    if choice.signing and choice.chain:
        lines += _told(choice.chain, choice.signing, choice.anchors)
    return lines


def _told(chain: Chain, signing: Signing, anchors: str) -> list[str]:
    by = f"the function {signing.callback}" if signing.callback else f"the key {signing.key_file}"
    stamps = f"by {signing.timestamp_url}" if signing.timestamp_url else "none: a signature ends with its certificate"
    return [
        f"signer: {chain.subject}",
        f"issued by: {chain.issuer}",
        f"holds: {chain.not_before[:10]} to {chain.not_after[:10]}",
        f"algorithm: {chain.algorithm}, by {by}",
        f"certificate: {signing.chain.path}, SHA-256 {chain.fingerprint}",
        f"time stamps: {stamps}",
        f"trusted here: {'yes' if anchors else 'no, for `trust_anchors` names no certificates'}",
    ]


# --- the user's certificate -----------------------------------------------------------------------------------------


def _configured(settings: Settings, anchors: str, problems: Problems) -> SignerChoice:
    _ask_for_both(settings, problems)
    problems.raise_if_any()
    key = Path(settings.sign_key).absolute() if settings.sign_key else None
    chain = _described(Path(settings.sign_chain).absolute(), key, anchors, problems)
    _check_function(settings.sign_callback, problems)
    problems.raise_if_any()
    assert chain
    path = Path(settings.sign_chain).absolute()
    signing = Signing(Asset(path, sha256_file(path)), key, settings.sign_callback, settings.sign_timestamp_url, anchors)
    return SignerChoice(signing, anchors, _notice(chain, settings), chain)


def _ask_for_both(settings: Settings, problems: Problems) -> None:
    if bool(settings.sign_key) == bool(settings.sign_callback):
        message = "a signer needs a private key or a signing function, one of the two"
        problems.add("bad_signer", message, "Name `sign_key` or `sign_callback`", column="sign_key")
    if not settings.sign_chain:
        fix = "Name the PEM file with the certificate of the key, and the intermediate ones"
        problems.add("bad_signer", "whoever signs needs a certificate", fix, column="sign_chain")
    if settings.sign_timestamp_url and not settings.sign_timestamp_url.startswith(("http://", "https://")):
        fix = "Give the address of an RFC 3161 time stamp authority, or leave it out"
        problems.add(
            "bad_address", "this is no http or https address", fix, value=settings.sign_timestamp_url,
            column="sign_timestamp_url",
        )  # fmt: skip


def _described(path: Path, key: Path | None, anchors: str, problems: Problems) -> Chain | None:
    try:
        chain = describe_chain(path, key, anchors=anchors)
    except SigningFailed as error:
        problems.add(error.code, str(error), "Correct `sign_chain` and `sign_key`", column="sign_chain")
        return None
    for complaint in chain.complaints:
        code = "signer_expired" if chain.expired and complaint == chain.complaints[-1] else "bad_certificate"
        problems.add(code, complaint, "docs/credentials.md says what a certificate must be", column="sign_chain")
    return chain


def _check_function(name: str, problems: Problems) -> None:
    if not name:
        return
    from generation.marks.credentials.signers import signing_function

    try:
        signing_function(name)
    except SigningFailed as error:
        problems.add(error.code, str(error), "Name it as module:function", column="sign_callback")


def _notice(chain: Chain, settings: Settings) -> str:
    end = datetime.datetime.fromisoformat(chain.not_after)
    left = (end - datetime.datetime.now(datetime.UTC)).days
    if left < RENEW_DAYS:
        return f"The certificate of {chain.subject} ends on {end:%Y-%m-%d}, in {left} days: renew it"
    if not settings.sign_timestamp_url:
        return f"Signed without a time stamp: signatures hold until {end:%Y-%m-%d}, when the certificate ends"
    return ""


def _anchors(settings: Settings, problems: Problems) -> str:
    """The text of the trusted certificates that the settings name."""
    if not settings.trust_anchors:
        return ""
    try:
        text = Path(settings.trust_anchors).read_text("utf-8")
        check_anchors(text)
    except (OSError, UnicodeDecodeError, SigningFailed):
        message = "this is no file of certificates in PEM form"
        fix = "Name one, such as root.pem of `spotmill keys new`"
        problems.add("bad_anchors", message, fix, value=settings.trust_anchors, column="trust_anchors")
        return ""
    return text


# --- the test certificate in the ledger -----------------------------------------------------------------------------


def _test_signer(settings: Settings, ledger_root: Path, trusted: str, *, create: bool) -> SignerChoice:
    made = LocalChain(ledger_root / "keys")
    if not made.is_there:
        if not create:
            return SignerChoice(None, trusted, TEST_NOTICE)
        _make_once(made)
    problems = Problems(str(made.folder))
    chain = _described(made.chain, made.key, "", problems)
    problems.raise_if_any()
    anchors = trusted + _test_root(ledger_root)
    signing = Signing(Asset(made.chain, sha256_file(made.chain)), made.key, "", settings.sign_timestamp_url, anchors)
    return SignerChoice(signing, anchors, TEST_NOTICE, chain)


def _make_once(made: LocalChain) -> None:
    """Two runs that begin together get one certificate: whoever comes second waits, and finds it."""
    lock = made.folder.parent / "locks" / "keys"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if made.is_there:
            return
        try:
            make_test_chain(made.folder, organisation=TEST_ORGANISATION, days=TEST_DAYS)
        except FileExistsError as error:
            problems = Problems(str(made.folder))
            message = "this folder should hold a test certificate and does not hold all of it"
            fix = "Put the missing files of key.pem, chain.pem and root.pem back, or move the folder away"
            problems.add("keys_not_whole", message, fix)
            raise BadInput(tuple(problems.found)) from error


def _test_root(ledger_root: Path) -> str:
    made = LocalChain(ledger_root / "keys")
    return made.root.read_text("utf-8") if made.root.is_file() else ""
