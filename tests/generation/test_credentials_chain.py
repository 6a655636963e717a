"""Certificates: what is wrong with one is said before anything is spent, and the library would refuse it as well."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from generation.errors import BadCertificate, SignerExpired, SigningFailed
from generation.marks.credentials.chain import describe_chain
from generation.marks.credentials.local_chain import LocalChain, make_test_chain
from generation.marks.credentials.sign import sign_film
from tests.generation import signing
from tests.generation.signing import DAY, authority, claim, issue, leaf, signer

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signing.make_film(tmp_path_factory.mktemp("chains") / "film.mp4", "64x64")


def test_a_new_chain_has_no_faults_and_a_private_key_for_its_owner_alone(tmp_path: Path) -> None:
    made = make_test_chain(tmp_path / "keys", organisation="Dawn & Söhne", days=90)
    found = describe_chain(made.chain, made.key, anchors=made.root.read_text())
    assert found.complaints == ()
    assert found.subject == "Dawn & Söhne, Test signer made by Spotmill"
    assert found.algorithm == "es256"
    assert len(found.fingerprint) == 64
    assert (datetime.datetime.fromisoformat(found.not_after) - NOW).days in (89, 90)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
    assert "PRIVATE" not in made.chain.read_text() + made.root.read_text()


def test_keys_are_never_written_over(tmp_path: Path) -> None:
    made = make_test_chain(tmp_path / "keys", organisation="Dawn")
    before = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    with pytest.raises(FileExistsError):
        make_test_chain(made.folder, organisation="Dawn")
    assert {path.name: path.read_bytes() for path in made.folder.iterdir()} == before
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        make_test_chain(tmp_path / "file", organisation="Dawn")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "keys"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no purpose": ({"purposes": None}, r"states no purpose \(extended key usage\)"),
    "for servers": ({"purposes": ("1.3.6.1.5.5.7.3.1",)}, r"is for another purpose \(1\.3\.6\.1\.5\.5\.7\.3\.1\)"),
    "for anything": ({"purposes": ("2.5.29.37.0",)}, "is for any purpose, which C2PA refuses"),
    "an authority": ({"ca": True}, r"is an authority's \(CA\)"),
    "no signatures": ({"signature": False}, "key usage lacks digitalSignature"),
    "expired": ({"begins": NOW - 30 * DAY, "ends": NOW - DAY}, "expired on"),
    "not yet": ({"begins": NOW + DAY}, "is this machine's clock right"),
}


@pytest.mark.fault(15, "seven certificates that may not sign")
@pytest.mark.parametrize("name", WRONG)
def test_a_certificate_that_may_not_sign_says_why(name: str, film: Path, tmp_path: Path) -> None:
    facts, said = WRONG[name]
    files = leaf(tmp_path / "keys", **facts)
    expected = SignerExpired if name in ("expired", "not yet") else BadCertificate
    with pytest.raises(expected, match=said) as raised:
        sign_film(film, tmp_path / "s.mp4", claim(), signer(files))
    assert "chain.pem" in str(raised.value)
    # The library itself agrees, and would have said so only after the film was made, and less plainly.
    with pytest.raises(c2pa.C2paError):
        sign_without_asking(film, tmp_path / "naive.mp4", files)


def sign_without_asking(film: Path, target: Path, files: LocalChain) -> None:
    native = c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", files.chain.read_bytes(), files.key.read_bytes(), None))
    action = {"action": "c2pa.created", "digitalSourceType": "http://c2pa.org/digitalsourcetype/empty"}
    builder = c2pa.Builder({"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]})
    with native, film.open("rb") as source, target.open("w+b") as written:
        builder.sign(native, "video/mp4", source, written)


def test_small_and_strange_keys_are_refused(tmp_path: Path) -> None:
    for number, key in enumerate((rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1()))):
        files = leaf(tmp_path / str(number), key)
        complaints = describe_chain(files.chain, files.key).complaints
        if isinstance(key, rsa.RSAPrivateKey):
            assert "of a kind or size that C2PA refuses" in " ".join(complaints)


def test_an_algorithm_that_the_key_cannot_do_is_refused(film: Path, tmp_path: Path) -> None:
    files = leaf(tmp_path / "keys")
    with pytest.raises(BadCertificate, match="its key does not sign with ps256"):
        sign_film(film, tmp_path / "s.mp4", claim(), signer(files, algorithm="ps256"))


def test_a_key_of_another_certificate_is_refused(film: Path, tmp_path: Path) -> None:
    one, other = leaf(tmp_path / "one"), leaf(tmp_path / "other")
    with pytest.raises(BadCertificate, match=r"key\.pem: the private key does not belong to the certificate in chain"):
        sign_film(film, tmp_path / "s.mp4", claim(), signer(one, key_pem=other.key))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]


def test_a_missing_intermediate_is_named(tmp_path: Path) -> None:
    key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    middle = issue("Middle", key, authority(), ca=True)
    files = leaf(tmp_path / "keys", leaf_key, by=(middle, key))
    anchors = files.root.read_text()
    assert describe_chain(files.chain, files.key).complaints == ()  # nobody can tell without anchors
    (complaint,) = describe_chain(files.chain, files.key, anchors=anchors).complaints
    assert "an intermediate by Dawn, Middle is missing" in complaint
    alone = files.chain.read_bytes()
    files.chain.write_bytes(alone + authority()[0].public_bytes(Encoding.PEM))
    (complaint,) = describe_chain(files.chain, files.key, anchors=anchors).complaints
    assert "missing or out of order: Dawn, Signer is by Dawn, Middle, and Dawn, Root follows" in complaint
    files.chain.write_bytes(alone + middle.public_bytes(Encoding.PEM))
    assert describe_chain(files.chain, files.key, anchors=anchors).complaints == ()


def test_a_certificate_signed_by_itself_is_refused(tmp_path: Path) -> None:
    files, key = LocalChain(tmp_path), ec.generate_private_key(ec.SECP256R1())
    files.chain.write_bytes(issue("Signer", key, None).public_bytes(Encoding.PEM))
    files.key.write_bytes(signing.pem_of(key))
    assert "signed by itself" in " ".join(describe_chain(files.chain, files.key).complaints)


def test_files_that_are_none_are_named_and_not_quoted(tmp_path: Path) -> None:
    files = leaf(tmp_path / "keys")
    locked = tmp_path / "locked.pem"
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    text = tmp_path / "text.pem"
    text.write_text("-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n")
    cases = [
        (files.chain, locked, "locked.pem: the private key has a passphrase"),
        (files.chain, text, "text.pem: this is no private key in PEM form"),
        (files.chain, files.chain, "chain.pem: this is no private key"),
        (text, files.key, "text.pem: there is no certificate in PEM form"),
        (tmp_path / "none.pem", files.key, "none.pem: cannot be read"),
        (files.chain, tmp_path, "cannot be read"),
    ]
    for chain, private, said in cases:
        with pytest.raises(BadCertificate, match=said) as raised:
            describe_chain(chain, private)
        assert "U0VDUkVU" not in str(raised.value)


def test_a_signer_has_a_key_or_a_function(film: Path, tmp_path: Path) -> None:
    files = leaf(tmp_path / "keys")
    for changes in ({"key_pem": None}, {"callback": "a:b"}):
        with pytest.raises(SigningFailed, match="one of the two"):
            sign_film(film, tmp_path / "s.mp4", claim(), signer(files, **changes))
