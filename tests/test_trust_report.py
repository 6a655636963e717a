"""The trust report says what was measured, loses included."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchmarks.trust_report as report
from benchmarks.trust_attacks import ATTACKS
from benchmarks.trust_footage import footage
from generation.marks.invisible.contract import Reading
from generation.spec import Size


def test_one_kind_is_measured_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "CHANCE_KEYS", 20)
    monkeypatch.setattr(report, "FULL_KEYS", 0)
    film, cases, chance = report.measure("flat", ["mirrored"], Size(360, 640), 66)
    assert film.psnr_y > 48
    assert film.marked_bytes > film.plain_bytes
    assert film.quick.payload == report.PAYLOAD
    assert [(case.attack, case.right) for case in cases] == [("mirrored", True)]
    assert len(chance.scores) == 20
    assert max(chance.scores) < 5


def test_tables_hold_every_film_and_every_attack() -> None:
    read = Reading(report.PAYLOAD, 9.0, 5.6, 0.97, 40, "mirrored")
    lost = Reading(None, 4.4, 5.6, 0.0, 40, "")
    cases = [report.Case("flat", "a", read, True, 1.0), report.Case("flat", "b", lost, False, 9.0)]
    text = "\n".join(report._attacks(["flat"], ["a", "b"], cases))
    assert "| a | 9.0 (0.97) |" in text
    assert "| b | **lost** (4.4) |" in text
    assert "9.0 at most" in text
    film = report.Film("flat", 50.0, 1000, 1100, lost, 0.1)
    assert "| flat | 50.0 dB | 1,000 | 1,100 | +10.0% | lost |" in "\n".join(report._films([film]))
    assert "1 full readings" in "\n".join(report._false_alarms([report.Chance("flat", [0.1, -0.2], [lost])]))


def test_the_page_names_its_machine_and_holds_all_sections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "SECTIONS", (lambda folder: iter(["## One", ""]), lambda folder: iter(["## Two"])))
    page = list(report.page())
    assert "cores" in page[2]
    assert page[-3:] == ["## One", "", "## Two"]


def test_unknown_footage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kinds: product"):
        next(footage("cats", Size(64, 64), 1, tmp_path))
    assert "mirrored" in ATTACKS
