"""`make bench`: CPU seconds of the sample campaign over CPU seconds of bare x264 encodes of the same films.

One run through the real command line with an empty ledger, then the bare encodes, on the same machine within minutes:
a ratio of two figures that share their weather. What the rest was spent on is read from the ledger, where every step
says what it cost. Results go to `results/<date>.json`, one line for each to README.md.

    python -m benchmarks.bench [--campaign DIR] [--tier final] [--keep DIR] [--dry]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.bare_encode import Bare, encode_again
from benchmarks.process_tree import Spent, machine, run_and_measure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUN_DEADLINE_SECONDS = 3600.0
PRODUCT = ("flows", "generation", "audio", "templates")
#: Steps that are shared by many films, and those that are made for each.
KINDS = ("prompt", "footage", "conform", "plate", "voice", "bed", "mix", "track", "master", "delivery")


def main() -> None:
    """Measure, print, record."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="spotmill-bench-") as scratch:
        out = Path(options.keep or scratch).absolute()
        print(f"Running {options.campaign} with an empty ledger ...", flush=True)
        spent = run_campaign(Path(options.campaign), out)
        masters = sorted((out / "ledger" / "steps" / "master").glob("*/*/video.mp4"))
        if not masters:
            sys.exit(f"the run ended well and left no master in {out / 'ledger'}: nothing to compare with")
        print(f"{spent.cpu_seconds:.1f} CPU s. Encoding its {len(masters)} masters again, bare ...", flush=True)
        bare = [encode_again(master, Path(scratch) / "bare.mp4", options.tier) for master in masters]
        result = findings(spent, bare, step_costs(out / "ledger"), options)
    print(line_of(result))
    if not options.dry:
        record(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU of a run over CPU of bare encodes of the same films.")
    parser.add_argument("--campaign", default="templates/sample", help="campaign to run (default: the sample)")
    parser.add_argument("--tier", default="final", help="encode tier that the campaign uses")
    parser.add_argument("--keep", help="write the run into this empty folder and keep it")
    parser.add_argument("--dry", action="store_true", help="print, record nothing")
    options = parser.parse_args()
    if options.keep and Path(options.keep).is_dir() and any(Path(options.keep).iterdir()):
        parser.error(f"{options.keep} is not empty: the ledger of a bench starts empty")
    return options


def run_campaign(campaign: Path, out: Path) -> Spent:
    """The real command line, with its own ledger and without anybody's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPOTMILL_")}
    environment["SPOTMILL_LEDGER"] = str(out / "ledger")
    command = [sys.executable, "-m", "flows", "run", str(campaign), "--out", str(out)]
    return run_and_measure(command, folder=ROOT, environment=environment, deadline_seconds=RUN_DEADLINE_SECONDS)


def step_costs(ledger: Path) -> dict[str, tuple[int, float]]:
    """Kind of step -> how many were made and their CPU seconds together, as the ledger's markers say."""
    costs: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for marker in sorted((ledger / "steps").glob("*/*/*/done.json")):
        found = json.loads(marker.read_text("utf-8"))
        count, seconds = costs[found["kind"]]
        costs[found["kind"]] = count + 1, seconds + found["cpu_seconds"]
    return {kind: costs[kind] for kind in sorted(costs, key=lambda kind: (*KINDS, kind).index(kind))}


def findings(
    spent: Spent, bare: Sequence[Bare], steps: Mapping[str, tuple[int, float]], options: argparse.Namespace
) -> dict[str, object]:
    """Everything that is recorded."""
    encode = sum(one.cpu_seconds for one in bare)
    made = sum(seconds for _, seconds in steps.values())
    megapixels = sum(one.size.width_px * one.size.height_px * one.frames for one in bare) / 1e6
    rest = {kind: round(seconds, 2) for kind, (_, seconds) in steps.items() if kind != "master"}
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "campaign": str(options.campaign),
        "tier": options.tier,
        "ratio": round(spent.cpu_seconds / encode, 3),
        "run_cpu_seconds": round(spent.cpu_seconds, 2),
        "bare_encode_cpu_seconds": round(encode, 2),
        "run_wall_seconds": round(spent.wall_seconds, 1),
        "counts_orphans": spent.counts_orphans,
        "masters": len(bare),
        "frames": sum(one.frames for one in bare),
        "bare_encode_ms_per_megapixel": round(1000 * encode / megapixels, 2),
        "where_the_rest_goes": {
            "drawing and decoding in masters": round(steps.get("master", (0, 0.0))[1] - encode, 2),
            **rest,
            "orchestration, start-up, checks, report": round(spent.cpu_seconds - made, 2),
        },
        "steps_made": {kind: count for kind, (count, _) in steps.items()},
        "machine": {**machine(), **_encoders(bare)},
    }


def _encoders(bare: Sequence[Bare]) -> dict[str, str]:
    from generation.media.ffmpeg import ffmpeg_version

    x264, options = bare[0].x264.split(" options:", 1)
    return {"ffmpeg": ffmpeg_version(), "pyav": version("av"), "x264": x264, "x264_options": options.strip()}


def _commit() -> str:
    """The commit measured, with a plus sign when the tree had changes of its own."""
    git = shutil.which("git")
    try:
        if git is None:
            return "unknown"
        head = subprocess.check_output([git, "rev-parse", "--short=10", "HEAD"], cwd=ROOT, text=True)
        changed = subprocess.check_output([git, "status", "--porcelain", "--", *PRODUCT], cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.strip() + ("+" if changed else "")


def line_of(result: Mapping[str, object]) -> str:
    """The result as one row of README.md's table."""
    about, rest = result["machine"], result["where_the_rest_goes"]
    assert isinstance(about, dict)
    assert isinstance(rest, dict)
    parts = ", ".join(f"{name} {seconds:.0f}" for name, seconds in rest.items() if seconds >= 0.5)
    on = f"{about['cores']} × {about['cpu']}, Python {about['python']}, ffmpeg {about['ffmpeg']}, x264 {about['x264']}"
    return (
        f"| {str(result['measured_at'])[:10]} | {result['commit']} | {result['masters']} / {result['frames']} "
        f"| {result['run_cpu_seconds']} | {result['bare_encode_cpu_seconds']} | **{result['ratio']}** "
        f"| {result['run_wall_seconds']} | {parts} | {on} |"
    )


def record(result: Mapping[str, object], folder: Path = HERE) -> Path:
    """Write `results/<date>.json` (a second one of a day gets a number) and append the table's line."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    path, number = folder / "results" / f"{day}.json", 1
    while path.exists():
        number += 1
        path = folder / "results" / f"{day}-{number}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", "utf-8")
    readme = folder / "README.md"
    readme.write_text(f"{readme.read_text('utf-8').rstrip()}\n{line_of(result)}\n", "utf-8")
    print(f"recorded in {path.relative_to(folder.parent)} and {readme.relative_to(folder.parent)}")
    return path


if __name__ == "__main__":
    main()
