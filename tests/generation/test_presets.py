"""Presets: facts of the shipped ones, files of users, and what their engines refuse before a GPU is touched."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from generation.engines.diffusion.engine import Diffusion
from generation.engines.diffusion.families import FAMILIES
from generation.engines.diffusion.hardware import Gpu, fitting, gpus, least_gib, missing_libraries
from generation.engines.diffusion.preset_file import SHIPPED, read_presets
from generation.engines.diffusion.presets import SPEEDS, Preset, get_preset, load_presets
from generation.errors import BadMedia, BadShot, NotAvailable
from generation.spec import Lora, Shot, Size

ROOT = Path(__file__).resolve().parents[2]
SHIPPED_PRESETS = read_presets(SHIPPED)
GUIDED = ("draft", "references", "standard", "finest")


@pytest.fixture(params=SHIPPED_PRESETS)
def preset(request: pytest.FixtureRequest) -> Preset:
    return SHIPPED_PRESETS[request.param]


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTMILL_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("SPOTMILL_PRESETS", raising=False)


def own(tmp_path: Path, text: str) -> dict[str, Preset]:
    """The presets of a user's file with this text."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return read_presets(path, SHIPPED_PRESETS)


def shot(name: str, **changes: object) -> Shot:
    """A shot that the preset can make, changed."""
    preset = SHIPPED_PRESETS[name]
    plain = Shot("a lighthouse", preset.sizes[0], preset.min_frames, preset.fps, seed=1)
    return replace(plain, **changes)  # type: ignore[arg-type]


# -- the shipped table ---------------------------------------------------------------------------------------------


def test_the_presets_that_the_documentation_names_are_there() -> None:
    assert {"tiny", "draft", "fast", "standard", "quality", "av"} <= set(SHIPPED_PRESETS)


def test_every_preset_has_its_facts(preset: Preset) -> None:
    assert preset.title
    assert preset.family in FAMILIES
    assert preset.licence
    assert preset.licence_url.startswith("https://")
    assert preset.source
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", preset.checked)
    assert set(preset.speeds) == set(SPEEDS)
    assert preset.attention[-1] == "native"
    assert preset.needs_gpu == bool(preset.memory_gib)


def test_every_checkpoint_and_lora_is_pinned_to_a_commit(preset: Preset) -> None:
    pinned = [one for one in (preset.checkpoint, preset.image_checkpoint, *preset.adapters) if one and one.hub_id]
    assert bool(pinned) == (preset.name != "tiny")
    for one in pinned:
        assert re.fullmatch("[0-9a-f]{40}", one.revision)
        assert one.download_gib > 0.5


def test_sizes_are_multiples_of_like_area_and_cover_the_aspects_of_ads(preset: Preset) -> None:
    areas = [size.width_px * size.height_px for size in preset.sizes]
    assert max(areas) <= 1.5 * min(areas)
    for size in preset.sizes:
        assert size.width_px % preset.size_multiple_px == size.height_px % preset.size_multiple_px == 0
    for wanted in (Fraction(9, 16), Fraction(4, 5), Fraction(1), Fraction(16, 9)):
        assert min(abs(float(size.aspect / wanted) - 1) for size in preset.sizes) < 0.19


def test_memory_falls_from_full_to_8_bit_to_offloaded(preset: Preset) -> None:
    needed = [preset.memory_gib[name] for name in ("bf16", "fp8", "offload") if name in preset.memory_gib]
    assert needed == sorted(needed, reverse=True)


def test_the_level_exact_leaves_nothing_out(preset: Preset) -> None:
    exact = preset.speeds["exact"]
    assert (exact.cache, exact.guided_part, exact.storage) == ("none", 1.0, "native")


def test_a_model_of_few_steps_gets_no_cache(preset: Preset) -> None:
    for speed in preset.speeds.values():
        assert preset.schedule.steps > 10 or speed.cache == "none"


def test_only_guided_presets_have_negative_words(preset: Preset) -> None:
    assert bool(preset.negative_prompt) == (preset.guidance > 1) == (preset.name in GUIDED)


@pytest.mark.parametrize(
    ("name", "timesteps"), [("quality", (1000, 938, 833, 625)), ("fast", (1000, 757, 522)), ("av", None)]
)
def test_few_step_presets_state_levels_and_timesteps_that_agree(name: str, timesteps: tuple[int, ...] | None) -> None:
    schedule = SHIPPED_PRESETS[name].schedule
    assert tuple(round(1000 * sigma) for sigma in schedule.sigmas) == schedule.timesteps
    assert schedule.steps == len(schedule.sigmas)
    assert "shift" not in schedule.config  # exact levels would be shifted a second time
    assert timesteps in (None, schedule.timesteps)


def test_every_expert_of_quality_has_its_lora_for_text_and_for_pictures() -> None:
    quality = SHIPPED_PRESETS["quality"]
    assert {(one.component, one.for_image) for one in quality.adapters} == {
        ("transformer", False), ("transformer_2", False), ("transformer", True), ("transformer_2", True),
    }  # fmt: skip
    assert quality.image_checkpoint is not None


def test_a_picture_and_sound_preset_states_its_revenue_cap_and_is_never_chosen_by_itself() -> None:
    av = SHIPPED_PRESETS["av"]
    assert (av.makes_audio, av.commercial_use, av.revenue_cap_usd, av.rank) == (True, "conditional", 10_000_000, 0)


def test_reading_all_presets_takes_less_than_20_ms() -> None:
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        read_presets(SHIPPED)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.020


def test_presets_travel_between_processes(preset: Preset) -> None:
    assert pickle.loads(pickle.dumps(preset)) == preset


# -- a user's file ---------------------------------------------------------------------------------------------------


def test_a_checkpoint_of_ones_own_is_a_few_lines(tmp_path: Path) -> None:
    mine = own(tmp_path, '[shoes]\nbase = "draft"\nfolder = "models/shoes"\n')["shoes"]
    draft = SHIPPED_PRESETS["draft"]
    assert mine.checkpoint.folder == str(tmp_path / "models" / "shoes")
    assert (mine.checkpoint.hub_id, mine.checkpoint.revision) == ("", "")
    assert (mine.sizes, mine.schedule, mine.speeds, mine.fps) == (
        draft.sizes, draft.schedule, draft.speeds, draft.fps,
    )  # fmt: skip
    assert mine.rank == 0
    assert mine.title != draft.title


def test_the_checkpoints_of_the_documentation_are_presets_with_their_own_schedule_and_licence(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text("utf-8")
    written = own(tmp_path, "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)))
    assert list(written) == ["house", "house-fast"]
    house, distilled = written.values()
    assert (house.licence, house.licence_url) == ("ours", "")
    assert dict(house.schedule.config) == {"flow_shift": 3.0}
    assert dict(distilled.schedule.config) == {}
    assert len(distilled.schedule.sigmas) == distilled.schedule.steps == 4
    assert {speed.cache for speed in distilled.speeds.values()} == {"none"}


def test_a_repository_of_ones_own_need_not_be_pinned(tmp_path: Path) -> None:
    mine = own(tmp_path, '[shoes]\nbase = "fast"\nhub_id = "acme/Shoes-Wan"\nguidance = 1\n')["shoes"]
    assert (mine.checkpoint.hub_id, mine.checkpoint.revision, mine.guidance) == ("acme/Shoes-Wan", "", 1.0)


def test_nested_tables_are_taken_over_key_by_key(tmp_path: Path) -> None:
    text = '[shoes]\nbase = "draft"\nfolder = "m"\nschedule = { steps = 30 }\n'
    mine = own(tmp_path, text)["shoes"]
    assert mine.schedule == replace(SHIPPED_PRESETS["draft"].schedule, steps=30)


def test_presets_named_by_the_environment_become_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[shoes]\nbase = "draft"\nfolder = "m"\n', encoding="utf-8")
    monkeypatch.setenv("SPOTMILL_PRESETS", str(path))
    assert get_preset("shoes").family == "wan"
    assert list(load_presets())[-1] == "shoes"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[draft]\nbase = "fast"\n', r"mine.toml \[draft\]: the name 'draft' is taken"),
        ('[animatic]\nbase = "fast"\n', "the name 'animatic' is taken"),
        ('[a]\nbase = "drafd"\n', r"\[a\]\.base: there is no preset 'drafd'; did you mean 'draft'"),
        ('[a]\nbase = "draft"\nguidence = 2.0\n', r"\[a\]: there is no key 'guidence'; did you mean 'guidance'"),
        ('[a]\nbase = "draft"\nschedule = { step = 3 }\n', r"\[a\]\.schedule: .*'step'; did you mean 'steps'"),
        ('[a]\nbase = "draft"\nguidance = "5"\n', r"\[a\]\.guidance must be a number, not '5'"),
        ('[a]\nbase = "draft"\nmin_frames = true\n', "min_frames must be a whole number, not True"),
        ('[a]\nbase = "draft"\nsizes = ["480p"]\n', r"sizes\[0\] must be a size such as '832x480', not '480p'"),
        ('[a]\nbase = "draft"\nsizes = ["830x480"]\n', "sizes has 830x480, which is not a multiple of 16"),
        ('[a]\nbase = "draft"\nfps = 0\n', "fps must be a rate such as 24"),
        ('[a]\nbase = "draft"\nmax_frames = 82\n', r"max_frames 82 is not 4 n \+ 1"),
        ('[a]\nbase = "draft"\nfamily = "wann"\n', "there is no model family 'wann'"),
        ('[a]\nbase = "draft"\nways = ["sound"]\n', "ways has 'sound', which is none of image, first_frame"),
        ('[a]\nbase = "draft"\nhub_id = "nonsense"\n', "hub_id must be 'owner/name', not 'nonsense'"),
        ('[a]\nbase = "draft"\nhub_id = "a/b"\nrevision = "main"\n', "commit of 40 hex digits .*not 'main'"),
        ('[a]\nbase = "draft"\nhub_id = "a/b"\nfolder = "c"\n', "either hub_id or folder"),
        ('[a]\nbase = "tiny"\n', "checkpoint needs a hub_id .* or a folder"),
        ('[a]\nbase = "fast"\nschedule = { steps = 4 }\n', "schedule.sigmas has 3 values for 4 steps"),
        ('[a]\nbase = "draft"\nspeeds = { fast = { cache = "magic" } }\n', "speeds.fast.cache must be none, step"),
        ('[a]\nbase = "draft"\nexcluded_territories = ["Korea"]\n', "'Korea', which is no ISO 3166 code"),
        ('[a]\nfamily = "wan"\n', r"\[a\]: 'title', .* is missing"),
        ("a = 1\n", r"mine.toml \[a\] is no table"),
        ("[a\n", "is no TOML"),
    ],
)
def test_a_wrong_file_is_a_sentence_with_table_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(NotAvailable, match=complaint):
        own(tmp_path, text)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"presets .*nowhere.toml cannot be read"):
        read_presets(tmp_path / "nowhere.toml")


def test_an_unknown_preset_is_a_sentence_with_the_nearest_name() -> None:
    with pytest.raises(NotAvailable, match="no preset 'qualty'; did you mean 'quality'"):
        get_preset("qualty")


# -- the engine of a preset ------------------------------------------------------------------------------------------


def test_facts_of_the_engine_are_the_presets(preset: Preset) -> None:
    engine = Diffusion(preset)
    assert (engine.id, engine.ways, engine.makes_audio) == (preset.name, preset.ways, preset.makes_audio)
    assert engine.min_seconds == pytest.approx(preset.min_frames / float(preset.fps))
    assert engine.max_seconds == pytest.approx(preset.max_frames / float(preset.fps))
    assert engine.needs
    assert engine.models
    assert engine.neutral_options <= set(engine.Options.model_fields)


@pytest.mark.parametrize("wanted", [Size(1080, 1920), Size(1080, 1350), Size(1080, 1080), Size(1920, 1080)])
def test_what_is_native_is_never_refused(preset: Preset, wanted: Size) -> None:
    engine = Diffusion(preset)
    for seconds in (engine.min_seconds, 2.0, 3.01):
        frames = engine.native_frames(seconds, preset.fps)
        assert seconds <= frames / float(preset.fps) + 1e-6
        assert frames / float(preset.fps) < seconds + preset.frames_step / float(preset.fps) + 1e-6
        size = engine.native_size(wanted)
        assert (size.width_px > size.height_px) == (wanted.width_px > wanted.height_px)
        engine.refuse(Shot("x", size, frames, preset.fps, 1, options={"accept": bool(preset.opt_in)}))


def test_native_sizes_are_the_nearest_shapes() -> None:
    draft = Diffusion(SHIPPED_PRESETS["draft"])
    assert draft.native_size(Size(1080, 1350)) == Size(576, 720)
    assert draft.native_size(Size(1080, 1080)) == Size(624, 624)
    assert Diffusion(SHIPPED_PRESETS["quality"]).native_size(Size(1080, 1920)) == Size(720, 1280)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("draft", {"size": Size(830, 480)}, "width 830 px is not a multiple of 16; nearest is 832"),
        ("fast", {"size": Size(720, 1280)}, "width 720 px is not a multiple of 32; nearest is 7[03]"),
        ("draft", {"size": Size(1920, 1088)}, "1920x1088 is too far from .* nearest is 832x480"),
        ("draft", {"size": Size(128, 64)}, "128x64 is too far from .* nearest is 832x480"),
        ("draft", {"frames": 46}, r"46 frames are not 4 n \+ 1; nearest: 45 and 49"),
        ("av", {"frames": 124}, r"124 frames are not 8 n \+ 1; nearest: 121 and 129"),
        ("draft", {"frames": 85}, r"a shot of 5.31 s is outside 1.0625-5.0625 s"),
        ("draft", {"frames": 2}, "a shot of 0.12 s is outside"),
        ("draft", {"fps": Fraction(24), "frames": 41}, "it makes 16 frames a second, not 24"),
        ("draft", {"first_frame": Path("a.png")}, "cannot work from first_frame"),
        ("references", {"image": Path("a.png")}, "cannot work from image"),
        ("fast", {"options": {"steps": 8}}, "distilled for exactly 3 steps, not 8"),
        ("draft", {"options": {"stepz": 8}}, "no option 'stepz'; did you mean 'steps'"),
        ("draft", {"options": {"speed": "ludicrous"}}, "option speed='ludicrous'"),
    ],
)
def test_what_the_model_cannot_make_is_refused_with_the_nearest_value(
    name: str, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadShot, match=sentence):
        Diffusion(SHIPPED_PRESETS[name]).refuse(shot(name, **changes))


def test_nothing_is_loaded_for_a_shot_that_is_refused(tmp_path: Path) -> None:
    engine = Diffusion(SHIPPED_PRESETS["draft"])
    with pytest.raises(BadShot, match="46 frames"):
        list(engine.render([shot("draft", frames=46)], [tmp_path / "a.mp4"]))
    assert list(tmp_path.iterdir()) == []


def test_files_that_a_shot_names_are_looked_at_first(tmp_path: Path) -> None:
    picture, wrong = tmp_path / "shoe.png", tmp_path / "wrong.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    wrong.write_text("no picture")
    fast, draft = Diffusion(SHIPPED_PRESETS["fast"]), Diffusion(SHIPPED_PRESETS["draft"])
    fast.refuse(shot("fast", image=picture))
    for path in (wrong, tmp_path / "missing.png"):
        with pytest.raises(BadMedia, match=path.name):
            fast.refuse(shot("fast", first_frame=path))
    with pytest.raises(BadMedia, match=r"gone.mp4: there is no such film"):
        draft.refuse(shot("draft", video=tmp_path / "gone.mp4"))
    with pytest.raises(BadShot, match="strength 0 is outside 0-1"):  # any file will do: only its place is looked at
        draft.refuse(shot("draft", video=picture, strength=0.0))
    draft.refuse(shot("draft", strength=0.0))  # without a film there is nothing to keep of it
    with pytest.raises(BadMedia, match=r"LoRA wrong.png cannot be used: wrong.png is no safetensors file"):
        draft.refuse(shot("draft", loras=(Lora(wrong),)))


def test_a_preset_that_warns_has_to_be_accepted() -> None:
    engine = Diffusion(replace(SHIPPED_PRESETS["draft"], opt_in="read its licence"))
    with pytest.raises(BadShot, match=r"read its licence; to use it, set `engine_options: \{accept: true\}`"):
        engine.refuse(shot("draft"))
    engine.refuse(shot("draft", options={"accept": True}))


def test_negative_words_of_preset_and_options_begin_every_negative_prompt() -> None:
    engine = Diffusion(SHIPPED_PRESETS["draft"])
    own_words = SHIPPED_PRESETS["draft"].negative_prompt
    assert engine.negative_prompt == own_words
    assert engine.for_options({"negative": "people"}).negative_prompt == f"{own_words}, people"
    assert engine.negative_prompt == own_words


def test_the_revision_follows_what_decides_a_pixel_and_nothing_else() -> None:
    draft = SHIPPED_PRESETS["draft"]
    same = replace(draft, title="x", licence="x", rank=9, memory_gib={"bf16": 1.0}, source="x", max_frames=121)
    assert Diffusion(same).revision == Diffusion(draft).revision
    for other in (
        replace(draft, guidance=4.0),
        replace(draft, schedule=replace(draft.schedule, steps=49)),
        replace(draft, checkpoint=replace(draft.checkpoint, revision="1" * 40)),
        replace(draft, speeds={**draft.speeds, "fast": replace(draft.speeds["fast"], threshold=0.06)}),
    ):
        assert Diffusion(other).revision != Diffusion(draft).revision


def test_reading_facts_imports_nothing_heavy() -> None:
    program = (
        "import sys, json\nfrom generation.engines import get_engine, engine_names\n"
        "for name in engine_names(): get_engine(name).missing()\n"
        "from generation.spec import Shot, Size\nfrom fractions import Fraction\n"
        "get_engine('quality').refuse(Shot('x', Size(720, 1280), 81, Fraction(16), 1))\n"
        "print(json.dumps(sorted({'torch', 'numpy', 'diffusers', 'transformers', 'cv2', 'av', 'PIL', 'huggingface_hub',"
        " 'httpx'} & set(sys.modules))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, env=environment, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == []


# -- what this machine has -------------------------------------------------------------------------------------------

TWO_CARDS = "GPU-aa11, NVIDIA H100 80GB HBM3, 81559, 9.0\nGPU-bb22, NVIDIA GeForce RTX 4090, 24564, 8.9\n"


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("0,1", ["NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090"]),
        ("1", ["NVIDIA GeForce RTX 4090"]),
        ("GPU-bb", ["NVIDIA GeForce RTX 4090"]),
        ("1,7,0", ["NVIDIA GeForce RTX 4090"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_gpus_are_those_that_programs_may_see(visible: str, names: list[str]) -> None:
    assert [gpu.name for gpu in gpus(visible, lambda: TWO_CARDS)] == names


def test_a_gpu_has_its_memory_and_its_capability() -> None:
    card = gpus("1", lambda: TWO_CARDS)[0]
    assert (round(card.memory_gib, 2), card.capability) == (23.99, (8, 9))


def test_no_driver_and_no_device_are_no_gpu() -> None:
    assert gpus("0", lambda: "") == gpus("0", lambda: "No devices were found\n") == ()


def test_hidden_gpus_are_not_even_asked_for() -> None:
    def ask() -> str:
        raise AssertionError("nvidia-smi was asked")

    assert gpus("", ask) == ()


@pytest.mark.parametrize(
    ("memory_gib", "how"), [(11.99, "bf16"), (8.0, "fp8"), (5.99, "offload"), (4.0, "")]
)  # cards sold as 12, 8, 6 and 4 GB
def test_a_preset_runs_in_the_fullest_precision_that_fits(memory_gib: float, how: str) -> None:
    assert fitting(SHIPPED_PRESETS["draft"], memory_gib) == how


@pytest.mark.skipif(bool(missing_libraries()), reason="the libraries are one more thing that is lacking")
def test_what_a_machine_lacks_is_told_with_the_numbers() -> None:
    quality = Diffusion(SHIPPED_PRESETS["quality"])
    assert "needs a GPU with 22 GiB, and no GPU was found" in " ".join(quality.missing(cards=()))
    small = Gpu("GeForce GTX 1080", 8.0, (6, 1))
    assert "GeForce GTX 1080, has 8.0 GiB" in " ".join(quality.missing(cards=(small,)))
    large = Gpu("H100", 79.6, (9, 0))
    (only,) = quality.missing(cards=(large,))
    assert "spotmill models pull quality" in only
    assert "Apache-2.0" in only
    assert "240.0 GiB" in only
    assert least_gib(SHIPPED_PRESETS["tiny"]) == 0
    assert Diffusion(SHIPPED_PRESETS["tiny"]).missing(cards=()) == ()


def test_every_way_of_a_preset_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    told = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    assert set().union(*(preset.ways for preset in load_presets().values())) - {"loras"} <= told
