"""A pipeline's denoising loop as a generator: one `Step` at a time, and between two of them the loop stands still.

The loop is diffusers' own, untouched; it runs in a thread that waits after each step until the caller asks for the
next one. So progress, previews and cancelling belong to the caller, for every pipeline that calls back at a step's end,
and what comes out is what the pipeline alone would give. Knows no model and no files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A finished step: its number from 0, the timestep, and the tensors that were asked for (views, not copies)."""

    index: int
    timestep: float
    tensors: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The pipeline returned, or raised."""

    output: Any = None
    error: BaseException | None = None


class _Cancelled(Exception):
    """Ends the pipeline from inside its callback; nobody outside this file sees it."""


def drive(
    pipe: Callable[..., Any],
    arguments: Mapping[str, Any],
    tensors: Sequence[str] = ("latents",),
    at_step: Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]] | None = None,
) -> Generator[Step, None, Any]:
    """Run `pipe(**arguments)` step by step; the generator's return value is the pipeline's output.

    Closing the generator ends the pipeline between two steps: neither the rest of the loop nor its decoder runs, and
    the thread is gone when `close` returns. An exception of the pipeline is raised here.

    Args:
        tensors: names that the pipeline's callback offers.
        at_step: a callback in diffusers' form, called in the loop before the step is handed over.
    """
    import torch

    events: SimpleQueue[Step | _Ended] = SimpleQueue()
    going_on = threading.Semaphore(0)
    cancelled = threading.Event()

    def callback(owner: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        returned = at_step(owner, index, timestep, values) if at_step else {}
        shown = {**values, **returned}
        # `float` waits for the device: without it a caller would count steps that are only queued.
        events.put(Step(index, float(timestep), {name: shown[name] for name in tensors}))
        going_on.acquire()
        if cancelled.is_set():
            raise _Cancelled
        return returned

    threads = torch.get_num_threads()

    def work() -> None:
        # OpenMP counts per thread: a new one would use all cores, and sums in another order have other last bits.
        torch.set_num_threads(threads)
        try:
            output = pipe(
                **arguments,
                callback_on_step_end=callback,
                callback_on_step_end_tensor_inputs=list(tensors),
            )
        except _Cancelled:
            events.put(_Ended())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            events.put(_Ended(error=error))
        else:
            events.put(_Ended(output))

    thread = threading.Thread(target=work, name="denoising", daemon=True)
    thread.start()
    try:
        return (yield from _steps(events, going_on))
    finally:
        cancelled.set()
        going_on.release()
        thread.join()


def _steps(events: SimpleQueue[Step | _Ended], going_on: threading.Semaphore) -> Generator[Step, None, Any]:
    while True:
        event = events.get()
        if isinstance(event, _Ended):
            if event.error is not None:
                raise event.error
            return event.output
        yield event
        going_on.release()
