"""Music under the voice: beds made by code from a mood and a seed, and the user's own tracks cut to length.

A made bed belongs to whoever made it: there is no sample and no model in it. `score.py` writes the notes,
`instruments.py` has the sounds, `moods.toml` the moods. Knows no voice: `mix.py` ducks what is made here.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio import instruments
from audio.clips import fill
from audio.errors import BadAudio
from audio.media import decode
from audio.score import DRUMS, Mood, Note, Score, compose, moods
from audio.spec import SAMPLE_RATE_HZ
from audio.waveform import Samples, gain, smooth_number

FADE_OUT_SECONDS = 1.5
#: A user's track may hold this much; the rest of a longer file is not even decoded.
_LONGEST_TRACK_SECONDS = 600.0
_PEAK = 0.7
#: Share of each part that goes into the room; bass and kick stay dry so that they stay clear.
_SEND = {"pad": 0.5, "arp": 0.9, "lead": 1.2, "clap": 0.5, "snap": 0.4, "hat": 0.1, "shaker": 0.15}
#: Place between left (-1) and right (1).
_PAN = {"lead": 0.25, "hat": 0.3, "shaker": -0.35, "snap": -0.08}
_RISER_SECONDS, _RISER_DB, _IMPACT_DB = 1.2, -15.0, -9.0


def mood_names() -> tuple[str, ...]:
    """All moods, sorted."""
    return tuple(sorted(moods()))


def make_bed(seconds: float, mood: str, seed: int, cues: Sequence[float] = ()) -> npt.NDArray[np.float32]:
    """A piece of music of exactly that length, `(n, 2)` at 48 kHz, peak -3 dBFS, faded out over its last 1.5 s.

    Args:
        cues: seconds at which something is shown; a rising noise leads to each and a soft hit marks it.

    Raises: BadAudio for a mood that does not exist or a length that is not positive.
    """
    if mood not in moods():
        near = difflib.get_close_matches(mood, mood_names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(mood_names())}"
        raise BadAudio(f"there is no mood {mood!r}; {hint}")
    if seconds <= 0:
        raise BadAudio(f"a bed of {seconds:g} s cannot be made")
    # The mood's name is part of the seed: two moods of one campaign must not share their chance.
    rng = np.random.default_rng([seed % 2**63, zlib.crc32(mood.encode())])
    samples = round(seconds * SAMPLE_RATE_HZ)
    player = _Player(moods()[mood], samples, rng)
    player.play(compose(moods()[mood], seconds, rng))
    for cue in cues:
        player.mark(cue)
    return faded(_finished(player.sum()), fade_in_seconds=0.0)


def load_track(path: Path, seconds: float) -> npt.NDArray[np.float32]:
    """A user's track as a bed: looped with a cross-fade when it is shorter, trimmed, faded in and out.

    Raises: BadAudio when the file is no sound, silent, or too short to be looped.
    """
    track = decode(path, at_most_seconds=min(_LONGEST_TRACK_SECONDS, seconds + 5.0))
    if not track.size or float(np.abs(track).max()) < gain(-60.0):
        raise BadAudio(f"{path.name}: the track is silent")
    samples = round(seconds * SAMPLE_RATE_HZ)
    if len(track) < min(SAMPLE_RATE_HZ, samples):
        raise BadAudio(f"{path.name}: {len(track) / SAMPLE_RATE_HZ:.2f} s are too short to be looped; 1 s is the least")
    return faded(fill(track, samples), fade_in_seconds=0.02)


def faded(bed: npt.NDArray[np.float32], *, fade_in_seconds: float) -> npt.NDArray[np.float32]:
    """Ends at zero: a cosine over the last 1.5 s (a quarter of what is shorter than 6 s)."""
    out = bed.copy()
    down = min(round(FADE_OUT_SECONDS * SAMPLE_RATE_HZ), len(bed) // 4)
    up = min(round(fade_in_seconds * SAMPLE_RATE_HZ), len(bed) // 4)
    if down:
        out[-down:] *= (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, down, dtype=np.float32)))[:, None]
    if up:
        out[:up] *= np.linspace(0.0, 1.0, up, dtype=np.float32)[:, None]
    return out


class _Player:
    """Plays a score into one dry and one wet buffer."""

    def __init__(self, mood: Mood, samples: int, rng: np.random.Generator) -> None:
        # Generators of their own: a cue must not change the room, nor anything else, of the bed it marks.
        self._mood = mood
        self._rng, self._room_rng, self._cue_rng = rng.spawn(3)
        self._dry = np.zeros((samples, 2), np.float32)
        self._wet = np.zeros((samples, 2), np.float32)
        self._pitched: dict[tuple[str, int], Samples] = {}
        self._struck = {
            drum: [instruments.STRUCK[drum](self._rng) for _ in range(2)] for drum in DRUMS if drum in mood.patterns
        }

    def play(self, score: Score) -> None:
        """All parts; what is sustained breathes with the kick."""
        kicks = [note.at_seconds for note in score.notes if note.part == "kick"]
        for part in ("pad", "bass", "arp", "lead", *DRUMS):
            notes = [note for note in score.notes if note.part == part]
            if not notes:
                continue
            layer = np.zeros_like(self._dry)
            for index, note in enumerate(notes):
                self._add(layer, self._sound(note, index), note.at_seconds, note.level, self._pan(part, index))
            layer *= np.float32(gain(self._mood.levels_db[part]))
            if part in ("pad", "arp", "bass"):
                layer *= _pump(kicks, len(layer), self._mood.pump_db)[:, None]
            self._dry += layer
            if part in _SEND:
                self._wet += layer * np.float32(_SEND[part])

    def mark(self, cue_seconds: float) -> None:
        """A riser that ends at the cue, and a hit on it."""
        length = min(_RISER_SECONDS, cue_seconds)
        hit = instruments.impact(self._cue_rng)
        rise = instruments.riser(self._cue_rng, max(length, 0.2))
        if length >= 0.2:
            self._add(self._dry, rise, cue_seconds - length, gain(_RISER_DB), 0.0)
            self._add(self._wet, rise, cue_seconds - length, gain(_RISER_DB), 0.0)
        self._add(self._dry, hit, cue_seconds, gain(_IMPACT_DB), 0.0)

    def sum(self) -> Samples:
        """Dry and room together."""
        room = instruments.room(self._room_rng, self._mood.reverb_seconds)
        size = smooth_number(len(self._wet) + len(room))
        out = self._dry
        for channel in (0, 1):
            spectrum = np.fft.rfft(self._wet[:, channel], size) * np.fft.rfft(room[:, channel], size)
            echo = np.fft.irfft(spectrum, size)[: len(out)].astype(np.float32)
            out[:, channel] += np.float32(gain(self._mood.reverb_db)) * echo
        return out

    def _sound(self, note: Note, index: int) -> Samples:
        if note.part in self._struck:
            return self._struck[note.part][index % 2]
        if note.part == "bass":
            return instruments.bass(note.note, note.seconds)
        if note.part == "pad":
            return instruments.pad(self._mood.voices["pad"], note.note, note.seconds, float(self._rng.random()))
        voice = self._mood.voices[note.part]
        if (voice, note.note) not in self._pitched:
            self._pitched[voice, note.note] = instruments.PITCHED[voice](note.note)
        return self._pitched[voice, note.note]

    def _pan(self, part: str, index: int) -> float:
        return (0.32 if index % 2 else -0.32) if part == "arp" else _PAN.get(part, 0.0)

    @staticmethod
    def _add(buffer: Samples, sound: Samples, at_seconds: float, level: float, pan: float) -> None:
        """Add a sound where it belongs; what reaches beyond the end is under the fade-out and left out."""
        start = round(at_seconds * SAMPLE_RATE_HZ)
        stop = min(len(buffer), start + len(sound))
        if start >= stop:
            return
        piece = sound[: stop - start]
        if piece.ndim == 2:
            buffer[start:stop] += piece * np.float32(level)
            return
        angle = (pan + 1.0) * np.pi / 4.0
        buffer[start:stop, 0] += piece * np.float32(level * np.cos(angle) * np.sqrt(2.0))
        buffer[start:stop, 1] += piece * np.float32(level * np.sin(angle) * np.sqrt(2.0))


def _pump(kicks: Sequence[float], samples: int, depth_db: float) -> Samples:
    """Gain that gives way to each kick and comes back within a third of a second."""
    curve = np.zeros(samples, np.float32)
    length = round(0.36 * SAMPLE_RATE_HZ)
    t = np.arange(length, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
    # 12 ms down, so that the dip itself does not click.
    dip = np.minimum(t / np.float32(0.012), 1.0) * np.exp(-t / np.float32(0.11)) * np.float32(depth_db)
    for kick in kicks:
        start = round(kick * SAMPLE_RATE_HZ)
        stop = min(samples, start + length)
        if start < stop:
            curve[start:stop] = np.maximum(curve[start:stop], dip[: stop - start])
    return np.asarray(10.0 ** (-curve / 20.0), np.float32)


def _finished(bed: Samples) -> Samples:
    """Without what nobody hears below 30 Hz, at a peak of -3 dBFS."""
    size = smooth_number(len(bed) + SAMPLE_RATE_HZ // 4)
    frequency = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    shape = (1.0 / (1.0 + (30.0 / np.maximum(frequency, 0.1)) ** 6)).astype(np.float32)
    out = np.stack([np.fft.irfft(np.fft.rfft(bed[:, channel], size) * shape, size) for channel in (0, 1)], axis=1)
    out = out[: len(bed)].astype(np.float32)
    return np.asarray(out * np.float32(_PEAK / max(float(np.abs(out).max()), 1e-9)), np.float32)
