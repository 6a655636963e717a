"""Nothing is published that was not approved, proven and disclosed, byte for byte; nothing is overwritten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import cli
from flows.files import sha256_file
from flows.model import BadInput
from flows.publish import Handover, publish, release
from flows.review.approvals import Approvals
from flows.review.gallery import open_gallery
from flows.review.release import held
from tests.flows.reviewed import Reviewed, reviewed

FIRST = ("red_en-US_question", "tiktok_infeed")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",))
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    """A copy of a finished run: 1 row × 2 variants × 2 placements."""
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


def approve_all(made: Reviewed) -> None:
    about = open_gallery(made.folder).about
    for record in made.records:
        made.approvals.decide(record.sha256, "approve", "Ada", about=about(record))


def published(made: Reviewed, to: Path) -> Handover:
    return publish(made.folder, to, made.ledger)


def codes(done: Handover) -> dict[str, str]:
    return {f"{one.creative_id}/{one.placement}": one.code for one in done.refused}


def test_what_is_approved_is_published_with_everything_that_goes_with_it(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    done = published(made, tmp_path / "to")
    assert (done.copied, done.present, done.refused) == (4, 0, [])
    target = tmp_path / "to" / "tea"
    listed = json.loads((target / "published.json").read_text("utf-8"))
    assert listed["campaign"] == "Tea"
    for item in listed["deliveries"]:
        record = made.record(item["creative_id"], item["placement"])
        assert item["sha256"] == record.sha256
        assert record.status == "published"
        name = f"{record.creative_id}--{record.placement}--{record.sha256[:8]}"
        assert set(item["files"]) == {f"{name}{ending}" for ending in (".mp4", ".jpg", ".vtt", ".json")}
        assert {file: sha256_file(target / file) for file in item["files"]} == item["files"]
        assert item["files"][f"{name}.mp4"] == record.sha256
    assert len(list(target.iterdir())) == 4 * 4 + 1


def test_a_second_run_copies_nothing_and_writes_nothing(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    published(made, tmp_path / "to")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "to" / "tea").iterdir()}
    done = published(made, tmp_path / "to")
    assert (done.copied, done.present, done.refused) == (0, 4, [])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "to" / "tea").iterdir()} == before


def test_what_nobody_approved_stays_here_with_the_way_out(made: Reviewed, tmp_path: Path) -> None:
    done = published(made, tmp_path / "to")
    assert set(codes(done).values()) == {"not_approved"}
    assert all("spotmill review" in refusal.fix for refusal in done.refused)
    assert not list((tmp_path / "to" / "tea").iterdir())
    assert {record.status for record in made.records} == {"needs_review"}


def test_a_rejection_is_told_with_its_author_and_reason(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    made.approvals.decide(made.record(*FIRST).sha256, "reject", "Ben", "The logo\nis cut")
    done = published(made, tmp_path / "to")
    (refusal,) = done.refused
    assert (refusal.code, refusal.message) == ("rejected", "Ben rejected it: The logo is cut")
    assert done.copied == 3
    assert made.record(*FIRST).status == "rejected"


def test_an_approval_is_void_when_the_bytes_change(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    changed = made.render_again(*FIRST)
    assert made.approvals.state(changed.sha256) == "waiting"
    done = published(made, tmp_path / "to")
    assert codes(done) == {"/".join(FIRST): "approval_void"}
    assert made.shown(made.record(*FIRST)) == "draft"


@pytest.mark.fault(16, "films in the ledger and the results are written over")
def test_bytes_that_are_not_those_of_the_results_are_never_copied(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    release(made.folder, made.ledger)
    film = made.final(made.record(*FIRST))
    times = film.stat()
    data = bytearray(film.read_bytes())
    data[-1] ^= 1
    film.write_bytes(data)
    import os

    os.utime(film, ns=(times.st_atime_ns, times.st_mtime_ns))  # nothing but a hash can tell
    done = published(made, tmp_path / "to")
    assert codes(done) == {"/".join(FIRST): "bytes_changed"}
    assert not list((tmp_path / "to" / "tea").glob(f"{FIRST[0]}--{FIRST[1]}--*.mp4"))
    assert not list((tmp_path / "to" / "tea").glob(".*"))


def test_a_film_that_the_ledger_lost_is_named(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    made.final(made.record(*FIRST)).unlink()
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): "bytes_missing"}


@pytest.mark.fault(17, "results whose proof failed, or is not there")
@pytest.mark.parametrize(
    ("proof", "code"), [("fail: invisible mark not found", "proof_failed"), ("", "not_proven"), ("?", "not_proven")]
)
def test_what_is_not_proven_is_not_published(made: Reviewed, tmp_path: Path, proof: str, code: str) -> None:
    approve_all(made)
    made.change(*FIRST, proof=proof)
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): code}


@pytest.mark.parametrize("value", ["", None, "not_ai_generated"])
def test_a_disclosure_that_is_unset_or_another_is_refused(made: Reviewed, tmp_path: Path, value: str | None) -> None:
    approve_all(made)
    record = made.record(*FIRST)
    facts = made.facts(record)
    facts["disclosure"] = {"value": value} if value is not None else None
    (made.folder / record.path).with_suffix(".json").write_text(json.dumps(facts))
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): "disclosure_unset"}


def test_a_damaged_decision_approves_nothing_and_is_named(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    (made.approvals.folder(made.record(*FIRST).sha256) / "20260101.json").write_text("{")
    (refusal,) = published(made, tmp_path / "to").refused
    assert (refusal.code, "20260101.json" in refusal.message) == ("approval_damaged", True)


def test_somebody_elses_file_of_the_same_name_is_a_conflict_and_stays(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    sha256 = made.record(*FIRST).sha256
    theirs = tmp_path / "to" / "tea" / f"{FIRST[0]}--{FIRST[1]}--{sha256[:8]}.mp4"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): "conflict"}
    assert theirs.read_bytes() == b"theirs"


def test_facts_that_we_published_ourselves_are_renewed(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    published(made, tmp_path / "to")
    record = made.record(*FIRST)
    beside = (made.folder / record.path).with_suffix(".json")
    beside.write_text(json.dumps({**made.facts(record), "note": "new"}))
    assert not published(made, tmp_path / "to").refused
    (copy,) = (tmp_path / "to" / "tea").glob(f"{FIRST[0]}--{FIRST[1]}--*.json")
    assert json.loads(copy.read_text())["note"] == "new"
    copy.write_text("changed by somebody")
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): "conflict"}


def test_a_new_version_lies_beside_the_old_one_and_only_one_is_current(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    published(made, tmp_path / "to")
    old = made.record(*FIRST).sha256
    new = made.render_again(*FIRST).sha256
    published(made, tmp_path / "to")
    target = tmp_path / "to" / "tea"

    def current() -> list[str]:
        items = json.loads((target / "published.json").read_text())["deliveries"]
        return [one["sha256"] for one in items if (one["creative_id"], one["placement"]) == FIRST and one["current"]]

    assert current() == []  # not approved: nothing of it is to be used
    made.approvals.decide(new, "approve", "Ada")
    published(made, tmp_path / "to")
    assert current() == [new]
    assert {path.name[-12:-4] for path in target.glob(f"{FIRST[0]}--{FIRST[1]}--*.mp4")} == {old[:8], new[:8]}


def test_without_required_approval_films_go_out_but_never_a_rejected_one(tmp_path: Path) -> None:
    made = reviewed(tmp_path / "out", ("red",), required=False, failed=1)
    made.approvals.decide(made.record(*FIRST).sha256, "reject", "Ben", "no")
    done = published(made, tmp_path / "to")
    assert done.copied == 3
    assert codes(done) == {"/".join(FIRST): "rejected", "lost0/tiktok_infeed": "not_delivered"}
    assert made.shown(made.record(*FIRST)) == "film"


def test_films_follow_decisions_in_both_directions(made: Reviewed) -> None:
    record = made.record(*FIRST)
    assert made.shown(record) == "draft"
    made.approvals.decide(record.sha256, "approve", "Ada")
    assert release(made.folder, made.ledger) == ()
    assert made.shown(record) == "film"
    assert (made.record(*FIRST).status, made.record(*FIRST).approval) == ("approved", "approved")
    seen = made.approvals.history(record.sha256).ids
    made.approvals.decide(record.sha256, "reject", "Ben", "on second thoughts", after=seen)
    assert release(made.folder, made.ledger, {record.sha256}) == ()
    assert made.shown(record) == "draft"
    assert (made.record(*FIRST).status, made.record(*FIRST).approval) == ("rejected", "rejected")


def test_without_its_draft_an_unapproved_film_is_not_shown_at_all(made: Reviewed) -> None:
    record = made.record(*FIRST)
    made.approvals.decide(record.sha256, "approve", "Ada")
    release(made.folder, made.ledger)
    shutil.rmtree(made.ledger.root / "steps" / "draft")
    made.approvals.decide(record.sha256, "reject", "Ben", "no")
    problems = release(made.folder, made.ledger, {record.sha256})
    assert [problem.code for problem in problems] == ["no_draft"]
    assert made.shown(record) == "nothing"


def test_a_key_that_leads_elsewhere_is_no_key(made: Reviewed, tmp_path: Path) -> None:
    approve_all(made)
    record = made.record(*FIRST)
    facts = {**made.facts(record), "steps": {"delivery": "../../../../etc", "draft": 7}}
    (made.folder / record.path).with_suffix(".json").write_text(json.dumps(facts))
    assert codes(published(made, tmp_path / "to")) == {"/".join(FIRST): "bytes_missing"}


def test_while_a_run_is_writing_nothing_is_published(made: Reviewed, tmp_path: Path) -> None:
    with held(made.folder), pytest.raises(BadInput, match="another run is writing here"):
        published(made, tmp_path / "to")


def test_results_are_no_place_to_publish_into(made: Reviewed) -> None:
    with pytest.raises(BadInput, match="inside the results"):
        published(made, made.folder.parent)


def test_without_a_manifest_nothing_counts_as_free_to_go(made: Reviewed, tmp_path: Path) -> None:
    (made.folder / "manifest.json").unlink()
    with pytest.raises(BadInput, match="whether approval is required"):
        published(made, tmp_path / "to")


def test_exit_codes_and_lines(made: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["publish", str(made.folder), "--to", str(tmp_path / "to")]
    nothing = CliRunner().invoke(cli.commands, words)
    assert nothing.exit_code == cli.NOTHING_RUN
    approve_all(made)
    made.change(*FIRST, proof="fail: signature")
    some = CliRunner().invoke(cli.commands, words)
    assert some.exit_code == cli.SOME_FAILED
    assert "3 published, 0 there already, 1 refused." in some.output
    assert f"{FIRST[0]} / {FIRST[1]}: proof_failed: its marks were not all found: fail: signature." in some.output
    made.change(*FIRST, proof="pass")
    everything = CliRunner().invoke(cli.commands, words)
    assert everything.exit_code == cli.ALL_DONE
    assert "1 published, 3 there already, 0 refused." in everything.output
    assert Approvals(made.ledger.root).state(made.record(*FIRST).sha256) == "approved"
