"""Writes the notes of a bed: a mood, a length and a seed become notes and strokes with times.

The tempo is chosen so that whole bars fill the clip; the last bar is the home chord, left to ring. Knows no sound:
`instruments.py` plays what stands here. A new mood is a table in `moods.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio.harmony import bass_note, chord, spread, voice

STEPS = 16
#: The first beat waits this long: AAC tracks fade in over their first 21 ms.
FIRST_BEAT_SECONDS = 0.02
DRUMS = ("kick", "clap", "snap", "hat", "shaker")
_DRUM_LEVELS = {"X": 1.0, "x": 0.72, "o": 0.42}
#: Nobody plays on the grid: standard deviations of time and of level.
_LATE_SECONDS, _UNEVEN = 0.004, 0.07
_LEAD_LOWEST, _LEAD_HIGHEST = 72, 88
_SLOW_BAR_SECONDS = 2.3


@dataclass(frozen=True, slots=True)
class Mood:
    """One table of `moods.toml`; see the comments there."""

    name: str
    tempo_bpm: tuple[float, float]
    mode: str
    keys: tuple[int, ...]
    progressions: tuple[tuple[str, ...], ...]
    final: str
    swing: float
    reverb_seconds: float
    reverb_db: float
    voices: dict[str, str]
    patterns: dict[str, tuple[str, ...]]
    levels_db: dict[str, float]
    pump_db: float


@dataclass(frozen=True, slots=True)
class Note:
    """`part` plays a note (MIDI number; drums have 0) at a time, for a time, at a level of 0 to 1."""

    part: str
    at_seconds: float
    note: int
    seconds: float
    level: float


@dataclass(frozen=True, slots=True)
class Score:
    """All notes of a bed, in no particular order."""

    notes: tuple[Note, ...]
    bars: int
    bar_seconds: float


@cache
def moods() -> dict[str, Mood]:
    """All moods by name."""
    tables = tomllib.loads(Path(__file__).with_name("moods.toml").read_text(encoding="utf-8"))
    return {name: _read(name, dict(table)) for name, table in tables.items()}


def _read(name: str, table: dict[str, object]) -> Mood:
    parts = ("pad", "arp", "bass", "lead", *DRUMS)
    voices = {part: str(table.pop(key)) for part, key in _voice_keys().items() if key in table}
    levels = {part: float(str(table.pop(f"{part}_db"))) for part in parts if f"{part}_db" in table}
    patterns = {part: _texts(table.pop(part)) for part in parts if part in table}
    wrong = [line for lines in patterns.values() for line in lines if len(line) != STEPS]
    if wrong:
        raise ValueError(f"moods.toml, {name}: {wrong[0]!r} has {len(wrong[0])} steps, a bar has {STEPS}")
    low, high = _numbers(table.pop("tempo_bpm"))
    progressions = table.pop("progressions")
    assert isinstance(progressions, list)
    return Mood(
        name=name,
        tempo_bpm=(low, high),
        keys=tuple(int(key) for key in _numbers(table.pop("keys"))),
        progressions=tuple(_texts(one) for one in progressions),
        voices=voices,
        patterns=patterns,
        levels_db=levels,
        **table,  # type: ignore[arg-type]  # the plain numbers and texts; an unknown key is a TypeError
    )


def _voice_keys() -> dict[str, str]:
    return {"pad": "pad", "arp": "arp_voice", "lead": "lead_voice"}


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(one) for one in value)


def _numbers(value: object) -> tuple[float, ...]:
    assert isinstance(value, list)
    return tuple(float(one) for one in value)


def fill_bars(seconds: float, tempo_bpm: tuple[float, float], wanted_bpm: float) -> int:
    """How many bars of four beats fill the clip, at the tempo inside the range that is nearest to the wanted one.

    A clip too short for a whole bar in the range gets the nearest tempo outside.
    """
    low, high = tempo_bpm

    def distance(bars: int) -> tuple[float, float]:
        bpm = bars * 240.0 / seconds
        return max(0.0, low - bpm, bpm - high), abs(bpm - wanted_bpm)

    return min(range(1, max(2, int(high * seconds / 240.0) + 2)), key=distance)


def compose(mood: Mood, seconds: float, rng: np.random.Generator) -> Score:
    """Write a bed of that length. The same generator state gives the same notes."""
    low, high = mood.tempo_bpm
    bars = fill_bars(seconds - FIRST_BEAT_SECONDS, mood.tempo_bpm, float(rng.uniform(low, high)))
    writer = _Writer(mood, bars, (seconds - FIRST_BEAT_SECONDS) / bars, rng)
    return Score(tuple(writer.write()), bars, writer.bar_seconds)


class _Writer:
    """Writes part after part, bar after bar, from one generator."""

    def __init__(self, mood: Mood, bars: int, bar_seconds: float, rng: np.random.Generator) -> None:
        self.mood, self.bars, self.bar_seconds, self.rng = mood, bars, bar_seconds, rng
        key = int(rng.choice(mood.keys))
        progression = mood.progressions[int(rng.integers(len(mood.progressions)))]
        # A slow mood in a short film would have two chords in all: then they change twice in a bar.
        self.per_bar = 2 if bars <= 3 and bar_seconds > _SLOW_BAR_SECONDS else 1
        names = spread(progression, mood.final, (bars - 1) * self.per_bar + 1)
        self.chords = [chord(name, mood.mode, key) for name in names]
        self.voicings: list[tuple[int, ...]] = []
        for classes in self.chords:
            self.voicings.append(voice(classes, self.voicings[-1] if self.voicings else None))
        self.picked = {part: lines[int(rng.integers(len(lines)))] for part, lines in sorted(mood.patterns.items())}

    def write(self) -> Iterator[Note]:
        """All parts that the mood has."""
        if "pad" in self.mood.voices:
            yield from self._pad()
        yield from self._bass()
        yield from self._arp()
        if "lead" in self.mood.voices:
            yield from self._lead()
        for drum in DRUMS:
            if drum in self.picked:
                yield from self._drum(drum)

    def _at(self, bar: int, step: float) -> float:
        """Time of a step; every second one is late by the swing, and all by a little chance."""
        late = self.mood.swing if int(step) % 2 else 0.0
        grid = FIRST_BEAT_SECONDS + (bar + (step + late) / STEPS) * self.bar_seconds
        return max(FIRST_BEAT_SECONDS, grid + float(self.rng.normal(0.0, _LATE_SECONDS)))

    def _now(self, bar: int, step: int) -> int:
        """Which chord sounds at a step."""
        return min(bar * self.per_bar + step * self.per_bar // STEPS, len(self.chords) - 1)

    def _level(self, step: int, level: float = 1.0) -> float:
        accent = 1.0 if step % 4 == 0 else 0.86 if step % 2 == 0 else 0.74
        return float(np.clip(level * accent * (1.0 + self.rng.normal(0.0, _UNEVEN)), 0.05, 1.1))

    def _pad(self) -> Iterator[Note]:
        length = self.bar_seconds / self.per_bar
        for place, notes in enumerate(self.voicings):
            last = place == len(self.voicings) - 1
            for note in notes:
                # Held into the next one: chords cross-fade, and tones that both share hardly move.
                start = FIRST_BEAT_SECONDS + place * length
                seconds = (self.bar_seconds if last else length) + 0.5
                yield Note("pad", start, note, seconds, float(self.rng.uniform(0.9, 1.0)))

    def _bass(self) -> Iterator[Note]:
        for bar in range(self.bars):
            line = self.picked["bass"] if bar < self.bars - 1 else "r" + "." * (STEPS - 1)
            if self.per_bar == 2 and bar < self.bars - 1:
                line = line[: STEPS // 2] + "r" + line[STEPS // 2 + 1 :]
            marks = [(step, mark) for step, mark in enumerate(line) if mark != "."] + [(STEPS, "-")]
            for (step, mark), (until, _) in pairwise(marks):
                root = bass_note(self.chords[self._now(bar, step)])
                notes = {"r": root, "5": root + 7, "8": root + 12}
                if mark in notes:
                    seconds = max(0.12, (until - step) / STEPS * self.bar_seconds - 0.01)
                    yield Note("bass", self._at(bar, step), notes[mark], seconds, self._level(step))

    def _arp(self) -> Iterator[Note]:
        line = self.picked["arp"]
        for bar in range(max(1, self.bars - 1)):
            for step, mark in enumerate(line):
                if mark != ".":
                    voicing = self.voicings[self._now(bar, step)]
                    tones = [note + 12 * octave for octave in range(3) for note in voicing]
                    yield Note("arp", self._at(bar, step), tones[int(mark)] + 12, 0.0, self._level(step, 0.9))
        # The end: the home chord, rolled upwards.
        if self.bars > 1:
            for place, note in enumerate((*self.voicings[-1], self.voicings[-1][0] + 12)):
                yield Note("arp", self._at(self.bars - 1, place * 0.5), note + 12, 0.0, 0.85)

    def _lead(self) -> Iterator[Note]:
        """A tune: one rhythm throughout, each note a chord tone near the one before."""
        line, last = self.picked["lead"], int(self.rng.integers(76, 82))
        for bar in range(self.bars - 1):
            for step, mark in enumerate(line):
                if mark == ".":
                    continue
                classes = self.chords[self._now(bar, step)]
                tones = [note for note in range(_LEAD_LOWEST, _LEAD_HIGHEST + 1) if note % 12 in classes]
                near = sorted((tone for tone in tones if tone != last), key=lambda tone: (abs(tone - last), tone))[:3]
                last = near[int(self.rng.choice(len(near), p=(0.5, 0.3, 0.2)))]
                yield Note("lead", self._at(bar, step), last, 0.0, self._level(step, int(mark) / 9))
        home = [note for note in range(_LEAD_LOWEST, _LEAD_HIGHEST + 1) if note % 12 == self.chords[-1][0]]
        yield Note("lead", self._at(self.bars - 1, 0), min(home, key=lambda tone: abs(tone - last)), 0.0, 0.9)

    def _drum(self, drum: str) -> Iterator[Note]:
        line = self.picked[drum]
        # With four bars or more the first one is a lift: only what is light plays.
        first = 1 if self.bars >= 4 and drum in ("kick", "clap", "snap") else 0
        for bar in range(first, self.bars - 1):
            for step, mark in enumerate(line):
                if mark != ".":
                    yield Note(drum, self._at(bar, step), 0, 0.0, self._level(step, _DRUM_LEVELS[mark]))
        if drum == "kick":
            yield Note(drum, self._at(self.bars - 1, 0), 0, 0.0, 0.8)
