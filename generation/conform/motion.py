"""Frames between two frames by following what moves: dense flow both ways, a field of motion for the moment, two warps.

For a moment `t` between frames A and B: the flows A to B and B to A (OpenCV's DIS, on luma) are carried to where their
pixels are at `t`, which gives two fields of motion there; each pixel takes the field under which A and B agree best and
is fetched from both. How much each counts follows from time and from whether its own flow says the same: what only one
of them sees comes from that one. Where neither is believed, the nearer frame stands, sharp: a ghost of two pictures is
worse than a small jump. Works on YUV planes: half the samples of RGB. Knows no files, rates or cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from generation.errors import NotAvailable, OutOfMemory
from generation.media.frames import Plane, Planes

cv2.setNumThreads(1)

#: A flow may be off by this much and be believed, in pixels of the half size, plus a part of the motion itself.
BELIEVED_PX, BELIEVED_PART = 1.0, 0.05
#: Below this belief in both frames the nearer one stands.
LEAST_BELIEF = 0.1
#: So it does where, over a region, less than this agrees: two textures without a common motion still find some flow,
#: and that flow believes itself. Measured: 0.12 and less there, 0.66 and more around discs that cover and uncover.
REGION_CELLS, REGION_PX, LEAST_AGREEMENT = 5, 8, 0.3
#: Brightness agreement is judged over this neighbourhood: one pixel agrees by chance.
WINDOW_PX = 5
#: A pixel that finds itself again counts more where two land on one place: the one in front does, the covered does not.
AGREEMENT_LEVELS = 8.0


class Between:
    """Two neighbouring frames and all that is needed for any moment between them."""

    def __init__(self, first: Planes, second: Planes, device: str) -> None:
        self._device = device
        a, b = (np.ascontiguousarray(planes.y) for planes in (first, second))
        flows = (self._tensor(_flow(a, b)), self._tensor(_flow(b, a)))
        # DIS works at half size and enlarges; back at half size nothing is lost and all below costs a quarter.
        self._flow_a, self._flow_b = (functional.avg_pool2d(flow, 2) / 2 for flow in flows)
        self._luma = [self._tensor(plane[..., None]) for plane in (a, b)]
        self._chroma = [self._tensor(np.dstack(planes[1:])) for planes in (first, second)]
        self._small_a, self._small_b = (functional.avg_pool2d(luma, 2) for luma in self._luma)
        self._full, self._grid = (_grid(one.shape[2], one.shape[3], device) for one in (self._luma[0], self._small_a))
        self._weight_a = self._weight(self._small_a, self._small_b, self._flow_a)
        self._weight_b = self._weight(self._small_b, self._small_a, self._flow_b)

    def _tensor(self, array: NDArray[Any]) -> Any:
        return torch.from_numpy(array).to(self._device, torch.float32).permute(2, 0, 1)[None].contiguous()

    def _weight(self, own: Any, other: Any, flow: Any) -> Any:
        error = _window((own - _fetch(other, self._grid, flow)).abs())
        return torch.exp(-error / AGREEMENT_LEVELS).clamp_min(1e-3)

    def at(self, t: float) -> Planes:
        """The frame at `t`, 0 for the first and 1 for the second."""
        motion, left = self._motion(t)
        belief_a = self._belief(self._flow_a, motion * -t, motion) * (1 - t)
        belief_b = self._belief(self._flow_b, motion * (1 - t), -motion) * t
        nearer = (1 - torch.maximum(belief_a, belief_b) / LEAST_BELIEF).clamp_min(0)
        nearer = torch.maximum(nearer, (2 - 2 * _agreement(left) / LEAST_AGREEMENT).clamp(0, 1))
        share = belief_b / (belief_a + belief_b).clamp_min(1e-6)
        fields = torch.cat([motion, share, nearer], 1)
        chroma = _mixed(self._chroma, self._grid, fields, t)
        fields = functional.interpolate(fields, scale_factor=2, mode="bilinear", align_corners=False)
        fields[:, :2] *= 2
        luma = _mixed(self._luma, self._full, fields, t)
        return Planes(*(_codes(plane) for plane in (luma[0, 0], *chroma[0])))

    def _motion(self, t: float) -> tuple[Any, Any]:
        """Motion from A to B of what is at each place at `t`, the better of two accounts; and what it leaves."""
        accounts = [
            _carried(self._flow_a, self._weight_a, self._grid, self._flow_a * t),
            _carried(-self._flow_b, self._weight_b, self._grid, self._flow_b * (1 - t)),
        ]
        left = []
        for motion in accounts:
            a, b = _fetch(self._small_a, self._grid, motion * -t), _fetch(self._small_b, self._grid, motion * (1 - t))
            left.append(a - b)
        first = _window(left[0].abs()) <= _window(left[1].abs())
        return torch.where(first, *accounts), torch.where(first, *left)

    def _belief(self, flow: Any, towards: Any, motion: Any) -> Any:
        """1 where a frame's own flow says the motion too, at the place that is fetched; towards 0 where it does not."""
        off = _length(_fetch(flow, self._grid, towards) - motion)
        allowed = BELIEVED_PX + BELIEVED_PART * _length(motion)
        return torch.exp(-((off / allowed) ** 2))


def _flow(first: Plane, second: Plane) -> NDArray[np.float32]:
    """Where each pixel of the first goes, in pixels."""
    # Half the time of all of this, and worth it: `fast` takes a fifth as long and is 0.3 dB worse, on small things.
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # None, not an array to be filled: DIS would begin from what is in it.
    flow: NDArray[np.float32] = finder.calc(first, second, None)
    return flow


def _mixed(frames: Sequence[Any], grid: Any, fields: Any, t: float) -> Any:
    """Both frames fetched along the motion and mixed by share; the nearer one as it is where neither is believed."""
    motion, share, nearer = fields[:, :2], fields[:, 2:3], fields[:, 3:]
    a, b = _fetch(frames[0], grid, motion * -t), _fetch(frames[1], grid, motion * (1 - t))
    return torch.lerp(torch.lerp(a, b, share), frames[0] if t <= 0.5 else frames[1], nearer)


def _grid(height: int, width: int, device: str) -> Any:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows])[None].to(device, torch.float32)


def _fetch(image: Any, grid: Any, offset: Any) -> Any:
    """`image` at every pixel's place plus `offset` (x, y in pixels); beyond the edge the edge goes on."""
    height, width = image.shape[2:]
    scale = torch.tensor([2 / max(1, width - 1), 2 / max(1, height - 1)], device=image.device).view(1, 2, 1, 1)
    places = ((grid + offset) * scale - 1).permute(0, 2, 3, 1)
    return functional.grid_sample(image, places, mode="bilinear", padding_mode="border", align_corners=True)


def _length(field: Any) -> Any:
    return (field[:, :1] ** 2 + field[:, 1:] ** 2).sqrt()  # a quarter of the time of torch's norm over two channels


def _window(error: Any) -> Any:
    return functional.avg_pool2d(error, WINDOW_PX, 1, WINDOW_PX // 2, count_include_pad=False)


def _agreement(left: Any) -> Any:
    """How much of the region around each pixel agrees, once a change of light is taken out; 0 to 1."""
    detail = left - _region(left)
    return _region(torch.exp(-_window(detail.abs()) / AGREEMENT_LEVELS))


def _region(values: Any) -> Any:
    cells = functional.avg_pool2d(values, min(REGION_PX, *values.shape[2:]), ceil_mode=True)
    wide = functional.avg_pool2d(cells, REGION_CELLS, 1, REGION_CELLS // 2, count_include_pad=False)
    return functional.interpolate(wide, size=values.shape[2:], mode="bilinear", align_corners=False)


def _carried(field: Any, weight: Any, grid: Any, offset: Any) -> Any:
    """`field` moved along `offset`, holes filled from around: where several land, they count by weight and nearness."""
    height, width = field.shape[2:]
    landed = (grid + offset)[0]
    corner = landed.floor()
    part = landed - corner
    sums = torch.zeros(3, height * width, device=field.device)
    values = torch.cat([field[0] * weight[0], weight[0]])
    for right in (0, 1):
        for below in (0, 1):
            x, y = corner[0] + right, corner[1] + below
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            near = (part[0] if right else 1 - part[0]) * (part[1] if below else 1 - part[1]) * inside
            index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).long().flatten()
            sums.index_add_(1, index, (values * near).flatten(1))
    return _filled(sums.view(1, 3, height, width))


def _filled(sums: Any) -> Any:
    """Sums over weights; where nothing landed, the mean of the nearest neighbourhood in which something did."""
    field, weight = sums[:, :2], sums[:, 2:]
    if min(weight.shape[2:]) < 2:
        return field / weight.clamp_min(1e-6)
    coarse = functional.interpolate(
        _filled(functional.avg_pool2d(sums, 2, ceil_mode=True)), size=weight.shape[2:], mode="nearest"
    )
    # 1e-2 of a pixel's worth of neighbourhood: it decides only where hardly anything landed.
    return (field + 1e-2 * coarse) / (weight + 1e-2)


def _codes(plane: Any) -> Plane:
    codes: Plane = plane.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return codes


def follow(first: Planes, second: Planes, device: str) -> Callable[[float], Planes]:
    """What makes the frame at any moment (0 to 1) between two.

    Raises: OutOfMemory when the GPU has no room; that is said where the moment is asked for, too.
    """

    def guarded(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except torch.OutOfMemoryError as error:
            height, width = first.y.shape
            raise OutOfMemory(
                f"conform: the GPU has no room to follow motion at {width}x{height}; device cpu needs none of it"
            ) from error

    between = guarded(lambda: Between(first, second, device))
    return lambda t: guarded(lambda: between.at(t))


def device_of(wanted: str) -> str:
    """The device of that name, or for `auto` the GPU where there is one.

    Raises: NotAvailable when a GPU is asked for and torch sees none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise NotAvailable("conform: device cuda was asked for and torch sees no GPU; choose cpu or auto")
    return "cuda" if there and wanted != "cpu" else "cpu"
