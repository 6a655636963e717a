"""Frames in and out of H.264 files, in this process, as YUV planes.

Drawing happens on BT.709 limited-range 4:2:0 planes (uint8), the values the encoder takes: no RGB per frame, and
x264 runs in the same process with one thread, because one worker per core fills a machine best. Does not know what
is drawn, nor sound. The only other files that touch PyAV or ffmpeg are its neighbours in this folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import av
import numpy as np
from numpy.typing import NDArray

from generation.errors import BadMedia
from generation.spec import Size

Plane = NDArray[np.uint8]

#: Two seconds at 30000/1001: the closed GOP that breaks no placement's rule (Facebook Reels wants 2-5 s).
GOP_FRAMES = 60


class Planes(NamedTuple):
    """One frame: `y` is (height, width), `u` and `v` are (height/2, width/2); uint8, BT.709 limited range."""

    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True, slots=True)
class Tier:
    """An encode setting: x264 preset, constant rate factor and further x264 parameters."""

    preset: str
    crf: float
    x264: str = ""


#: `final` equals `medium` crf 20 by SSIM at a third of its CPU; `intermediate` is what one step hands to the next.
TIERS = {
    "final": Tier("veryfast", 17.0),
    "archive": Tier("medium", 20.0),
    "preview": Tier("superfast", 23.0, "mbtree=1:rc-lookahead=10"),
    "intermediate": Tier("ultrafast", 12.0),
}


def new_frame(size: Size) -> tuple[av.VideoFrame, Planes]:
    """A frame of the encoder and views on its planes: what is drawn into the views is what gets encoded."""
    frame = av.VideoFrame(size.width_px, size.height_px, "yuv420p")
    # 1 is BT.709 and 1 is limited range in libavutil; untagged frames would be guessed as BT.601 by players.
    frame.colorspace = 1
    frame.color_range = 1
    return frame, views(frame)


def views(frame: av.VideoFrame) -> Planes:
    """Numpy views on the planes of a yuv420p frame, without the padding at the end of each line."""
    planes = []
    for index, shrink in enumerate((1, 2, 2)):
        plane = frame.planes[index]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        planes.append(rows[: frame.height // shrink, : frame.width // shrink])
    return Planes(*planes)


class VideoWriter:
    """Writes planes into an MP4 file, `with VideoWriter(path, size, fps) as writer: writer.write(planes)`.

    All sizes and rates are checked before the encoder starts. After an exception the partial file is removed.
    """

    def __init__(self, path: Path, size: Size, fps: Fraction, tier: str = "intermediate") -> None:
        if size.width_px % 2 or size.height_px % 2 or min(size.width_px, size.height_px) < 16:
            raise ValueError(f"{size}: H.264 4:2:0 needs even sides of at least 16 px")
        if fps <= 0:
            raise ValueError(f"frame rate {fps} is not positive")
        self.path, self.size, self.fps, self.frames = path, size, fps, 0
        self._settings = TIERS[tier]

    def __enter__(self) -> Self:
        self._container = av.open(str(self.path), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._container.add_stream("libx264", rate=self.fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = self.size.width_px, self.size.height_px, "yuv420p"
        stream.time_base = 1 / self.fps
        codec = stream.codec_context
        codec.thread_count = 1
        codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc = 1, 1, 1, 1
        stream.options = self._options()
        self._stream = stream
        return self

    def _options(self) -> dict[str, object]:
        settings = self._settings
        gop = f"keyint={GOP_FRAMES}:min-keyint={GOP_FRAMES}:scenecut=0:open-gop=0:bframes=2:threads=1"
        options: dict[str, object] = {"preset": settings.preset, "crf": f"{settings.crf:g}", "profile": "high"}
        if settings is TIERS["intermediate"]:
            # Read back frame by frame by the next step: no B-frames and no entropy coding worth its time.
            gop, options["profile"] = f"keyint={GOP_FRAMES}:scenecut=0:threads=1", "main"
        options["x264-params"] = ":".join(part for part in (gop, settings.x264) if part)
        return options

    def write(self, planes: Planes) -> None:
        """Append one frame; the planes are copied."""
        frame, target = new_frame(self.size)
        for mine, theirs in zip(target, planes, strict=True):
            np.copyto(mine, theirs)
        self.write_frame(frame)

    def write_frame(self, frame: av.VideoFrame) -> None:
        """Append a frame from `new_frame`, without a copy."""
        frame.pts = self.frames
        frame.time_base = 1 / self.fps
        self.frames += 1
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
        finally:
            self._container.close()
            if kind is not None:
                self.path.unlink(missing_ok=True)


def read_frames(path: Path) -> Iterator[Planes]:
    """Decode a file to planes in presentation order. A view is valid until the next one is asked for.

    Raises: BadMedia when the file cannot be opened or breaks off.
    """
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                if frame.format.name not in ("yuv420p", "yuvj420p"):
                    frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
                yield views(frame)
    except (av.FFmpegError, IndexError) as error:
        raise BadMedia(f"{path.name}: not a readable video ({error})") from error
