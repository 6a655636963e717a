"""What is signed into a film, by whom, and that nothing but a whole signed film is ever left behind."""

from __future__ import annotations

import io
import logging
import resource
import shutil
import struct
import subprocess
import sys
import traceback
import types
import zlib
from collections.abc import Callable
from pathlib import Path

import c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from PIL import Image

from generation.errors import (
    BadCertificate,
    BadMedia,
    CallbackFailed,
    GenerationError,
    SignerExpired,
    SignerUnreachable,
    SigningFailed,
    TimestampFailed,
)
from generation.marks.credentials.local_chain import LocalChain, make_test_chain
from generation.marks.credentials.read import read_credentials
from generation.marks.credentials.sign import sign_film
from generation.marks.credentials.spec import Ingredient
from tests.generation import signing
from tests.generation.signing import DAY, claim, ingredient, leaf, serving, signer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signing")


@pytest.fixture(scope="module")
def film(place: Path) -> Path:
    return signing.make_film(place / "film.mp4")


@pytest.fixture(scope="module")
def chain(place: Path) -> LocalChain:
    return make_test_chain(place / "keys", organisation="Dawn")


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- what is stated ---------------------------------------------------------------------------------------------------


def test_a_signed_film_says_how_it_was_made(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    picture = tmp_path / "cup.png"
    Image.new("RGB", (8, 8), "red").save(picture)
    song = Ingredient(None, "ab" * 32, "song.mp3", "componentOf", "audio/mpeg")
    said = claim(ingredients=(ingredient(picture, "inputTo"), song))
    target = tmp_path / "signed.mp4"
    signed = sign_film(film, target, said, signer(chain))
    found = read_credentials(target, anchors=chain.root.read_text())

    assert found.state == "trusted"
    assert found.statement_trusted
    assert found.codes == ()
    assert (found.title, found.made_by) == (said.title, said.made_by)
    assert found.digital_source_type == "trainedAlgorithmicMedia"
    assert found.actions == (("c2pa.created", ""), *said.edited)
    assert sorted(found.ingredients) == ["cup.png", "song.mp3"]
    assert (found.models, found.training) == (said.models, said.training)
    assert (found.mark, found.job) == (said.mark, said.job)
    assert (found.signed_at, found.time_stamped) == ("", False)
    assert found.issuer == "Dawn"
    assert signed.manifest in target.read_bytes()
    assert signed.sha256 == signing.hashlib.sha256(target.read_bytes()).hexdigest()
    assert not signed.timestamped
    assert "Dawn" in signed.issuer


def test_all_four_uses_for_training_are_answered(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    for answer in ("notAllowed", "allowed", "constrained"):
        target = tmp_path / f"{answer}.mp4"
        sign_film(film, target, claim(training=answer), signer(chain))
        entries = assertion(target, "cawg.training-mining")["entries"]
        assert len(entries) == 4
        assert {entry["use"] for entry in entries.values()} == {answer}
        assert read_credentials(target, anchors="").training == answer


def assertion(film: Path, label: str) -> dict:
    manifest = c2pa.Reader("video/mp4", io.BytesIO(film.read_bytes())).get_active_manifest()
    return next(one["data"] for one in manifest["assertions"] if one["label"] == label)


@pytest.mark.parametrize("term", ["compositeWithTrainedAlgorithmicMedia", "algorithmicMedia"])
def test_the_source_type_is_the_one_that_is_given(term: str, film: Path, chain: LocalChain, tmp_path: Path) -> None:
    target = tmp_path / "signed.mp4"
    sign_film(film, target, claim(digital_source_type=term, mark=""), signer(chain))
    found = read_credentials(target, anchors=chain.root.read_text())
    assert (found.state, found.digital_source_type, found.mark) == ("trusted", term, "")


def test_a_film_that_was_signed_before_was_opened_and_not_made_again(
    film: Path, chain: LocalChain, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    sign_film(film, first, claim(title="First"), signer(chain))
    sign_film(first, second, claim(title="Second"), signer(chain))
    found = read_credentials(second, anchors=chain.root.read_text())
    assert found.state == "trusted"
    assert [action for action, _ in found.actions] == ["c2pa.opened", "c2pa.edited"]
    assert found.ingredients == ("first.mp4",)
    assert found.digital_source_type == "trainedAlgorithmicMedia"


def test_a_statement_on_an_input_is_kept(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    signed_input, target = tmp_path / "input.mp4", tmp_path / "signed.mp4"
    sign_film(film, signed_input, claim(title="By somebody else"), signer(chain))
    sign_film(film, target, claim(ingredients=(ingredient(signed_input, "inputTo"),)), signer(chain))
    reader = c2pa.Reader("video/mp4", io.BytesIO(target.read_bytes()))
    assert "By somebody else" in reader.json()
    assert read_credentials(target, anchors=chain.root.read_text()).state == "trusted"


def test_what_the_library_cannot_read_is_named_by_its_hash(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    odd, broken = tmp_path / "score.mid", tmp_path / "cut.png"
    odd.write_bytes(b"MThd and so on")
    Image.new("RGB", (8, 8)).save(broken)
    broken.write_bytes(broken.read_bytes()[:40])
    parts = (ingredient(odd), ingredient(broken, "inputTo"))
    target = tmp_path / "signed.mp4"
    sign_film(film, target, claim(ingredients=parts), signer(chain))
    manifest = c2pa.Reader("video/mp4", io.BytesIO(target.read_bytes())).get_active_manifest()
    said = {one["title"]: one["description"] for one in manifest["ingredients"]}
    assert said == {part.title: f"SHA-256 {part.sha256}" for part in parts}


def test_an_ingredient_that_has_changed_is_not_named_falsely(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    picture = tmp_path / "cup.png"
    Image.new("RGB", (8, 8)).save(picture)
    part = ingredient(picture)
    Image.new("RGB", (9, 9)).save(picture)
    with pytest.raises(BadMedia, match=r"cup\.png: the file has changed"):
        sign_film(film, tmp_path / "signed.mp4", claim(ingredients=(part,)), signer(chain))
    assert left_behind(tmp_path) == ["cup.png"]


# --- who signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "purpose"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "1.3.6.1.5.5.7.3.4"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "1.3.6.1.5.5.7.3.36"),
        (lambda: rsa.generate_private_key(65537, 2048), "1.3.6.1.4.1.62558.2.1"),
        (ed25519.Ed25519PrivateKey.generate, "1.3.6.1.5.5.7.3.4"),
    ],
    ids=["es256 email", "es384 documents", "ps256 c2pa", "ed25519 email"],
)
def test_keys_of_every_kind_and_purpose_are_trusted(
    make: Callable[[], object], purpose: str, film: Path, tmp_path: Path
) -> None:
    files = leaf(tmp_path / "keys", make(), purposes=(purpose,))
    target = tmp_path / "signed.mp4"
    sign_film(film, target, claim(), signer(files))
    assert read_credentials(target, anchors=files.root.read_text()).state == "trusted"


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_a_function_may_sign_in_the_keys_stead(
    kind: str, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    files = leaf(tmp_path / "keys", keys[kind]())
    target = tmp_path / "signed.mp4"
    by_function(monkeypatch, signing.sign_with(files.key))
    sign_film(film, target, claim(), signer(files, key_pem=None, callback="key_service:sign"))
    assert read_credentials(target, anchors=files.root.read_text()).state == "trusted"


def by_function(monkeypatch: pytest.MonkeyPatch, function: object) -> None:
    module = types.ModuleType("key_service")
    module.sign = function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "key_service", module)


SECRET = "-----BEGIN PRIVATE KEY----- MHcCAQEEIP"


def refuses(data: bytes, algorithm: str) -> bytes:
    raise RuntimeError(SECRET)


def is_away(data: bytes, algorithm: str) -> bytes:
    raise TimeoutError(SECRET)


@pytest.mark.parametrize(
    ("function", "error", "said"),
    [
        (refuses, CallbackFailed, "the signing function raised RuntimeError"),
        (is_away, SignerUnreachable, r"did not answer \(TimeoutError\)"),
        (lambda data, algorithm: b"", CallbackFailed, "no es256"),
        (lambda data, algorithm: b"x" * 64, CallbackFailed, "not by the certificate's key"),
        (lambda data, algorithm: None, CallbackFailed, "raised TypeError"),
    ],
    ids=["raises", "is away", "empty", "false", "nothing"],
)
def test_a_function_that_gives_no_signature_leaves_nothing(
    function: object,
    error: type[GenerationError],
    said: str,
    film: Path,
    chain: LocalChain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    by_function(monkeypatch, function)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error, match=said) as raised:
        sign_film(film, tmp_path / "s.mp4", claim(), signer(chain, key_pem=None, callback="key_service:sign"))
    assert left_behind(tmp_path) == []
    assert SECRET not in caplog.text + "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", ["nowhere", "no_such_module:sign", "json:no_such_function", "json:__doc__"])
def test_a_function_that_is_not_there_is_named(name: str, film: Path, chain: LocalChain, tmp_path: Path) -> None:
    with pytest.raises(CallbackFailed, match=name):
        sign_film(film, tmp_path / "s.mp4", claim(), signer(chain, key_pem=None, callback=name))


def test_the_private_key_is_nowhere_but_in_its_file(
    film: Path, chain: LocalChain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target = tmp_path / "signed.mp4"
    sign_film(film, target, claim(), signer(chain))
    secret = "".join(chain.key.read_text().splitlines()[1:-1])
    number = signing.load_pem_private_key(chain.key.read_bytes(), None).private_numbers().private_value  # type: ignore[union-attr]
    assert number.to_bytes(32, "big") not in target.read_bytes()
    broken = tmp_path / "broken.pem"
    broken.write_text(chain.key.read_text().replace(secret[:8], "########"))
    with pytest.raises(BadCertificate) as raised:
        sign_film(film, tmp_path / "s.mp4", claim(), signer(chain, key_pem=broken))
    said = caplog.text + "".join(traceback.format_exception(raised.value))
    assert not any(line in said for line in chain.key.read_text().splitlines()[1:-1])


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_certificate_that_has_ended_signs_nothing(film: Path, tmp_path: Path) -> None:
    now = signing.datetime.datetime.now(signing.datetime.UTC)
    files = leaf(tmp_path / "keys", begins=now - 30 * DAY, ends=now - DAY)
    with pytest.raises(SignerExpired, match=r"chain\.pem: the certificate of Dawn, Signer expired on 2\d{3}-"):
        sign_film(film, tmp_path / "s.mp4", claim(), signer(files))
    assert left_behind(tmp_path) == ["keys"]


def test_a_film_that_is_none_is_refused(chain: LocalChain, tmp_path: Path) -> None:
    text = tmp_path / "film.mp4"
    text.write_text("no film")
    with pytest.raises(BadMedia, match=r"film\.mp4: this is no whole MP4 film"):
        sign_film(text, tmp_path / "s.mp4", claim(), signer(chain))
    with pytest.raises(BadMedia, match="there is no such film"):
        sign_film(tmp_path / "none.mp4", tmp_path / "s.mp4", claim(), signer(chain))
    assert left_behind(tmp_path) == ["film.mp4"]


def test_signing_over_an_old_film_keeps_it_until_the_new_one_is_whole(
    film: Path, chain: LocalChain, tmp_path: Path
) -> None:
    target = tmp_path / "s.mp4"
    target.write_bytes(b"old")
    away = signer(chain, timestamp_url="http://127.0.0.1:9/")
    with pytest.raises(TimestampFailed):
        sign_film(film, target, claim(), away)
    assert target.read_bytes() == b"old"
    sign_film(film, target, claim(), signer(chain))
    assert read_credentials(target, anchors=chain.root.read_text()).state == "trusted"
    assert left_behind(tmp_path) == ["s.mp4"]


FULL = """
import resource, signal, sys
from pathlib import Path
from generation.marks.credentials.sign import sign_film
from generation.marks.credentials.spec import Signer
from tests.generation.signing import claim
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
try:
    sign_film(Path(sys.argv[1]), Path(sys.argv[2]), claim(), Signer(Path(sys.argv[3]), Path(sys.argv[4])))
except OSError as error:
    print("OSError", error.errno)
"""


def test_a_disk_that_takes_no_more_is_told_as_such_and_left_clean(
    film: Path, chain: LocalChain, tmp_path: Path
) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    for limit in (10, film.stat().st_size // 2, film.stat().st_size + 100):
        words = (film, tmp_path / "s.mp4", chain.chain, chain.key, limit)
        ended = subprocess.run(
            [sys.executable, "-c", FULL, *map(str, words)],
            capture_output=True, text=True, timeout=60, cwd=Path(__file__).parent.parent.parent,
        )  # fmt: skip
        assert ended.stdout.startswith("OSError 27"), ended.stdout + ended.stderr
        assert left_behind(tmp_path) == []


# --- the network ------------------------------------------------------------------------------------------------------


def picture_with_a_manifest_elsewhere(path: Path, address: str) -> Path:
    Image.new("RGB", (16, 16), "red").save(path)
    data = path.read_bytes()
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + xmp.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(data[:33] + chunk + data[33:])
    return path


def test_no_address_inside_a_picture_is_fetched(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    with serving(lambda path, body: (404, b"")) as (address, seen):
        picture = picture_with_a_manifest_elsewhere(tmp_path / "cup.png", f"{address}/m.c2pa")
        # The library as it comes: a stranger's picture makes this machine ask a server of the stranger's choice.
        with pytest.raises(c2pa.C2paError, match="Remote"):
            c2pa.Reader("image/png", io.BytesIO(picture.read_bytes()))
        assert len(seen) == 1
        c2pa.Builder({"title": "naive"}).add_ingredient({"title": "cup"}, "image/png", io.BytesIO(picture.read_bytes()))
        assert len(seen) == 2

        target = tmp_path / "signed.mp4"
        sign_film(film, target, claim(ingredients=(ingredient(picture, "inputTo"),)), signer(chain))
        found = read_credentials(picture, anchors=chain.root.read_text())
        assert read_credentials(target, anchors=chain.root.read_text()).state == "trusted"
        assert len(seen) == 2
    assert found.state == "none"
    assert found.codes == ("statement.elsewhere",)


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="a time stamp authority is made with the program openssl, which is not here"
)


@needs_openssl
def test_a_time_stamp_says_when_it_was_signed(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    target = tmp_path / "signed.mp4"
    with serving(signing.time_stamps(tmp_path)) as (address, seen):
        signed = sign_film(film, target, claim(), signer(chain, timestamp_url=address))
    assert signed.timestamped
    assert seen == ["POST /"]
    found = read_credentials(target, anchors=chain.root.read_text() + (tmp_path / "tsa_root.pem").read_text())
    assert found.state == "trusted"
    assert found.time_stamped
    stranger = read_credentials(target, anchors=chain.root.read_text())
    assert (stranger.state, stranger.time_stamped, stranger.signed_at) == ("trusted", False, found.signed_at)
    assert found.signed_at.startswith(f"{signing.datetime.datetime.now(signing.datetime.UTC):%Y-}")


@needs_openssl
def test_a_time_stamped_film_outlives_its_certificate(film: Path, tmp_path: Path) -> None:
    end = signing.datetime.datetime.now(signing.datetime.UTC) + signing.datetime.timedelta(seconds=2)
    files = leaf(tmp_path / "keys", ends=end)
    with serving(signing.time_stamps(tmp_path)) as (address, _):
        sign_film(film, tmp_path / "stamped.mp4", claim(), signer(files, timestamp_url=address))
    sign_film(film, tmp_path / "plain.mp4", claim(), signer(files))
    while signing.datetime.datetime.now(signing.datetime.UTC) < end + signing.datetime.timedelta(seconds=1):
        signing.threading.Event().wait(0.1)
    anchors = files.root.read_text() + (tmp_path / "tsa_root.pem").read_text()
    assert read_credentials(tmp_path / "stamped.mp4", anchors=anchors).state == "trusted"
    assert read_credentials(tmp_path / "stamped.mp4", anchors=files.root.read_text()).state == "invalid"
    plain = read_credentials(tmp_path / "plain.mp4", anchors=anchors)
    assert plain.state == "invalid"
    assert any("no time stamp says that it held" in reason for reason in plain.reasons), plain.codes


@pytest.mark.fault(15, "time stamps that are not there, busy, or none")
@pytest.mark.parametrize("answer", [(503, b"busy"), (200, b"no time stamp"), None], ids=["503", "nonsense", "nobody"])
def test_without_its_time_stamp_a_film_is_not_signed(
    answer: tuple[int, bytes] | None, film: Path, chain: LocalChain, tmp_path: Path
) -> None:
    with serving(lambda path, body: answer or (500, b"")) as (address, _):
        asked = signer(chain, timestamp_url=address if answer else "http://127.0.0.1:9/")
        with pytest.raises(TimestampFailed, match=r"film\.mp4: no time stamp by 127\.0\.0\.1") as raised:
            sign_film(film, tmp_path / "s.mp4", claim(), asked)
    assert raised.value.code == "transient"
    assert left_behind(tmp_path) == []


def test_a_time_stamp_authority_has_a_web_address(film: Path, chain: LocalChain, tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match="begins with http"):
        sign_film(film, tmp_path / "s.mp4", claim(), signer(chain, timestamp_url="file:key"))
