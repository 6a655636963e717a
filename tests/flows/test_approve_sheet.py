"""approve.csv: any spreadsheet's dialect is read, every wrong line is named, and all of it counts or nothing."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import cli
from flows.model import BadInput
from flows.review.sheet import COLUMNS, Taken, read_sheet, write_sheet
from tests.flows.reviewed import Reviewed, reviewed

FIRST = ("red_en-US_question", "tiktok_infeed")
Lines = list[dict[str, str]]


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",), text="=cmd|' /C calc'!A0")
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


def written(made: Reviewed) -> Lines:
    with write_sheet(made.folder).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def save(made: Reviewed, lines: Lines, encoding: str = "utf-8-sig", delimiter: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines)
    path = made.folder / "filled.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def fill(line: dict[str, str], decision: str, reason: str = "", reviewer: str = "Ada") -> None:
    line.update(decision=decision, reason=reason, reviewer=reviewer)


def complaints(made: Reviewed, path: Path) -> Mapping[int | None, str]:
    with pytest.raises(BadInput) as caught:
        read_sheet(made.folder, path)
    assert all(problem.fix for problem in caught.value.problems)
    return {problem.row: problem.code for problem in caught.value.problems}


def test_there_is_a_line_for_each_delivery_with_its_state_and_room_to_decide(made: Reviewed) -> None:
    made.approvals.decide(made.record(*FIRST).sha256, "reject", "Ben", "too loud")
    lines = written(made)
    assert [(line["creative_id"], line["placement"]) for line in lines] == [record.key for record in made.records]
    assert tuple(lines[0]) == COLUMNS
    first = lines[0]
    assert (first["state"], first["said"]) == ("rejected", "Ben: reject too loud")
    assert first["sha256"] == made.record(*FIRST).sha256
    assert Path(first["film"]).is_file()
    assert (first["decision"], first["reason"], first["reviewer"]) == ("", "", "")


def test_no_cell_is_a_formula(made: Reviewed) -> None:
    assert written(made)[0]["main_text"] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-8", ";"), ("utf-16", "\t"), ("utf-16", ";"), ("cp1252", ";")]
)
def test_decisions_are_read_from_what_spreadsheets_save(made: Reviewed, encoding: str, delimiter: str) -> None:
    lines = written(made)
    fill(lines[0], "Approve")
    fill(lines[1], "no", "Zu laut für uns", "Jörg")
    fill(lines[2], "comment", "nett")
    assert read_sheet(made.folder, save(made, lines, encoding, delimiter)) == Taken(1, 1, 1, ())
    states = [made.approvals.state(record.sha256) for record in made.records]
    assert states == ["approved", "rejected", "waiting", "waiting"]
    (event,) = made.approvals.history(made.records[1].sha256).events
    assert (event.kind, event.reviewer, event.text) == ("reject", "Jörg", "Zu laut für uns")
    assert [made.shown(record) for record in made.records] == ["film", "draft", "draft", "draft"]


def test_columns_that_nobody_needs_may_go_and_order_does_not_matter(made: Reviewed) -> None:
    lines = written(made)
    fill(lines[0], "approve")
    needed = ("reviewer", "decision", "sha256", "reason", "placement", "creative_id")
    kept = [{name: line[name] for name in needed} for line in lines]
    assert read_sheet(made.folder, save(made, kept)).approved == 1


def spoil(**cells: str) -> Callable[[dict[str, str]], None]:
    return lambda line: line.update(cells)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (spoil(decision="aprove"), "bad_decision"),
        (spoil(decision="reject"), "reason_missing"),
        (spoil(decision="comment"), "reason_missing"),
        (spoil(reviewer=" "), "reviewer_missing"),
        (spoil(reviewer="x" * 81), "reviewer_too_long"),
        (spoil(reason="x" * 4001), "reason_too_long"),
        (spoil(sha256="0" * 64), "approval_void"),
        (spoil(sha256=""), "approval_void"),
        (spoil(creative_id="red_en-US_ofer"), "unknown_delivery"),
        (spoil(placement="mars"), "unknown_delivery"),
    ],
)
def test_one_wrong_line_is_named_and_nothing_is_recorded(
    made: Reviewed, change: Callable[[dict[str, str]], None], code: str
) -> None:
    lines = written(made)
    for line in lines:
        fill(line, "approve")
    change(lines[2])
    assert complaints(made, save(made, lines)) == {3: code}
    assert not list(made.approvals.decided())


def test_a_line_decides_about_the_bytes_that_it_was_written_for(made: Reviewed) -> None:
    lines = written(made)
    fill(lines[0], "approve")
    made.render_again(*FIRST)
    with pytest.raises(BadInput, match="row 1, column sha256: void: the film has changed since this sheet was written"):
        read_sheet(made.folder, save(made, lines))
    assert not list(made.approvals.decided())


def test_two_lines_about_one_delivery_are_refused(made: Reviewed) -> None:
    lines = written(made)
    fill(lines[0], "approve")
    lines.append({**lines[0], "decision": "reject", "reason": "no"})
    assert complaints(made, save(made, lines)) == {5: "decided_twice"}


def test_a_sheet_without_decisions_or_without_its_columns_is_a_sentence(made: Reviewed, tmp_path: Path) -> None:
    assert complaints(made, write_sheet(made.folder)) == {None: "no_decisions"}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert complaints(made, tmp_path / "other.csv") == {None: "column_missing"}
    assert complaints(made, tmp_path / "missing.csv") == {None: "file_missing"}


def test_the_command_writes_a_sheet_and_reads_it_back(made: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.folder)
    first = CliRunner().invoke(cli.commands, ["approve", str(made.folder)])
    assert first.exit_code == 0
    assert str(made.folder / "approve.csv") in first.output
    lines = written(made)
    fill(lines[0], "approve")
    second = CliRunner().invoke(cli.commands, ["approve", str(made.folder), str(save(made, lines))])
    assert second.exit_code == 0
    assert second.output.startswith("1 approved, 0 rejected, 0 commented.")
