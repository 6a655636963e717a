"""The rules every engine keeps, run over each of them: a new engine is tested by adding its name to ENGINES."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

import generation.engines as engines
from generation.engines import EngineChoice, choose_engine, engine_names, get_engine
from generation.engines.contract import Engine
from generation.engines.diffusion.engine import Diffusion
from generation.engines.diffusion.hardware import Gpu, missing_libraries
from generation.engines.diffusion.presets import load_presets
from generation.engines.diffusion.weights import checkpoints, folder_of
from generation.errors import BadMedia, BadShot, NotAvailable
from generation.media.frames import read_frames
from generation.spec import Footage, Progress, Shot, Size
from tests.generation.videos_server import VideosServer

ENGINES = ("animatic", "videos-api", "tiny")
SIZE = Size(180, 320)
FPS = Fraction(30000, 1001)
PROMPT = "A woman walks along a sunny beach with a dog, umbrella, palm"

Pictures = Callable[..., Path]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    if request.param == "tiny":
        pytest.importorskip("torch", reason="`make test` installs it")
        monkeypatch.setenv("SPOTMILL_MODELS", str(request.getfixturevalue("models_folder")))
        monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the other process; tiny tensors are ten times slower with two
        request.getfixturevalue("one_thread")
        yield get_engine(request.param)
    elif request.param == "videos-api":
        with VideosServer() as server:
            monkeypatch.setenv("SPOTMILL_VIDEOS_URL", server.url)
            yield get_engine(request.param)
    else:
        yield get_engine(request.param)


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny model is built, once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def shot(engine: Engine) -> Shot:
    """A shot of 0.6 s as a plan would ask this engine for it: at its own size, rate and least number of frames."""
    fps = engine.native_fps(FPS)
    return Shot(PROMPT, engine.native_size(SIZE), engine.native_frames(0.6, fps), fps, seed=7)


@pytest.fixture
def picture(tmp_path: Path) -> Pictures:
    """Writes a picture file: two halves of colour, opaque."""

    def write(
        name: str, left: tuple[int, int, int], right: tuple[int, int, int], size: tuple[int, int] = (400, 400)
    ) -> Path:
        image = Image.new("RGB", size, left)
        image.paste(right, (size[0] // 2, 0, size[0], size[1]))
        image.save(tmp_path / name)
        return tmp_path / name

    return write


def render(engine: Engine, shots: list[Shot], folder: Path) -> list[Footage]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index}.mp4" for index in range(len(shots))]
    return [event for event in engine.render(shots, paths) if isinstance(event, Footage)]


def luma(path: Path) -> np.ndarray:
    """All frames' luma, (frames, height, width)."""
    return np.stack([planes.y.copy() for planes in read_frames(path)]).astype(np.int16)


def test_facts_are_complete(engine: Engine) -> None:
    assert engine.id in engine_names()
    for fact in (engine.title, engine.revision, engine.licence, engine.commercial_use):
        assert fact
        assert fact == fact.strip()
    assert engine.digital_source_type.startswith("http://cv.iptc.org/newscodes/digitalsourcetype/")
    assert engine.size_multiple_px % 2 == 0
    assert 0 < engine.min_seconds < engine.max_seconds
    assert not engine.needs_gpu or engine.needs
    assert all(len(code) == 2 and code.isupper() for code in engine.excluded_territories)


def test_every_option_has_a_default_and_a_description(engine: Engine) -> None:
    assert engine.Options() is not None
    assert all(field.description for field in engine.Options.model_fields.values())


def test_an_unknown_option_is_refused_with_the_nearest_name(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    with pytest.raises(ValidationError):
        engine.Options.model_validate({"no_such_option": 1})
    name = next(iter(engine.Options.model_fields), "")
    with pytest.raises(BadShot, match=f"did you mean '{name}'" if name else "no option"):
        list(engine.render([replace(shot, options={name + "x": 1})], [tmp_path / "a.mp4"]))
    assert not (tmp_path / "a.mp4").exists()


def test_native_values_can_be_rendered(engine: Engine, shot: Shot) -> None:
    fps = engine.native_fps(FPS)
    for seconds in (engine.min_seconds, 3.0):
        frames = engine.native_frames(seconds, fps)
        assert frames / fps >= Fraction(seconds).limit_denominator(1000) - Fraction(1, 1000)
        engine.refuse(replace(shot, size=engine.native_size(Size(1080, 1920)), frames=frames, fps=fps))


def test_the_file_has_exactly_what_was_asked_for(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    footage = render(engine, [shot], tmp_path)[0]
    assert (footage.path, footage.size, footage.frames) == (tmp_path / "0.mp4", shot.size, shot.frames)
    assert footage.fps == shot.fps
    with av.open(str(footage.path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == (
            "h264",
            "yuv420p",
            shot.size.width_px,
            shot.size.height_px,
        )
        assert (codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc) == (1, 1, 1, 1)
        assert stream.average_rate == shot.fps
        assert not container.streams.audio  # its own sound, where it makes one, lies beside
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
    assert len(times) == shot.frames
    assert np.allclose(np.diff([float(time) for time in times]), 1 / float(shot.fps), atol=1e-4)
    assert (footage.sound is not None) == engine.makes_audio


def test_other_rates_and_shapes_are_kept_exactly(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    if not engine.composes_any_aspect:
        pytest.skip("one native size: reframed afterwards")
    shots = [
        replace(shot, size=Size(320, 180), fps=Fraction(25), frames=13),
        replace(shot, size=Size(202, 202), fps=Fraction(24000, 1001), frames=12),
    ]
    for shot, footage in zip(shots, render(engine, shots, tmp_path), strict=True):
        with av.open(str(footage.path)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (shot.size.width_px, shot.size.height_px)
            assert (stream.average_rate, stream.frames) == (shot.fps, shot.frames)


def test_the_same_shot_gives_the_same_bytes_in_another_process(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    here = render(engine, [shot], tmp_path)[0].path.read_bytes()
    there = tmp_path / "there.mp4"
    program = (
        "import sys; from pathlib import Path; from fractions import Fraction;"
        "from generation.engines import get_engine; from generation.spec import Shot, Size;"
        f"list(get_engine({engine.id!r}).render([Shot({shot.prompt!r}, {shot.size!r}, {shot.frames},"
        f" {shot.fps!r}, seed=7)], [Path(sys.argv[1])]))"
    )
    # Another hash seed: nothing may hang on the order of a set.
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(engines.__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program, str(there)], check=True, timeout=120, env=environment)
    assert there.read_bytes() == here


def test_a_shot_does_not_depend_on_its_batch(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    other = replace(shot, prompt="Night city in the rain, a red car", seed=3)
    alone = render(engine, [shot], tmp_path / "alone")[0]
    among = render(engine, [other, shot, other], tmp_path / "among")
    assert among[1].path.read_bytes() == alone.path.read_bytes()
    assert among[0].path.read_bytes() == among[2].path.read_bytes()


def test_progress_counts_up_to_its_total_and_footage_comes_in_order(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    shots = [shot, replace(shot, seed=8)]
    events = list(engine.render(shots, [tmp_path / "0.mp4", tmp_path / "1.mp4"]))
    assert [event.path.name for event in events if isinstance(event, Footage)] == ["0.mp4", "1.mp4"]
    for index in range(2):
        steps = [event for event in events if isinstance(event, Progress) and event.shot == index]
        assert [step.done for step in steps] == sorted({step.done for step in steps})
        assert steps[-1].done == steps[-1].total


def test_another_seed_gives_another_film(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    one, two = (luma(footage.path) for footage in render(engine, [shot, replace(shot, seed=8)], tmp_path))
    assert np.abs(one - two).mean() > 2.0


def test_another_prompt_gives_another_film(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    other = replace(shot, prompt="A cup of coffee on a wooden table in a dark cafe at night")
    one, two = (luma(footage.path) for footage in render(engine, [shot, other], tmp_path))
    assert np.abs(one - two).mean() > 12.0


def test_the_film_moves_and_never_freezes(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    frames = luma(render(engine, [shot], tmp_path)[0].path)
    assert np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2)).min() > 0.05


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda shot: {"size": Size(shot.size.width_px + 1, shot.size.height_px)}, r"width \d+ px .* nearest is \d+"),
        (lambda shot: {"size": Size(shot.size.width_px, shot.size.height_px + 1)}, r"height \d+ px .* nearest is \d+"),
        (lambda shot: {"frames": 1}, r"outside .* s"),
        (lambda shot: {"frames": 100_001}, r"outside .* s"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_the_nearest_value(
    engine: Engine, change: Callable[[Shot], dict[str, Any]], sentence: str, tmp_path: Path, shot: Shot
) -> None:
    shot = replace(shot, **change(shot))
    with pytest.raises(BadShot, match=sentence):
        engine.refuse(shot)
    with pytest.raises(BadShot, match=sentence):
        list(engine.render([shot], [tmp_path / "0.mp4"]))
    assert list(tmp_path.iterdir()) == []


def children() -> set[str]:
    """Process ids of this process's children (Linux)."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread of somebody else's that ended meanwhile
            found.update((task / "children").read_text().split())
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are counted through /proc")
def test_closing_the_generator_leaves_no_process_and_no_file(engine: Engine, tmp_path: Path, shot: Shot) -> None:
    before = children()
    events: Iterator[Progress | Footage] = engine.render([shot, shot], [tmp_path / "0.mp4", tmp_path / "1.mp4"])
    for _ in range(4):
        assert isinstance(next(events), Progress)
    events.close()  # type: ignore[attr-defined]
    assert children() == before
    assert list(tmp_path.iterdir()) == []


def test_the_picture_steers_the_film(engine: Engine, tmp_path: Path, picture: Pictures, shot: Shot) -> None:
    red = replace(shot, image=picture("red.png", (214, 40, 40), (120, 10, 30)))
    blue = replace(shot, image=picture("blue.png", (40, 60, 214), (10, 20, 120)))
    films = render(engine, [red, blue], tmp_path / "films")
    if engine.id == "tiny":  # random weights keep no colour
        assert np.abs(luma(films[0].path) - luma(films[1].path)).mean() > 1.0
        return
    middle = []
    for film in films:
        planes = next(iter(read_frames(film.path)))
        height, width = planes.v.shape
        middle.append(float(planes.v[height * 3 // 8 : height * 5 // 8, width * 2 // 7 : width * 5 // 7].mean()))
    assert middle[0] > middle[1] + 25


def test_a_file_that_is_no_picture_is_refused_before_anything_is_written(
    engine: Engine, tmp_path: Path, shot: Shot
) -> None:
    (tmp_path / "shoe.png").write_text("This is a text file.\n")
    for image in (tmp_path / "shoe.png", tmp_path / "missing.png"):
        with pytest.raises(BadMedia, match=image.name):
            list(engine.render([replace(shot, image=image)], [tmp_path / "0.mp4"]))
    assert not (tmp_path / "0.mp4").exists()


def test_importing_the_table_imports_nothing_heavy() -> None:
    program = (
        "import sys, generation.engines as e; [e.get_engine(name) for name in e.engine_names()];"
        "e.choose_engine('auto'); heavy = {'cv2', 'av', 'numpy', 'torch', 'diffusers', 'PIL', 'httpx'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(engines.__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment)


def test_an_unknown_engine_is_a_sentence_with_the_nearest_name() -> None:
    with pytest.raises(NotAvailable, match=r"no engine 'animatik'; did you mean 'animatic'\? Engines: animatic"):
        get_engine("animatik")
    with pytest.raises(NotAvailable, match="Engines: animatic"):
        choose_engine("zzz")


def test_every_preset_is_an_engine_under_its_own_name() -> None:
    for name, preset in load_presets().items():
        made = get_engine(name)
        assert isinstance(made, Diffusion)
        assert (made.id, made.preset) == (name, preset)
    with pytest.raises(NotAvailable, match="no engine 'qualty'; did you mean 'quality'"):
        get_engine("qualty")


H100 = Gpu("NVIDIA H100 80GB HBM3", 79.6, (9, 0))
RTX_3060 = Gpu("NVIDIA GeForce RTX 3060", 12.0, (8, 6))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts weights of presets into a new models folder: whole in names and headers, with nothing in them."""
    monkeypatch.setenv("SPOTMILL_MODELS", str(tmp_path / "models"))

    def put(*names: str) -> None:
        empty = (2).to_bytes(8, "little") + b"{}"
        for name in names:
            preset = load_presets()[name]
            for checkpoint in checkpoints(preset):
                folder = folder_of(checkpoint)
                (folder / "vae").mkdir(parents=True)
                (folder / "model_index.json").write_text('{"_class_name": "P", "vae": ["diffusers", "AutoencoderKL"]}')
                (folder / "vae" / "model.safetensors").write_bytes(empty)
            for adapter in preset.adapters:
                path = tmp_path / "models" / adapter.hub_id.replace("/", "--") / adapter.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(empty)

    return put


needs_libraries = pytest.mark.skipif(bool(missing_libraries()), reason="auto chooses no preset without torch")


def test_auto_draws_where_there_is_no_gpu_and_says_so(models: Callable[..., None]) -> None:
    models("fast")
    assert choose_engine("auto", cards=()) == EngineChoice("animatic", "auto chose animatic: no GPU was found")
    assert choose_engine("animatic").reason == "animatic was asked for"


@needs_libraries
def test_auto_takes_the_best_preset_with_weights_that_fits(models: Callable[..., None]) -> None:
    models("draft", "fast")
    choice = choose_engine("auto", cards=(RTX_3060, H100))
    assert choice.name == "fast"
    assert "best preset with weights here that fits NVIDIA H100 80GB HBM3 (79.6 GiB, bf16)" in choice.reason
    models("quality")
    assert choose_engine("auto", cards=(H100,)).name == "quality"
    assert "(12.0 GiB, offload)" in choose_engine("auto", cards=(RTX_3060,)).reason  # quality does not fit: fast


@needs_libraries
def test_auto_names_the_command_where_no_weights_are_here(models: Callable[..., None]) -> None:
    choice = choose_engine("auto", cards=(H100,))
    assert choice.name == "animatic"
    assert "no weights are here: spotmill models pull quality (240 GiB), or fast (23 GiB)" in choice.reason


def test_auto_says_when_the_gpu_is_too_small(models: Callable[..., None]) -> None:
    choice = choose_engine("auto", cards=(Gpu("GeForce GTX 1050", 4.0, (6, 1)),))
    assert (choice.name, choice.reason) == (
        "animatic", "auto chose animatic: GeForce GTX 1050 has 4.0 GiB, too little for any preset",
    )  # fmt: skip


@needs_libraries
def test_auto_never_takes_what_a_person_has_to_decide_on(models: Callable[..., None]) -> None:
    asked_for = [name for name, one in load_presets().items() if one.commercial_use != "yes" or one.rank == 0]
    assert {"tiny", "av", "finest"} <= set(asked_for)
    models(*(name for name in asked_for if name not in ("tiny", "finest")))
    assert choose_engine("auto", cards=(H100,)).name == "animatic"


def test_an_engine_whose_import_fails_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        engines.BUILT_IN, "absent", ("no_such_package.engine:Engine", "install it with: pip install absent")
    )
    with pytest.raises(NotAvailable, match=r"no_such_package.*pip install absent"):
        get_engine("absent")


def test_other_packages_offer_engines_through_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stranger.py").write_text(
        "from generation.engines.animatic.engine import Animatic\nclass Stranger(Animatic):\n    id = 'stranger'\n"
    )
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[spotmill.engines]\nstranger = stranger:Stranger\nanimatic = stranger:Stranger\n"
        "fast = stranger:Stranger\nbroken = stranger:Missing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert engine_names() == ("animatic", "videos-api", *load_presets(), "broken", "stranger")
    assert get_engine("stranger").id == "stranger"
    assert get_engine("animatic").id == "animatic"  # a built-in name cannot be taken over, nor a preset's
    assert isinstance(get_engine("fast"), Diffusion)
    with pytest.raises(NotAvailable, match="check the package stranger"):
        get_engine("broken")
