"""A delivery is signed last, its marks are measured on its own bytes, and a draft stands in until it is approved."""

import json
import shutil
from dataclasses import replace

import pytest

from flows.creative import need
from flows.order import Order, prepare
from flows.review.approvals import APPROVE, Approvals
from flows.sealing import CredentialsNotValid, prove
from generation.media.probe import probe
from generation.media.upload import encode_like_a_platform

from .small import run, small_campaign

ROWS = "row_id,product,price\nred,Red cup,9.90\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    campaign = small_campaign(folder / "campaign", ROWS, extra="approval: required\n")
    return campaign, folder / "out", run(campaign, folder / "out", prove=True)


def step_of(work):
    (plan,) = work.prepared.plans()
    return plan.films[0].deliveries[0]


def test_what_was_proven_is_told_in_the_results(made):
    *_, work = made
    (record,) = work.records
    assert record.status == "needs_review"
    assert record.proof == "pass: invisible mark, signature"
    assert record.mark_id == step_of(work).master.key[:12]
    assert set(record.marks) >= {"invisible mark", "content credentials"}


def test_the_mark_is_read_from_an_encode_like_a_platforms(made):
    *_, work = made
    facts = json.loads(next(work.folder.glob("*/*_*.json")).read_text())
    assert facts["survival"]["passed"]
    assert facts["survival"]["read"] == work.records[0].mark_id


@pytest.mark.fault(17, "a film with another mark, and one with none")
def test_a_film_without_the_mark_fails_its_proof(made, tmp_path):
    *_, work = made
    step, film = step_of(work), tmp_path / "film.mp4"
    shutil.copyfile(need(work.ledger, step.package).file("video.mp4"), film)
    other = replace(step, signing=None, package=replace(step.package, master=replace(step.master, key="f" * 32)))
    found = prove(work.ledger, other, film)
    assert found["verdict"].startswith("fail: invisible mark: another mark")
    plate = need(work.ledger, step.master.plate).file("video.mp4")
    unmarked = prove(work.ledger, replace(step, signing=None), plate)
    assert unmarked["verdict"] == "fail: invisible mark: it could not be read"


@pytest.mark.fault(16, "a film is encoded anew between its signature and its proof")
def test_a_film_that_lost_its_signature_is_not_delivered(made, tmp_path):
    *_, work = made
    step, film = step_of(work), tmp_path / "film.mp4"
    encode_like_a_platform(need(work.ledger, step).file("video.mp4"), film, deadline_seconds=60)
    with pytest.raises(CredentialsNotValid):
        prove(work.ledger, step, film)


def test_the_draft_stands_in_until_exactly_these_bytes_are_approved(made):
    campaign, out, work = made
    (record,) = work.records
    film = work.folder / record.path
    final = need(work.ledger, step_of(work)).file("video.mp4")
    assert film.read_bytes() != final.read_bytes()
    assert probe(film).video.frames == probe(final).video.frames
    Approvals(work.ledger.root).decide(record.sha256, APPROVE, "Ada")
    again = run(campaign, out, prove=True)
    assert sum(again.summary.made.values()) == 0
    assert again.records[0].status == "approved"
    assert film.read_bytes() == final.read_bytes()


def test_the_statement_names_no_row_and_no_customer(made):
    *_, work = made
    data = need(work.ledger, step_of(work)).file("manifest.c2pa").read_bytes()
    assert b"Dawn" in data, "the title is the brand's name"
    for secret in (b"red_en", b"Red cup", str(work.ledger.root).encode(), b"9.90"):
        assert secret not in data


def test_a_plan_makes_no_certificate(tmp_path):
    campaign = small_campaign(tmp_path / "campaign", ROWS)
    assert next(prepare(Order(campaign)).plans()).films[0].deliveries[0].signing is None
    assert not (tmp_path / "out").exists()


def test_a_proof_of_no_mark_is_told_and_not_made(tmp_path):
    campaign = small_campaign(tmp_path / "campaign", ROWS, extra="invisible_mark: none\n")
    prepared = prepare(Order(campaign, prove=True))
    assert any("--prove measures nothing" in note for note in prepared.notes)
    assert next(prepared.plans()).films[0].further == ()
