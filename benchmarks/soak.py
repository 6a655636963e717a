"""`make soak`: what a thousand and ten thousand ads cost beside their pixels and sound, into benchmarks/soak.md.

Each part is measured once, in processes of its own, and kept as a file in a folder: a soak that was interrupted goes on
where it stopped, and a part is measured anew when its file is removed. The parts:

    start   a run of four creatives, with an empty ledger: what Prefect and Ray take to begin
    run     1,000 creatives for 4 placements in the draft profile, through Prefect and Ray, with an empty ledger
    again   the same campaign once more, nothing changed
    tables  `spotmill check` and `spotmill plan` of 100,000 rows
    memory  the driver of 100, 1,000 and 10,000 creatives, with the making left out
    page    the contact sheets of 4,000 and 40,000 deliveries in a real browser

    python -m benchmarks.soak [--keep DIR] [--creatives N] [--only PART] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.process_tree import machine, run_and_measure
from benchmarks.soak_browser import look_at
from benchmarks.soak_campaign import PLACEMENTS, write_campaign
from benchmarks.soak_page import page

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_SECONDS = 6 * 3600.0
START_CREATIVES = 4
TABLE_ROWS = 100_000
MEMORY_CREATIVES = (100, 1_000, 10_000)

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Soak:
    """Where the soak keeps what it made and found."""

    folder: Path
    creatives: int

    def campaign(self, rows: int) -> Path:
        """The campaign with so many rows, written once."""
        folder = self.folder / f"campaign-{rows}"
        return folder if (folder / "rows.csv").is_file() else write_campaign(folder, rows)

    def start(self) -> Facts:
        """A run that is hardly more than its beginning."""
        shutil.rmtree(self.folder / "out-start", ignore_errors=True)
        return self._run("start", START_CREATIVES, "out-start")

    def run(self) -> Facts:
        """The whole campaign, with nothing there before."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        return self._run("run", self.creatives, "out")

    def again(self) -> Facts:
        """The same once more."""
        return self._run("again", self.creatives, "out")

    def _run(self, name: str, creatives: int, out: str) -> Facts:
        notes = self.folder / f"{name}.notes.json"
        every = str(max(1, creatives * len(PLACEMENTS) // 40))
        began = time.time()
        module = [sys.executable, "-m", "benchmarks.soak_driver"]
        command = [*module, str(self.campaign(creatives)), str(self.folder / out), str(notes), every]
        spent = run_and_measure(command, folder=ROOT, environment=_clean(), deadline_seconds=DEADLINE_SECONDS)
        facts: Facts = json.loads(notes.read_text("utf-8"))
        return {
            **facts,
            "creatives": creatives,
            "placements": len(PLACEMENTS),
            "began": began,
            "cpu_seconds": spent.cpu_seconds,
            "wall_seconds": spent.wall_seconds,
            "worker_cpu_seconds": _of_workers(spent.by_program),
            "step_cpu_seconds": sum(cost["cpu_seconds"] for cost in facts["steps"].values()),
            "load": os.getloadavg()[0],
        }

    def tables(self) -> Facts:
        """Both commands on many rows."""
        campaign = self.campaign(TABLE_ROWS)
        return {command: _command(command, campaign, self.folder / "out-tables") for command in ("check", "plan")}

    def memory(self) -> Facts:
        """The driver alone, for more and more creatives; the largest stays for the browser."""
        found: Facts = {}
        for count in MEMORY_CREATIVES:
            out, notes = self.folder / f"out-{count}", self.folder / f"memory-{count}.notes.json"
            shutil.rmtree(out, ignore_errors=True)
            command = [sys.executable, "-m", "benchmarks.soak_memory", str(self.campaign(count)), str(out), str(notes)]
            subprocess.run(command, cwd=ROOT, env=_clean(), check=True, timeout=DEADLINE_SECONDS)
            found[str(count)] = json.loads(notes.read_text("utf-8"))
        return found

    def page(self) -> Facts:
        """The sheets that the memory runs left behind."""
        sheets = {count: next((self.folder / f"out-{count}").glob("*/report.html")) for count in MEMORY_CREATIVES[1:]}
        return {str(count): look_at(sheet) for count, sheet in sheets.items()}


def _clean() -> dict[str, str]:
    """The environment without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SPOTMILL_")}


def _of_workers(by_program: Mapping[str, float]) -> float:
    """CPU seconds of the processes that make steps, with the ffmpegs they waited for. Two daemons have such names."""
    daemons = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
    return sum(cpu for name, cpu in by_program.items() if name.startswith("ray::") and name not in daemons)


def _command(name: str, campaign: Path, out: Path) -> Facts:
    """CPU seconds and the largest memory of one command, as the kernel counts them."""
    began = time.monotonic()
    command = [sys.executable, "-m", "flows", name, str(campaign), "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, env=_clean(), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"`spotmill {name}` ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "wall_seconds": time.monotonic() - began,
    }


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, default=ROOT / "out" / "soak", help="folder of what is made and found")
    parser.add_argument("--creatives", type=int, default=1000, help="of the run through Prefect and Ray")
    parser.add_argument("--only", action="append", help="measure this part only; may be given more than once")
    parser.add_argument("--out", type=Path, help="write the page here")
    options = parser.parse_args()
    folder: Path = options.keep.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    soak = Soak(folder, options.creatives)
    parts: Mapping[str, Callable[[], Facts]] = {
        "start": soak.start, "run": soak.run, "again": soak.again, "tables": soak.tables,
        "memory": soak.memory, "page": soak.page,
    }  # fmt: skip
    found = {name: facts for name, part in parts.items() if (facts := _part(folder, name, part, options.only))}
    about = {**machine(), "day": f"{date.today():%Y-%m-%d}", "python": platform.python_version()}
    text = "\n".join(page(found, about)) + "\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, "utf-8")


def _part(folder: Path, name: str, measure: Callable[[], Facts], only: list[str] | None) -> Facts | None:
    """What was found of a part, measured now where it was not before; None where it is not asked for."""
    kept = folder / f"{name}.json"
    if not kept.is_file():
        if only and name not in only:
            return None
        print(f"soak: {name} ...", file=sys.stderr, flush=True)
        kept.write_text(json.dumps(measure(), indent=2), "utf-8")
    facts: Facts = json.loads(kept.read_text("utf-8"))
    return facts


if __name__ == "__main__":
    main()
