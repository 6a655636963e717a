"""Who signs on this machine: found before anything is spent, made once, and said plainly."""

from __future__ import annotations

import datetime
import stat
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.keys import TEST_NOTICE, anchors_for, new_keys, show_keys, signer_for
from flows.marking import marking_for
from flows.model import BadInput
from flows.settings import Settings, load_settings, told
from generation.marks.credentials.local_chain import LocalChain, make_test_chain
from generation.marks.credentials.read import read_credentials
from generation.marks.credentials.sign import sign_film
from tests.generation import signing
from tests.generation.signing import DAY, leaf


def test_without_settings_a_test_certificate_is_made_once_for_its_owner(tmp_path: Path) -> None:
    assert signer_for(Settings(), tmp_path, create=False).signing is None
    assert list(tmp_path.iterdir()) == []
    first, second = signer_for(Settings(), tmp_path), signer_for(Settings(), tmp_path)
    assert first == second
    assert first.notice == TEST_NOTICE
    assert "nobody else trusts it" in TEST_NOTICE
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert first.signing
    assert first.signing.key_file == tmp_path / "keys" / "key.pem"
    assert first.anchors == first.signing.anchors == (tmp_path / "keys" / "root.pem").read_text()
    assert signer_for(Settings(), tmp_path, create=False) == first


def test_runs_that_begin_together_get_one_certificate(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def begin(_: int) -> str:
        barrier.wait()
        return signer_for(Settings(), tmp_path).chain.fingerprint  # type: ignore[union-attr]

    # Each takes the lock through a handle of its own, as processes do.
    with ThreadPoolExecutor(8) as runs:
        assert len(set(runs.map(begin, range(8)))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "locks"]


def test_a_test_certificate_that_is_not_whole_is_not_made_anew(tmp_path: Path) -> None:
    signer_for(Settings(), tmp_path)
    (tmp_path / "keys" / "key.pem").unlink()
    with pytest.raises(BadInput, match="does not hold all of it"):
        signer_for(Settings(), tmp_path)
    assert not (tmp_path / "keys" / "key.pem").exists()


def test_none_leaves_films_unsigned_and_says_so(tmp_path: Path) -> None:
    choice = signer_for(Settings(sign_key="none"), tmp_path)
    assert (choice.signing, choice.signer) == (None, None)
    assert choice.notice.startswith("Not signed")
    assert list(tmp_path.iterdir()) == []


def of(files: LocalChain, **more: str) -> Settings:
    named = {"sign_key": str(files.key), "sign_chain": str(files.chain), "trust_anchors": str(files.root)}
    return Settings(**(named | more))  # type: ignore[arg-type]


def test_lines_of_keys_new_are_settings_that_sign(tmp_path: Path) -> None:
    lines = new_keys(tmp_path / "my keys", "Dawn", 90)
    (tmp_path / "spotmill.toml").write_text("\n".join(line for line in lines if " = " in line))
    assert set(tomllib.loads((tmp_path / "spotmill.toml").read_text())) == {"sign_key", "sign_chain", "trust_anchors"}
    assert any("Nobody trusts this certificate but who is given root.pem" in line for line in lines)
    choice = signer_for(load_settings({}, {}, tmp_path), tmp_path / "ledger")
    assert choice.signer
    film = signing.make_film(tmp_path / "film.mp4", "64x64")
    sign_film(film, tmp_path / "signed.mp4", signing.claim(), choice.signer)
    assert read_credentials(tmp_path / "signed.mp4", anchors=choice.anchors).state == "trusted"
    assert not (tmp_path / "ledger").exists()
    with pytest.raises(BadInput, match="Name a new folder"):
        new_keys(tmp_path / "my keys", "Dawn", 90)


def test_what_ends_soon_or_has_no_time_stamp_is_noticed(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    files, late = leaf(tmp_path / "a"), leaf(tmp_path / "b", ends=now + 10 * DAY)
    assert "without a time stamp: signatures hold until" in signer_for(of(files), tmp_path).notice
    assert signer_for(of(files, sign_timestamp_url="https://tsa.example"), tmp_path).notice == ""
    assert "in 9 days: renew it" in signer_for(of(late), tmp_path).notice


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"sign_chain": ""}, "bad_signer", "whoever signs needs a certificate"),
        ({"sign_key": ""}, "bad_signer", "one of the two"),
        ({"sign_callback": "a:b"}, "bad_signer", "one of the two"),
        ({"sign_chain": "none.pem"}, "bad_certificate", "cannot be read"),
        ({"sign_key": "none.pem"}, "bad_certificate", "cannot be read"),
        ({"trust_anchors": "none.pem"}, "bad_anchors", "no file of certificates"),
        ({"sign_timestamp_url": "tsa"}, "bad_address", "no http or https address"),
        ({"sign_key": "", "sign_callback": "no_such_module:sign"}, "signing_failed", "no such signing function"),
    ],
)
def test_settings_that_cannot_sign_are_refused(changes: dict[str, str], code: str, said: str, tmp_path: Path) -> None:
    files = leaf(tmp_path / "keys")
    with pytest.raises(BadInput, match=said) as raised:
        signer_for(of(files, **changes), tmp_path / "ledger")
    assert code in {problem.code for problem in raised.value.problems}
    assert all(problem.fix and problem.file == "spotmill.toml" for problem in raised.value.problems)
    assert not (tmp_path / "ledger").exists()


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    files = leaf(tmp_path / "keys", purposes=None, begins=now - 9 * DAY, ends=now - DAY)
    other = make_test_chain(tmp_path / "other", organisation="Dawn")
    with pytest.raises(BadInput) as raised:
        signer_for(of(files, sign_key=str(other.key), trust_anchors=str(other.root)), tmp_path)
    assert [problem.code for problem in raised.value.problems] == ["bad_certificate"] * 3 + ["signer_expired"]


def test_the_own_test_certificate_is_trusted_while_it_signs(tmp_path: Path) -> None:
    signer_for(Settings(), tmp_path)
    root = (tmp_path / "keys" / "root.pem").read_text()
    files = leaf(tmp_path / "mine")
    assert anchors_for(Settings(), tmp_path) == root
    assert anchors_for(Settings(sign_key="none"), tmp_path) == root
    assert anchors_for(of(files), tmp_path) == files.root.read_text()
    assert anchors_for(of(files, trust_anchors=""), tmp_path) == ""


def test_keys_show_tells_who_until_when_and_who_trusts(tmp_path: Path) -> None:
    assert show_keys(Settings(), tmp_path / "ledger") == [TEST_NOTICE]
    assert not (tmp_path / "ledger").exists()
    files = leaf(tmp_path / "keys")
    lines = show_keys(of(files), tmp_path)
    assert "signer: Dawn, Signer" in lines
    assert any(line.startswith("holds: ") for line in lines)
    assert "trusted here: yes" in lines
    assert any("trusted here: no" in line for line in show_keys(of(files, trust_anchors=""), tmp_path))
    secret = files.key.read_text().splitlines()[1]
    assert not any(secret in line for line in lines)


def test_a_run_takes_its_marking_from_here(tmp_path: Path) -> None:
    files = leaf(tmp_path / "keys")
    marking = marking_for(of(files, out=tmp_path / "out"), create=True)  # type: ignore[arg-type]
    assert marking.signing
    assert marking.signing.chain.path == files.chain
    assert told(of(files, sign_timestamp_url="https://name:word@tsa.example/x"))["sign_timestamp_url"] == "tsa.example"
