"""What lies on the disk is damaged: nothing is believed that is not whole, and the next run puts it right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import cli
from flows.ledger import MARKER, Ledger
from flows.publish import publish
from tests.faults.ending import Ending
from tests.faults.runs import Made, films, finished_steps, half_written, lines
from tests.flows.small import run

MARKERS: dict[str, Callable[[bytes], bytes]] = {
    "half written": lambda text: text[: len(text) // 2],
    "empty": lambda text: b"",
    "zeros, as after a power cut": lambda text: bytes(len(text)),
    "null": lambda text: b"null",
    "a list": lambda text: b"[]",
    "without facts": lambda text: json.dumps({"files": json.loads(text)["files"]}).encode(),
    "files that are none": lambda text: json.dumps({**json.loads(text), "files": ["video.mp4"]}).encode(),
}


@pytest.mark.fault(22, "markers of finished steps are half written, empty, zeroed, or no markers at all")
def test_a_step_whose_marker_is_damaged_is_made_again(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    damages = iter(MARKERS.values())
    out = undisturbed.copy(tmp_path)
    chosen = [path for kind in ("package", "voice", "track", "delivery") for path in markers(out, kind)]
    for path, damage in zip(chosen, damages, strict=False):
        path.write_bytes(damage(path.read_bytes()))
    assert next(damages, None) is None, "every damage was done"
    work = run(undisturbed.campaign, out)
    assert work.summary.counts == {"done": 2}
    made = {name: count for name, count in work.summary.made.items() if count}
    ended.complete(films(out), undisturbed.films, steps_made_again=sum(made.values()))
    assert set(made) <= {"package", "voice", "track", "mix", "delivery"}


def markers(out: Path, kind: str) -> list[Path]:
    return sorted((out / ".ledger" / "steps" / kind).rglob(MARKER))


@pytest.mark.fault(22, "files of finished steps are gone, shortened or folders; rubbish lies in the ledger")
def test_a_step_whose_files_are_damaged_is_made_again(undisturbed: Made, tmp_path: Path, ended: Ending) -> None:
    out = undisturbed.copy(tmp_path)
    one, two = (path.parent / "video.mp4" for path in markers(out, "package"))
    one.unlink()
    two.write_bytes(two.read_bytes()[:1000])
    sound = markers(out, "track")[0].parent / "track.m4a"
    sound.unlink()
    sound.mkdir()
    (out / ".ledger" / "steps" / "package" / "rubbish").write_text("not ours")
    (out / ".ledger" / "steps" / "package" / "zz").mkdir()
    for path in markers(out, "delivery"):
        (path.parent / "video.mp4").unlink()
    work = run(undisturbed.campaign, out)
    assert work.summary.counts == {"done": 2}
    ended.complete(films(out), undisturbed.films, steps_made_again=sum(work.summary.made.values()))


@pytest.mark.fault(22, "the results: tables cut short or gone, films shortened, facts that are none")
def test_damaged_results_are_written_anew_without_making_anything(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path)
    home, before = out / "Small", finished_steps(out)
    (home / "results.csv").write_bytes((home / "results.csv").read_bytes()[:300])
    (home / "manifest.json").unlink()
    one, two = sorted(home.glob("*/*.mp4"))
    one.write_bytes(one.read_bytes()[:5000])
    two.unlink()
    for path in home.glob("*/x_square.json"):
        path.write_text('{"sha256": ')
    (home / "events.jsonl").write_text('{"half a line')
    assert CliRunner().invoke(cli.commands, ["status", str(home)]).exit_code != 0
    run(undisturbed.campaign, out)
    assert finished_steps(out) == before
    ended.complete(films(out), undisturbed.films, steps_made_again=0)
    assert len(lines(out)) == 2
    assert half_written(out) == []


def flipped(path: Path) -> None:
    """One bit of the pictures becomes another; the size stays."""
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data)


@pytest.mark.fault(16, "a bit of a delivered film is flipped after it was signed")
def test_a_changed_film_is_named_and_the_next_run_puts_the_true_one_back(
    undisturbed: Made, tmp_path: Path, ended: Ending
) -> None:
    out = undisturbed.copy(tmp_path)
    film = sorted((out / "Small").glob("*/*.mp4"))[0]
    flipped(film)
    answer = CliRunner().invoke(cli.commands, ["verify", str(film), "--ledger", str(out / ".ledger")])
    assert answer.exit_code == cli.SOME_FAILED
    said = answer.output.splitlines()[0].split(": ", 1)[-1]
    assert "changed" in said
    run(undisturbed.campaign, out)
    again = CliRunner().invoke(cli.commands, ["verify", str(film), "--ledger", str(out / ".ledger")])
    assert again.exit_code == cli.ALL_DONE, again.output
    ended.failed([said], films(out), undisturbed.films)


@pytest.mark.fault(16, "a signed film in the ledger has other bytes, or was re-packed without its statement")
@pytest.mark.parametrize("how", ["a bit", "re-packed"])
def test_a_film_that_is_not_the_one_of_the_results_is_not_published_and_is_made_again(
    undisturbed: Made, tmp_path: Path, ended: Ending, how: str
) -> None:
    from tests.generation.signing import ffmpeg

    out = undisturbed.copy(tmp_path)
    ledger = Ledger(out / ".ledger")
    film = markers(out, "delivery")[0].parent / "video.mp4"
    if how == "a bit":
        flipped(film)
    else:
        size = film.stat().st_size
        ffmpeg("-i", film, "-c", "copy", tmp_path / "packed.mp4")
        packed = (tmp_path / "packed.mp4").read_bytes()
        film.write_bytes(packed + bytes(size - len(packed)))  # as long as before: only its bytes tell
    (refusal,) = publish(out / "Small", tmp_path / "to", ledger).refused
    assert refusal.code == "bytes_changed"
    assert len(list((tmp_path / "to").rglob("*.mp4"))) == 1
    work = run(undisturbed.campaign, out)
    assert {line["status"] for line in lines(out)} <= {"done", "published"}
    assert not publish(out / "Small", tmp_path / "to", ledger).refused
    ended.failed([refusal.sentence()], films(out), undisturbed.films, steps_made_again=sum(work.summary.made.values()))
