"""`make faults`: every fault of faults.toml is injected for real, and a table says how each ended.

A test injects a fault of the list when it is marked `fault(number, "what is injected")`; what it measured it hands to
the fixture `ended`, which checks the claim before it notes it. A row of the table is shown when all its tests passed
and one of them at least followed a run to one of the two ends; the others show parts of the way. A row without that is
`not covered`, one with a failed test FAILED, and either makes the command fail.

Knows no fault itself: the list is data, the injection is in the tests.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.process_tree import machine

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")
_FOLDER_OF_A_TEST = re.compile(r"/\S*pytest-of-[^/\s]+/\S*?/?test_[^/\s]+/")
NOT_COVERED, FAILED = "not covered", "FAILED"
ABOUT = """\
Written by `make faults`: each fault of `faults.toml` is injected for real, and each must end in one of two ways.

- `complete, same bytes`: the run made everything itself, and every film has the bytes of an undisturbed run, but for
  its signature, which holds the time.
- `failed lines with causes, next run completes`: results.csv, or the sentences of a run that was refused before
  anything was spent, say what failed and why; the same run without the fault then makes what is missing, with the
  same bytes.
""".splitlines()
#: Words of a measured sentence that the table shows; the test has the rest.
LIMIT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the list: what goes wrong, and the end that is asked for."""

    number: int
    fault: str
    end: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A test that injects a fault, as its source says."""

    number: int
    what: str
    #: File from the root, and function.
    file: str
    function: str
    #: Whether it follows a run to its end: it takes the fixture `ended`.
    ends: bool

    @property
    def test(self) -> str:
        """As pytest names it."""
        return f"{self.file}::{self.function}"


@dataclass(slots=True)
class Shown:
    """One run of a marked test: a parametrized one has several."""

    test: str
    faults: list[tuple[int, str]] = field(default_factory=list)
    outcome: str = "passed"
    end: str = ""
    measured: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    #: Why it was skipped.
    reason: str = ""


def read_list(path: Path = LIST) -> tuple[Fault, ...]:
    """The rows, in their order."""
    return tuple(Fault(**row) for row in tomllib.loads(path.read_text("utf-8"))["fault"])


def marked_tests(folder: Path = ROOT / "tests") -> Iterator[Marked]:
    """All tests that carry the mark. Their sources are read, not imported: this is to be quick."""
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.fault(" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                ends = any(argument.arg == "ended" for argument in function.args.args)
                for number, what in _marks(function):
                    yield Marked(number, what, path.relative_to(ROOT).as_posix(), function.name, ends)


def _marks(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
            number, what = (ast.literal_eval(argument) for argument in decorator.args)
            yield number, what


class Collector:
    """A pytest plugin that keeps what the tests reported."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, call and tear-down of a test are reported one by one."""
        shown = self.shown.setdefault(report.nodeid, Shown(report.nodeid))
        shown.seconds += report.duration
        for name, value in report.user_properties:
            self._note(shown, name, value)
        if report.failed:
            shown.outcome = "failed"
        elif report.skipped and shown.outcome == "passed":
            shown.outcome = "skipped"
            shown.reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)

    def _note(self, shown: Shown, name: str, value: Any) -> None:
        if name == "fault" and tuple(value) not in shown.faults:
            shown.faults.append((value[0], value[1]))
        elif name == "fault_end":
            shown.end = value
        elif name == "fault_measured":
            shown.measured = value


def verdict(shown: Sequence[Shown]) -> str:
    """How a row ended, by all its tests."""
    if any(one.outcome == "failed" for one in shown):
        return FAILED
    ends = sorted({one.end for one in shown if one.outcome == "passed" and one.end})
    return "; ".join(ends) or NOT_COVERED


def page(faults: Sequence[Fault], shown: Sequence[Shown], wall_seconds: float) -> str:
    """The table, and under it what was injected and measured by each test."""
    by_row = {fault.number: [one for one in shown if fault.number in dict(one.faults)] for fault in faults}
    counts = Counter(verdict(tests) in (FAILED, NOT_COVERED) for tests in by_row.values())
    lines = [
        "# Faults",
        "",
        *ABOUT,
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {_commit()}, {_machine()}: {counts[False]} of {len(faults)} rows shown by "
        f"{len(shown)} tests in {wall_seconds / 60:.0f} minutes.",
        "",
        "| # | what goes wrong | what must come of it | how it ended | tests | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for fault in faults:
        tests = by_row[fault.number]
        seconds = sum(one.seconds for one in tests)
        cells = [str(fault.number), fault.fault, fault.end, verdict(tests), str(len(tests)), f"{seconds:.0f}"]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    lines += ["", "## What was injected, and what was measured", ""]
    for fault in faults:
        lines.append(f"**{fault.number}. {fault.fault}**")
        lines.append("")
        lines += list(_lines(by_row[fault.number], fault.number)) or ["- not covered: no test injects it"]
        lines.append("")
    return "\n".join(lines)


def _lines(tests: Sequence[Shown], number: int) -> Iterator[str]:
    """A row's tests, a line each; those that are parts of the way and differ in a parameter alone share one."""
    parts: Counter[str] = Counter()
    for one in tests:
        name = one.test.rsplit("::", 1)[1]
        if one.outcome == "passed" and not one.end:
            parts[f"- {dict(one.faults)[number]} (`{name.partition('[')[0]}`"] += 1
        else:
            yield f"- {dict(one.faults)[number]} (`{_cell(name)}`): {_told(one)}"
    for words, count in parts.items():
        yield f"{words}{f', {count} times' if count > 1 else ''}): a part of the way, as its name says"


def _told(shown: Shown) -> str:
    """How one test went."""
    if shown.outcome == "failed":
        return f"**{FAILED}**"
    if shown.outcome == "skipped":
        return f"not shown here. {_cell(shown.reason)}"
    return f"{shown.end}; {_cell(', '.join(f'{name}: {value}' for name, value in shown.measured.items()))}"


def _cell(text: str) -> str:
    """Text that cannot break a table or a list, and names no folder of this machine."""
    plain = " ".join(text.split()).replace("|", "/").replace("`", "'").replace(str(ROOT), ".")
    plain = _FOLDER_OF_A_TEST.sub("", plain)
    return plain if len(plain) <= LIMIT_CHARACTERS else f"{plain[: LIMIT_CHARACTERS - 1]}…"


def _machine() -> str:
    facts = machine()
    return f"{facts['cores']} × {facts['cpu']}, Python {facts['python']}"


def _commit() -> str:
    words = ["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return f"commit {told}" if told else "no commit"


def main() -> int:
    """Run the tests, write the table; 1 when a row is not covered or has failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description="Inject every fault for real.")
    parser.add_argument("--out", type=Path, help="write the table here; without it, it is printed")
    parser.add_argument("--row", type=int, action="append", help="only this row of the list; may be repeated")
    parser.add_argument("--processes", type=int, default=1, help="run the tests in so many processes")
    asked = parser.parse_args()
    faults = [fault for fault in read_list() if not asked.row or fault.number in asked.row]
    wanted = {fault.number for fault in faults}
    tests = sorted({marked.test for marked in marked_tests() if marked.number in wanted})
    collector, began = Collector(), time.monotonic()
    if tests:
        spread = ["-n", str(asked.processes), "--dist", "loadfile"] if asked.processes > 1 else []
        pytest.main(["-p", "no:cacheprovider", *spread, *tests], plugins=[collector])
    text = page(faults, list(collector.shown.values()), time.monotonic() - began)
    if asked.out:
        asked.out.write_text(text, "utf-8")
    print(text if not asked.out else f"wrote {asked.out}")
    shown = collector.shown.values()
    rows = [verdict([one for one in shown if number in dict(one.faults)]) for number in sorted(wanted)]
    return int(any(row in (FAILED, NOT_COVERED) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
