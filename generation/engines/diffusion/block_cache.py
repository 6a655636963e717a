"""Caches of diffusers, which leave out all blocks of a denoiser but the first: for families they are registered for.

Enabled for one batch and disabled after it, which also empties them: a film does not depend on the film before. What
they left out is counted from their own decision. Our own cache, for any family, is in `step_cache.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from generation.engines.diffusion.presets import Speed
from generation.errors import NotAvailable

#: Part of the steps at the beginning that are always computed: composition is decided there.
WARM_UP_PART = 0.15
#: Calls in a row that may be left out.
LONGEST_RUN = 3
#: Kind of cache -> name of the hook that decides, on the first block.
_DECIDES = {"first_block": "fbc_leader_block_hook", "mag": "mag_cache_leader_block_hook"}


@dataclass(slots=True)
class Report:
    """How many calls of the denoisers were asked for, and how many of them were left out."""

    calls: int = 0
    skipped: int = 0


@contextmanager
def blocks_cached(
    denoiser: Any, speed: Speed, steps: int, alone: bool, report: Report, order: Callable[[Any], int]
) -> Iterator[None]:
    """The cache that `speed` names is on inside; `alone`: it is the preset's only denoiser.

    `order` numbers the calls within a step, for pipelines that name none (Wan's video to video): there these caches
    would fail without a context.
    Raises: NotAvailable when it does not work with this denoiser.
    """
    config = _first_block(speed) if speed.cache == "first_block" else _mag(speed, steps, alone)
    try:
        denoiser.enable_cache(config)
    except ValueError as error:  # its blocks are not registered: LTX-2, Helios, Kandinsky 6
        raise NotAvailable(
            f"diffusers' cache {speed.cache!r} does not work with {type(denoiser).__name__} ({error}); "
            "`cache = 'step'` works with any family"
        ) from error
    head = _head_block(denoiser)
    try:
        with kept_forward(denoiser) as compute:

            def forward(*arguments: Any, **others: Any) -> Any:
                states = head._diffusers_hook.get_hook(_DECIDES[speed.cache]).state_manager
                unnamed = states._context is None
                with denoiser.cache_context(f"call {order(denoiser)}") if unnamed else nullcontext():
                    output = compute(*arguments, **others)
                    report.calls += 1
                    report.skipped += not states.get_state().should_compute
                return output

            denoiser.forward = forward
            yield
    finally:
        denoiser.disable_cache()


def _first_block(speed: Speed) -> Any:
    from diffusers import FirstBlockCacheConfig

    return FirstBlockCacheConfig(threshold=speed.threshold)


def _mag(speed: Speed, steps: int, alone: bool) -> Any:
    from diffusers import MagCacheConfig

    if not speed.mag_ratios:
        raise NotAvailable("cache = 'mag' needs `mag_ratios`, measured on this very checkpoint; or use 'step'")
    if not alone:
        # It counts the calls of each denoiser from its own first one: the second expert would get wrong ratios.
        raise NotAvailable("cache = 'mag' works with one denoiser, and this preset has two; use 'step'")
    return MagCacheConfig(
        threshold=speed.threshold,
        mag_ratios=list(speed.mag_ratios),
        num_inference_steps=steps,
        max_skip_steps=LONGEST_RUN,
        retention_ratio=WARM_UP_PART,
    )


def _head_block(denoiser: Any) -> Any:
    """The block that diffusers' caches decide at: the first of the first list of blocks it knows."""
    from diffusers.hooks._common import _ALL_TRANSFORMER_BLOCK_IDENTIFIERS as KNOWN

    return next(blocks[0] for name, blocks in denoiser.named_children() if name in KNOWN)


@contextmanager
def kept_forward(denoiser: Any) -> Iterator[Any]:
    """Yields the denoiser's `forward` and puts it back, as it was: an attribute of its own (hooks) or its class's."""
    own = denoiser.__dict__.get("forward")
    try:
        yield denoiser.forward
    finally:
        if own is None:
            denoiser.__dict__.pop("forward", None)
        else:
            denoiser.forward = own
