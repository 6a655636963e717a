"""One frame of a film as a JPEG: the cover a placement shows before playback.

Colours are converted from BT.709 planes to full-range RGB at the place where H.264 puts its chroma samples. Does not
choose the moment and does not crop: a film's poster has the film's aspect.
"""

from __future__ import annotations

import io
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.errors import BadMedia
from generation.media.frames import Planes, limited_709
from generation.spec import Size

#: Tried from the best until the file is small enough; below the last one edges ring visibly.
_QUALITIES = (94, 90, 85, 80, 75, 70, 60)

# Rows give R, G, B from (Y, U, V, 1), BT.709 limited range (ITU-R BT.709-6, 8 bit).
_Y, _OFFSETS = 255 / 219, (16, 128, 128)
_COEFFICIENTS = np.array(
    [[_Y, 0, 1.5748 * 255 / 224], [_Y, -0.1873 * 255 / 224, -0.4681 * 255 / 224], [_Y, 1.8556 * 255 / 224, 0]]
)
_TO_RGB = np.column_stack([_COEFFICIENTS, -_COEFFICIENTS @ np.array(_OFFSETS)])


def write_poster(
    video: Path, at_seconds: float, path: Path, *, max_bytes: int = 2_000_000, size: Size | None = None
) -> None:
    """Write the frame shown at `at_seconds` of `video` as a JPEG of at most `max_bytes`, scaled to `size` if given.

    Raises: BadMedia when the film is unreadable, ends earlier, or no acceptable quality fits `max_bytes`;
    ValueError when `size` has another aspect than the film.
    """
    picture = to_rgb(_planes_at(video, at_seconds))
    if size is not None:
        picture = _scaled(picture, size)
    data = _jpeg(picture, max_bytes)
    try:
        path.write_bytes(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _planes_at(video: Path, at_seconds: float) -> Planes:
    try:
        with av.open(f"file:{video.absolute()}", format="mp4", options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.video[0]
            if stream.codec_context is None:  # against PyAV's types: no decoder knows the codec
                raise BadMedia(f"{video.name}: no poster, its pictures are in a codec that nothing here decodes")
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"err_detect": "explode"}
            container.seek(max(0, round(at_seconds * av.time_base)))
            for frame in container.decode(stream):
                shown_seconds = 1 / stream.average_rate if stream.average_rate else 0
                if frame.time is not None and at_seconds < frame.time + shown_seconds - 1e-6:
                    return limited_709(frame)
    except (av.FFmpegError, IndexError, ValueError) as error:  # of values: tags that are not text
        raise BadMedia(f"{video.name}: no poster, not a readable video ({error})") from error
    raise BadMedia(f"{video.name}: no poster, the film ends before {at_seconds:g} s")


def to_rgb(planes: Planes) -> NDArray[np.uint8]:
    """BT.709 limited-range planes as a full-range picture, (height, width, 3) uint8."""
    height, width = planes.y.shape
    # 4:2:0 in H.264: chroma lies on every second luma column, and between two luma rows.
    place = np.array([[0.5, 0, 0], [0, 0.5, -0.25]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    chroma = [
        cv2.warpAffine(plane, place, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
        for plane in (planes.u, planes.v)
    ]
    return np.asarray(cv2.transform(cv2.merge([planes.y, *chroma]), _TO_RGB), np.uint8)


def _scaled(picture: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if abs(size.width_px * height - size.height_px * width) > max(width, height):
        raise ValueError(f"a poster of {size} from a film of {width}x{height}: the aspects differ")
    smaller = size.width_px < width
    filtering = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size.width_px, size.height_px), interpolation=filtering), np.uint8)


def _jpeg(picture: NDArray[np.uint8], max_bytes: int) -> bytes:
    image = Image.fromarray(picture)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
    raise BadMedia(f"a {image.width}x{image.height} poster of acceptable quality does not fit {max_bytes} bytes")
