"""`python -m tests.fuzz` fuzzes every reader of `targets.py` for ten minutes in all, guided by coverage (atheris).

Each target has a child process with bounded memory; an input that takes longer than `SECONDS_EACH` is a finding. What
was found is saved in `fuzz-findings/`, one file each, and the exit code is 1. To see one again:
`python -m tests.fuzz --replay TARGET FILE`. Needs atheris: `pip install -e .[dev-fuzz]`.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FINDINGS = Path("fuzz-findings")
#: Forty megapixels, opened five times on a busy machine, are still within it.
SECONDS_EACH = 25
MEMORY_BYTES = 3 << 30
#: After so many findings a target is left: they are mostly one and the same.
MOST_FINDINGS = 4


def one(target: str, seconds: int, corpus: Path, findings: Path) -> None:
    """In the child: instrument, then hand over to libFuzzer, which does not return."""
    import atheris

    with atheris.instrument_imports(include=["flows", "generation", "PIL", "yaml", "jinja2"]):
        from tests.fuzz import targets

    reads, seeds = targets.TARGETS[target]
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = corpus.parent / f"{target}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in targets.WORDS[target]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    flags = [f"-max_total_time={seconds}", f"-timeout={SECONDS_EACH}", f"-max_len={targets.LIMIT_BYTES}"]
    flags += [f"-artifact_prefix={findings}/{target}-", f"-dict={words}", "-print_final_stats=1", "-rss_limit_mb=0"]
    atheris.Setup(["fuzz", *flags, str(corpus)], reads)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def campaign(target: str, seconds: float, corpus: Path, findings: Path) -> dict[str, int]:
    """Fuzz one target until its time is over, starting anew after a finding."""
    found = {"executions": 0, "edges": 0, "findings": 0}
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 3 and found["findings"] < MOST_FINDINGS:
        words = [sys.executable, "-m", "tests.fuzz", "--one", target, str(int(left)), str(corpus), str(findings)]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                              errors="replace")  # fmt: skip
        log = done.stdout
        runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)|^#(\d+)\t", log, re.MULTILINE)
        found["executions"] += max((int(whole or part) for whole, part in runs), default=0)
        found["edges"] = max([found["edges"], *map(int, re.findall(r"cov: (\d+)", log))])
        if done.returncode:
            found["findings"] += 1
            (findings / f"{target}-{found['findings']}.log").write_text(log[-20_000:])
            print(f"  {target}: a finding, see {findings}/{target}-{found['findings']}.log", flush=True)
    return found


def main() -> int:
    """All targets one after the other; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("--only", nargs="*", help="these targets")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], int(given.one[1]), Path(given.one[2]), Path(given.one[3]))
        return 0
    from tests.fuzz.targets import TARGETS

    if given.replay:
        TARGETS[given.replay[0]][0](Path(given.replay[1]).read_bytes())
        print("Nothing but documented errors.")
        return 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("Fuzzing is guided by coverage and needs atheris: pip install -e .[dev-fuzz]", file=sys.stderr)
        return 2
    names = given.only or list(TARGETS)
    FINDINGS.mkdir(exist_ok=True)
    total = 0
    print(f"{'target':<10} {'executions':>12} {'edges':>7} {'findings':>9}")
    with tempfile.TemporaryDirectory() as held:
        for name in names:
            corpus = Path(held) / name
            corpus.mkdir()
            found = campaign(name, given.seconds / len(names), corpus, FINDINGS)
            total += found["findings"]
            print(f"{name:<10} {found['executions']:>12,} {found['edges']:>7,} {found['findings']:>9}", flush=True)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
