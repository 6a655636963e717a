"""Frames in and out of H.264 files, in this process, as YUV planes.

Drawing happens on BT.709 limited-range 4:2:0 planes (uint8), the values the encoder takes: no RGB per frame, and
x264 runs in the same process with one thread, because one worker per core fills a machine best. Does not know what
is drawn, nor sound. The only other files that touch PyAV or ffmpeg are its neighbours in this folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from generation.errors import BadMedia, ToolFailed
from generation.media.life import tell
from generation.spec import Size

Plane = NDArray[np.uint8]
#: A frame of the encoder, for those who draw into one and know nothing else of PyAV.
Frame = av.VideoFrame

#: Two seconds at 30000/1001: the closed GOP that breaks no placement's rule (Facebook Reels wants 2-5 s).
GOP_FRAMES = 60


#: `negative_cts_offsets` without an edit list: B-frames, yet the first picture at 0 and none stretched.
_CONTAINER = {"movflags": "+faststart+negative_cts_offsets", "use_editlist": "0", "fflags": "+bitexact"}


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


#: Peaks stay below what YouTube (8 Mbps advised) and X (10 Mbps) take; a film below the cap is not touched by it.
_PEAKS = "vbv-maxrate=10000:vbv-bufsize=20000"

#: `final` equals `medium` crf 20 by SSIM at a third of its CPU; `intermediate` is what one step hands to the next.
TIERS = {
    "final": Tier("veryfast", 17.0, _PEAKS),
    "archive": Tier("medium", 20.0, _PEAKS),
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


@cache
def _instruction_sets() -> str:
    """x264 parameters that give every process the same film.

    x264's AVX-512 motion search reads beyond the picture's right edge, where malloc has left anything: the same frames
    became another film in one process of five, by a bit or two. The AVX2 code does not, and is 0 to 10 % slower.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return ""  # no Linux: Macs have no AVX-512
    return "asm=AVX2,LZCNT,BMI1,BMI2,FMA3" if "avx512" in flags else ""


class VideoWriter:
    """Writes planes into an MP4 file, `with VideoWriter(path, size, fps) as writer: writer.write(planes)`.

    All sizes and rates are checked before the encoder starts. The file has constant frame spacing from time 0, its
    index in front and no edit list; the same frames give the same bytes. After any exception no file is left.

    Raises: ToolFailed when x264 or the disk gives up; ValueError for a wrong plane or a film without frames.
    """

    def __init__(self, path: Path, size: Size, fps: Fraction, tier: str = "intermediate") -> None:
        if size.width_px % 2 or size.height_px % 2 or min(size.width_px, size.height_px) < 16:
            raise ValueError(f"{size}: H.264 4:2:0 needs even sides of at least 16 px")
        if fps <= 0:
            raise ValueError(f"frame rate {fps} is not positive")
        self.path, self.size, self.fps, self.frames = path, size, fps, 0
        self._settings = TIERS[tier]

    def __enter__(self) -> Self:
        self._container = av.open(f"file:{self.path.absolute()}", "w", format="mp4", options=dict(_CONTAINER))
        stream = self._container.add_stream("libx264", rate=self.fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = self.size.width_px, self.size.height_px, "yuv420p"
        stream.time_base = 1 / self.fps
        codec = stream.codec_context
        codec.thread_count = 1
        codec.sample_aspect_ratio = Fraction(1)
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
        options["x264-params"] = ":".join(part for part in (gop, settings.x264, _instruction_sets()) if part)
        return options

    def write(self, planes: Planes) -> None:
        """Append one frame; the planes are copied."""
        frame, target = new_frame(self.size)
        for mine, theirs in zip(target, planes, strict=True):
            if mine.shape != theirs.shape:  # numpy would stretch a row or a single value over the picture
                raise ValueError(f"a plane of {theirs.shape} where {self.size} needs {mine.shape}")
            np.copyto(mine, theirs)
        self.write_frame(frame)

    def write_frame(self, frame: av.VideoFrame) -> None:
        """Append a frame from `new_frame`, without a copy. It may be drawn into again: x264 has its own by then."""
        if (frame.width, frame.height, frame.format.name) != (self.size.width_px, self.size.height_px, "yuv420p"):
            raise ValueError(f"a {frame.width}x{frame.height} {frame.format.name} frame where {self.size} is written")
        frame.pts = self.frames
        frame.time_base = 1 / self.fps
        # A decoded frame remembers that it was an I, P or B frame, and x264 would obey.
        frame.pict_type = PictureType.NONE
        self.frames += 1
        self._encode(frame)
        tell("encoding", self.frames)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
            if frame is None:
                self._container.close()
        except av.FFmpegError as error:
            raise ToolFailed(f"{self.path.name}: writing stopped at frame {self.frames} ({error})") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = False
        try:
            if kind is None and not self.frames:
                raise ValueError(f"{self.path.name}: a film without frames")
            if kind is None:
                self._encode(None)
                whole = True
                tell("encoding", self.frames, self.frames)
        finally:
            if not whole:
                with suppress(av.FFmpegError):  # the first error is the one to tell
                    self._container.close()
                self.path.unlink(missing_ok=True)


def read_frames(path: Path) -> Iterator[Planes]:
    """Decode an MP4 file to planes in presentation order, strictly: damaged pictures are not concealed.

    A view is valid until the next one is asked for and cannot be written to: the decoder still predicts from it.

    Raises: BadMedia when the file cannot be opened, is damaged or ends before its last frame.
    """
    shown = 0
    try:
        with av.open(f"file:{path.absolute()}", format="mp4", options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.video[0]
            if stream.codec_context is None:  # against PyAV's types: no decoder knows the codec
                raise BadMedia(f"{path.name}: its pictures are in a codec that nothing here decodes")
            stream.codec_context.thread_count = 1
            # Without this, holes and flipped bits decode to grey blocks and no error.
            stream.codec_context.options = {"err_detect": "explode"}
            packets = 0
            for packet in container.demux(stream):
                packets += packet.size > 0
                for frame in packet.decode():
                    shown += 1
                    tell("decoding", shown, stream.frames)
                    yield limited_709(frame)
            if packets < stream.frames:
                raise BadMedia(f"{path.name}: ends after {packets} of {stream.frames} frames")
    except (av.FFmpegError, IndexError, ValueError) as error:  # of values: tags that are not text
        raise BadMedia(f"{path.name}: not a readable video ({error})") from error
    finally:
        tell("decoding", shown, shown)


def limited_709(frame: av.VideoFrame) -> Planes:
    """Read-only planes of a decoded frame, converted when it is not 4:2:0 in BT.709 limited range."""
    full_range, foreign = frame.color_range == 2, frame.colorspace not in (1, 2)
    if frame.format.name != "yuv420p" or full_range or foreign:
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
    planes = views(frame)
    for plane in planes:
        plane.flags.writeable = False
    return planes
