"""The runner of the ffmpeg program: which one, what it may open, and that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import ffmpeg
import pytest

from generation.errors import NotAvailable, ToolFailed, ToolTimedOut
from generation.media.ffmpeg import (
    VARIABLE,
    ffmpeg_in_use,
    ffmpeg_version,
    file_url,
    find_ffmpeg,
    last_lines,
    run,
    source,
)
from tests.generation.test_media_frames import make_film

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def to_nowhere(stream: Any) -> Any:
    return ffmpeg.output(stream, "-", format="null")


def waiting_for(tmp_path: Path) -> tuple[Any, Path]:
    """A command line that waits for ever: its input is a FIFO that nobody writes."""
    fifo = tmp_path / "never_written.mp4"
    os.mkfifo(fifo)
    return to_nowhere(source(fifo)), fifo


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def processes_naming(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            except OSError:
                continue
            if word.encode() in words and alive:
                found.append(int(entry.name))
    return found


def wait_until(number: int, word: str) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := processes_naming(word)) != number and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_the_packaged_program_is_used_unless_another_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    packaged = ffmpeg_in_use()
    assert packaged.origin == "imageio-ffmpeg"
    assert "imageio_ffmpeg" in packaged.path.parts
    link = tmp_path / "my ffmpeg"
    link.symlink_to(packaged.path)
    monkeypatch.setenv(VARIABLE, str(link))
    assert (ffmpeg_in_use().origin, find_ffmpeg(), ffmpeg_version()) == (VARIABLE, link, packaged.version)


def test_neither_path_nor_another_packages_variable_choose_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    impostor = script(tmp_path / "ffmpeg", "echo ffmpeg version 0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(impostor))
    assert find_ffmpeg() != impostor


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "there is no ffmpeg program at"),
        (lambda path: path.mkdir(), "there is no ffmpeg program at"),
        (lambda path: path.write_text("text"), "is not executable"),
        (lambda path: script(path, "echo something else"), "does not answer -version"),
        (lambda path: script(path, "echo ffmpeg version 7.0; exit 3"), "does not answer -version"),
    ],
)
def test_a_wrongly_named_program_is_a_sentence_and_never_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Any, sentence: str
) -> None:
    make(tmp_path / "tool")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "tool"))
    with pytest.raises(NotAvailable, match=f"{VARIABLE}.*{sentence}"):
        find_ffmpeg()


@pytest.mark.parametrize(
    "name",
    [
        "tcp://127.0.0.1:9",
        "http://127.0.0.1:9/x.mp4",
        "concat:/a.mp4|/b.mp4",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "relative.mp4",
        "pipe:",
        "-",
        "file:relative.mp4",
    ],
)
def test_only_local_files_by_absolute_path_are_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="local files"):
        run(to_nowhere(ffmpeg.input(name, protocol_whitelist="file,pipe")), deadline_seconds=5)
    film = source(make_film(tmp_path / "film.mp4", frames=2))
    with pytest.raises(ValueError, match="local files"):
        run(ffmpeg.output(film, name, codec="copy", format="mp4"), deadline_seconds=5)


def test_an_input_without_the_protocol_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="protocols"):
        run(to_nowhere(ffmpeg.input(file_url(tmp_path / "film.mp4"))), deadline_seconds=5)


@pytest.mark.parametrize("name", ["tcp:127.0.0.1:9", "http:__x", "concat:a|b", "-i.mp4", "50%d.mp4"])
def test_a_file_called_like_a_protocol_is_only_a_file(tmp_path: Path, name: str) -> None:
    film = make_film(tmp_path / name, frames=3)
    run(to_nowhere(source(film)), deadline_seconds=30)
    film.unlink()
    with pytest.raises(ToolFailed, match="No such file"):
        run(to_nowhere(source(film)), deadline_seconds=30)


def test_a_playlist_named_mp4_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile http://127.0.0.1:9/x.mp4\n")
    with pytest.raises(ToolFailed, match="Invalid data"):
        run(to_nowhere(source(tmp_path / "list.mp4")), deadline_seconds=30)


def test_a_failure_carries_the_end_of_stderr(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"exit code \d+: .*missing\.mp4.*No such file"):
        run(to_nowhere(source(tmp_path / "missing.mp4")), deadline_seconds=30)
    answer = run(to_nowhere(source(tmp_path / "missing.mp4")), deadline_seconds=30, failure_is_answer=True)
    assert answer.exit_code > 0


def test_quoted_lines_hold_nothing_that_differs_from_run_to_run() -> None:
    assert last_lines("a\n\n[h264 @ 0x55d0ab12] bad\n", 2) == "a | [h264] bad"
    assert last_lines("") == "it wrote nothing to stderr"


@pytest.mark.fault(13, "an ffmpeg that waits for a FIFO")
@needs_proc
def test_a_hanging_ffmpeg_is_ended_at_its_deadline(tmp_path: Path) -> None:
    stream, fifo = waiting_for(tmp_path)
    with pytest.raises(ToolTimedOut, match=r"after 0\.5 s"):
        run(stream, deadline_seconds=0.5)
    assert processes_naming(str(fifo)) == []


@pytest.mark.fault(13, "a wrapper whose child hangs")
@needs_proc
def test_a_child_of_a_wrapper_script_ends_with_its_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The wrapper leaves at SIGTERM; what it started does not.
    marker = f"{tmp_path}/endless"
    script(tmp_path / "endless", "trap '' TERM; while :; do sleep 0.2; done")
    wrapper = script(
        tmp_path / "wrapper",
        f'[ "$1" = -version ] && echo "ffmpeg version 1" && exit\ntrap "exit 1" TERM\n{marker} &\nwait',
    )
    monkeypatch.setenv(VARIABLE, str(wrapper))
    with pytest.raises(ToolTimedOut):
        run(to_nowhere(source(tmp_path / "film.mp4")), deadline_seconds=0.5)
    assert wait_until(0, marker) == []


@needs_proc
def test_an_interrupted_caller_leaves_no_process(tmp_path: Path) -> None:
    stream, fifo = waiting_for(tmp_path)

    def interrupt() -> None:
        wait_until(1, str(fifo))
        time.sleep(0.5)  # the caller is past the start and waits: that is what is interrupted here
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(stream, deadline_seconds=60)
    thread.join()
    assert wait_until(0, str(fifo)) == []


@pytest.mark.fault(1, "kill -9 of a process while its ffmpeg runs")
@needs_proc
def test_kill_9_of_the_worker_ends_its_ffmpeg(tmp_path: Path) -> None:
    _, fifo = waiting_for(tmp_path)
    story = (
        "import sys, threading, ffmpeg; from pathlib import Path; from generation.media.ffmpeg import run, source\n"
        "go = lambda: run(ffmpeg.output(source(Path(sys.argv[-1])), '-', format='null'), deadline_seconds=60)\n"
        "threading.Thread(target=go).start()\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", story, str(fifo)], cwd=Path(__file__).parents[2])
    try:
        found = wait_until(2, str(fifo))
        assert len(found) == 2, "the worker and its ffmpeg"
        deadline = time.monotonic() + 20
        ours = next(pid for pid in found if pid != worker.pid)
        while Path(f"/proc/{ours}/exe").resolve() != find_ffmpeg().resolve() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        worker.kill()
        worker.wait()
    assert wait_until(0, str(fifo)) == []


@pytest.mark.fault(13, "an ffmpeg that floods its messages")
def test_a_flood_of_messages_neither_blocks_nor_fills_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    flood = script(
        tmp_path / "flood",
        '[ "$1" = -version ] && echo "ffmpeg version 1" && exit\n'
        'head -c 9000000 /dev/zero | tr "\\\\0" x >&2; echo end >&2',
    )
    monkeypatch.setenv(VARIABLE, str(flood))
    finished = run(to_nowhere(source(tmp_path / "film.mp4")), deadline_seconds=60)
    assert len(finished.stderr) == 4 << 20
    assert finished.stderr.endswith("xend\n")


def test_progress_and_the_message_after_it_are_two_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # ffmpeg ends its progress with a carriage return; a message that follows would hide behind it.
    tool = script(tmp_path / "tool", 'echo "ffmpeg version 1"\nprintf "frame= 7   \\r[blackdetect @ 0x1] black" >&2')
    monkeypatch.setenv(VARIABLE, str(tool))
    log = run(to_nowhere(source(tmp_path / "film.mp4")), deadline_seconds=60).stderr
    assert log.endswith("frame= 7   \n[blackdetect @ 0x1] black")


def test_a_report_file_asked_for_by_the_environment_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FFREPORT", f"file={tmp_path}/report.log")
    film = make_film(tmp_path / "film.mp4", frames=2)
    run(to_nowhere(source(film)), deadline_seconds=30, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_deadline_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leaves no time"):
        run(to_nowhere(source(tmp_path / "film.mp4")), deadline_seconds=0)
