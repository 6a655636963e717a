"""The least that a film can cost: x264 alone, given its finished frames in memory.

A master is decoded, its frames are laid out as the encoder wants them, and only then the clock runs. Same settings as
the product's, one thread, same process. The frames have been through x264 once, which makes them a little easier than
the drawn ones were: the ratio that comes out errs against Spotmill.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from generation.media.frames import VideoWriter, new_frame, read_frames
from generation.spec import Size


@dataclass(frozen=True, slots=True)
class Bare:
    """Cost of encoding one master again."""

    size: Size
    fps: Fraction
    frames: int
    cpu_seconds: float
    #: What x264 wrote into the file about itself: `core 165 r3222` and its options.
    x264: str


class OtherSettings(RuntimeError):
    """The master was not encoded with the settings it is compared with."""


def encode_again(master: Path, scratch: Path, tier: str) -> Bare:
    """Encode the frames of `master` into `scratch`.

    Raises: OtherSettings when x264's own record of its options differs between the two files.
    """
    with av.open(str(master)) as container:
        stream = container.streams.video[0]
        size, rate = Size(stream.width, stream.height), stream.average_rate
    assert rate is not None
    frames = _laid_out(master, size)
    began = time.process_time()
    with VideoWriter(scratch, size, rate, tier) as writer:
        for frame in frames:
            writer.write_frame(frame)
    spent = time.process_time() - began
    theirs, ours = x264_of(master), x264_of(scratch)
    if theirs != ours:
        raise OtherSettings(
            f"{master.name} was encoded with\n  {theirs}\nand not, like the {tier} tier, with\n  {ours}"
        )
    return Bare(size, Fraction(rate), len(frames), spent, ours)


def _laid_out(master: Path, size: Size) -> list[av.VideoFrame]:
    frames = []
    for planes in read_frames(master):
        frame, target = new_frame(size)
        for mine, theirs in zip(target, planes, strict=True):
            np.copyto(mine, theirs)
        frames.append(frame)
    return frames


def x264_of(path: Path) -> str:
    """Version and options that x264 wrote into the first picture."""
    with path.open("rb") as handle:
        found = re.search(rb"x264 - (core [^\x00]{0,2000})", handle.read())
    if not found:
        raise OtherSettings(f"{path.name} carries no word of x264: which settings made it cannot be told")
    text = found.group(1).decode("ascii", "replace")
    return re.sub(r" - H\.264/MPEG-4 AVC codec - Copyleft.*? - options:", " options:", text).strip()
