"""eSpeak NG: a hundred languages from one small package, plainly robotic. The draft voice.

The library is GPL-3.0-or-later, knows no threads and is not deterministic from one call to the next, so each
utterance has a child process of its own (`espeak_child.py`; 30 to 50 ms with start-up). Which languages there are is
read here from the data files, without loading anything.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import re
import signal
import subprocess
import sys
import wave
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from audio.errors import NotAvailable, NoVoice, VoiceFailed
from audio.spec import SAMPLE_RATE_HZ, Speech, Utterance
from audio.voices.contract import Voice, VoiceOptions
from audio.waveform import Samples, find_pauses, resample, trim_silence, write_wav
from audio.words import is_spoken, time_words

INSTALL = "pip install 'spotmill[espeak]'"
_CHILD = Path(__file__).with_name("espeak_child.py")
#: Tags whose voice has another name in eSpeak's data. The library itself would answer zh-HK with Mandarin.
_OTHER_NAMES = {"zh-hk": "yue", "zh-mo": "yue", "zh-hant-hk": "yue", "zh-hant-mo": "yue", "iw": "he", "in": "id"}
#: Regions that speak like a voice of another region: CLDR's parents for English and Spanish.
_AMERICAN_ENGLISH = frozenset({"ca", "ph", "pr", "us"})
_EUROPEAN_SPANISH = frozenset({"es", "ea", "ic", "gq", "ph"})
_KANJI = re.compile(r"[㐀-䶿一-鿿々]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_STDERR_BYTES = 600


class EspeakOptions(VoiceOptions):
    """How eSpeak NG sounds."""

    #: One of the library's variants: f1 to f5 and m1 to m8, or a name (Annie, steph, Mike); "" is the plain voice.
    variant: str = Field(default="", pattern=r"^[A-Za-z0-9_]{0,24}$")
    pitch: int = Field(default=50, ge=0, le=99)
    #: Words a minute at speed 1.0.
    words_per_minute: int = Field(default=165, ge=120, le=200)


def _installed() -> str:
    try:
        return importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _package() -> Path | None:
    """The folder of espeakng-loader, found without importing it; None when it is not installed."""
    found = importlib.util.find_spec("espeakng_loader")
    return Path(next(iter(found.submodule_search_locations))) if found and found.submodule_search_locations else None


@cache
def _voices(package: Path) -> dict[str, str]:
    """Language tag -> voice identifier (`en-us` -> `gmw/en-US`), the one with the best priority for each tag."""
    best: dict[str, tuple[int, str]] = {}
    folder = package / "espeak-ng-data" / "lang"
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        identifier = file.relative_to(folder).as_posix()
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["language"] and len(words) > 1:
                priority = int(words[2]) if len(words) > 2 and words[2].isdigit() else 5
                best[words[1].lower()] = min(best.get(words[1].lower(), (99, "")), (priority, identifier))
    return {tag: identifier for tag, (_, identifier) in best.items()}


def _candidates(locale: str) -> list[str]:
    """Tags to look for, the closest first: fr-CA -> fr-ca, fr."""
    tag = locale.replace("_", "-").lower()
    parts = tag.split("-")
    region = parts[-1] if len(parts) > 1 else ""
    wanted = [_OTHER_NAMES[tag]] if tag in _OTHER_NAMES else []
    wanted.append(tag)
    if parts[0] == "en" and region in _AMERICAN_ENGLISH:
        wanted.append("en-us")
    if parts[0] == "es" and region and region not in _EUROPEAN_SPANISH:
        wanted.append("es-419")
    wanted += ["-".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
    return [*wanted, _OTHER_NAMES.get(parts[0], parts[0])]


class EspeakVoice(Voice):
    """Speaks through `espeak_child.py`, one process for each utterance."""

    id: ClassVar[str] = "espeak"
    title: ClassVar[str] = "eSpeak NG (formant synthesis)"
    revision: ClassVar[str] = f"espeakng-loader {_installed()}, driver 1"
    licence: ClassVar[str] = "GPL-3.0-or-later (runs as a separate program; what it speaks is not covered)"
    quality: ClassVar[str] = "draft"
    needs: ClassVar[str] = INSTALL
    Options: ClassVar[type[VoiceOptions]] = EspeakOptions

    def __init__(self, *, deadline_seconds: float = 30.0, program: Path = _CHILD) -> None:
        self._deadline_seconds = deadline_seconds
        self._program = program

    def speaks(self, locale: str) -> bool:
        """Whether the installed data have a voice for the tag."""
        package = _package()
        return package is not None and self._find(package, locale) is not None

    @staticmethod
    def _find(package: Path, locale: str) -> str | None:
        voices = _voices(package)
        return next((voices[tag] for tag in _candidates(locale) if tag in voices), None)

    def speak(self, utterance: Utterance, path: Path) -> Speech:
        """See `Voice.speak`. Kanji are refused: the library would spell "Chinese letter" for each."""
        if not is_spoken(utterance.text):
            raise VoiceFailed(f"espeak found nothing to say in {utterance.text[:40]!r}")
        package = _package()
        if package is None:
            raise NotAvailable(f"the voice espeak is not installed: {INSTALL}")
        voice = self._find(package, utterance.locale)
        if voice is None:
            raise NoVoice(f"espeak has no voice for {utterance.locale!r}; `none` makes the film without voiceover")
        if voice == "jpx/ja" and _KANJI.search(utterance.text):
            raise NoVoice("espeak cannot read kanji; write the voiceover in kana, or choose a voice for Japanese")
        options = EspeakOptions.model_validate(dict(utterance.options))
        header, samples = self._run(self._order(package, voice, utterance, options), package)
        return _write(utterance, header, samples, path)

    def _order(self, package: Path, voice: str, utterance: Utterance, options: EspeakOptions) -> dict[str, object]:
        if not 0.5 <= utterance.speed <= 2.0:
            raise ValueError(f"speed {utterance.speed:g} is outside 0.5 to 2")
        if options.variant:
            if not (package / "espeak-ng-data" / "voices" / "!v" / options.variant).is_file():
                raise NoVoice(f"espeak has no variant {options.variant!r}; f1 to f5 and m1 to m8 are there")
            voice = f"{voice}+{options.variant}"
        return {
            "library": str(_library(package)),
            "voice": voice,
            # One space for each control character: a NUL would end the text early, and offsets must stay.
            "text": _CONTROL.sub(" ", utterance.text),
            "words_per_minute": round(options.words_per_minute * utterance.speed),
            "pitch": options.pitch,
            "seconds": self._deadline_seconds,
        }

    def _run(self, order: dict[str, object], package: Path) -> tuple[dict[str, Any], Samples]:
        """Run the child; nothing of it stays, whatever happens: it writes to a pipe and is killed at the deadline."""
        command = [sys.executable, "-I", "-S", str(self._program)]
        try:
            done = subprocess.run(
                command,
                input=json.dumps(order).encode(),
                capture_output=True,
                cwd=package,
                timeout=self._deadline_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            sentence = f"espeak did not finish within {self._deadline_seconds:g} s and was ended"
            raise VoiceFailed(sentence) from error
        if done.returncode:
            raise _failure(done.returncode, done.stderr)
        return _unpack(done.stdout)


def _library(package: Path) -> Path:
    name = {"win32": "espeak-ng.dll", "darwin": "libespeak-ng.dylib"}.get(sys.platform, "libespeak-ng.so")
    return package / name


def _failure(code: int, stderr: bytes) -> VoiceFailed | NoVoice:
    """A sentence for the way the child ended; a negative code is a signal."""
    said = stderr[-_STDERR_BYTES:].decode(errors="replace").strip()
    if code == 4:
        return NoVoice(said)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return VoiceFailed(f"espeak's process {how}" + (f": {said}" if said else ""))


def _unpack(output: bytes) -> tuple[dict[str, Any], Samples]:
    line, _, file = output.partition(b"\n")
    try:
        header = json.loads(line)
        with wave.open(io.BytesIO(file), "rb") as sound:
            pcm = sound.readframes(sound.getnframes())
    except (ValueError, wave.Error, EOFError) as error:
        raise VoiceFailed(f"espeak's process gave no sound ({error})") from error
    return header, np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768.0)


def _write(utterance: Utterance, header: dict[str, Any], samples: Samples, path: Path) -> Speech:
    """Resample, trim, time the words, write."""
    full, cut_seconds = trim_silence(resample(samples, int(header["sample_rate_hz"])))
    if not full.size:
        raise VoiceFailed(f"espeak found nothing to say in {utterance.text[:40]!r}")
    # Some voices reach full scale; resampling overshoots it by up to 1 dB.
    peak = float(np.abs(full).max())
    full = full * np.float32(min(1.0, 0.98 / peak))
    seconds = full.size / SAMPLE_RATE_HZ
    anchors = [
        (int(offset), max(0.0, milliseconds / 1000.0 - cut_seconds))
        for kind, offset, milliseconds in header["events"]
        if kind == "word"
    ]
    words = time_words(utterance.text, utterance.locale, anchors, seconds, find_pauses(full, 0.08))
    write_wav(path, full)
    return Speech(path=path, seconds=seconds, words=words, speed=utterance.speed)
