"""The bench counts what it says it counts."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bare_encode import OtherSettings, encode_again
from benchmarks.bench import line_of, record, step_costs
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import DELIVERY_FPS, Size

ROOT = Path(__file__).resolve().parent.parent

#: Leaves a daemon behind that burns half a second of CPU after its parent is gone.
ORPHANS = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < 0.5: pass"
subprocess.Popen([sys.executable, "-c", burn], start_new_session=True, stdout=subprocess.DEVNULL)
"""


def film(path: Path, tier: str) -> Path:
    rng = np.random.default_rng(1)
    size = Size(96, 64)
    with VideoWriter(path, size, DELIVERY_FPS, tier) as writer:
        for _ in range(12):
            writer.write(Planes(*(rng.integers(60, 180, s, dtype=np.uint8) for s in ((64, 96), (32, 48), (32, 48)))))
    return path


#: Forty processes of 20 ms, one after the other below a daemon: each is over before anybody looks at it.
SHORT = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as Ray's node does
if os.fork() == 0:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    import time
    for _ in range(40):
        child = os.fork()
        if child == 0:
            began = time.process_time()
            while time.process_time() - began < 0.02: pass
            os._exit(0)
        os.waitpid(child, 0)
    time.sleep(0.5)
    os._exit(0)
import time
time.sleep(4)
"""


def measured(program: str) -> tuple[float, bool, dict[str, float]]:
    # In a process of its own: adopting orphans and waiting for every child would disturb the other tests.
    measure = (
        "import os, sys; from pathlib import Path; from benchmarks.process_tree import run_and_measure\n"
        f"spent = run_and_measure([sys.executable, '-c', {program!r}], folder=Path('.'), environment=os.environ,\n"
        "                        deadline_seconds=60)\n"
        "import json; print(json.dumps([spent.cpu_seconds, spent.counts_orphans, dict(spent.by_program)]))"
    )
    ended = subprocess.run([sys.executable, "-c", measure], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    seconds, adopted, by_program = json.loads(ended.stdout)
    return seconds, adopted, by_program


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a process adopt orphans")
def test_the_cpu_of_a_daemon_that_outlives_its_parent_is_counted() -> None:
    seconds, adopted, by_program = measured(ORPHANS)
    assert adopted
    assert seconds >= 0.5
    assert sum(cpu for line, cpu in by_program.items() if "process_time() < 0.5" in line) >= 0.2
    assert sum(by_program.values()) <= seconds


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_cpu_of_programs_that_are_over_at_once_is_counted_once() -> None:
    seconds, *_ = measured(SHORT)
    assert 0.8 <= seconds < 1.4


def test_a_command_that_fails_is_not_a_measurement() -> None:
    measure = (
        "import os, sys; from pathlib import Path; from benchmarks.process_tree import run_and_measure\n"
        "run_and_measure([sys.executable, '-c', 'raise SystemExit(\"no such campaign\")'], folder=Path('.'),\n"
        "                environment=os.environ, deadline_seconds=60)"
    )
    ended = subprocess.run([sys.executable, "-c", measure], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0
    assert "no such campaign" in ended.stderr


def test_a_bare_encode_has_the_masters_frames_and_settings(tmp_path: Path) -> None:
    master = film(tmp_path / "master.mp4", "final")
    bare = encode_again(master, tmp_path / "bare.mp4", "final")
    assert (bare.size, bare.fps, bare.frames) == (Size(96, 64), Fraction(30000, 1001), 12)
    assert bare.cpu_seconds > 0
    assert len(list(read_frames(tmp_path / "bare.mp4"))) == 12
    assert "core " in bare.x264
    assert "subme=" in bare.x264


def test_a_master_of_another_tier_is_not_compared(tmp_path: Path) -> None:
    with pytest.raises(OtherSettings, match="like the final tier"):
        encode_again(film(tmp_path / "master.mp4", "preview"), tmp_path / "bare.mp4", "final")


def test_costs_are_added_by_kind_of_step(tmp_path: Path) -> None:
    for number, (kind, seconds) in enumerate([("master", 2.0), ("master", 3.0), ("footage", 1.5)]):
        folder = tmp_path / "steps" / kind / "ab" / f"ab{number}"
        folder.mkdir(parents=True)
        (folder / "done.json").write_text(json.dumps({"kind": kind, "cpu_seconds": seconds}))
    assert step_costs(tmp_path) == {"footage": (1, 1.5), "master": (2, 5.0)}


def test_a_second_result_of_a_day_does_not_replace_the_first(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("| table |\n")
    result: dict[str, object] = {
        "measured_at": "2026-01-02T00:00:00+00:00", "commit": "abc", "masters": 2, "frames": 10, "run_cpu_seconds": 3.0,
        "bare_encode_cpu_seconds": 2.0, "ratio": 1.5, "run_wall_seconds": 2.0, "where_the_rest_goes": {"plate": 0.7},
        "machine": {"cores": 2, "cpu": "X", "python": "3", "ffmpeg": "9", "x264": "core 165"},
    }  # fmt: skip
    first, second = record(result, tmp_path), record(result, tmp_path)
    assert first != second
    assert (tmp_path / "README.md").read_text().splitlines() == ["| table |", line_of(result), line_of(result)]
