"""What Spotmill's marks outlive and what they cost, as a page of Markdown: `make trust-report`.

The invisible mark is drawn into five kinds of footage, the films are attacked (`trust_attacks.py`) and read without any
knowledge of the attack. A further section is a function from a folder for scratch files to lines, added to SECTIONS.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks import trust_credentials
from benchmarks.trust_attacks import ATTACKS, attack
from benchmarks.trust_footage import KINDS, footage
from generation.marks.invisible import get_mark
from generation.marks.invisible.contract import Reading
from generation.marks.invisible.pattern import waves_of
from generation.marks.invisible.residue import Residue
from generation.marks.invisible.search import Finder, Geometry
from generation.media.frames import VideoWriter
from generation.media.luma import luma_frames
from generation.spec import DELIVERY_FPS, Size

PAYLOAD = bytes.fromhex("c0ffee123456")
SIZE, FRAMES = Size(720, 1280), 150
#: The size and number of frames at which cost is measured.
COST_SIZE, COST_FRAMES = Size(1080, 1920), 180
CHANCE_KEYS, FULL_KEYS = 400, 2
DEADLINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    """One attack on one kind of footage."""

    kind: str
    attack: str
    reading: Reading
    right: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Film:
    """One kind of footage with and without the mark."""

    kind: str
    psnr_y: float
    plain_bytes: int
    marked_bytes: int
    quick: Reading
    quick_seconds: float


@dataclass(frozen=True, slots=True)
class Chance:
    """Scores of keys that a film was not marked with."""

    kind: str
    scores: list[float]
    full: list[Reading]


def write_film(kind: str, folder: Path, *, marked: bool, size: Size = SIZE, frames: int = FRAMES) -> tuple[Path, float]:
    """A film of the tier `final`, and PSNR-Y of what the mark changed."""
    path = folder / f"{kind}-{'marked' if marked else 'plain'}.mp4"
    writer, error = get_mark("spread").writer(size, DELIVERY_FPS, PAYLOAD), 0.0
    with VideoWriter(path, size, DELIVERY_FPS, "final") as video:
        for planes in footage(kind, size, frames, folder):
            if marked:
                clean = planes.y.astype(np.int16)
                writer.apply(planes)
                error += float(np.mean((planes.y - clean) ** 2.0)) / frames
            video.write(planes)
    return path, 10 * float(np.log10(255**2 / error)) if marked else 0.0


def measure(
    kind: str, attacks: Sequence[str], size: Size = SIZE, frames: int = FRAMES
) -> tuple[Film, list[Case], Chance]:
    """All there is to say about one kind of footage."""
    mark = get_mark("spread")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, _ = write_film(kind, folder, marked=False, size=size, frames=frames)
        marked, psnr = write_film(kind, folder, marked=True, size=size, frames=frames)
        began = time.process_time()
        quick = mark.read(marked, effort="quick", deadline_seconds=DEADLINE_SECONDS)
        seconds = time.process_time() - began
        film = Film(kind, psnr, plain.stat().st_size, marked.stat().st_size, quick, seconds)
        cases = [_case(kind, one, marked, folder) for one in attacks]
        return film, cases, _chance(kind, plain)


def _case(kind: str, name: str, film: Path, folder: Path) -> Case:
    attacked = attack(name, film, folder)
    began = time.process_time()
    reading = get_mark("spread").read(attacked, effort="full", deadline_seconds=DEADLINE_SECONDS)
    return Case(kind, name, reading, reading.payload == PAYLOAD, time.process_time() - began)


def _chance(kind: str, plain: Path) -> Chance:
    residue = Residue([(seconds, luma.copy()) for seconds, luma in luma_frames(plain)])
    picture = residue.turned_at(0)
    scores = [
        Finder(picture, residue.film_size, waves_of(_key(number))).look(Geometry(), place=(0.0, 0.0)).score
        for number in range(CHANCE_KEYS)
    ]
    mark = get_mark("spread")
    full = [
        mark.read(plain, key=_key(number), effort="full", deadline_seconds=DEADLINE_SECONDS)
        for number in range(FULL_KEYS)
    ]
    return Chance(kind, scores, full)


def _key(number: int) -> bytes:
    return hashlib.sha256(b"a key by chance" + number.to_bytes(4, "big")).digest()


def cost(folder: Path) -> tuple[float, float]:
    """CPU milliseconds of the mark and of the encode alone, for one frame of 1080x1920."""
    began = time.process_time()
    writer = get_mark("spread").writer(COST_SIZE, DELIVERY_FPS, PAYLOAD)
    marking, encoding = time.process_time() - began, 0.0
    with VideoWriter(folder / "cost.mp4", COST_SIZE, DELIVERY_FPS, "final") as video:
        for planes in footage("product", COST_SIZE, COST_FRAMES, folder):
            began = time.process_time()
            writer.apply(planes)
            marked = time.process_time()
            video.write(planes)
            marking, encoding = marking + marked - began, encoding + time.process_time() - marked
    return 1000 * marking / COST_FRAMES, 1000 * encoding / COST_FRAMES


def invisible_mark(
    folder: Path, kinds: Sequence[str] = KINDS, attacks: Sequence[str] = tuple(ATTACKS), workers: int = 2
) -> Iterator[str]:
    """The section about the invisible mark."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        measured = list(pool.map(measure, kinds, [attacks] * len(kinds)))
    films, cases, chances = ([one[part] for one in measured] for part in range(3))
    all_cases = [case for some in cases for case in some]
    yield "## Invisible mark"
    yield ""
    yield (
        f"`spread`, 48 bits, strength {get_mark('spread').default_strength:g}, {FRAMES} frames of {SIZE}, delivered as "
        f"x264 veryfast crf 17. **{sum(case.right for case in all_cases)} of {len(all_cases)}** attacked films were "
        "read."
    )
    yield ""
    yield from _films(films)
    yield from _attacks(kinds, attacks, all_cases)
    yield from _cost(folder)
    yield from _false_alarms(chances)


def _films(films: Sequence[Film]) -> Iterator[str]:
    yield "| footage | PSNR-Y | bytes without | with | more | quick reading: score | bits right | CPU s |"
    yield "|---|---|---|---|---|---|---|---|"
    for film in films:
        more = film.marked_bytes / film.plain_bytes - 1
        read = f"{film.quick.score:.1f} | {film.quick.agreement:.2f}" if film.quick.payload == PAYLOAD else "lost | "
        yield (
            f"| {film.kind} | {film.psnr_y:.1f} dB | {film.plain_bytes:,} | {film.marked_bytes:,} | {more:+.1%} | "
            f"{read} | {film.quick_seconds:.2f} |"
        )
    yield ""


def _attacks(kinds: Sequence[str], attacks: Sequence[str], cases: Sequence[Case]) -> Iterator[str]:
    threshold = max(case.reading.threshold for case in cases)
    yield (
        f"Score of the full, blind reading (at least {threshold:.2f} is needed), and the part of the code's signs "
        "that were right before correction. x264 preset medium, crf 28 unless something else is said."
    )
    yield ""
    yield f"| attack | {' | '.join(kinds)} |"
    yield "|---|" + "---|" * len(kinds)
    by = {(case.kind, case.attack): case for case in cases}
    for name in attacks:
        cells = (by[kind, name] for kind in kinds)
        yield f"| {name} | {' | '.join(_cell(case) for case in cells)} |"
    seconds = sorted(case.seconds for case in cases)
    yield ""
    yield (
        f"A full reading took {seconds[len(seconds) // 2]:.1f} CPU seconds in the middle, {seconds[-1]:.1f} at most."
    )
    yield ""


def _cell(case: Case) -> str:
    if not case.right:
        return f"**lost** ({case.reading.score:.1f})"
    return f"{case.reading.score:.1f} ({case.reading.agreement:.2f})"


def _cost(folder: Path) -> Iterator[str]:
    mark, encode = cost(folder)
    yield (
        f"Embedding took {mark:.2f} ms of CPU for a frame of {COST_SIZE} (moving footage), encoding alone {encode:.1f} "
        f"ms: {mark / encode:.1%} of it, less of a whole master."
    )
    yield ""


def _false_alarms(chances: Sequence[Chance]) -> Iterator[str]:
    mark = get_mark("spread")
    scores = np.array([score for chance in chances for score in chance.scores])
    full = [reading for chance in chances for reading in chance.full]
    read = sum(reading.payload is not None for reading in full)
    yield (
        f"**False alarms.** Stated: at most {mark.false_positive_bound:.0e} for one full reading; it is derived, not "
        "counted: for a key by chance a score above t has at each place at most the probability exp(-t²/2), and then "
        "a check of 24 bits must hold. Measured on unmarked films at the true place, "
        f"{len(scores)} pairs of film and key: mean {scores.mean():+.2f}, deviation {scores.std():.2f} (1 is chance), "
        f"highest {scores.max():.2f} (chance: {_chance_highest(len(scores)):.2f}). {len(full)} full readings of "
        f"unmarked films with strange keys: highest score {max(reading.score for reading in full):.2f}, {read} read. "
        "The public key is one fixed pattern: for it the bound holds as far as films do not depend on it."
    )
    yield ""


def _chance_highest(count: int) -> float:
    """About what the highest of so many normal values is."""
    return float(np.sqrt(2 * np.log(count)) - np.log(4 * np.pi * np.log(count)) / np.sqrt(8 * np.log(count)))


#: The page's sections, in order; each takes a folder for scratch files.
SECTIONS: tuple[Callable[[Path], Iterator[str]], ...] = (invisible_mark, trust_credentials.section)


def page() -> Iterator[str]:
    """The whole page, line by line."""
    yield "# What the marks outlive, and what they cost"
    yield ""
    yield f"Made by `make trust-report` on {date.today():%Y-%m-%d}: {_processor()}, Python {platform.python_version()}."
    yield ""
    for section in SECTIONS:
        with tempfile.TemporaryDirectory() as name:
            yield from section(Path(name))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def main() -> None:
    """Print the page, and write it where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="also write the page here")
    out: Path | None = parser.parse_args().out
    lines = []
    for line in page():
        lines.append(line)
        sys.stdout.write(line + "\n")
    if out:
        out.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    main()
