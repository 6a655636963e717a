"""OUT/<campaign>/ belongs to one run at a time, and moments are waited for; what was published stays published."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.ledger import Ledger
from flows.model import BadInput
from flows.outputs import OutputFolder, is_busy
from flows.publish import publish
from flows.results import read_results
from flows.review.approvals import REJECT, Approvals
from flows.review.publications import Publications
from flows.review.release import held, release
from tests.flows.small import run, small_campaign

ROOT = Path(__file__).resolve().parent.parent.parent
HOLD = """
import sys, time
from pathlib import Path
from flows.outputs import OutputFolder
output = OutputFolder(Path(sys.argv[1]))
output.open()
print("held", flush=True)
if sys.argv[2] == "moment":
    time.sleep(0.5)
else:
    sys.stdin.readline()
output.close()
"""


@contextmanager
def holder(folder: Path, how: str) -> Iterator[None]:
    """Another process that has the folder, for a moment or until the block ends."""
    words = [sys.executable, "-c", HOLD, str(folder), how]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate("\n", timeout=60)
    assert other.returncode == 0


def test_whoever_has_the_folder_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "tea"
    with holder(folder, "moment"):
        with pytest.raises(BadInput):
            OutputFolder(folder).open(patience_seconds=0)
        mine = OutputFolder(folder)
        mine.open(patience_seconds=60)
        with pytest.raises(BadInput):
            OutputFolder(folder).open(patience_seconds=0)
        mine.close()


def test_whoever_keeps_the_folder_is_told_of_as_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "tea"
    with holder(folder, "on"):
        with pytest.raises(BadInput, match="another run is writing here") as caught:
            OutputFolder(folder).open(patience_seconds=0.2)
        assert is_busy(caught.value)
        with pytest.raises(BadInput, match="another run is writing here"), held(folder):
            pass
    mine = OutputFolder(folder)
    mine.open(patience_seconds=0)
    mine.close()


def test_what_was_published_stays_published_while_its_bytes_and_its_approval_do(tmp_path: Path) -> None:
    rows = "row_id,product,price\nred,Red cup,9.90\n"
    campaign, out = small_campaign(tmp_path / "c", rows, extra="engine: animatic\nvoice: none\n"), tmp_path / "out"
    folder = run(campaign, out).folder
    ledger = Ledger(out / ".ledger")

    def statuses() -> set[str]:
        return {record.status for record in read_results(folder / "results.csv")[1]}

    assert statuses() == {"done"}
    publish(folder, tmp_path / "published", ledger)
    assert statuses() == {"published"}
    assert run(campaign, out).summary
    assert statuses() == {"published"}, "nothing was made, so nothing was taken back"
    (record,) = read_results(folder / "results.csv")[1]
    Approvals(ledger.root).decide(record.sha256, REJECT, "Ben", "The logo is cut")
    release(folder, ledger)
    assert statuses() == {"rejected"}
    publish(folder, tmp_path / "published", ledger)
    assert not Publications(ledger.root).has(record.sha256, f"{folder.name}/{record.creative_id}/{record.placement}")


def test_other_bytes_and_other_deliveries_are_not_published_with_it(tmp_path: Path) -> None:
    published = Publications(tmp_path)
    published.note("ab" * 32, "tea/one/linkedin_square")
    published.note("ab" * 32, "tea/one/linkedin_square")
    assert published.has("ab" * 32, "tea/one/linkedin_square")
    assert not published.has("ab" * 32, "tea/two/linkedin_square")
    assert not published.has("cd" * 32, "tea/one/linkedin_square")
    published.withdraw("ab" * 32, "tea/one/linkedin_square")
    assert not published.has("ab" * 32, "tea/one/linkedin_square")


@pytest.mark.slow
def test_a_run_that_finds_another_one_is_cancelled_and_not_failed(tmp_path: Path) -> None:
    """Prefect would otherwise page somebody for a nightly run that had nothing to do."""
    campaign = small_campaign(tmp_path / "c")
    with holder(tmp_path / "out" / "Small", "on"):
        ended = subprocess.run(
            [sys.executable, "-m", "flows", "run", str(campaign), "--out", str(tmp_path / "out")],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "another run is writing here" in ended.stderr
    (database,) = (tmp_path / "out").rglob("prefect.db")
    with sqlite3.connect(database) as connection:
        states = connection.execute("select state_type, state_name from flow_run").fetchall()
    assert states == [("CANCELLED", "Cancelled")]
