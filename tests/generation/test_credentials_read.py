"""What is left of a signed statement after everything that may befall a film, and what each damage is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from generation.errors import BadMedia
from generation.marks.credentials.local_chain import LocalChain, make_test_chain
from generation.marks.credentials.meanings import sentence
from generation.marks.credentials.read import Credentials, read_credentials
from generation.marks.credentials.sign import sign_film
from generation.marks.credentials.spec import Signed
from tests.generation import signing
from tests.generation.signing import claim, ffmpeg, signer


class Place:
    """One film, signed once for all tests of this file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain: LocalChain = make_test_chain(folder / "keys", organisation="Dawn")
        self.anchors = self.chain.root.read_text()
        self.film = signing.make_film(folder / "film.mp4")
        self.signed = folder / "signed.mp4"
        self.facts: Signed = sign_film(self.film, self.signed, claim(), signer(self.chain))

    def read(self, path: Path, manifest: bytes | None = None) -> Credentials:
        return read_credentials(path, anchors=self.anchors, manifest=manifest)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("reading"))


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


CHANGED = ("assertion.bmffHash.mismatch",)
DAMAGED = ("statement.damaged",)
TAMPERING: dict[str, tuple[Callable[[bytes], bytes], str, tuple[str, ...]]] = {
    "a bit in mdat": (lambda data: flipped(data, data.rindex(b"mdat") + 400), "invalid", CHANGED),
    "a bit in moov": (lambda data: flipped(data, data.index(b"mvhd") + 24), "invalid", CHANGED),
    "cut to nine tenths": (lambda data: data[: len(data) * 9 // 10], "invalid", CHANGED),
    "cut within the statement": (lambda data: data[: data.index(b"c2pa.claim") + 9], "invalid", DAMAGED),
    "a bit in the statement": (lambda data: flipped(data, data.index(b"spotmill.job") + 3), "invalid", DAMAGED),
    "junk appended": (lambda data: data + b"x" * 1000, "invalid", DAMAGED),
    # Left out of the hash by the format: whoever must know keeps the hash of the file, as the registry does.
    "a bit in ftyp": (lambda data: flipped(data, 9), "trusted", ()),
    "a box appended": (lambda data: data + b"\0\0\0\x10free12345678", "trusted", ()),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_and_named(name: str, place: Place, tmp_path: Path) -> None:
    change, state, codes = TAMPERING[name]
    path = tmp_path / "film.mp4"
    path.write_bytes(change(place.signed.read_bytes()))
    found = place.read(path)
    assert (found.state, found.codes) == (state, codes)
    assert found.changed == (codes == CHANGED)
    assert found.reasons == tuple(sentence(code) for code in codes)
    assert signing.hashlib.sha256(path.read_bytes()).hexdigest() != place.facts.sha256


def test_a_changed_claim_is_not_taken_for_ours(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    data = place.signed.read_bytes()
    path.write_bytes(data.replace(b"linkedin_square", b"linkedin_sqvare"))
    found = place.read(path)
    assert found.state == "invalid"
    assert not found.statement_trusted
    assert not found.changed


@pytest.mark.parametrize("how", ["copy", "encode"])
def test_ffmpeg_leaves_nothing_of_the_statement_but_the_kept_one_tells(how: str, place: Place, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    ffmpeg("-i", place.signed, *(("-c", "copy") if how == "copy" else ("-crf", "30", "-threads", "1")), path)
    assert place.read(path) == Credentials("none")
    kept = place.read(path, place.facts.manifest)
    assert kept.state == "invalid"
    assert kept.changed
    assert kept.reasons == ("the picture or sound data was changed after signing",)
    assert (kept.title, kept.mark, kept.issuer) == ("Red cup, reels", "a1b2c3d4e5f6", "Dawn")


def test_a_kept_statement_fits_the_film_that_it_was_made_for(place: Place, tmp_path: Path) -> None:
    assert place.read(place.signed, place.facts.manifest).state == "trusted"
    other = signing.make_film(tmp_path / "other.mp4", "64x64")
    assert place.read(other, place.facts.manifest).codes == CHANGED


def test_a_kept_statement_that_is_damaged_proves_nothing(place: Place) -> None:
    for manifest in (b"", b"no statement", flipped(place.facts.manifest, 900), place.facts.manifest[:2000]):
        found = place.read(place.film, manifest)
        assert found.state == "invalid", manifest[:20]
        assert not found.statement_trusted


def test_whoever_is_not_trusted_is_valid_at_most(place: Place, tmp_path: Path) -> None:
    assert read_credentials(place.signed, anchors="").state == "valid_untrusted"
    stranger = make_test_chain(tmp_path / "keys", organisation="Dawn")
    found = read_credentials(place.signed, anchors=stranger.root.read_text())
    assert (found.state, found.statement_trusted) == ("valid_untrusted", False)
    assert found.reasons == ("the signer's certificate is by nobody whom this machine trusts",)


def test_files_without_a_statement_have_none(place: Place, tmp_path: Path) -> None:
    assert place.read(place.film) == Credentials("none")
    picture = tmp_path / "cup.png"
    Image.new("RGB", (8, 8)).save(picture)
    assert place.read(picture).state == "none"
    for content in (b"", b"hello", b"\0" * 4096, place.film.read_bytes()[:2000]):
        path = tmp_path / "film.mp4"
        path.write_bytes(content)
        assert place.read(path).state == "none", content[:10]
    with pytest.raises(BadMedia, match=r"none\.mp4: cannot be read \(No such file"):
        place.read(tmp_path / "none.mp4")


def test_no_damage_to_a_statement_is_an_exception_or_trust(place: Place, tmp_path: Path) -> None:
    data = place.signed.read_bytes()
    start, end = data.index(b"jumb"), data.index(place.facts.manifest) + len(place.facts.manifest)
    path = tmp_path / "film.mp4"
    states = []
    for number in range(start, end, (end - start) // 120):
        path.write_bytes(data[:number] + bytes([data[number] ^ 0x55]) + data[number + 1 :])
        states.append(place.read(path).state)
    # What may change without harm are padding and the headers of boxes, which no signature covers.
    assert states.count("invalid") > 60
    assert set(states) <= {"invalid", "trusted", "none"}


def test_codes_have_plain_sentences_and_unknown_ones_are_quoted() -> None:
    assert sentence("assertion.bmffHash.mismatch") == "the picture or sound data was changed after signing"
    assert sentence("assertion.bmffHash.malformed") == "a part of the statement is not as it must be"
    assert sentence("com.example.odd") == "the verifier says com.example.odd"
