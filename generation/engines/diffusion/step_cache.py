"""Leaves out model calls whose result would hardly differ from the last one, for any family.

Flow models move along nearly straight lines: in the middle of 20 to 50 steps, the velocity that the denoiser returns
changes little. How much is estimated as EasyCache does: the last two computed calls say how strongly the output
follows the input, and the input's change since then is known without a call. While the estimates summed up stay under
the threshold, the last output is returned. The first and last steps are always computed (composition and texture), and
no more than `LONGEST_RUN` calls in a row are left out. Calls with the prompt and without it are kept apart, by the
pipeline's `cache_context` or, where it sets none, by their order within the step.

A shot must not depend on its batch, and one decision over a batch would make it so. With a cache that looks at tensors
a batch is one shot: at native sizes one clip (33 thousand tokens and more) fills a card, so nothing is lost.

diffusers' own caches, where a preset names one, are in `block_cache.py`. Knows no pipeline and no schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from generation.engines.diffusion.block_cache import (
    LONGEST_RUN,
    WARM_UP_PART,
    Report,
    blocks_cached,
    kept_forward,
)
from generation.engines.diffusion.presets import Speed
from generation.errors import NotAvailable

#: Part of the steps at the end that are always computed.
TAIL_PART = 0.05
CACHES = ("none", "step", "first_block", "mag")


@dataclass(slots=True)
class _Stream:
    """What is remembered of one kind of call (with the prompt, without it)."""

    #: Input and output of the last computed call.
    last_input: Any = None
    last_output: Any = None
    #: Change of the output for a change of the input, from the last two computed calls; None before there are two.
    gain: float | None = None
    #: Input of the last call, computed or not, and the estimates summed up since the last computed one.
    seen: Any = None
    estimate: float = 0.0
    run: int = 0


@dataclass(slots=True)
class _Clock:
    """Where the pipeline is; moved by `on_step`."""

    step: int = 0
    steps: int = 1
    calls: dict[int, int] = field(default_factory=dict)

    def always_computed(self) -> bool:
        """The first and the last steps, and the last one in any case."""
        first = max(2, round(WARM_UP_PART * self.steps))
        return self.step < first or self.step >= self.steps - max(1, round(TAIL_PART * self.steps))


def largest_batch(speed: Speed) -> int | None:
    """How many shots may be denoised together at this level; None where nothing limits it.

    Mag decides by step number alone; the others look at the tensors, and a row must not depend on its neighbours.
    """
    return 1 if speed.cache in ("step", "first_block") else None


class Cache:
    """The cache of one batch: `with cache.on(denoisers): ...`, `on_step` after each step, `report` at the end."""

    def __init__(self, speed: Speed, steps: int) -> None:
        """Raises: NotAvailable for an unknown kind of cache or a threshold that would do nothing."""
        if speed.cache not in CACHES:
            raise NotAvailable(f"there is no cache {speed.cache!r}; there are {', '.join(CACHES)}")
        if speed.cache != "none" and speed.threshold <= 0:
            raise NotAvailable(f"the cache {speed.cache!r} with a threshold of {speed.threshold:g} skips nothing")
        self.speed = speed
        self.report = Report()
        self._clock = _Clock(steps=steps)

    def on_step(self, index: int, steps: int) -> None:
        """Step `index` (from 0) of `steps` has ended."""
        self._clock.step, self._clock.steps = index + 1, steps
        self._clock.calls.clear()

    def warning(self) -> str:
        """A cache that had no effect; "" otherwise."""
        if self.speed.cache == "none" or self.report.skipped:
            return ""
        return (
            f"the cache {self.speed.cache!r} had no effect: all {self.report.calls} calls were computed "
            f"(threshold {self.speed.threshold:g}, {self._clock.steps} steps)"
        )

    @contextmanager
    def on(self, denoisers: Sequence[Any]) -> Iterator[None]:
        """Cache calls of the denoisers inside; afterwards they are what they were, and nothing is kept."""
        if self.speed.cache == "none":
            yield
            return
        with ExitStack() as stack:
            for denoiser in denoisers:
                if self.speed.cache == "step":
                    stack.enter_context(self._steps_of(denoiser))
                else:
                    alone, steps = len(denoisers) == 1, self._clock.steps
                    stack.enter_context(blocks_cached(denoiser, self.speed, steps, alone, self.report, self._order))
            yield

    @contextmanager
    def _steps_of(self, denoiser: Any) -> Iterator[None]:
        streams: dict[object, _Stream] = {}
        with _named_calls(denoiser) as name, kept_forward(denoiser) as compute:

            def forward(*arguments: Any, **others: Any) -> Any:
                key = name[-1] if name else self._order(denoiser)
                shown = others["hidden_states"] if "hidden_states" in others else arguments[0]
                stream = streams.setdefault(key, _Stream())
                self.report.calls += 1
                if not self._clock.always_computed() and _still_good(stream, shown, self.speed.threshold):
                    self.report.skipped += 1
                    return stream.last_output
                output = compute(*arguments, **others)
                _remember(stream, shown, output)
                return output

            denoiser.forward = forward
            yield

    def _order(self, denoiser: Any) -> int:
        """Number of this call within its step, where the pipeline names none."""
        number = self._clock.calls.get(id(denoiser), 0)
        self._clock.calls[id(denoiser)] = number + 1
        return number


def _still_good(stream: _Stream, shown: Any, threshold: float) -> bool:
    """Whether the last output will do for this input; counts the run and the estimate."""
    if stream.gain is None or stream.last_output is None or shown.shape != stream.seen.shape:
        return False
    size = _size(_first(stream.last_output))
    stream.estimate += stream.gain * _size(shown - stream.seen) / max(size, 1e-12)
    stream.seen = shown
    if stream.estimate >= threshold or stream.run >= LONGEST_RUN:
        return False
    stream.run += 1
    return True


def _remember(stream: _Stream, shown: Any, output: Any) -> None:
    """A computed call: learn how the output follows the input, and begin to count anew."""
    if stream.last_input is not None and stream.last_input.shape == shown.shape:
        moved = _size(shown - stream.last_input)
        stream.gain = _size(_first(output) - _first(stream.last_output)) / max(moved, 1e-12)
    stream.last_input = stream.seen = shown
    stream.last_output = output
    stream.estimate, stream.run = 0.0, 0


def _first(output: Any) -> Any:
    """The picture's part of an output; families with sound return two."""
    if isinstance(output, tuple):
        return output[0]
    return output.sample if hasattr(output, "sample") else output


def _size(tensor: Any) -> float:
    return float(tensor.detach().float().abs().mean())


@contextmanager
def _named_calls(denoiser: Any) -> Iterator[list[str]]:
    """Inside, the list's last entry is the name that the pipeline gave to the call it is making."""
    names: list[str] = []
    if not hasattr(denoiser, "cache_context"):
        yield names
        return
    named = denoiser.cache_context

    @contextmanager
    def cache_context(name: str, **others: Any) -> Iterator[None]:
        names.append(name)
        try:
            with named(name, **others):
                yield
        finally:
            names.pop()

    denoiser.cache_context = cache_context
    try:
        yield names
    finally:
        del denoiser.__dict__["cache_context"]
