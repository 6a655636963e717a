"""One utterance through eSpeak NG, as a program of its own: JSON in on stdin, JSON and a WAV file out on stdout.

Licence note: this program loads eSpeak NG, which is GPL-3.0-or-later, into its own process; this file with the library
is to be used under GPL-3.0-or-later. Spotmill never imports it and never loads the library: it starts this file with
the Python interpreter and exchanges text and bytes. It imports nothing of Spotmill and knows nothing about it.

In:  {"library", "voice", "text", "words_per_minute", "pitch", "seconds"}; started in the folder that holds
     `espeak-ng-data`, because the library refuses a data path of about 160 bytes and more, and "." is always short.
Out: one line {"sample_rate_hz", "events": [[kind, character offset, milliseconds], ...]}, then a mono 16-bit WAV file.
Exit codes: 0; 3 the library or its data do not load; 4 no such voice; 5 the synthesis failed. stderr has the sentence.
"""

from __future__ import annotations

import ctypes
import io
import json
import signal
import sys
import wave
from collections.abc import Callable
from typing import Any, NoReturn

_SYNCHRONOUS_MILLISECONDS_OF_SOUND = 200
_AUDIO_OUTPUT_SYNCHRONOUS = 2
#: Without this flag a wrong data path ends the whole process inside the library.
_INITIALIZE_DONT_EXIT = 0x8000
_CHARACTERS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE, _PITCH = 1, 3
_EVENT_END_OF_LIST, _KINDS = 0, {1: "word", 2: "sentence", 5: "end"}


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


class _Voice(ctypes.Structure):
    """The head of `espeak_VOICE`: what is read here."""

    _fields_ = [("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("identifier", ctypes.c_char_p)]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _refuse(code: int, sentence: str) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    raise SystemExit(code)


def _open(library_path: str) -> tuple[ctypes.CDLL, int]:
    """The library, initialised on the data in the current folder, and its sample rate."""
    try:
        library = ctypes.CDLL(library_path)
    except OSError as error:
        _refuse(3, f"the eSpeak NG library does not load: {error}")
    library.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
    rate_hz = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS, _SYNCHRONOUS_MILLISECONDS_OF_SOUND, b".", _INITIALIZE_DONT_EXIT
    )
    if rate_hz <= 0:
        _refuse(3, "the eSpeak NG data do not load: no readable espeak-ng-data beside the library")
    return library, int(rate_hz)


def _choose(library: ctypes.CDLL, voice: str) -> None:
    """Select a voice by its identifier (`gmw/en-US`, `gmw/en-US+f3`).

    The return code alone does not tell: an unknown variant is dropped with a 0, and after some refusals the voice of
    before stays selected. So the library is asked afterwards which voice it has.
    """
    code = library.espeak_SetVoiceByName(voice.encode())
    current = library.espeak_GetCurrentVoice()
    identifier = (current.contents.identifier or b"").decode() if current else ""
    if code != 0 or identifier != voice:
        _refuse(4, f"eSpeak NG has no voice {voice!r} (code {code}, it would speak with {identifier!r})")


def _collector(pcm: bytearray, events: list[tuple[str, int, int]]) -> Callable[..., int]:
    """The library's callback: keeps samples and the events that carry times."""

    def collect(samples: Any, count: int, event: Any) -> int:
        index = 0
        while event[index].type != _EVENT_END_OF_LIST:
            kind = _KINDS.get(event[index].type)
            if kind:
                # The library counts characters from 1.
                events.append((kind, max(0, event[index].text_position - 1), event[index].audio_position))
            index += 1
        if samples and count > 0:
            pcm.extend(ctypes.string_at(samples, count * 2))
        return 0

    return collect


def main() -> None:
    """Speak what stdin asks for."""
    order = json.load(sys.stdin)
    if hasattr(signal, "alarm"):
        # Ends this process even where the one that started it is gone.
        signal.alarm(int(order["seconds"]) + 1)
    library, rate_hz = _open(order["library"])
    _choose(library, order["voice"])
    library.espeak_SetParameter(_RATE, int(order["words_per_minute"]), 0)
    library.espeak_SetParameter(_PITCH, int(order["pitch"]), 0)
    pcm, events = bytearray(), list[tuple[str, int, int]]()
    callback = _Callback(_collector(pcm, events))
    library.espeak_SetSynthCallback(callback)
    text = order["text"].encode() + b"\0"
    code = library.espeak_Synth(text, len(text), 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None)
    if code != 0 or library.espeak_Synchronize() != 0:
        _refuse(5, f"eSpeak NG did not speak the text (code {code})")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(pcm))
    sys.stdout.buffer.write(json.dumps({"sample_rate_hz": rate_hz, "events": events}).encode() + b"\n" + out.getvalue())


if __name__ == "__main__":
    main()
