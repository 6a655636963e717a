"""What the driver of a run needs for so many creatives: the real reading, planning, jobs, ledger, results and report.

Only the making is left out (`soak_crew.py`), and forcing files to the disk, which takes time and no memory. The notes
have the resident memory as the run goes on, and the CPU seconds of each part. Started by `soak.py` as a process of its
own: `python -m benchmarks.soak_memory CAMPAIGN OUT NOTES`
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.soak_crew import EmptyCrew
from benchmarks.soak_driver import Looks, resident_mib
from flows.order import Order
from flows.settings import load_settings
from flows.studio import Run

PARTS = ("read", "produce", "report")


def main() -> None:
    """Run, and write what was noted."""
    campaign, out, notes = map(Path, sys.argv[1:4])
    os.fsync = lambda handle: None  # type: ignore[assignment]
    settings = load_settings({"out": out}, {}, Path.cwd())
    cover = poster()
    run = Run(Order(campaign), settings, lambda: EmptyCrew(settings.ledger_folder, cover))
    looks = run.listener = Looks(100)
    clock = [time.process_time()]
    run.read()
    clock.append(time.process_time())
    for _ in run.produce():
        pass
    clock.append(time.process_time())
    after_produce = resident_mib()
    summary = run.report()
    clock.append(time.process_time())
    said = {
        "sentence": summary.sentence(),
        "planned": run.records.planned,
        "cpu_seconds": dict(zip(PARTS, (end - begin for begin, end in pairwise(clock)), strict=True)),
        "resident_after_produce_mib": after_produce,
        "resident_at_end_mib": resident_mib(),
        "looks": looks.taken,
        "bytes": {name: (run.folder / name).stat().st_size for name in ("results.csv", "report.html", "manifest.json")},
    }
    notes.write_text(json.dumps(said, indent=2), "utf-8")


def poster() -> bytes:
    """A cover of a draft's size with as much in it as a photograph has."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 255, (20, 12, 3)).astype("uint8")
    target = io.BytesIO()
    Image.fromarray(noise).resize((360, 640)).save(target, "JPEG", quality=50)
    return target.getvalue()


if __name__ == "__main__":
    main()
