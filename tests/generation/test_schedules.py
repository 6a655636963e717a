"""Schedules visit exactly the stated noise levels, and noise that is added again belongs to one shot."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from generation.engines.diffusion import tiny  # noqa: E402
from generation.engines.diffusion.presets import Schedule, load_presets  # noqa: E402
from generation.engines.diffusion.schedules import build_scheduler, fixed_schedule  # noqa: E402
from generation.errors import BadShot, NotAvailable  # noqa: E402

#: What the publishers of two few-step checkpoints state.
LIGHTNING = Schedule(
    "FlowMatchEulerDiscreteScheduler", steps=4, sigmas=(1.0, 0.9375, 0.8333333, 0.625), timesteps=(1000, 937, 833, 625)
)
DMD = Schedule("FlowMatchLCMScheduler", steps=3, sigmas=(1.0, 0.757, 0.522), timesteps=(1000, 757, 522))


def checkpoints_own(shift: float = 5.0) -> Any:
    return diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=shift
    )


def timesteps(scheduler: Any, steps: int) -> list[float]:
    scheduler.set_timesteps(steps)
    return [round(float(one), 1) for one in scheduler.timesteps]


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.set_num_threads(1)
    folder: Path = tmp_path_factory.mktemp("tiny")
    tiny.build(folder)
    made = diffusers.WanPipeline.from_pretrained(folder, text_encoder=None, tokenizer=None, local_files_only=True)
    made.set_progress_bar_config(disable=True)
    return made


def latents(pipe: Any, schedule: Schedule, seeds: tuple[int, ...]) -> Any:
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    prompts = torch.cat([torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    with fixed_schedule(pipe, schedule, generators):
        return pipe(
            prompt_embeds=prompts, height=32, width=48, num_frames=9, num_inference_steps=schedule.steps,
            guidance_scale=1.0, generator=generators, output_type="latent",
        ).frames  # fmt: skip


def test_lightning_visits_the_timesteps_it_was_trained_at() -> None:
    scheduler = build_scheduler(checkpoints_own(), LIGHTNING)
    assert timesteps(scheduler, 4) == [1000.0, 937.5, 833.3, 625.0]
    assert [round(float(sigma), 4) for sigma in scheduler.sigmas] == [1.0, 0.9375, 0.8333, 0.625, 0.0]


def test_dmd_visits_the_timesteps_it_was_trained_at() -> None:
    assert timesteps(build_scheduler(checkpoints_own(), DMD), 3) == [1000.0, 757.0, 522.0]


def test_the_naive_schedule_is_another_one() -> None:
    naive = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0)
    assert timesteps(naive, 4) != [1000.0, 937.5, 833.3, 625.0]
    assert timesteps(naive, 4)[-1] < 100
    twice = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0)
    twice.set_timesteps(sigmas=list(LIGHTNING.sigmas))
    assert [round(float(one)) for one in twice.timesteps] != [1000, 938, 833, 625]


def test_a_shift_of_the_checkpoint_does_not_shift_exact_sigmas() -> None:
    own = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0, use_dynamic_shifting=True, shift_terminal=0.1)
    assert timesteps(build_scheduler(own, LIGHTNING), 4) == [1000.0, 937.5, 833.3, 625.0]


def test_a_shift_beside_exact_sigmas_is_refused() -> None:
    both = Schedule(LIGHTNING.scheduler, {"shift": 5.0}, steps=4, sigmas=LIGHTNING.sigmas)
    with pytest.raises(NotAvailable, match="second time"):
        build_scheduler(checkpoints_own(), both)


def test_other_timesteps_than_the_stated_ones_are_refused_before_anything_is_made() -> None:
    wrong = Schedule("FlowMatchEulerDiscreteScheduler", {"shift": 5.0}, steps=4, timesteps=(1000, 937, 833, 625))
    with pytest.raises(NotAvailable, match=r"gives the timesteps 1000, .* trained for 1000, 937, 833, 625"):
        build_scheduler(checkpoints_own(), wrong)


def test_levels_that_depend_on_the_picture_are_compared_when_they_are_known() -> None:
    dynamic = Schedule("", {"use_dynamic_shifting": True}, steps=4, timesteps=(1000, 750, 500, 250))
    scheduler = build_scheduler(diffusers.FlowMatchEulerDiscreteScheduler(), dynamic)
    with pytest.raises(NotAvailable, match="trained for"):
        scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25], mu=2.0)


def test_another_number_of_steps_than_the_distilled_one_is_refused() -> None:
    scheduler = build_scheduler(checkpoints_own(), LIGHTNING)
    with pytest.raises(BadShot, match=r"50 steps were asked for.*exactly 4"):
        scheduler.set_timesteps(50)


def test_an_unknown_scheduler_or_setting_is_a_sentence() -> None:
    with pytest.raises(NotAvailable, match="'FlowEuler', which diffusers"):
        build_scheduler(checkpoints_own(), Schedule("FlowEuler"))
    with pytest.raises(NotAvailable, match="has no setting flow_shfit"):
        build_scheduler(checkpoints_own(), Schedule("", {"flow_shfit": 5.0}))


def test_an_empty_schedule_keeps_the_checkpoints_own_levels() -> None:
    assert timesteps(build_scheduler(checkpoints_own(), Schedule(steps=4)), 4) == timesteps(checkpoints_own(), 4)


def test_diffusers_own_helper_and_a_copy_for_the_sound_keep_the_levels() -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2 import retrieve_timesteps

    scheduler = build_scheduler(diffusers.FlowMatchEulerDiscreteScheduler(), LIGHTNING)
    for one in (scheduler, copy.deepcopy(scheduler)):
        found, steps = retrieve_timesteps(one, 4, "cpu", None, sigmas=[1.0, 0.9, 0.8, 0.7], mu=2.0)
        assert [round(float(step)) for step in found] == [1000, 938, 833, 625]
        assert steps == 4
    sound = copy.deepcopy(scheduler)
    sound.set_timesteps(4)
    assert sound.sigmas is not scheduler.sigmas


def renoised(seeds: tuple[int, ...]) -> Any:
    """What the scheduler alone makes of a denoiser that returns its input: nothing but its noise tells rows apart."""
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    sample = torch.cat([torch.randn(1, 16, 3, 4, 6, generator=generator) for generator in generators])
    scheduler = build_scheduler(checkpoints_own(), DMD, generators)
    scheduler.set_timesteps(3)
    for timestep in scheduler.timesteps:
        sample = scheduler.step(sample, timestep, sample, return_dict=False)[0]
    return sample


@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")  # diffusers with numpy 2
def test_a_schedule_of_several_stages_is_left_to_its_pipeline() -> None:
    own = diffusers.HeliosDMDScheduler()
    ours = build_scheduler(own, Schedule(steps=2))
    for stage in range(own.config.stages):
        own.set_timesteps(2, stage, device="cpu")
        ours.set_timesteps(2, stage, device="cpu")  # as Helios calls it
        assert torch.equal(own.timesteps, ours.timesteps)
        assert torch.equal(own.sigmas, ours.sigmas)


@pytest.mark.parametrize("name", load_presets())
def test_every_preset_has_a_schedule_that_can_be_built(name: str) -> None:
    schedule = load_presets()[name].schedule
    scheduler = build_scheduler(checkpoints_own(), schedule)
    if schedule.sigmas:
        scheduler.set_timesteps(schedule.steps)
        assert len(scheduler.timesteps) == schedule.steps
        assert [float(one) for one in scheduler.sigmas[:-1]] == pytest.approx(schedule.sigmas)


def test_noise_added_again_is_the_shots_own_whatever_else_is_in_the_batch() -> None:
    both = renoised((3, 4))
    assert torch.equal(both, renoised((3, 4)))
    assert torch.equal(both[0:1], renoised((3,)))
    assert torch.equal(both[1:2], renoised((4,)))
    assert not torch.equal(both[0], both[1])


def test_a_few_step_run_is_the_same_again_and_a_row_is_its_single_run(pipe: Any) -> None:
    both = latents(pipe, DMD, (3, 4))
    assert torch.equal(both, latents(pipe, DMD, (3, 4)))
    for row, seed in enumerate((3, 4)):
        # Matrix products of one row and of two differ in the last bits (1e-5); foreign noise would differ by 1.
        torch.testing.assert_close(both[row : row + 1], latents(pipe, DMD, (seed,)), atol=1e-3, rtol=0)


def test_the_naive_scheduler_gives_other_noise_on_every_run(pipe: Any) -> None:
    own = pipe.scheduler
    pipe.scheduler = diffusers.FlowMatchLCMScheduler()
    prompts = torch.zeros(1, 8, 32)
    try:
        one, two = (
            pipe(
                prompt_embeds=prompts, height=32, width=48, num_frames=9, num_inference_steps=3, guidance_scale=1.0,
                generator=torch.Generator().manual_seed(3), output_type="latent",
            ).frames
            for _ in range(2)
        )  # fmt: skip
    finally:
        pipe.scheduler = own
    assert not torch.equal(one, two)


def test_the_pipelines_own_scheduler_comes_back_also_after_an_error(pipe: Any) -> None:
    own = pipe.scheduler
    with pytest.raises(BadShot), fixed_schedule(pipe, DMD) as scheduler:
        scheduler.set_timesteps(50)
    assert pipe.scheduler is own


def test_a_scheduler_of_ours_can_be_built_upon() -> None:
    first = build_scheduler(checkpoints_own(), Schedule(steps=4))
    holder = SimpleNamespace(scheduler=first)
    with fixed_schedule(holder, Schedule(steps=6)) as second:
        assert len(timesteps(second, 6)) == 6
        assert type(second).__mro__[1] is type(first).__mro__[1]
