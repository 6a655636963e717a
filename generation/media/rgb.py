"""RGB pictures to the encoder's planes, for engines whose frames are RGB; the way back is `poster.to_rgb`.

Full-range RGB to BT.709 limited range, chroma at the place where H.264 puts it: on every second luma column, between
two luma rows. A picture that goes there and back keeps its flat colours within two code values.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.media.frames import Planes

# ITU-R BT.709-6, 8 bit: weights of R, G, B in luma, and the scale of the two colour differences.
_RED, _BLUE = 0.2126, 0.0722
_LUMA = np.array([_RED, 1 - _RED - _BLUE, _BLUE])
_Y = np.append(_LUMA * 219 / 255, 16)
_U = np.append((np.array([0, 0, 1]) - _LUMA) / (2 * (1 - _BLUE)) * 224 / 255, 128)
_V = np.append((np.array([1, 0, 0]) - _LUMA) / (2 * (1 - _RED)) * 224 / 255, 128)
_ACROSS, _DOWN = np.array([0.25, 0.5, 0.25]), np.array([0.5, 0.5])


def from_rgb(picture: NDArray[np.uint8]) -> Planes:
    """Planes of a picture, (height, width, 3) uint8 with even sides."""
    luma = cv2.transform(picture, _Y[None])
    # The anchor at the upper of two rows: sample (2i, 2j) is the mean of rows 2i and 2i + 1.
    soft = cv2.sepFilter2D(
        picture.astype(np.float32), -1, _ACROSS, _DOWN, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE
    )[::2, ::2]
    chroma = np.rint(cv2.transform(np.ascontiguousarray(soft), np.stack([_U, _V])))
    u, v = np.clip(chroma, 16, 240).astype(np.uint8).transpose(2, 0, 1)
    return Planes(np.asarray(luma, np.uint8), u, v)
