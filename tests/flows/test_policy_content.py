"""Content checks in a campaign: models are there before anything is spent, and what is found has consequences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.brief import load_campaign
from flows.faults import REFUSAL
from flows.jobs import failure_of
from flows.model import BadInput
from flows.order import Order, prepare
from flows.policy.content import NOT_CHECKED, checks_of, content_facts, content_identity, content_reviews
from flows.policy.notices import policy_notices
from generation.content.check import refuse_content
from generation.errors import ContentRefused
from tests.flows.small import small_campaign

SEEN = {"label": "face", "limit": 0.8, "model_sha256": "0" * 64, "worst": 0.9, "scores": [0.1, 0.9], "counts": [0, 2]}


def model(folder: Path, *labels: str) -> None:
    """The files of a model, its weights empty: nothing here loads it."""
    folder.mkdir(parents=True)
    config = {"model_type": "vit", "id2label": dict(enumerate(labels))}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "preprocessor_config.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


def test_check_complains_of_models_that_are_not_there_or_lack_the_label(tmp_path: Path) -> None:
    extra = "content_checks: {nsfw: {model: models/none}, faces: {model: models/nsfw, label: face}}\n"
    campaign = small_campaign(tmp_path / "c", extra=extra)
    model(campaign / "models" / "nsfw", "normal", "nsfw")
    with pytest.raises(BadInput) as caught:
        load_campaign(campaign)
    assert [(one.code, one.column) for one in caught.value.problems] == [("bad_content_model", "content_checks")] * 2
    assert "no such folder" in str(caught.value)
    assert "it has normal, nsfw" in str(caught.value)


@pytest.mark.parametrize("name", ["../c/models/nsfw", "/tmp", "models/link"])
def test_a_model_lies_inside_the_campaign(name: str, tmp_path: Path) -> None:
    model(tmp_path / "c" / "models" / "nsfw", "nsfw")
    campaign = small_campaign(tmp_path / "d", extra=f"content_checks: {{nsfw: {{model: {name}}}}}\n")
    (campaign / "models").mkdir()
    (campaign / "models" / "link").symlink_to(tmp_path / "c" / "models" / "nsfw")
    with pytest.raises(BadInput, match="not a plain path"):
        load_campaign(campaign)


def test_the_choice_is_read_with_the_models_own_spelling(tmp_path: Path) -> None:
    extra = "content_checks: {nsfw: {model: models/nsfw, limit: 0.7}, frames: 3}\n"
    campaign = small_campaign(tmp_path / "c", extra=extra)
    model(campaign / "models" / "nsfw", "Normal", "NSFW")
    brief = load_campaign(campaign).content_checks
    assert brief.nsfw
    assert (brief.nsfw.limit, brief.nsfw.label, brief.frames, brief.faces) == (0.7, "NSFW", 3, None)
    checks = checks_of(brief)
    assert checks.nsfw
    assert (checks.nsfw.folder, checks.faces, checks.frames) == (brief.nsfw.folder, None, 3)
    before = content_identity(brief)
    (campaign / "models" / "nsfw" / "config.json").write_text('{"id2label": {"0": "NSFW"}}', "utf-8")
    assert content_identity(brief) != before


def test_faces_in_a_film_without_a_synthetic_person_need_a_persons_eye() -> None:
    facts = {"frames": [1, 5], "nsfw": NOT_CHECKED, "faces": SEEN}
    assert "finds 2 × 'face'" in content_reviews(facts, synthetic_person=False)[0]
    assert content_reviews(facts, synthetic_person=True) == ()
    assert content_reviews(facts, synthetic_person=None) == ()
    assert content_reviews(None, synthetic_person=False) == ()
    assert content_reviews({**facts, "faces": {**SEEN, "counts": [0, 0]}}, synthetic_person=False) == ()


def test_a_refusal_by_content_is_final_and_names_its_score() -> None:
    facts = {"frames": [1, 5], "nsfw": {**SEEN, "label": "nsfw"}, "faces": NOT_CHECKED}
    with pytest.raises(ContentRefused, match=r"'nsfw' of picture 5 with 0\.90; the limit is 0\.8") as caught:
        refuse_content(facts)
    failure = failure_of(caught.value, "content")
    assert (failure.code, failure.fault) == ("content_refused", REFUSAL)
    assert "seed" in failure.fix


def test_what_nobody_looked_at_is_said_to_be_unchecked(tmp_path: Path) -> None:
    assert content_facts(None) == {"nsfw": NOT_CHECKED, "faces": NOT_CHECKED}
    drawn = prepare(Order(small_campaign(tmp_path / "c")))
    assert list(policy_notices(drawn)) == []
    made = prepare(Order(small_campaign(tmp_path / "d", extra="engine: tiny\nspeed: exact\n")))
    assert list(policy_notices(made)) == [
        "Content of the footage: nudity and faces not checked (`content_checks` in campaign.yaml)"
    ]
