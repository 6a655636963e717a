"""The disk is full, or memory does not suffice: a failed line or a sentence, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.model import BadInput
from generation.engines.animatic.engine import Animatic
from tests.faults.ending import Ending
from tests.faults.runs import Made, causes, films, finished_steps, half_written, lines, run_with
from tests.flows.small import run

Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Makes a file system of so many bytes at PATH/disk, or of another size when called again."""
    mount = tmp_path / "disk"

    def make(size: int) -> Path:
        new = not mount.exists()
        mount.mkdir(exist_ok=True)
        how = f"size={size}" if new else f"remount,size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", mount], capture_output=True, check=False)
        if done.returncode:
            mount.rmdir()
            pytest.skip(f"mount is not permitted here: {done.stderr.decode().strip()}")
        return mount

    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root")
    yield make
    if mount.exists():
        subprocess.run(["umount", mount], check=True)


def size_of(folder: Path) -> int:
    """Bytes that a folder takes on a tmpfs: whole pages, and one for each folder to be safe."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*"))


def size_of_films(out: Path) -> int:
    """What lies in the folders of the creatives."""
    return sum(size_of(folder) for folder in (out / "Small").iterdir() if folder.is_dir())


@pytest.mark.fault(7, "no space under the ledger while films are joined")
def test_a_full_disk_under_the_ledger(undisturbed: Made, tmp_path: Path, disk: Disk, ended: Ending) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    ledger = disk(size_of(out / ".ledger") + 330_000)  # one of the two films fits
    shutil.copytree(out / ".ledger", ledger / "ledger", copy_function=shutil.copy2)
    shutil.rmtree(out / ".ledger")
    work = run_with(undisturbed.campaign, out, ledger=str(ledger / "ledger"))
    said = causes(out)
    assert {line["code"] for line in lines(out)} <= {"", "no_space"}
    assert work.summary.counts["failed"] >= 1
    assert list((ledger / "ledger" / "work").iterdir()) == []
    disk(50_000_000)
    run_with(undisturbed.campaign, out, ledger=str(ledger / "ledger"))
    ended.failed(said, films(out, ledger / "ledger"), undisturbed.films, failed=work.summary.counts["failed"])


@pytest.mark.fault(7, "no space for temporary files, from the middle of the run on")
def test_a_full_disk_under_the_temporary_files(
    undisturbed: Made, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out, small = undisturbed.copy(tmp_path, "package", "delivery"), disk(16_384)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(small))
    monkeypatch.setattr(tempfile, "tempdir", str(small))  # chosen before it was full
    fill(small)
    run(undisturbed.campaign, out)
    said = causes(out)
    assert {line["code"] for line in lines(out)} == {"no_space"}
    assert half_written(out) == []
    assert [path.name for path in small.iterdir()] == ["full"]
    (small / "full").unlink()
    disk(50_000_000)
    run(undisturbed.campaign, out)
    ended.failed(said, films(out), undisturbed.films)


def fill(folder: Path) -> None:
    """Take the last byte."""
    with (folder / "full").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


@pytest.mark.fault(7, "no space under the results while films are brought there, and for the tables")
@pytest.mark.parametrize("room", ["none", "for one film", "not for the tables"])
def test_a_full_disk_under_the_results(undisturbed: Made, tmp_path: Path, disk: Disk, ended: Ending, room: str) -> None:
    out = undisturbed.copy(tmp_path, "delivery")
    size = {"none": 0, "for one film": 300_000, "not for the tables": size_of_films(undisturbed.out) + 16_000}[room]
    place = disk(size + 40_000)
    if not size:
        fill(place)
    ledger = {"ledger": str(out / ".ledger")}
    with pytest.raises(BadInput) as caught:
        run_with(undisturbed.campaign, place, **ledger)
    said = [problem.sentence() for problem in caught.value.problems]
    assert "no space" in said[0]
    assert half_written(place) == []
    films_before = list(place.rglob("*.mp4"))
    (place / "full").unlink(missing_ok=True)
    before = finished_steps(out)
    disk(50_000_000)
    run_with(undisturbed.campaign, place, **ledger)
    assert len(films_before) == {"none": 0, "for one film": 1, "not for the tables": 2}[room]
    if size:
        assert finished_steps(out).items() >= before.items(), "a finished step was made again"
    ended.failed(said, films(place, out / ".ledger"), undisturbed.films)


@pytest.mark.slow
@pytest.mark.fault(14, "one shot asks for more memory than there is, every time")
def test_a_shot_that_needs_too_much_memory_fails_alone(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out = tmp_path / "out"
    render = Animatic.render

    def hungry(self: Animatic, shots: Any, paths: Any) -> Any:
        if any("Blue" in shot.prompt for shot in shots):
            np.ones(1 << 52)  # what no machine has
        yield from render(self, shots, paths)

    monkeypatch.setattr(Animatic, "render", hungry)
    work = run(undisturbed.campaign, out)
    assert work.summary.counts == {"done": 1, "failed": 1}
    (failed,) = (line for line in lines(out) if line["code"])
    assert (failed["row_id"], failed["code"], failed["step"]) == ("blue", "out_of_memory", "footage")
    said = causes(out)
    assert films(out).items() <= undisturbed.films.items()
    monkeypatch.undo()
    run(undisturbed.campaign, out)
    ended.failed(said, films(out), undisturbed.films, neighbours_finished=1)
