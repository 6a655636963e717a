"""Caption files: SRT and WebVTT, UTF-8 without BOM. Knows no timing rules; `captions.py` makes the cues.

Own writers of a few lines: pysubs2 drops `{50%}` as a style override and leaves `&` and `<` bare in WebVTT.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from audio.spec import Cue

_RIGHT_TO_LEFT_MARK = "\u200f"
#: Invisible, and enough to keep a player from taking "<b>" or "{\an8}" in a text for its own marks.
_WORD_JOINER = "\u2060"
_LIKE_A_TAG = re.compile(r"<(?=[A-Za-z/!])|\{(?=\\)")


def write_srt(cues: Sequence[Cue], path: Path) -> None:
    """Write SubRip. It has no escapes: what a player could take for a tag is broken up by an invisible joiner."""
    blocks = []
    for number, cue in enumerate(cues, 1):
        lines = [_LIKE_A_TAG.sub(lambda match: match.group() + _WORD_JOINER, line) for line in _directed(cue)]
        text = "\n".join(lines).replace("-->", "→")
        blocks.append(f"{number}\n{_clock(cue.start_seconds, ',')} --> {_clock(cue.end_seconds, ',')}\n{text}\n")
    path.write_bytes("\n".join(blocks).encode())


def write_vtt(cues: Sequence[Cue], path: Path, locale: str) -> None:
    """Write WebVTT with the language in its header."""
    language = re.sub(r"[^A-Za-z0-9-]", "-", locale)
    blocks = [f"WEBVTT\nKind: captions\nLanguage: {language}\n"]
    for number, cue in enumerate(cues, 1):
        text = "\n".join(_directed(cue)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{number}\n{_clock(cue.start_seconds, '.')} --> {_clock(cue.end_seconds, '.')}\n{text}\n")
    path.write_bytes("\n".join(blocks).encode())


def _clock(seconds: float, mark: str) -> str:
    """`00:00:01,250`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def _directed(cue: Cue) -> tuple[str, ...]:
    """The lines; Arabic and Hebrew ones begin with a mark: a full stop and a Latin brand then stay in their places.

    Words are counted, not letters: "Spotmill" has more letters than the two Arabic words around it.
    """
    words = [
        {unicodedata.bidirectional(character) for character in word} for line in cue.lines for word in line.split()
    ]
    leftwards = sum(bool(kinds & {"R", "AL"}) for kinds in words)
    if not leftwards or leftwards < sum("L" in kinds for kinds in words):
        return cue.lines
    return tuple(_RIGHT_TO_LEFT_MARK + line for line in cue.lines)
