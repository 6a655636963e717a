"""How alike two clips are: two figures, both without any weights to download.

PSNR over all pixels says how far the numbers are apart. The distance is 1 - MS-SSIM (Wang, Simoncelli, Bovik 2003:
luma, 11-pixel Gaussian window of sigma 1.5, five scales with their published weights, fewer and renormalised where a
picture is too small for five), averaged over the frames: it asks whether the structure is the same. LPIPS, the learned
measure that papers quote, needs a network whose weights are a download under their own terms; figures of this one must
not be compared with LPIPS figures. Both measure likeness, not beauty: a film that went another, equally good way
scores badly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.errors import BadMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pictures = NDArray[np.uint8]

MEASURE = "1 - MS-SSIM of luma (Wang 2003, 11 px window, up to 5 scales), mean over frames"
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW_PX, _SIGMA = 11, 1.5
#: ITU-R BT.709.
_LUMA = (0.2126, 0.7152, 0.0722)


def psnr(one: Pictures, other: Pictures) -> float:
    """Peak signal to noise of two clips of uint8 pictures, in dB; infinite when they are equal."""
    _alike(one, other)
    return _decibels(_squares(one, other) / one.size)


def distance(one: Pictures, other: Pictures) -> float:
    """1 - MS-SSIM of two clips, (frames, height, width, 3) uint8: 0 is equal, near 1 has nothing in common."""
    _alike(one, other)
    return sum(_frame_distance(a, b) for a, b in zip(one, other, strict=True)) / len(one)


def compare_films(one: Path, other: Path) -> tuple[float, float]:
    """PSNR and distance of two written films, frame by frame; memory does not grow with their length."""
    squares, values, away, frames = 0.0, 0, 0.0, 0
    for a, b in _pairs(one, other):
        squares, values, frames = squares + _squares(a, b), values + a.size, frames + 1
        away += _frame_distance(a, b)
    if not frames:
        raise BadMedia(f"{one.name}: no frames to compare")
    return _decibels(squares / values), away / frames


def _pairs(one: Path, other: Path) -> Iterator[tuple[Pictures, Pictures]]:
    from generation.media.frames import read_frames
    from generation.media.poster import to_rgb

    try:
        for a, b in zip(read_frames(one), read_frames(other), strict=True):
            yield to_rgb(a), to_rgb(b)
    except ValueError as error:
        raise BadMedia(f"{one.name} and {other.name} have unequal lengths") from error


def _alike(one: Pictures, other: Pictures) -> None:
    if one.shape != other.shape or not one.size:
        raise ValueError(f"clips of {one.shape} and {other.shape} cannot be compared")
    if str(one.dtype) != "uint8" or str(other.dtype) != "uint8":
        raise ValueError(f"clips are uint8, not {one.dtype} and {other.dtype}")


def _squares(one: Pictures, other: Pictures) -> float:
    import numpy as np

    return float(np.square(one.astype(np.float64) - other).sum())


def _decibels(mean_square: float) -> float:
    return math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square)


def _frame_distance(one: Pictures, other: Pictures) -> float:
    """1 - MS-SSIM of two pictures."""
    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} cannot be compared")
    a, b = _luma(one), _luma(other)
    smallest = min(one.shape[:2])
    if smallest < _WINDOW_PX:
        raise ValueError(f"a picture of {smallest} px is smaller than the window of {_WINDOW_PX} px")
    scales = min(len(_WEIGHTS), int(math.log2(smallest / _WINDOW_PX)) + 1)
    weights = [weight / sum(_WEIGHTS[:scales]) for weight in _WEIGHTS[:scales]]
    likeness = 1.0
    for scale, weight in enumerate(weights):
        whole, structure = _similarity(a, b)
        # Brightness counts at the coarsest scale alone. An inverted picture has negative structure, which has no real
        # power: it counts as none at all.
        likeness *= max(0.0, whole if scale == scales - 1 else structure) ** weight
        a, b = _halved(a), _halved(b)
    return 1 - likeness


def _luma(picture: Pictures) -> Any:
    import torch

    values = torch.from_numpy(picture.copy()).to(torch.float64)
    return (values @ torch.tensor(_LUMA, dtype=torch.float64))[None, None]


def _halved(picture: Any) -> Any:
    import torch

    return torch.nn.functional.avg_pool2d(picture, 2)


def _similarity(a: Any, b: Any) -> tuple[float, float]:
    """Mean SSIM of two lumas, and the mean of its contrast and structure alone."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    spread_a = _blurred(a * a) - mean_a * mean_a
    spread_b = _blurred(b * b) - mean_b * mean_b
    together = _blurred(a * b) - mean_a * mean_b
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    structure = (2 * together + smaller) / (spread_a + spread_b + smaller)
    light = (2 * mean_a * mean_b + small) / (mean_a * mean_a + mean_b * mean_b + small)
    return float((light * structure).mean()), float(structure.mean())


def _blurred(picture: Any) -> Any:
    import torch

    places = torch.arange(_WINDOW_PX, dtype=torch.float64) - _WINDOW_PX // 2
    line = torch.exp(-(places**2) / (2 * _SIGMA**2))
    line = line / line.sum()
    across = torch.nn.functional.conv2d(picture, line.view(1, 1, 1, -1))
    return torch.nn.functional.conv2d(across, line.view(1, 1, -1, 1))
