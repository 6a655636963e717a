"""Learned models of the user's own, as ONNX files run by onnxruntime: a graph of numbers, no code, nothing fetched.

What a file has to look like (pictures are RGB, (1, 3, height, width), 0 to 1, float32 or float16, any height and width
that are multiples of `multiple`):

- interpolator: two picture inputs in order of time, then a timestep, 0 for the first and 1 for the second, of shape (),
  (1,) or (1, 1, 1, 1); the output is a picture of the same size.
- upscaler: one picture input; the output is a picture a whole number of times larger.

The file's own metadata may hold `multiple` (64 unless it says so: pictures are padded to it by their edge) and
`licence` or `license`, which the notes repeat. Both kinds are tried on a small picture before a film is begun.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.errors import BadMedia, NotAvailable, OutOfMemory, ToolFailed
from generation.media.frames import Plane, Planes

cv2.setNumThreads(1)

Picture = NDArray[np.float32]

#: Flow networks halve a picture five or six times.
MULTIPLE_PX = 64
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Model:
    """One file: its session, and what the notes say about it."""

    def __init__(self, path: Path, device: str, inputs: int) -> None:
        self.path = path
        self._session = _session(path, device)
        self._inputs = self._session.get_inputs()
        facts: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.licence = facts.get("licence") or facts.get("license") or "not stated in the file"
        self._multiple = _multiple(path, facts)
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.device = "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"
        self._check(inputs)

    def _check(self, inputs: int) -> None:
        kinds = [one.type for one in self._inputs]
        if len(kinds) != inputs or any(kind not in _TYPES for kind in kinds):
            wanted = "one picture" if inputs == 1 else "two pictures and a timestep"
            raise BadMedia(f"{self.path.name}: takes {', '.join(kinds) or 'nothing'}; {wanted} of float are expected")

    def __call__(self, pictures: Sequence[Picture], *numbers: float) -> Picture:
        """Run on pictures (height, width, 3); padded to the multiple and cut to their size, times the model's scale."""
        height, width = pictures[0].shape[:2]
        feeds = [self._padded(picture) for picture in pictures]
        ranks = [len(one.shape) for one in self._inputs[len(feeds) :]]
        feeds += [np.full((1,) * rank, number) for rank, number in zip(ranks, numbers, strict=True)]
        named = {
            one.name: np.ascontiguousarray(feed, _TYPES[one.type])
            for one, feed in zip(self._inputs, feeds, strict=True)
        }
        made = self._run(named)
        high, wide = feeds[0].shape[2:]
        scale = made.shape[3] // wide if made.ndim == 4 else 0
        if made.shape != (1, 3, high * scale, wide * scale):
            raise BadMedia(
                f"{self.path.name}: made {made.shape} of {feeds[0].shape}; (1, 3, height, width) is expected"
            )
        picture: Picture = made[0].transpose(1, 2, 0)[: height * scale, : width * scale].astype(np.float32)
        return picture

    def _padded(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        below, right = -height % self._multiple, -width % self._multiple
        return np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge").transpose(2, 0, 1)[None]

    def _run(self, feeds: dict[str, NDArray[Any]]) -> NDArray[Any]:
        try:
            return np.asarray(self._session.run(None, feeds)[0])
        except Exception as error:  # onnxruntime's errors share no other base
            text = str(error).strip().splitlines()[0]
            if "alloc" in text.lower() or "memory" in text.lower():
                raise OutOfMemory(f"{self.path.name}: no memory for a frame on {self.device} ({text})") from error
            raise ToolFailed(f"{self.path.name}: the model failed on a frame ({text})") from error

    def notes(self) -> dict[str, str]:
        """JSON values: which file, under which licence, on which device."""
        return {"model": self.path.name, "sha256": self.sha256, "licence": self.licence, "device": self.device}


class Interpolator(Model):
    """A model that makes the picture at a moment between two."""

    def __init__(self, path: Path, device: str) -> None:
        super().__init__(path, device, inputs=3)
        probe = np.zeros((self._multiple, self._multiple, 3), np.float32)
        if self([probe, probe], 0.5).shape != probe.shape:
            raise BadMedia(f"{path.name}: an interpolator's picture has the size of those that it is given")

    def between(self, first: Planes, second: Planes) -> Callable[[float], Planes]:
        """The frame at any moment between two."""
        pictures = [to_rgb(first), to_rgb(second)]
        return lambda t: to_planes(self(pictures, t))


class Upscaler(Model):
    """A model that makes a picture `scale` times larger."""

    def __init__(self, path: Path, device: str) -> None:
        super().__init__(path, device, inputs=1)
        probe = np.zeros((self._multiple, self._multiple, 3), np.float32)
        self.scale = self([probe]).shape[0] // self._multiple

    def enlarged(self, planes: Planes) -> Planes:
        """The frame, larger."""
        return to_planes(self([to_rgb(planes)]))


def _session(path: Path, device: str) -> Any:
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise NotAvailable(
            f"{path.name} is a learned model and onnxruntime is not installed: `pip install onnxruntime` "
            "(onnxruntime-gpu for a GPU), or choose 'motion' and upscale 'none'"
        ) from error
    there = onnxruntime.get_available_providers()
    if device == "cuda" and "CUDAExecutionProvider" not in there:
        raise NotAvailable(
            f"{path.name}: device cuda was asked for and this onnxruntime has none; `pip install onnxruntime-gpu`, "
            "or device cpu"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A worker's share of the machine, where one was set; onnxruntime itself reads no such variable and takes all cores.
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
    names = ["CUDAExecutionProvider"] if device != "cpu" and "CUDAExecutionProvider" in there else []
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[*names, "CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no other base
        raise BadMedia(f"{path.name}: onnxruntime cannot load it ({str(error).strip().splitlines()[0]})") from error


def _multiple(path: Path, facts: dict[str, str]) -> int:
    said = facts.get("multiple", str(MULTIPLE_PX))
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= 1024:
        raise BadMedia(f"{path.name}: its metadata says multiple={said!r}; a whole number from 1 to 1024 is expected")
    return int(said)


def to_rgb(planes: Planes) -> Picture:
    """BT.709 limited range to RGB, 0 to 1."""
    height, width = planes.y.shape
    luma = (planes.y.astype(np.float32) - 16) / 219
    blue, red = (
        cv2.resize((plane.astype(np.float32) - 128) / 224, (width, height), interpolation=cv2.INTER_LINEAR)
        for plane in planes[1:]
    )
    picture = np.dstack([luma + 1.5748 * red, luma - 0.187324 * blue - 0.468124 * red, luma + 1.8556 * blue])
    return picture.clip(0, 1)


def to_planes(picture: Picture) -> Planes:
    """RGB, 0 to 1, to BT.709 limited range; values beyond are clipped."""
    red, green, blue = (picture[..., channel].clip(0, 1) for channel in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    half = (picture.shape[1] // 2, picture.shape[0] // 2)
    u, v = (
        cv2.resize(np.asarray(colour, np.float32), half, interpolation=cv2.INTER_AREA)
        for colour in ((blue - luma) / 1.8556, (red - luma) / 1.5748)
    )
    return Planes(_codes(16 + 219 * luma), _codes(128 + 224 * u), _codes(128 + 224 * v))


def _codes(values: NDArray[Any]) -> Plane:
    codes: Plane = np.rint(values).clip(0, 255).astype(np.uint8)
    return codes
