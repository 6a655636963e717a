"""The figures for quality measure what they say, on written films, and are kept with what they belong to."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from generation.engines.contract import Engine, EngineOptions  # noqa: E402
from generation.engines.diffusion.likeness import compare_films, distance, psnr  # noqa: E402
from generation.engines.diffusion.measure import Level, measure_levels, measured, store  # noqa: E402
from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule, Speed  # noqa: E402
from generation.errors import BadMedia, NotAvailable  # noqa: E402
from generation.media.frames import VideoWriter  # noqa: E402
from generation.media.rgb import from_rgb  # noqa: E402
from generation.spec import Footage, Progress, Shot, Size  # noqa: E402

SIZE = Size(96, 64)
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def scene(frames: int = 3, seed: int = 1, size: Size = SIZE) -> Any:
    """Smooth shapes with edges, as a film has: not noise, of which every measure thinks little."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size.height_px, 0 : size.width_px]
    clip = np.zeros((frames, size.height_px, size.width_px, 3))
    for number in range(frames):
        for _ in range(6):
            cx, cy, radius = rng.uniform(0, size.width_px), rng.uniform(0, size.height_px), rng.uniform(6, 25)
            clip[number][np.hypot(x - cx - number, y - cy) < radius] = rng.uniform(20, 235, 3)
        clip[number] += 10 * np.sin(x / 5)[..., None]
    return clip.clip(0, 255).astype(np.uint8)


def noisy(clip: Any, strength: float) -> Any:
    return (clip + np.random.default_rng(2).normal(0, strength, clip.shape)).clip(0, 255).astype(np.uint8)


def write(path: Path, clip: Any) -> Path:
    with VideoWriter(path, Size(clip.shape[2], clip.shape[1]), Fraction(16)) as writer:
        for picture in clip:
            writer.write(from_rgb(np.ascontiguousarray(picture)))
    return path


def naive_ssim(a: Any, b: Any) -> float:
    """Structural similarity as its authors wrote it, window by window."""
    places = np.arange(11) - 5
    line = np.exp(-(places**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2, values = (0.01 * 255) ** 2, (0.03 * 255) ** 2, []
    for top in range(a.shape[0] - 10):
        for left in range(a.shape[1] - 10):
            one, two = a[top : top + 11, left : left + 11], b[top : top + 11, left : left + 11]
            ma, mb = (window * one).sum(), (window * two).sum()
            va, vb = (window * (one - ma) ** 2).sum(), (window * (two - mb) ** 2).sum()
            cov = (window * (one - ma) * (two - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def test_equal_clips_are_infinitely_near() -> None:
    clip = scene()
    assert psnr(clip, clip) == math.inf
    assert distance(clip, clip) == pytest.approx(0, abs=1e-12)


def test_psnr_is_what_its_formula_says() -> None:
    grey = np.full((2, 16, 16, 3), 100, np.uint8)
    assert psnr(grey, grey + 5) == pytest.approx(10 * math.log10(255**2 / 25))


def test_at_one_scale_the_distance_is_the_naive_one() -> None:
    one = scene(1, size=Size(20, 18))
    two = noisy(one, 25)
    lumas = [(clip[0].astype(float) @ np.array([0.2126, 0.7152, 0.0722])) for clip in (one, two)]
    assert distance(one, two) == pytest.approx(1 - naive_ssim(*lumas), abs=1e-9)
    assert distance(one, two) > 0.01


def test_at_five_scales_the_published_weights_are_used() -> None:
    """Every scale of a film shifted in brightness keeps its structure: only the last one's weight counts."""
    one = np.full((1, 176, 176, 3), 100, np.uint8)
    two = np.full((1, 176, 176, 3), 140, np.uint8)
    c1 = (0.01 * 255) ** 2
    light = (2 * 100 * 140 + c1) / (100**2 + 140**2 + c1)
    assert distance(one, two) == pytest.approx(1 - light ** (0.1333 / (0.0448 + 0.2856 + 0.3001 + 0.2363 + 0.1333)))


def test_both_figures_grow_worse_with_noise_and_the_distance_cares_for_structure() -> None:
    clip = scene()
    near, far = noisy(clip, 4), noisy(clip, 30)
    assert psnr(clip, near) > psnr(clip, far)
    assert 0 < distance(clip, near) < distance(clip, far) < 1
    assert distance(clip, scene(seed=9)) > 3 * distance(clip, far)
    # A little brighter all over: further away by numbers than some noise, nearer by structure.
    brighter, grain = (clip.astype(int) + 12).clip(0, 255).astype(np.uint8), noisy(clip, 11)
    assert psnr(clip, brighter) < psnr(clip, grain)
    assert distance(clip, brighter) < distance(clip, grain)


def test_unlike_clips_are_refused() -> None:
    clip = scene()
    with pytest.raises(ValueError, match="cannot be compared"):
        psnr(clip, clip[:2])
    with pytest.raises(ValueError, match="uint8"):
        distance(clip.astype(np.float32), clip.astype(np.float32))
    with pytest.raises(ValueError, match="smaller than the window"):
        distance(clip[:, :8], clip[:, :8])


def test_films_are_compared_as_written(tmp_path: Path) -> None:
    clip = scene(5)
    one, same = write(tmp_path / "one.mp4", clip), write(tmp_path / "same.mp4", clip)
    other, short = write(tmp_path / "other.mp4", noisy(clip, 20)), write(tmp_path / "short.mp4", clip[:4])
    assert compare_films(one, same) == (math.inf, pytest.approx(0, abs=1e-12))
    near_db, away = compare_films(one, other)
    assert near_db == pytest.approx(psnr(clip, noisy(clip, 20)), abs=3)
    assert away > 0.01
    with pytest.raises(BadMedia, match="unequal lengths"):
        compare_films(one, short)


class Levels(Engine):
    """Draws a clip; the faster the level, the noisier, and `exact` takes its time."""

    id, title, revision, licence, digital_source_type = "levels", "Levels", "1", "MIT", "none"

    class Options(EngineOptions):
        speed: str = "exact"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        for number, (shot, path) in enumerate(zip(shots, paths, strict=True)):
            level = str(shot.options["speed"])
            self.asked.append(level)
            clip = noisy(scene(shot.frames, shot.seed), {"exact": 0, "balanced": 5, "fast": 25}[level])
            for _ in range(5 if level == "exact" else 1):
                write(path, clip)
            yield Progress(number, 1, 1)
            yield Footage(path, shot.size, shot.frames, shot.fps)


def shots() -> list[Shot]:
    return [Shot(f"prompt {seed}", SIZE, 4, Fraction(16), seed) for seed in (1, 2)]


def preset(tmp_path: Path, **others: Any) -> Preset:
    folder = tmp_path / "weights"
    folder.mkdir(exist_ok=True)
    (folder / "model_index.json").write_text("{}", "utf-8")
    given: dict[str, Any] = {"speeds": {"exact": Speed(), "balanced": Speed(cache="step", threshold=0.1)}, **others}
    return Preset(
        name="mine", title="", family="wan", checkpoint=Checkpoint("", "", 0.0, folder=str(folder)), licence="MIT",
        licence_url="", commercial_use="yes", fps=Fraction(16), sizes=(SIZE,), size_multiple_px=16, frames_step=4,
        frames_offset=1, min_frames=5, max_frames=81, schedule=Schedule(), guidance=5.0, **given,
    )  # fmt: skip


def test_levels_are_measured_against_exact_through_the_engine(tmp_path: Path) -> None:
    engine = Levels()
    found = measure_levels(engine, shots(), tmp_path / "clips")
    assert list(found) == ["balanced", "fast"]
    assert found["balanced"].psnr_db > found["fast"].psnr_db > 15
    assert 0 < found["balanced"].distance < found["fast"].distance
    assert found["fast"].worst_psnr_db <= found["fast"].psnr_db
    assert found["fast"].worst_distance >= found["fast"].distance
    assert found["balanced"].times_faster > 1.5
    # The first shot of each level once more, untimed.
    assert engine.asked == [level for level in ("exact", "balanced", "fast") for _ in range(3)]
    assert (tmp_path / "clips" / "fast-1.mp4").is_file()


def test_measured_figures_are_found_again_and_only_for_what_they_were_measured_on(tmp_path: Path) -> None:
    mine = preset(tmp_path)
    assert measured(mine) is None
    level = Level(30.0, 0.05, 28.0, 0.07, 12.0, 1.9)
    path = store(mine, {"balanced": level}, shots(), "cpu")
    assert path == tmp_path / "weights.speed.json"
    found = measured(mine)
    assert found is not None
    assert found["levels"]["balanced"] == json.loads(json.dumps(found["levels"]["balanced"]))
    assert found["levels"]["balanced"]["psnr_db"] == 30.0
    assert (found["size"], found["frames"], found["shots"], found["device"]) == ("96x64", 4, 2, "cpu")
    assert "MS-SSIM" in found["measure"]
    # Other settings of the level, and other weights, were not measured.
    assert measured(replace(mine, speeds={"balanced": Speed(cache="step", threshold=0.2)})) is None
    (tmp_path / "weights" / "model_index.json").write_text('{"a": 1}', "utf-8")
    assert measured(mine) is None


def test_a_device_has_one_entry_and_measuring_again_renews_it(tmp_path: Path) -> None:
    mine = preset(tmp_path)
    for device, near_db in (("cpu", 30.0), ("card", 31.0), ("cpu", 32.0)):
        path = store(mine, {"balanced": Level(near_db, 0, near_db, 0, 1, 1)}, shots(), device)
    entries = json.loads(path.read_text("utf-8"))
    assert sorted((one["device"], one["levels"]["balanced"]["psnr_db"]) for one in entries) == [
        ("card", 31.0),
        ("cpu", 32.0),
    ]
    path.write_text("{", "utf-8")
    with pytest.raises(NotAvailable, match="delete it and measure again"):
        measured(mine)


def test_reading_the_figures_loads_nothing_heavy() -> None:
    heavy = ("torch", "av", "numpy", "diffusers")
    code = f"import sys, generation.engines.diffusion.measure; print([m for m in {heavy} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[]", ended.stderr
