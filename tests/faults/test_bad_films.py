"""Films and tools that are not what they should be: nothing of it is signed or delivered, and the next run is whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flows.ledger import Ledger
from generation.media.ffmpeg import VARIABLE, find_ffmpeg
from tests.faults.ending import Ending
from tests.faults.runs import Made, causes, films, half_written, lines
from tests.flows.small import run


def wrapper(path: Path, body: str) -> Path:
    """A program in ffmpeg's place, as a user may name one: `body` is shell, with $real, and the last file as $film."""
    named = 'for word; do case "$word" in file:*) film="${word#file:}";; esac; done'
    path.write_text(f'#!/bin/sh\nreal="{find_ffmpeg()}"\n{named}\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def again(options: str) -> str:
    """Shell that puts the film through ffmpeg once more; nothing but these options is to be seen in it."""
    same = "-threads 1 -g 60 -movflags +faststart+negative_cts_offsets -use_editlist 0"
    return f'"$real" -v error -y -i "$film" {options} {same} "$film.x.mp4"; mv "$film.x.mp4" "$film"'


#: What happens to a film that ffmpeg has just joined with its sound.
SPOILT = {
    "truncated": 'truncate -s -20000 "$film"',
    "with holes": 'dd if=/dev/zero of="$film" bs=1000 seek=60 count=30 conv=notrunc 2>/dev/null',
    "black": again("-vf drawbox=t=fill:c=black -c:a copy"),
    "silent": again("-af volume=0 -c:v copy"),
    "another size": again("-vf scale=540:540 -c:a copy"),
}
QUICK = ("truncated", "with holes")
#: Only where two inputs are copied into one film: the call that makes a delivery.
MUX = 'case "$*" in *faststart*) {spoil};; esac'


@pytest.mark.fault(12, "a film that is truncated, has holes, is black, silent or of another size when it is finished")
@pytest.mark.parametrize(
    "spoilt", [*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SPOILT if one not in QUICK)]
)
def test_a_film_that_is_not_what_it_should_be_is_neither_signed_nor_delivered(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending, spoilt: str
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    program = wrapper(tmp_path / "ffmpeg", f'"$real" "$@" || exit $?\n{MUX.format(spoil=SPOILT[spoilt])}')
    monkeypatch.setenv(VARIABLE, str(program))
    assert run(undisturbed.campaign, out, rows="1").summary.counts == {"failed": 1}
    said = causes(out)
    assert {line["code"] for line in lines(out)} == {"check_failed"}
    assert list((out / "Small").rglob("*.mp4")) == []
    assert not Ledger(out / ".ledger").keys("delivery"), "it was signed"
    monkeypatch.delenv(VARIABLE)
    run(undisturbed.campaign, out)
    ended.failed(said, films(out), undisturbed.films)


@pytest.mark.fault(13, "ffmpeg writes fifty megabytes of messages while it works")
def test_a_flood_of_messages_changes_nothing(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    flood = 'case "$*" in *-version*) ;; *) yes "what a flood" | head -c 50000000 >&2;; esac'
    monkeypatch.setenv(VARIABLE, str(wrapper(tmp_path / "ffmpeg", f'{flood}\nexec "$real" "$@"')))
    run(undisturbed.campaign, out)
    ended.complete(films(out), undisturbed.films)


@pytest.mark.fault(13, "ffmpeg reports success and leaves no film, an empty one, or garbage")
@pytest.mark.parametrize(
    "left",
    [
        'head -c 90000 /dev/urandom > "$film"',
        *(pytest.param(left, marks=pytest.mark.slow) for left in ("true", ': > "$film"')),
    ],
    ids=["garbage", "nothing", "an empty one"],
)
def test_a_success_without_a_film_is_a_failed_line(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending, left: str
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    body = f'case "$*" in *faststart*) {left}; exit 0;; esac\nexec "$real" "$@"'
    monkeypatch.setenv(VARIABLE, str(wrapper(tmp_path / "ffmpeg", body)))
    assert run(undisturbed.campaign, out, rows="1").summary.counts == {"failed": 1}
    said = causes(out)
    assert {line["code"] for line in lines(out)} <= {"check_failed", "bad_media"}
    assert half_written(out) == []
    monkeypatch.delenv(VARIABLE)
    run(undisturbed.campaign, out)
    ended.failed(said, films(out), undisturbed.films)


@pytest.mark.fault(13, "ffmpeg ends with an error of its own")
def test_an_error_of_the_program_is_quoted(
    undisturbed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path, "package", "delivery")
    body = 'case "$*" in *faststart*) echo "the moon is in the way" >&2; exit 69;; esac\nexec "$real" "$@"'
    monkeypatch.setenv(VARIABLE, str(wrapper(tmp_path / "ffmpeg", body)))
    assert run(undisturbed.campaign, out, rows="1").summary.counts == {"failed": 1}
    said = causes(out)
    assert "the moon is in the way" in said[0]
    monkeypatch.delenv(VARIABLE)
    run(undisturbed.campaign, out)
    ended.failed(said, films(out), undisturbed.films)
