"""Puts finished pictures and finished sound into one delivery file, without touching either stream.

Constant frame spacing, first picture at 0, index in front, no edit list (YouTube and Meta ask for that), no metadata
but language and title, and the same bytes from the same inputs. The sound is heard 21 ms late, its encoder's delay,
which an edit list would otherwise hide; broadcasters allow 60. Does not know placements or loudness.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import ffmpeg

from generation.errors import BadMedia
from generation.media.ffmpeg import file_url, run, source
from generation.media.language import iso_639_2

_TITLE_MAX_CHARACTERS = 200


def mux_delivery(
    video: Path,
    audio: Path | None,
    path: Path,
    *,
    language: str,
    title: str,
    deadline_seconds: float | None = None,
) -> None:
    """Write `path` from the pictures of `video` and the sound of `audio` (None: a silent film); streams are copied.

    `language` is a BCP 47 tag; `title` is the brand's, control characters are dropped. After an error no file is left.

    Raises: BadMedia when an input is missing; ToolFailed, ToolTimedOut; ValueError for an unknown language.
    """
    tags = _tags(language, title, sound=audio is not None)
    streams = [source(_present(video)).video]
    if audio is not None:
        # Its edit list hides the encoder's delay and may not be written again: read plainly, the sound begins at 0.
        streams.append(source(_present(audio), ignore_editlist=1).audio)
    output = ffmpeg.output(
        *streams,
        file_url(path),
        format="mp4",
        codec="copy",
        movflags="+faststart+negative_cts_offsets",
        use_editlist=0,
        map_metadata=-1,
        map_chapters=-1,
        fflags="+bitexact",
        **tags,
    )
    try:
        run(output.global_args("-xerror"), deadline_seconds=deadline_seconds)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _present(path: Path) -> Path:
    if not path.is_file():
        raise BadMedia(f"{path.name}: there is no such file to put into a delivery")
    return path


def _tags(language: str, title: str, *, sound: bool) -> dict[str, str]:
    tags = {}
    if sound:
        tags["metadata:s:a:0"] = f"language={iso_639_2(language)}"
    plain = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in title)
    if plain := plain.strip()[:_TITLE_MAX_CHARACTERS]:
        tags["metadata"] = f"title={plain}"
    return tags
