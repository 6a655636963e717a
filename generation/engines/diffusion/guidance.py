"""Classifier-free guidance in the first part of the steps only.

Guidance calls the denoiser twice a step, with the prompt and with the negative one. Composition is decided in the
early steps; leaving it out in the later half takes a quarter of the time. Wan's pipelines read their guidance scale
anew in each step and make two calls of it, so the step callback can switch it off. LTX-2 doubles its batch before the
loop begins and would fail in the middle: there it is refused.

Knows the pipelines' guidance and nothing of caches.
"""

from __future__ import annotations

import math
from typing import Any

from generation.errors import NotAvailable

#: Pipelines that make two calls a step and read `_guidance_scale` anew each time (read in diffusers 0.42.1).
TWO_CALLS = frozenset({"WanPipeline", "WanImageToVideoPipeline", "WanVideoToVideoPipeline", "WanVACEPipeline"})


class PartlyGuided:
    """Switches guidance off after `part` of the steps; `on_step` is called from the pipeline's step callback."""

    def __init__(self, pipe: Any, part: float) -> None:
        """Raises: NotAvailable for a part outside 0-1 and for pipelines where guidance cannot end midway."""
        name = type(pipe).__name__
        if not 0 < part <= 1:
            raise NotAvailable(f"guided_part is {part:g}; it is a part of the steps above 0 and at most 1")
        if part < 1 and name not in TWO_CALLS:
            raise NotAvailable(
                f"guided_part {part:g} works with {', '.join(sorted(TWO_CALLS))}, not with {name}, whose guidance is "
                "fixed before the first step; remove guided_part from this level of the preset"
            )
        self.pipe, self.part = pipe, part
        #: Steps that were made without guidance although the pipeline was asked for it.
        self.unguided_steps = 0

    def on_step(self, index: int, steps: int) -> None:
        """After step `index` (from 0) of `steps`: is the next one guided?"""
        if self.part >= 1 or index + 1 >= steps or index + 1 < math.ceil(self.part * steps):
            return
        if self.pipe._guidance_scale > 1 or self.unguided_steps:
            self.unguided_steps += 1
        # The pipeline sets it to what it is called with at the start of every call.
        self.pipe._guidance_scale = 1.0
