"""What a platform does to an uploaded film, near enough to see what of its marks is left.

Platforms scale to 720 lines or fewer, encode hard and drop all metadata. Nothing of the copy is ever delivered.
"""

from __future__ import annotations

from pathlib import Path

import ffmpeg

from generation.media.ffmpeg import file_url, run, source
from generation.media.probe import probe

#: Short side, and constant rate factor: below what platforms serve on a good line.
SHORT_SIDE_PX = 720
CRF = 28


def encode_like_a_platform(film: Path, path: Path, *, deadline_seconds: float | None = None) -> None:
    """Write a copy of the pictures, scaled to 720 on the short side where they are larger, at x264 crf 28.

    Raises: BadMedia when the film cannot be read; ToolFailed, ToolTimedOut. Then no file is left.
    """
    video = probe(film).video
    size = video.size
    factor = min(1.0, SHORT_SIDE_PX / min(size.width_px, size.height_px))
    width, height = (2 * round(side * factor / 2) for side in (size.width_px, size.height_px))
    output = ffmpeg.output(
        source(film).video.filter("scale", width, height),
        file_url(path),
        format="mp4",
        vcodec="libx264",
        preset="veryfast",
        crf=CRF,
        threads=1,
        map_metadata=-1,
    )
    try:
        run(output.global_args("-xerror"), deadline_seconds=deadline_seconds, frames=video.frames)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
