"""Exactly the noise levels that a checkpoint was trained for, and noise that belongs to one shot.

diffusers makes three quiet mistakes possible here. A few-step model runs at other timesteps than it learned (Euler at
shift 5 gives 1000, 910, 717, 24 where Wan2.2-Lightning wants 1000, 937.5, 833.3, 625). Exact sigmas are shifted a
second time. And the schedulers that add noise again at each step (LCM, DMD) draw it unseeded, because Wan's pipelines
hand no generator on. So a preset's schedule becomes a scheduler whose levels are bound, whose timesteps are compared
with what the publisher states on every use, and whose noise comes from the shots' own generators.

Knows schedulers of diffusers; knows no denoiser, no guidance and no file.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from generation.engines.diffusion.presets import Schedule
from generation.errors import BadShot, NotAvailable

#: Every way in which a scheduler would move levels that are given: switched off where sigmas are exact.
_UNSHIFTED: Mapping[str, object] = {
    "shift": 1.0, "flow_shift": 1.0, "use_dynamic_shifting": False, "shift_terminal": None,
    "use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False,
}  # fmt: skip


@contextmanager
def fixed_schedule(pipe: Any, schedule: Schedule, generators: Sequence[Any] = ()) -> Iterator[Any]:
    """Give `pipe` the schedule's scheduler for a batch and its own one back afterwards; yields the scheduler.

    `generators` are those of the initial noise, one for each shot: re-noising goes on in the same streams, so that a
    row of a batch gets the noise that it gets alone.
    Raises: NotAvailable for a schedule that cannot be met.
    """
    own = pipe.scheduler
    pipe.scheduler = build_scheduler(own, schedule, generators)
    try:
        yield pipe.scheduler
    finally:
        pipe.scheduler = own


def build_scheduler(own: Any, schedule: Schedule, generators: Sequence[Any] = ()) -> Any:
    """A new scheduler as `schedule` says, from the configuration of the checkpoint's `own` one.

    Raises: NotAvailable when diffusers has no such scheduler, a setting is unknown to it, or other timesteps than the
    stated ones come out.
    """
    base: Any = _class_named(schedule.scheduler) if schedule.scheduler else _base_of(type(own))
    scheduler = _bound_class(base).from_config(_configuration(base, own.config, schedule))
    scheduler.exact_schedule = schedule
    scheduler.shot_generators = list(generators)
    # Levels that depend on the picture's size or on the stage of a pyramid are compared when the pipeline sets them.
    staged = "stage_index" in inspect.signature(base.set_timesteps).parameters
    if not (scheduler.config.get("use_dynamic_shifting", False) or staged):
        scheduler.set_timesteps(schedule.steps)
    return scheduler


def _class_named(name: str) -> Any:
    import diffusers

    found = getattr(diffusers, name, None)
    if found is None or not hasattr(found, "set_timesteps"):
        raise NotAvailable(
            f"the schedule names the scheduler {name!r}, which diffusers {diffusers.__version__} does not have; "
            "correct `schedule.scheduler` in the preset"
        )
    return found


def _base_of(kind: type) -> type:
    """diffusers' own class behind one of ours."""
    return next(one for one in kind.__mro__ if one.__module__.startswith("diffusers."))


def _configuration(base: Any, own: Mapping[str, object], schedule: Schedule) -> dict[str, object]:
    """The checkpoint's settings that this class knows, then the schedule's, then no shifting where sigmas are exact."""
    known = set(inspect.signature(base.__init__).parameters) - {"self", "kwargs"}
    unknown = sorted(set(schedule.config) - known)
    if unknown:
        raise NotAvailable(
            f"{base.__name__} has no setting {', '.join(unknown)}; `schedule.config` takes {', '.join(sorted(known))}"
        )
    settings = {name: value for name, value in own.items() if name in known} | dict(schedule.config)
    if not schedule.sigmas:
        return settings
    for name in ("shift", "flow_shift"):
        if schedule.config.get(name, 1.0) != 1.0:
            raise NotAvailable(
                f"`schedule.sigmas` are exact, and {name} {schedule.config[name]} would shift them a second time; "
                "remove one of the two from the preset"
            )
    return settings | {name: value for name, value in _UNSHIFTED.items() if name in known}


@cache
def _bound_class(base: Any) -> Any:
    """`base` with bound levels and seeded noise.

    A class, not an attribute on the instance: LTX-2 deep-copies its scheduler for the sound, and a function bound to
    the first one would set the levels of the wrong scheduler.
    """
    takes_generator = "generator" in inspect.signature(base.step).parameters

    signature = inspect.signature(base.set_timesteps)

    # `wraps` shows the parameters of the wrapped one: diffusers' `retrieve_timesteps` looks for `sigmas` among them.
    @wraps(base.set_timesteps)
    def set_timesteps(self: Any, *arguments: Any, **others: Any) -> None:
        schedule: Schedule = self.exact_schedule
        if schedule.sigmas:
            given = signature.bind(self, *arguments, **others).arguments
            _same_count(schedule, given.get("num_inference_steps"))
            base.set_timesteps(self, sigmas=list(schedule.sigmas), device=given.get("device"))
        else:
            base.set_timesteps(self, *arguments, **others)
        _as_stated(self, schedule)

    def step(self: Any, *arguments: Any, **others: Any) -> Any:
        if takes_generator and self.shot_generators and others.get("generator") is None:
            others["generator"] = self.shot_generators
        return base.step(self, *arguments, **others)

    return type(f"Exact{base.__name__}", (base,), {"set_timesteps": set_timesteps, "step": step})


def _same_count(schedule: Schedule, steps: int | None) -> None:
    if steps is not None and steps != len(schedule.sigmas):
        raise BadShot(
            f"{steps} steps were asked for, and this preset was distilled for exactly {len(schedule.sigmas)} "
            f"(noise levels {', '.join(f'{sigma:g}' for sigma in schedule.sigmas)}); leave the number of steps out"
        )


def _as_stated(scheduler: Any, schedule: Schedule) -> None:
    """Compare with what the publisher states. Within one: 937.5 is stated as 937 by some and as 938 by others."""
    if not schedule.timesteps:
        return
    found = [float(timestep) for timestep in scheduler.timesteps]
    stated = schedule.timesteps
    if len(found) != len(stated) or any(abs(one - other) >= 1 for one, other in zip(found, stated, strict=True)):
        raise NotAvailable(
            f"the schedule gives the timesteps {', '.join(f'{one:.4g}' for one in found)}, and the checkpoint was "
            f"trained for {', '.join(map(str, stated))}: the film would be worse without a word; correct `schedule` "
            "in the preset"
        )
