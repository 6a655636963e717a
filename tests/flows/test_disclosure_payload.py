"""What a platform is told of each file: explicit always, with its sources, and only of films that are there."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from flows.disclosure import VALUES, disclose
from flows.disclosure_payload import Carried, Declared, payloads, write_payloads
from flows.disclosure_table import tables
from flows.placements import get_placement, load_placements

AI, DRAWN = "trainedAlgorithmicMedia", "algorithmicMedia"
SIGNED = Carried("Casa Luz", ("Wan-AI/Wan2.1@0fad780",), True, "0123456789ab")


def declared(
    name: str, locale: str = "de-DE", source: str = AI, carried: Carried = SIGNED, person: bool | None = False,
    override: str = "auto", reason: str = "",
) -> Declared:  # fmt: skip
    disclosure = disclose(
        locale=locale,
        placement=get_placement(name),
        synthetic_person=person,
        digital_source_type=source,
        override=override,
        reason=reason,
    )
    return Declared(get_placement(name), f"{name}.mp4", "ab" * 32, disclosure, carried)


def made(*items: Declared) -> dict[str, dict[str, object]]:
    return payloads(items, campaign="Spring", creative_id="red-de", locale="de-DE")


def entry(payload: dict[str, object], name: str) -> dict[str, object]:
    placements = payload["placements"]
    assert isinstance(placements, dict)
    found = placements[name]
    assert isinstance(found, dict)
    return found


def test_every_placement_and_locale_gets_an_explicit_value_with_its_sources() -> None:
    locales = ("en-US", "en-IN", *tables().labels)
    for name, locale, source in itertools.product(load_placements(), locales, (AI, DRAWN)):
        (payload,) = made(declared(name, locale, source)).values()
        one = entry(payload, name)
        assert one["value"] in VALUES
        assert isinstance(one["fields"], dict)
        assert one["fields"] or one["note"]
        rules = one["rules"]
        assert isinstance(rules, list)
        assert rules
        for rule in rules:
            assert {"id", "title", "source", "checked", "confidence", "note"} == set(rule)
        json.dumps(payload)


def test_placements_of_a_platform_share_one_payload() -> None:
    found = made(declared("youtube_shorts"), declared("youtube_instream"), declared("tiktok_infeed"))
    assert set(found) == {"youtube", "tiktok"}
    assert set(found["youtube"]["placements"]) == {"youtube_shorts", "youtube_instream"}  # type: ignore[call-overload]
    assert entry(found["tiktok"], "tiktok_infeed")["fields"] == {"aigc_disclosure_type": "SELF_DISCLOSURE"}
    assert "no claim of compliance" in str(found["youtube"]["disclaimer"])


def test_the_attestation_is_told_apart_from_other_fields() -> None:
    one = entry(made(declared("youtube_shorts"))["youtube"], "youtube_shorts")
    assert one["attestation"] == {"syntheticContentAttestationStatus": "IS_SYNTHETIC"}
    assert set(one["fields"]) > set(one["attestation"])  # type: ignore[call-overload]
    drawn = entry(made(declared("dv360_video", source=DRAWN))["dv360"], "dv360_video")
    assert drawn["attestation"] == {"syntheticContentAttestationStatus": "NOT_SYNTHETIC"}


@pytest.mark.parametrize("name", ["instagram_reels", "linkedin_square", "snapchat_snap_ad"])
def test_a_platform_without_a_field_says_how_to_declare_by_hand(name: str) -> None:
    (payload,) = made(declared(name)).values()
    one = entry(payload, name)
    assert one["fields"] == {}
    assert len(str(one["note"])) > 20


def test_an_override_stands_with_its_reason() -> None:
    one = entry(
        made(declared("tiktok_infeed", override="not_ai_generated", reason="filmed by hand"))["tiktok"], "tiktok_infeed"
    )
    assert one["override"] == {"value": "not_ai_generated", "reason": "filmed by hand"}
    assert entry(made(declared("tiktok_infeed"))["tiktok"], "tiktok_infeed")["override"] is None


def test_what_a_file_carries_for_a_latent_disclosure_is_what_was_measured() -> None:
    def latent(carried: Carried, locale: str = "en-US") -> dict[str, object]:
        one = entry(made(declared("tiktok_infeed", locale, carried=carried))["tiktok"], "tiktok_infeed")["latent"]
        assert isinstance(one, dict)
        return one

    full, none = latent(SIGNED), latent(Carried())
    names = ("provider", "system_and_version", "time", "unique_id")
    assert all(full[name]["carried"] for name in names)  # type: ignore[index]
    assert not any(none[name]["carried"] for name in names)  # type: ignore[index]
    assert not latent(Carried("Casa Luz", (), False))["time"]["carried"]  # type: ignore[index]
    assert full["asked_by"] == ["california_sb_942"]
    assert latent(SIGNED, "de-DE")["asked_by"] == []


def test_a_payload_speaks_of_films_that_are_there_and_keeps_what_an_earlier_run_said(tmp_path: Path) -> None:
    home = tmp_path / "red-de"
    home.mkdir()
    for name in ("youtube_shorts", "youtube_instream"):
        (home / f"{name}.mp4").write_bytes(b"film")

    def told() -> list[str]:
        return sorted(json.loads((home / "disclosure.youtube.json").read_text("utf-8"))["placements"])

    write_payloads(home, made(declared("youtube_shorts"), declared("youtube_instream")))
    assert told() == ["youtube_instream", "youtube_shorts"]
    write_payloads(home, made(declared("youtube_shorts")))
    assert told() == ["youtube_instream", "youtube_shorts"]
    (home / "youtube_instream.mp4").unlink()
    write_payloads(home, made(declared("youtube_shorts")))
    assert told() == ["youtube_shorts"]
    (home / "youtube_shorts.mp4").unlink()
    write_payloads(home, {})
    assert not home.exists()


def test_a_payload_that_is_not_whole_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "tiktok_infeed.mp4").write_bytes(b"film")
    (tmp_path / "disclosure.tiktok.json").write_text('{"placements": [', "utf-8")
    write_payloads(tmp_path, made(declared("tiktok_infeed")))
    assert "tiktok_infeed" in json.loads((tmp_path / "disclosure.tiktok.json").read_text("utf-8"))["placements"]
