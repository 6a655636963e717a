"""A learned mark of the user's own, as two ONNX files run by onnxruntime: a graph of numbers, nothing fetched.

The folder that SPOTMILL_MARK_MODEL names holds the files, of the shape that TrustMark has (Video Seal can be exported
to it; pictures are RGB, (1, 3, height, width), -1 to 1; any fixed height and width, 256 where the file leaves them
open):

- encoder.onnx: a picture and (1, N) bits, 0 or 1, in this order -> the marked picture;
- decoder.onnx: a picture -> (1, N) numbers, positive for 1.

What the encoder adds is worked out at its own size on one frame of each group of pictures, enlarged and added to the
luma of that group, as TrustMark does with a picture. Of the N bits, at least 96, whole bytes carry the payload, a check
of 24 bits and Reed-Solomon bytes. The mark is secret only as far as the model is: a key turns over the bits, no more.
A decoder's answer on unmarked films is not known here, but the check and the turned bits are: at most
`_TRIES` answers are corrected for one film, and what corrections of different words reach does not overlap, so that
each is accepted by chance with at most 2^-24.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
import zlib
from collections.abc import Mapping
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.errors import BadMedia, NotAvailable, ToolFailed, ToolTimedOut
from generation.marks.invisible.bars import inner_box
from generation.marks.invisible.contract import PAYLOAD_BYTES, Effort, InvisibleMark, MarkWriter, Reading
from generation.media.frames import GOP_FRAMES, Plane, Planes
from generation.media.luma import colour_frames
from generation.spec import Size

cv2.setNumThreads(1)

#: Names the folder of the two files.
VARIABLE = "SPOTMILL_MARK_MODEL"
_CHECK_BYTES, _LEAST_BITS = 3, 96
#: More correction than this only makes chance hits likelier.
_MOST_PARITY = 8
_OPEN_PX = 256
_TRIES = 4
_FRAMES = 24


class LearnedMark(InvisibleMark):
    """Two models of the user's own."""

    id = "learned"
    revision = "1"
    title = "A learned mark of your own"
    licence = "that of the model"
    false_positive_bound = _TRIES / 2**24
    default_strength = 1.0

    def __init__(self) -> None:
        self._encoder, self._decoder = (_Model(_folder() / f"{name}.onnx") for name in ("encoder", "decoder"))
        self._bits = _bits_of(self._encoder, self._decoder)
        # Other weights draw and read otherwise.
        self.revision = f"{LearnedMark.revision}-{self._encoder.sha256[:8]}-{self._decoder.sha256[:8]}"

    def writer(
        self, size: Size, fps: Fraction, payload: bytes, *, key: bytes = b"", strength: float | None = None
    ) -> MarkWriter:
        """A writer; strength scales what the encoder adds."""
        bits = _word(payload, key, self._bits)
        level = self.default_strength if strength is None else strength
        return _Writer(self._encoder, bits, level, self.revision)

    def read(self, path: Path, *, key: bytes = b"", effort: Effort, deadline_seconds: float) -> Reading:
        """Add up the decoder's answers: as the film is, and with full effort mirrored and without bars."""
        until = time.monotonic() + deadline_seconds
        frames = [planes for _, planes in colour_frames(path, key_frames=effort == "quick", most=_FRAMES)]
        best = Reading(None, 0.0, 1.0, 0.0, len(frames), "")
        for change, views in _views(frames, effort):
            logits = np.zeros(self._bits)
            for planes in views:
                if time.monotonic() > until:
                    raise ToolTimedOut(f"{path.name}: looking for the invisible mark took too long")
                logits += np.tanh(self._decoder(_picture(planes, self._decoder.size)).ravel())
            found = _corrected(logits, key, self._bits)
            if found is not None:
                payload, agreement = found
                return Reading(payload, 1.0, 1.0, agreement, len(frames), change)
        return best


class _Writer:
    """Adds what the encoder adds to the first frame of each group."""

    def __init__(self, encoder: _Model, bits: NDArray[np.float32], strength: float, revision: str) -> None:
        self._encoder, self._bits, self._strength, self._revision = encoder, bits, strength, revision
        self._frame = 0
        self._more = self._less = np.zeros((1, 1), np.uint8)

    @property
    def facts(self) -> Mapping[str, object]:
        """JSON values for the report."""
        return {"id": LearnedMark.id, "revision": self._revision, "strength": self._strength}

    def apply(self, planes: Planes) -> None:
        """Mark a frame in place."""
        if self._frame % GOP_FRAMES == 0:
            self._renew(planes)
        self._frame += 1
        cv2.add(planes.y, self._more, dst=planes.y)
        cv2.subtract(planes.y, self._less, dst=planes.y)

    def _renew(self, planes: Planes) -> None:
        picture = _picture(planes, self._encoder.size)
        change = (self._encoder(picture, self._bits) - picture)[0]
        # BT.709 luma of a picture from -1 to 1, in levels of the limited range.
        luma = np.tensordot(np.array([0.2126, 0.7152, 0.0722], np.float32), change, 1) * (219 / 2)
        height, width = planes.y.shape
        levels = self._strength * cv2.resize(luma.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        self._more, self._less = (np.rint(one.clip(0, 255)).astype(np.uint8) for one in (levels, -levels))


class _Model:
    """One ONNX file."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotAvailable(f"the invisible mark 'learned' needs {path}, and there is no such file")
        self.name, self.sha256 = path.name, hashlib.sha256(path.read_bytes()).hexdigest()
        self._session = _session(path)
        self.inputs = self._session.get_inputs()
        shape = self.inputs[0].shape
        if len(shape) != 4 or (shape[1] not in (3, None) and not isinstance(shape[1], str)):
            raise BadMedia(f"{path.name}: its first input is {shape}; a picture (1, 3, height, width) is expected")
        self.size = tuple(side if isinstance(side, int) and side > 0 else _OPEN_PX for side in shape[2:])

    def __call__(self, *values: NDArray[np.float32]) -> NDArray[np.float32]:
        feeds = {one.name: value for one, value in zip(self.inputs, values, strict=True)}
        try:
            return np.asarray(self._session.run(None, feeds)[0], np.float32)
        except Exception as error:  # onnxruntime's errors share no other base
            raise ToolFailed(f"{self.name}: the model failed ({str(error).strip().splitlines()[0]})") from error


def _session(path: Path) -> Any:
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise NotAvailable(
            "the invisible mark learned needs onnxruntime, which is not installed: pip install 'spotmill[learned]', or "
            "choose 'spread'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # One worker per core fills a machine best, and one thread adds in one order.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no other base
        raise BadMedia(f"{path.name}: onnxruntime cannot load it ({str(error).strip().splitlines()[0]})") from error


def _folder() -> Path:
    named = os.environ.get(VARIABLE, "")
    if not named:
        raise NotAvailable(
            f"the invisible mark 'learned' needs {VARIABLE}, the folder with encoder.onnx and decoder.onnx; or choose "
            "'spread', which needs no model"
        )
    return Path(named).absolute()


def _bits_of(encoder: _Model, decoder: _Model) -> int:
    """How many bits both models are for, asked of them. Raises: BadMedia."""
    if len(encoder.inputs) != 2 or len(decoder.inputs) != 1:
        raise BadMedia("encoder.onnx takes a picture and bits, decoder.onnx a picture; these take other inputs")
    picture = np.zeros((1, 3, *decoder.size), np.float32)
    bits = decoder(picture).size
    if bits < _LEAST_BITS:
        raise BadMedia(f"decoder.onnx gives {bits} bits; a payload with its check and correction needs {_LEAST_BITS}")
    grey = np.zeros((1, 3, *encoder.size), np.float32)
    try:
        made = encoder(grey, np.zeros((1, bits), np.float32))
    except ToolFailed as error:
        raise BadMedia(f"encoder.onnx does not take the {bits} bits that decoder.onnx gives ({error})") from error
    if made.shape != grey.shape:
        raise BadMedia(f"encoder.onnx makes {made.shape} of {grey.shape}; a picture of the same size is expected")
    return bits


def _parity(bits: int) -> int:
    return min(_MOST_PARITY, bits // 8 - PAYLOAD_BYTES - _CHECK_BYTES)


def _mask(key: bytes, count: int) -> NDArray[np.uint8]:
    digest = hashlib.shake_256(b"spotmill learned mark 1" + key).digest(math.ceil(count / 8))
    return np.unpackbits(np.frombuffer(digest, np.uint8))[:count]


def _word(payload: bytes, key: bytes, bits: int) -> NDArray[np.float32]:
    """(1, bits): payload, check and correction, repeated over what is left, turned over by the key."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes; a mark carries {PAYLOAD_BYTES}")
    from reedsolo import RSCodec  # of the extra `learned`: whoever has no model must not need it

    word = bytes(RSCodec(_parity(bits)).encode(payload + _check(payload)))
    sent = np.resize(np.unpackbits(np.frombuffer(word, np.uint8)), bits) ^ _mask(key, bits)
    return sent[None].astype(np.float32)


def _check(payload: bytes) -> bytes:
    return (zlib.crc32(payload) & 0xFFFFFF).to_bytes(_CHECK_BYTES, "big")


def _corrected(logits: NDArray[np.float64], key: bytes, bits: int) -> tuple[bytes, float] | None:
    """Payload and the part of bits that were right before correction; None when they do not make a word."""
    length = 8 * (PAYLOAD_BYTES + _CHECK_BYTES + _parity(bits))
    turned = logits * (1 - 2 * _mask(key, bits).astype(np.float64))
    soft = np.bincount(np.arange(bits) % length, turned, length)
    word = np.packbits((soft > 0).astype(np.uint8)).tobytes()
    from reedsolo import ReedSolomonError, RSCodec

    try:
        data = bytes(RSCodec(_parity(bits)).decode(word)[0])
    except ReedSolomonError:
        return None
    payload, check = data[:PAYLOAD_BYTES], data[PAYLOAD_BYTES:]
    if check != _check(payload):
        return None
    return payload, float(np.mean((logits > 0) == (_word(payload, key, bits)[0] > 0)))


def _views(frames: list[Planes], effort: Effort) -> list[tuple[str, list[Planes]]]:
    """The pictures that may be meant, at most `_TRIES`."""
    views = [("as delivered", frames)]
    if effort == "full":
        box = inner_box([planes.y for planes in frames])
        if box is not None:
            inner = [_cut(planes, box.x // 2, box.y // 2, box.right // 2, box.bottom // 2) for planes in frames]
            views.append(("bars", inner))
        views += [(f"{told}, mirrored" if told == "bars" else "mirrored", _mirrored(some)) for told, some in views]
    return views[:_TRIES]


def _cut(planes: Planes, left: int, top: int, right: int, bottom: int) -> Planes:
    pairs = zip(planes, (2, 1, 1), strict=True)
    return Planes(*(plane[top * by : bottom * by, left * by : right * by] for plane, by in pairs))


def _mirrored(frames: list[Planes]) -> list[Planes]:
    return [Planes(*(np.ascontiguousarray(plane[:, ::-1]) for plane in planes)) for planes in frames]


def _picture(planes: Planes, size: tuple[int, ...]) -> NDArray[np.float32]:
    """BT.709 limited range to RGB at the model's (height, width), (1, 3, height, width), -1 to 1."""
    y, u, v = (_scaled(plane, size) for plane in planes)
    luma, blue, red = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    rgb = np.stack([luma + 1.5748 * red, luma - 0.187324 * blue - 0.468124 * red, luma + 1.8556 * blue])
    return np.asarray(2 * rgb.clip(0, 1)[None] - 1, np.float32)


def _scaled(plane: Plane, size: tuple[int, ...]) -> NDArray[np.float32]:
    return cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_AREA).astype(np.float32)
