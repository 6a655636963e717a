"""Small real runs for the tests that inject faults: in this process, or by the command as a user types it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.crew import InlineCrew
from flows.ledger import Ledger
from flows.order import Order
from flows.settings import Settings
from flows.studio import Run
from tests.flows import small

ROOT = Path(__file__).resolve().parents[2]
#: Two ads of a second and a half; no other placement takes shorter ones.
ROWS = "row_id,product,price\nred,Red cup,9.90\nblue,Blue cup,12.50\n"
PLACEMENTS = "[x_square]"


def short_campaign(folder: Path, rows: str = ROWS, extra: str = "") -> Path:
    """A campaign of very short films."""
    campaign = small.small_campaign(folder, rows, PLACEMENTS, extra)
    file = campaign / "campaign.yaml"
    file.write_text(file.read_text("utf-8").replace("seconds: 3", "seconds: 1.5"), "utf-8")
    (campaign / "small" / "voiceover.j2").write_text("{{ product }}.", "utf-8")
    return campaign


@dataclass(frozen=True)
class Made:
    """A campaign with what an undisturbed run made of it."""

    campaign: Path
    out: Path
    films: Mapping[str, str]

    def copy(self, folder: Path, *forget: str) -> Path:
        """A copy of the results and the ledger, in which the steps of some kinds were never made."""
        out = folder / "out"
        shutil.copytree(self.out, out, copy_function=shutil.copy2)
        for kind in forget:
            shutil.rmtree(out / ".ledger" / "steps" / kind)
        if forget:
            shutil.rmtree(out / "Small")
        return out


def home_of(out: Path) -> Path:
    """The results of the one campaign below OUT; drafts have a folder of their own."""
    drafts = out / "Small-draft"
    return drafts if drafts.is_dir() else out / "Small"


def films(out: Path, ledger: Path | None = None) -> dict[str, str]:
    """Every film by its path, with the hash of its bytes before they were signed: a signature holds the time.

    What lies there must be what its facts say, and its marks must have been proven.
    """
    home, store = home_of(out), Ledger(ledger or out / ".ledger")
    found = {}
    for path in home.glob("*/*.mp4"):
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts["proof"]["verdict"].startswith("pass"), facts["proof"]
        assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        package = store.home("package", facts["steps"]["package"]) / "video.mp4"
        found[str(path.relative_to(home))] = hashlib.sha256(package.read_bytes()).hexdigest()
    return found


def lines(out: Path, name: str = "results.csv") -> list[dict[str, str]]:
    """The lines of a table of results."""
    with (home_of(out) / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def causes(out: Path) -> list[str]:
    """The failed lines of results.csv, as code, step and message."""
    return [f"{line['code']} at {line['step']}: {line['message']}" for line in lines(out) if line["code"]]


def half_written(out: Path) -> list[Path]:
    """What a fault left lying that nobody will take up."""
    work = out / ".ledger" / "work"
    return [*home_of(out).rglob("*.part*"), *(work.iterdir() if work.is_dir() else ())]


def finished_steps(out: Path) -> dict[Path, int]:
    """Every finished step's marker, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in (out / ".ledger" / "steps").rglob("done.json")}


def run_with(campaign: Path, out: Path, order: Mapping[str, Any] | None = None, **settings: Any) -> Run:
    """A whole run in this process, as `small.run`, with settings of its own."""
    chosen = Settings(out=out, **settings)
    work = Run(Order(campaign, **(order or {})), chosen, lambda: InlineCrew(chosen.ledger_folder))
    work.read()
    for _ in work.produce():
        pass
    work.report()
    return work


class Command:
    """`spotmill run` in a process of its own; all its descendants carry a mark in their environment."""

    def __init__(self, campaign: Path, out: Path, *options: str, before: Sequence[str] = (), **env: str) -> None:
        self.mark = f"SPOTMILL_TEST_MARK={uuid.uuid4().hex}"
        name, value = self.mark.split("=")
        self.out, self.log = out, out.parent / f"{value}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "flows", "run", campaign, "--out", out, "--workers", "2", *options],
                cwd=ROOT,
                env={**os.environ, name: value, **env},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text("utf-8", "replace")

    def wait(self, seconds: float = 300) -> int:
        """Its exit code; it is not waited for without end."""
        return self.process.wait(timeout=seconds)

    def steps(self) -> int:
        """Finished steps in its ledger."""
        return sum(1 for _ in (self.out / ".ledger" / "steps").glob("*/*/*/done.json"))

    def until(self, happens: Callable[[], Any], what: str) -> Any:
        """Wait for something while the command runs."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            found = happens()
            if found:
                return found
            assert self.process.poll() is None, f"it ended before {what}:\n{self.said}"
            time.sleep(0.01)
        raise AssertionError(f"{what} did not happen")

    def gone(self) -> bool:
        """Whether no descendant is left; Ray's agents need up to half a minute to see that their raylet is gone."""
        deadline = time.monotonic() + 90
        while self.descendants(lambda line: True) and time.monotonic() < deadline:
            time.sleep(0.2)
        return self.descendants(lambda line: True) == []

    def descendants(self, wanted: Callable[[str], bool]) -> list[int]:
        """Living processes with our mark whose command line satisfies `wanted`."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    marked = self.mark.encode() in (entry / "environ").read_bytes()
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if marked and line and wanted(line):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found
