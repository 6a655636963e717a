"""Stepping through somebody else's loop: order, results, errors, cancelling. The pipelines here are plain functions."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from generation.engines.diffusion.drive import Step, drive


class Loop:
    """Calls back like a pipeline of diffusers and keeps what it did."""

    def __init__(self, steps: int = 4, fails_at: int = -1) -> None:
        self.steps, self.fails_at = steps, fails_at
        self.done: list[int] = []
        self.returned: list[dict[str, Any]] = []
        self.decoded = False

    def __call__(self, callback_on_step_end: Any, callback_on_step_end_tensor_inputs: list[str], scale: int = 1) -> str:
        for index in range(self.steps):
            if index == self.fails_at:
                raise ArithmeticError("the loop broke")
            self.done.append(index)
            values = dict.fromkeys(callback_on_step_end_tensor_inputs, index * scale)
            self.returned.append(callback_on_step_end(self, index, 1000 - index, values))
        self.decoded = True
        return "film"


def test_each_step_comes_once_and_the_output_last() -> None:
    loop = Loop()
    steps = drive(loop, {"scale": 10}, ("latents", "sound"))
    seen = [next(steps) for _ in range(4)]
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == "film"
    assert seen == [Step(index, 1000 - index, {"latents": 10 * index, "sound": 10 * index}) for index in range(4)]


def test_the_loop_stands_still_between_two_steps() -> None:
    loop = Loop()
    steps = drive(loop, {})
    for index in range(3):
        assert next(steps).index == index
        assert loop.done == list(range(index + 1))
    steps.close()


def test_closing_ends_the_loop_before_its_next_step_and_its_decoder() -> None:
    loop, before = Loop(), threading.active_count()
    steps = drive(loop, {})
    next(steps)
    steps.close()
    assert loop.done == [0]
    assert not loop.decoded
    assert threading.active_count() == before


def test_a_generator_that_was_never_started_starts_nothing() -> None:
    before = threading.active_count()
    drive(Loop(), {}).close()
    assert threading.active_count() == before


@pytest.mark.parametrize("fails_at", [0, 2])
def test_an_error_of_the_loop_is_raised_where_it_is_driven(fails_at: int) -> None:
    before = threading.active_count()
    with pytest.raises(ArithmeticError, match="the loop broke"):
        list(drive(Loop(fails_at=fails_at), {}))
    assert threading.active_count() == before


def test_an_error_of_the_caller_ends_the_loop() -> None:
    loop, before = Loop(), threading.active_count()
    steps = drive(loop, {})
    next(steps)
    with pytest.raises(KeyError):
        steps.throw(KeyError)
    assert loop.done == [0]
    assert threading.active_count() == before


def test_what_a_callback_returns_reaches_the_loop_and_the_caller() -> None:
    loop = Loop(2)
    steps = list(
        drive(loop, {}, ("latents",), lambda pipe, index, timestep, values: {"latents": values["latents"] + 5})
    )
    assert loop.returned == [{"latents": 5}, {"latents": 6}]
    assert [step.tensors["latents"] for step in steps] == [5, 6]
