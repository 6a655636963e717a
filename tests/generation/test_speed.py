"""The speed levels: what they leave out, that they come off again without a trace, and that nothing is quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from generation.engines.diffusion import tiny  # noqa: E402
from generation.engines.diffusion.accelerate import (  # noqa: E402
    MOST_SHAPES,
    compile_blocks,
    offload_groups,
    store_fp8,
    swapped,
    tiled,
    uncompile,
)
from generation.engines.diffusion.attention import attention, choose, unusable  # noqa: E402
from generation.engines.diffusion.guidance import PartlyGuided  # noqa: E402
from generation.engines.diffusion.loading import as_pipeline  # noqa: E402
from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule, Speed  # noqa: E402
from generation.engines.diffusion.speed import accelerated, largest_batch  # noqa: E402
from generation.engines.diffusion.step_cache import Cache  # noqa: E402
from generation.errors import NotAvailable  # noqa: E402
from generation.spec import Size  # noqa: E402
from tests.generation.tiny_families import build_ltx2  # noqa: E402

STEPS = 12
PRESET = Preset(
    name="tiny", title="Tiny", family="wan", checkpoint=Checkpoint("", "", 0.0, folder="/models/tiny"),
    licence="Apache-2.0", licence_url="", commercial_use="yes", fps=Fraction(16), sizes=(Size(48, 32),),
    size_multiple_px=16, frames_step=4, frames_offset=1, min_frames=5, max_frames=81, schedule=Schedule(steps=STEPS),
    guidance=5.0,
)  # fmt: skip


def loaded(folder: Path, kind: str) -> Any:
    torch.set_num_threads(1)
    tiny.build(folder, kind)
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder, text_encoder=None, tokenizer=None, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def pipe(folder: Path) -> Any:
    return loaded(folder / "text", "text")


@pytest.fixture(scope="module")
def two_experts(folder: Path) -> Any:
    return loaded(folder / "two", "two_experts")


def run(pipe: Any, handle: Any = None, *, seed: int = 1, guidance: float = 5.0, steps: int = STEPS) -> Any:
    embedding = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(seed))
    return pipe(
        prompt_embeds=embedding[:1], negative_prompt_embeds=embedding[1:], height=32, width=48, num_frames=9,
        num_inference_steps=steps, guidance_scale=guidance, generator=torch.Generator("cpu").manual_seed(seed),
        output_type="latent", callback_on_step_end=handle.on_step if handle else None,
    ).frames  # fmt: skip


@contextmanager
def counted(module: Any) -> Iterator[list[int]]:
    """Counts real computations of a module, in its own hook: what a cache leaves out does not get here."""
    calls: list[int] = []
    handle = module.register_forward_hook(lambda *_: calls.append(1))
    try:
        yield calls
    finally:
        handle.remove()


def at(pipe: Any, speed: Speed, denoisers: tuple[str, ...] = ("transformer",), **others: Any) -> Any:
    return accelerated(pipe, denoisers, PRESET, speed, STEPS, "cpu", **others)


# --- caches ---


@pytest.mark.parametrize("cache", ["step", "first_block"])
def test_a_cache_leaves_out_calls_and_leaves_no_trace(pipe: Any, cache: str) -> None:
    before, attributes = run(pipe), set(pipe.transformer.__dict__)
    with at(pipe, Speed(cache=cache, threshold=0.5)) as handle, counted(pipe.transformer.blocks[-1].attn1) as deep:
        cached = run(pipe, handle)
        again = run(pipe, handle, seed=2)
    notes = handle.notes
    assert notes["calls"] == 4 * STEPS
    assert 0 < notes["skipped"] < 4 * STEPS
    assert len(deep) == notes["calls"] - notes["skipped"]
    assert not torch.equal(cached, before)
    assert torch.isfinite(again).all()
    assert torch.equal(run(pipe), before)
    assert {
        name for name in set(pipe.transformer.__dict__) - attributes if name in ("forward", "cache_context")
    } == set()


def test_mag_cache_runs_from_measured_ratios_alone(pipe: Any) -> None:
    before = run(pipe)
    with at(pipe, Speed(cache="mag", threshold=0.5, mag_ratios=(1.0,) * STEPS)) as handle:
        run(pipe, handle)
    assert handle.notes["skipped"] > 0
    assert torch.equal(run(pipe), before)
    with pytest.raises(NotAvailable, match="mag_ratios"), at(pipe, Speed(cache="mag", threshold=0.5)):
        pass


def test_a_shot_made_with_the_cache_does_not_depend_on_the_shot_before(pipe: Any) -> None:
    speed = Speed(cache="step", threshold=0.5)
    with at(pipe, speed) as handle:
        alone = run(pipe, handle, seed=5)
    for seed in (6, 5):
        with at(pipe, speed) as handle:
            film = run(pipe, handle, seed=seed)
    assert torch.equal(film, alone)


def test_levels_whose_cache_looks_at_tensors_take_one_shot_at_a_time() -> None:
    assert largest_batch(Speed()) is None
    assert largest_batch(Speed(cache="mag", threshold=0.1)) is None
    assert largest_batch(Speed(cache="step", threshold=0.1)) == 1
    assert largest_batch(Speed(cache="first_block", threshold=0.1)) == 1


def test_first_and_last_steps_are_always_computed(pipe: Any) -> None:
    made: list[int] = []
    with at(pipe, Speed(cache="step", threshold=1e9)) as handle:
        inner = handle.on_step

        def on_step(*arguments: Any) -> Any:
            made.append(handle.notes["calls"] - handle.notes["skipped"])
            return inner(*arguments)

        handle.on_step = on_step
        run(pipe, handle, guidance=1.0)
    computed = [now - before for before, now in zip([0, *made], made, strict=False)]
    assert computed[:2] == [1, 1]
    assert computed[-1] == 1
    # Never more than three left out in a row, however high the threshold.
    assert "0000" not in "".join(map(str, computed))
    assert "000" in "".join(map(str, computed))


def test_a_higher_threshold_leaves_out_more_and_moves_the_film_further(pipe: Any) -> None:
    exact, skipped, away = run(pipe), [], []
    for threshold in (0.02, 0.1, 10.0):
        with at(pipe, Speed(cache="step", threshold=threshold)) as handle:
            film = run(pipe, handle)
        skipped.append(handle.notes["skipped"])
        away.append(float((film - exact).abs().mean()))
    assert skipped == sorted(skipped)
    assert skipped[0] < skipped[-1]
    assert away == sorted(away)


@pytest.mark.parametrize("cache", ["step", "first_block"])
def test_a_film_to_restyle_is_cached_though_its_pipeline_names_no_calls(pipe: Any, cache: str) -> None:
    restyle = as_pipeline(pipe, "WanVideoToVideoPipeline")
    film = [Image.new("RGB", (48, 32), (20 * number, 90, 120)) for number in range(9)]
    embedding = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(1))

    def restyled(handle: Any = None) -> Any:
        return restyle(
            video=film, prompt_embeds=embedding[:1], negative_prompt_embeds=embedding[1:], height=32, width=48,
            num_inference_steps=16, strength=0.75, generator=torch.Generator().manual_seed(1), output_type="latent",
            callback_on_step_end=handle.on_step if handle else None,
        ).frames  # fmt: skip

    before = restyled()
    with at(restyle, Speed(cache=cache, threshold=0.5, guided_part=0.5)) as handle:
        restyled(handle)
    # 12 of the 16 steps are made at this strength, and half of those are guided.
    assert handle.notes["unguided_steps"] == 6
    assert handle.notes["calls"] == 18
    assert 0 < handle.notes["skipped"] < 18
    assert torch.equal(restyled(), before)


def test_calls_are_told_apart_by_order_where_the_pipeline_names_none() -> None:
    class Plain(torch.nn.Module):
        def forward(self, hidden_states: Any, sign: float) -> Any:
            return (sign * hidden_states,)

    denoiser, cache = Plain(), Cache(Speed(cache="step", threshold=1e9), 10)
    with cache.on([denoiser]):
        for step in range(10):
            shown = torch.full((1, 4), 1.0 + step / 100)
            assert denoiser(hidden_states=shown, sign=1.0)[0].min() > 0
            assert denoiser(hidden_states=shown, sign=-1.0)[0].max() < 0
            cache.on_step(step, 10)
    assert cache.report.skipped > 0
    assert cache.report.calls == 20


def test_a_family_with_sound_and_three_kinds_of_calls_is_cached_where_diffusers_caches_refuse(folder: Path) -> None:
    build_ltx2(folder / "ltx2")
    pipe = diffusers.LTX2Pipeline.from_pretrained(folder / "ltx2", local_files_only=True)
    pipe.set_progress_bar_config(disable=True)

    def film(handle: Any = None) -> tuple[Any, Any]:
        made = pipe(
            prompt="a bell", negative_prompt="", height=64, width=64, num_frames=9, frame_rate=24.0,
            num_inference_steps=10, output_type="latent", max_sequence_length=16, spatio_temporal_guidance_blocks=[0],
            generator=torch.Generator().manual_seed(1), callback_on_step_end=handle.on_step if handle else None,
        )  # fmt: skip
        return made.frames, made.audio

    before = film()
    with at(pipe, Speed(cache="step", threshold=0.3)) as handle:
        film(handle)
    assert handle.notes["calls"] == 30
    assert 0 < handle.notes["skipped"] < 30
    with (
        pytest.raises(NotAvailable, match=r"does not work with LTX2.*'step'` works"),
        at(pipe, Speed(cache="first_block", threshold=0.3)),
    ):
        pass
    assert all(torch.equal(one, other) for one, other in zip(before, film(), strict=True))


def test_two_experts_keep_their_own_memories(two_experts: Any) -> None:
    both = ("transformer", "transformer_2")
    before = run(two_experts)
    with at(two_experts, Speed(cache="step", threshold=0.5), both) as handle:
        run(two_experts, handle)
    assert handle.notes["skipped"] > 0
    assert torch.equal(run(two_experts), before)
    speed = Speed(cache="mag", threshold=0.5, mag_ratios=(1.0,) * STEPS)
    with pytest.raises(NotAvailable, match="two; use 'step'"), at(two_experts, speed, both):
        pass
    assert torch.equal(run(two_experts), before)


def test_a_cache_without_effect_is_a_warning(pipe: Any) -> None:
    with at(pipe, Speed(cache="step", threshold=1e-9)) as handle:
        run(pipe, handle)
    assert handle.notes["skipped"] == 0
    assert "had no effect: all 24 calls were computed" in handle.notes["warnings"][0]


def test_a_cache_that_cannot_be_had_is_a_sentence(pipe: Any) -> None:
    for speed, words in (
        (Speed(cache="tea", threshold=0.1), "no cache 'tea'"),
        (Speed(cache="step"), "skips nothing"),
        (Speed(storage="fp4"), "no storage 'fp4'"),
        (Speed(compile=True), "needs the shape"),
    ):
        with pytest.raises(NotAvailable, match=words), at(pipe, speed):
            pass


# --- guidance ---


def test_guidance_in_half_of_the_steps_saves_a_quarter_of_the_calls(pipe: Any) -> None:
    with counted(pipe.transformer) as calls, at(pipe, Speed(guided_part=0.5)) as handle:
        film = run(pipe, handle)
    assert len(calls) == STEPS + STEPS // 2
    assert handle.notes == {"unguided_steps": STEPS // 2}
    with counted(pipe.transformer) as calls:
        whole = run(pipe)
    assert len(calls) == 2 * STEPS
    assert not torch.equal(film, whole)


def test_guidance_that_does_not_end_changes_nothing(pipe: Any) -> None:
    with at(pipe, Speed()) as handle:
        film = run(pipe, handle)
    assert handle.notes == {}
    assert torch.equal(film, run(pipe))


def test_guidance_ends_with_both_experts(two_experts: Any) -> None:
    parts = ("transformer", "transformer_2")
    with (
        counted(two_experts.transformer) as high,
        counted(two_experts.transformer_2) as low,
        at(two_experts, Speed(guided_part=0.5), parts) as handle,
    ):
        run(two_experts, handle)
    assert len(high) + len(low) == STEPS + STEPS // 2


def test_a_pipeline_whose_guidance_is_fixed_is_refused() -> None:
    fixed = type("LTX2Pipeline", (), {})()
    with pytest.raises(NotAvailable, match=r"not with LTX2Pipeline.*remove guided_part"):
        PartlyGuided(fixed, 0.5)
    PartlyGuided(fixed, 1.0)
    with pytest.raises(NotAvailable, match="above 0"):
        PartlyGuided(fixed, 0.0)


# --- attention ---


def backends(pipe: Any) -> list[Any]:
    return [
        module.processor._attention_backend for module in pipe.transformer.modules() if hasattr(module, "processor")
    ]


def default() -> Any:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    return _AttentionBackendRegistry.get_active_backend()[0]


def test_attention_is_set_and_taken_back_for_the_whole_process(pipe: Any) -> None:
    before, process = run(pipe), default()
    with attention([pipe.transformer], "_native_math"):
        assert {backend.value for backend in backends(pipe)} == {"_native_math"}
        assert default() is process
        close = run(pipe)
    torch.testing.assert_close(close, before, atol=1e-3, rtol=0)
    assert set(backends(pipe)) == {None}
    assert default() is process
    assert torch.equal(run(pipe), before)


def test_the_best_back_end_that_is_here_is_taken_and_the_others_are_named() -> None:
    import dataclasses

    preset = dataclasses.replace(PRESET, attention=("flash", "sage_hub", "_native_math", "native"))
    chosen = choose(preset, "cpu", "auto", 12, torch.float32)
    assert chosen.name == "_native_math"
    assert [note.split(" is not used: ")[0] for note in chosen.notes] == ["attention flash", "attention sage_hub"]
    assert "flash-attn" in chosen.notes[0]
    assert "hub" in chosen.notes[1]
    assert choose(preset, "cpu", "native", 12, torch.float32).notes == ()


def test_a_back_end_that_was_asked_for_by_name_is_not_replaced() -> None:
    with pytest.raises(NotAvailable, match="attention flash was asked for"):
        choose(PRESET, "cpu", "flash", 12, torch.float32)
    with pytest.raises(NotAvailable, match="diffusers knows"):
        choose(PRESET, "cpu", "flsh", 12, torch.float32)


def test_a_back_end_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    assert unusable("_native_math", "cpu", 12, torch.float32) == ""
    name = AttentionBackendName._NATIVE_MATH
    monkeypatch.setitem(_AttentionBackendRegistry._backends, name, lambda query, key, value: query * 0.5)
    monkeypatch.setitem(_AttentionBackendRegistry._supported_arg_names, name, {"query", "key", "value"})
    assert "away from the native one's on cpu" in unusable("_native_math", "cpu", 12, torch.float32)
    monkeypatch.setitem(_AttentionBackendRegistry._backends, name, lambda query, key, value: query * float("nan"))
    assert "nan away" in unusable("_native_math", "cpu", 12, torch.float32)


# --- weights ---


def test_group_offloading_changes_no_bit(pipe: Any, folder: Path) -> None:
    before = run(pipe)
    other = diffusers.WanPipeline.from_pretrained(
        folder / "text", text_encoder=None, tokenizer=None, local_files_only=True
    )
    other.set_progress_bar_config(disable=True)
    offload_groups(other.transformer, "cpu")
    assert torch.equal(run(other), before)
    with at(other, Speed(cache="step", threshold=0.5)) as handle:
        run(other, handle)
    assert handle.notes["skipped"] > 0
    assert torch.equal(run(other), before)


def test_fp8_storage_halves_and_quarters_the_weights_and_keeps_the_film_near(pipe: Any, folder: Path) -> None:
    other = diffusers.WanPipeline.from_pretrained(
        folder / "text", text_encoder=None, tokenizer=None, local_files_only=True
    )
    other.set_progress_bar_config(disable=True)

    def size() -> int:
        return sum(weight.numel() * weight.element_size() for weight in other.transformer.parameters())

    before, exact = size(), run(pipe)
    with at(other, Speed(storage="fp8")) as handle:
        film = run(other, handle)
    assert size() < 0.6 * before
    assert other.transformer.blocks[0].attn1.to_q.weight.dtype == torch.float8_e4m3fn
    assert 0 < float((film - exact).abs().mean()) < 0.2 * float(exact.abs().mean())
    with at(other, Speed(storage="fp8", compile=True), shape=(48, 32, 9, 1)) as handle:
        assert torch.equal(run(other, handle), film)
    assert "not compiled" in handle.notes["warnings"][0]
    store_fp8(other.transformer)  # a second time is nothing
    assert torch.equal(run(other), film)
    with pytest.raises(NotAvailable, match="load the model again"), at(other, Speed()):
        pass


def test_experts_take_turns_and_go_home(two_experts: Any) -> None:
    before = run(two_experts)
    experts = [two_experts.transformer, two_experts.transformer_2]
    with swapped(experts, "cpu") as moves:
        assert torch.equal(run(two_experts), before)
        assert moves == ["0 in", "0 out", "1 in"]
    assert not experts[0]._forward_pre_hooks


def test_tiling_is_taken_off_again(pipe: Any) -> None:
    with tiled(pipe.vae):
        assert pipe.vae.use_tiling
    assert not pipe.vae.use_tiling


def test_a_new_shape_is_announced_once_and_too_many_are_a_warning(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[dict[str, Any]] = []
    monkeypatch.setattr(
        type(pipe.transformer), "compile_repeated_blocks", lambda self, **settings: compiled.append(settings)
    )
    try:
        assert "48x32, 9 frames, 1 at a time" in compile_blocks(pipe.transformer, (48, 32, 9, 1))[0]
        assert compile_blocks(pipe.transformer, (48, 32, 9, 1)) == ()
        for frames in range(MOST_SHAPES):
            notes = compile_blocks(pipe.transformer, (48, 32, 13 + 4 * frames, 1))
        assert f"{MOST_SHAPES + 1} shapes" in notes[1]
        assert len(compiled) == 1
    finally:
        uncompile(pipe.transformer)
    assert not hasattr(pipe.transformer, "compiled_shapes")
    with pytest.raises(NotAvailable, match="names no repeated blocks"):
        compile_blocks(pipe.vae, (48, 32, 9, 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # torch's compiler
def test_compiled_blocks_give_the_same_film_and_can_be_taken_off(pipe: Any) -> None:
    before = run(pipe)
    began = time.perf_counter()
    with at(pipe, Speed(compile=True), shape=(48, 32, 9, 1)) as handle:
        film = run(pipe, handle)
    print(f"first compiled film: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    assert "compiling for 48x32" in handle.notes["warnings"][0]
    torch.testing.assert_close(film, before, atol=1e-3, rtol=0)
    with at(pipe, Speed(compile=True, cache="first_block", threshold=0.5), shape=(48, 32, 9, 1)) as handle:
        run(pipe, handle)
    assert handle.notes["skipped"] > 0
    assert "warnings" not in handle.notes
    with at(pipe, Speed()) as handle:
        assert torch.equal(run(pipe, handle), before)
