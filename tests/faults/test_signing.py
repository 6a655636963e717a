"""The signer and the marks fail: no film goes out without what should be in it, and the next run makes it whole."""

from __future__ import annotations

import datetime
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flows import faults
from flows.ledger import Ledger
from flows.model import BadInput
from flows.publish import publish
from generation.media.ffmpeg import VARIABLE as PROGRAM
from tests.faults.ending import Ending
from tests.faults.key_service import VARIABLE
from tests.faults.runs import Made, causes, films, finished_steps, lines, run_with
from tests.faults.test_bad_films import again, wrapper
from tests.generation import signing
from tests.generation.signing import DAY, leaf

NOW = datetime.datetime.now(datetime.UTC)
ONE = {"rows": "1"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is tried again at once."""
    monkeypatch.setattr(faults, "PAUSE_SECONDS", 0.01)


def nothing_signed(out: Path) -> None:
    assert list((out / "Small").rglob("*.mp4")) == []
    assert not Ledger(out / ".ledger").keys("delivery")


@pytest.mark.fault(15, "the time stamp authority is down, answers 503, or answers nonsense")
@pytest.mark.parametrize("answer", [None, (503, b"busy"), (200, b"no time stamp")], ids=["down", "503", "nonsense"])
def test_without_a_time_stamp_nothing_is_delivered(
    undisturbed: Made, tmp_path: Path, ended: Ending, answer: tuple[int, bytes] | None
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("a time stamp authority is made with the program openssl, which is not here")
    out = undisturbed.copy(tmp_path, "delivery")
    true, now = signing.time_stamps(tmp_path), [answer]
    with signing.serving(lambda path, query: now[0] or true(path, query)) as (address, _):
        asked = "http://127.0.0.1:9/" if answer is None else address
        work = run_with(undisturbed.campaign, out, sign_timestamp_url=asked)
        assert work.summary.counts == {"failed": 2}
        said = causes(out)
        assert "no time stamp by 127.0.0.1" in said[0]
        nothing_signed(out)
        now[0] = None
        again = run_with(undisturbed.campaign, out, sign_timestamp_url=address)
    assert set(again.summary.made) - {name for name, count in again.summary.made.items() if not count} == {"delivery"}
    ended.failed(said, films(out), undisturbed.films, attempts=work.records[0].attempts)


@pytest.mark.fault(15, "the key service behind the signing function is down")
def test_without_its_key_service_nothing_is_delivered(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out, keys = undisturbed.copy(tmp_path, "delivery"), leaf(tmp_path / "keys")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "keys"))
    signer: dict[str, Any] = {"sign_chain": str(keys.chain), "sign_callback": "tests.faults.key_service:sign"}
    (tmp_path / "keys" / "down").touch()
    work = run_with(undisturbed.campaign, out, **signer)
    assert work.summary.counts == {"failed": 2}
    said = causes(out)
    assert "the key service did not answer" in said[0]
    nothing_signed(out)
    (tmp_path / "keys" / "down").unlink()
    run_with(undisturbed.campaign, out, **signer)
    ended.failed(said, films(out), undisturbed.films, attempts=work.records[0].attempts)


CERTIFICATES: dict[str, tuple[dict[str, Any], str]] = {
    "over": ({"begins": NOW - 30 * DAY, "ends": NOW - DAY}, "expired on"),
    "for servers": ({"purposes": ("1.3.6.1.5.5.7.3.1",)}, "is for another purpose"),
}


def refused_before(undisturbed: Made, out: Path, keys: Any) -> list[str]:
    """A run with this certificate makes nothing, and says why."""
    before = finished_steps(out)
    with pytest.raises(BadInput) as caught:
        run_with(undisturbed.campaign, out, sign_chain=str(keys.chain), sign_key=str(keys.key))
    assert finished_steps(out) == before, "nothing was spent"
    nothing_signed(out)
    return [problem.sentence() for problem in caught.value.problems]


@pytest.mark.fault(15, "the certificate is over, or is for servers")
@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_may_not_sign_stops_the_run_before_anything_is_spent(
    undisturbed: Made, tmp_path: Path, ended: Ending, name: str
) -> None:
    facts, words = CERTIFICATES[name]
    out, wrong, right = undisturbed.copy(tmp_path, "delivery"), leaf(tmp_path / "a", **facts), leaf(tmp_path / "b")
    said = refused_before(undisturbed, out, wrong)
    assert words in said[0]
    run_with(undisturbed.campaign, out, sign_chain=str(right.chain), sign_key=str(right.key))
    ended.failed(said, films(out), undisturbed.films, steps_spent=0)


@pytest.mark.fault(20, "a certificate that begins tomorrow: our clock is behind")
def test_a_clock_that_is_behind_is_named_by_the_signer(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    out = undisturbed.copy(tmp_path, "delivery")
    tomorrow, right = leaf(tmp_path / "a", begins=NOW + DAY), leaf(tmp_path / "b")
    said = refused_before(undisturbed, out, tomorrow)
    assert "is this machine's clock right" in said[0]
    run_with(undisturbed.campaign, out, sign_chain=str(right.chain), sign_key=str(right.key))
    ended.failed(said, films(out), undisturbed.films, steps_spent=0)


@pytest.mark.fault(17, "the film's pictures are turned over after the mark was drawn: it cannot be read any more")
def test_a_mark_that_cannot_be_read_is_told_and_not_published(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    spoil = again("-vf hflip,vflip -c:a copy -c:v libx264 -crf 30")
    body = f'"$real" "$@" || exit $?\ncase "$*" in *faststart*) {spoil};; esac'
    monkeypatch.setenv(PROGRAM, str(wrapper(tmp_path / "ffmpeg", body)))
    work = run_with(undisturbed.campaign, out, ONE)
    monkeypatch.delenv(PROGRAM)
    (line,) = lines(out)
    assert line["proof"].startswith("fail: invisible mark"), line
    assert "fail: invisible mark" in (out / "Small" / "report.html").read_text("utf-8")
    (refusal,) = publish(out / "Small", tmp_path / "to", work.ledger).refused
    assert refusal.code == "proof_failed"
    assert list((tmp_path / "to").rglob("*.mp4")) == []
    run_with(undisturbed.campaign, out)
    assert not publish(out / "Small", tmp_path / "to", work.ledger).refused
    ended.failed([refusal.sentence()], films(out), undisturbed.films)


@pytest.mark.slow
@pytest.mark.fault(17, "the secret of the invisible mark is replaced while a run goes on")
def test_a_mark_by_another_secret_than_the_run_began_with_is_a_failed_line(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out, secret = undisturbed.copy(tmp_path, "delivery"), tmp_path / "mark.key"
    secret.write_bytes(b"first secret of the marks, 32 b..")
    watch = threading.Thread(target=replace_after_the_master, args=(out, secret), daemon=True)
    watch.start()
    work = run_with(undisturbed.campaign, out, ONE, mark_key=str(secret))
    watch.join()
    assert work.summary.counts == {"failed": 1}
    said = causes(out)
    nothing_signed(out)
    run_with(undisturbed.campaign, out, ONE, mark_key=str(secret))
    other = undisturbed.copy(tmp_path / "other", "delivery")
    run_with(undisturbed.campaign, other, ONE, mark_key=str(secret))
    ended.failed(said, films(out), films(other))


def replace_after_the_master(out: Path, secret: Path) -> None:
    """Wait until the run has drawn one film, then put another secret in place of the first."""
    home = out / ".ledger" / "steps" / "master"
    before = len(list(home.rglob("done.json")))
    deadline = time.monotonic() + 60
    while len(list(home.rglob("done.json"))) == before and time.monotonic() < deadline:
        time.sleep(0.005)
    secret.write_bytes(b"second secret of the marks, 32 b.")
