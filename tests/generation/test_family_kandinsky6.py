"""Kandinsky 6 on the CPU with a tiny model of random weights that was saved and is loaded by the real loading code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation.engines.diffusion.drive import drive
from generation.engines.diffusion.families import get_family, kandinsky6
from generation.engines.diffusion.families.kandinsky6 import Kandinsky6
from generation.engines.diffusion.loading import load_pipeline
from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule
from generation.engines.diffusion.session import Session
from generation.errors import NotAvailable
from generation.media.frames import read_frames
from generation.spec import Footage, Shot, Size
from tests.generation.tiny_families import build_kandinsky6

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

pytestmark = pytest.mark.usefixtures("one_thread")
NAME = "Kandinsky6TI2VAPipeline"
SIZE, FRAMES, FPS = Size(48, 32), 9, Fraction(24)
SHOT = Shot("a red cube spins while a bell rings", SIZE, FRAMES, FPS, seed=7)
SCRIPTS = ("a red cube", "красный куб", "一个红色的立方体", "مكعب أحمر")
PRESET = Preset(
    name="tiny-av-open", title="Tiny", family="kandinsky6", checkpoint=Checkpoint("local/tiny", "", 0.0),
    licence="ours", licence_url="", commercial_use="yes", fps=FPS, sizes=(SIZE,), size_multiple_px=16, frames_step=4,
    frames_offset=1, min_frames=9, max_frames=121, schedule=Schedule(scheduler="PiflowScheduler", steps=2),
    guidance=1.0, makes_audio=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "kandinsky6"
    build_kandinsky6(made)
    return made


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Mapping[str, Any]:
    unused = Kandinsky6.unused_parts
    return {
        "texts": load_pipeline(folder, NAME, without=(*Kandinsky6.denoisers, *Kandinsky6.decoders, *unused)),
        "films": load_pipeline(folder, NAME, without=(*Kandinsky6.text_parts, *unused)),
    }


def _started(loaded: Mapping[str, Any], shot: Shot, preset: Preset = PRESET) -> tuple[Kandinsky6, Any, dict[str, Any]]:
    family = get_family("kandinsky6")(preset)
    assert isinstance(family, Kandinsky6)
    pipe = loaded["films"]
    negatives = family.encode(loaded["texts"], [shot.negative_prompt]) if preset.guidance > 1 else None
    arguments = {
        **family.stepping(preset.schedule.steps),
        "guidance_scale": preset.guidance,
        **family.arguments(pipe, [shot], family.encode(loaded["texts"], [shot.prompt]), negatives),
        "generator": torch.Generator().manual_seed(shot.seed),
        "output_type": "latent",
    }
    return family, pipe, arguments


def _clip(
    loaded: Mapping[str, Any], shot: Shot, preset: Preset = PRESET
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    family, pipe, arguments = _started(loaded, shot, preset)
    latent = family.latents(pipe, pipe(**arguments), [shot])[0]
    return np.stack(list(family.decode(pipe, latent, shot))), family.sound(pipe, latent, shot)[0]


def _picture(path: Path, colour: tuple[int, int, int]) -> Path:
    image = Image.new("RGB", (SIZE.width_px, SIZE.height_px), colour)
    image.paste((255 - colour[0], colour[1], 128), (0, 0, 16, 32))
    image.save(path)
    return path


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_film_and_sound_are_those_of_the_whole_pipeline(
    guidance: float, folder: Path, loaded: Mapping[str, Any]
) -> None:
    shot, preset = replace(SHOT, negative_prompt="blurry, noise"), replace(PRESET, guidance=guidance)
    film, sound = _clip(loaded, shot, preset)
    stock = load_pipeline(folder, NAME, without=())
    stock.tokenizer = kandinsky6._TextOnly(stock)
    output = stock(
        prompt=shot.prompt, negative_prompt=shot.negative_prompt, height=32, width=48, num_frames=9, frame_rate=24.0,
        num_inference_steps=2, guidance_scale=guidance, output_type="np",
        generator=torch.Generator().manual_seed(shot.seed),
    )  # fmt: skip
    assert film.shape == (9, 32, 48, 3)
    # Attention over the text alone adds in another order than over text and masked padding.
    off = np.abs(film.astype(int) - np.rint(output.frames[0] * 255))
    assert off.max() <= 1
    assert (off > 0).mean() < 0.01
    count = round(SHOT.seconds * 44_100)
    assert sound.shape == (count, 1)
    same = count - 221
    assert np.abs(sound[:same, 0] - output.audio[0][:same]).max() < 1e-3
    assert float(np.abs(sound).max()) > 0.01


def test_without_the_prompts_padding_left_out_the_film_would_be_another(loaded: Mapping[str, Any]) -> None:
    family, pipe, arguments = _started(loaded, SHOT)
    padded = torch.nn.functional.pad(arguments["prompt_embeds"], (0, 0, 0, 40))
    other = pipe(**{**arguments, "prompt_embeds": padded, "generator": torch.Generator().manual_seed(SHOT.seed)})
    ours = pipe(**arguments)
    assert float((ours.frames - other.frames).abs().max()) > 1e-3
    assert family.latents(pipe, ours, [SHOT])[0].film is ours.frames


def test_the_same_shot_gives_the_same_film_and_sound_and_another_seed_another(loaded: Mapping[str, Any]) -> None:
    one, again, other = (_clip(loaded, replace(SHOT, seed=seed)) for seed in (7, 7, 8))
    for part in (0, 1):
        assert np.array_equal(one[part], again[part])
        assert not np.array_equal(one[part], other[part])


def test_prompts_in_four_scripts_give_four_films(loaded: Mapping[str, Any]) -> None:
    assert len({_clip(loaded, replace(SHOT, prompt=text))[0].tobytes() for text in SCRIPTS}) == len(SCRIPTS)


def test_a_film_follows_its_picture(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shots = [
        replace(SHOT, image=_picture(tmp_path / f"{number}.png", colour))
        for number, colour in enumerate([(200, 30, 30), (20, 40, 220)])
    ]
    films = [_clip(loaded, shot)[0] for shot in (*shots, SHOT)]
    assert len({film.tobytes() for film in films}) == 3
    assert {film.shape for film in films} == {(9, 32, 48, 3)}
    assert np.array_equal(films[0], _clip(loaded, shots[0])[0])


def _previews(loaded: Mapping[str, Any], shot: Shot) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Per step: the preview, and frame 0 of the whole decode of the same latents."""
    family, pipe, arguments = _started(loaded, shot)
    latents = (shot.frames - 1) // 4 + 1
    for step in drive(pipe, arguments):
        film = step.tensors["latents"][:, :latents].permute(0, 4, 1, 2, 3)
        yield family.first_frames(pipe, step.tensors, [shot])[0], next(kandinsky6._decoded(pipe, film))


@pytest.mark.parametrize("picture", [False, True])
def test_a_preview_of_a_short_film_is_frame_0_of_the_whole_decode(
    picture: bool, loaded: Mapping[str, Any], tmp_path: Path
) -> None:
    shot = replace(SHOT, image=_picture(tmp_path / "a.png", (200, 30, 30))) if picture else SHOT
    steps = list(_previews(loaded, shot))
    assert len(steps) == 2
    assert all(np.array_equal(*pair) for pair in steps)


def test_a_preview_of_a_long_film_is_nearer_to_frame_0_than_its_first_latent_alone(
    loaded: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot, means = replace(SHOT, frames=49), []
    for latents in (kandinsky6._PREVIEW_LATENTS, 1):
        monkeypatch.setattr(kandinsky6, "_PREVIEW_LATENTS", latents)
        means.append([float(np.abs(seen.astype(float) - whole).mean()) for seen, whole in _previews(loaded, shot)])
    assert max(means[0]) < 6
    assert max(means[0]) < min(means[1]), means


@pytest.mark.parametrize(("frames", "fps"), [(25, 24), (49, 24), (61, 30)])
def test_sound_is_exactly_as_long_as_the_film(loaded: Mapping[str, Any], frames: int, fps: int) -> None:
    shot = replace(SHOT, frames=frames, fps=Fraction(fps))
    family, pipe, arguments = _started(loaded, shot)
    latent = family.latents(pipe, pipe(**arguments), [shot])[0]
    sound, rate_hz = family.sound(pipe, latent, shot)
    assert rate_hz == 44_100
    assert sound.shape == (round(frames / Fraction(fps) * rate_hz), 1)
    assert np.abs(sound[-400:-300]).max() > 0, "the model's sound covers the film"


def test_two_shots_at_once_and_a_missing_tokenizer_are_refused(
    folder: Path, loaded: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    family = get_family("kandinsky6")(PRESET)
    prompts = family.encode(loaded["texts"], ["a", "b"])
    with pytest.raises(ValueError, match="one encoded prompt at a time, not 2"):
        family.arguments(loaded["films"], [SHOT, SHOT], prompts, None)
    monkeypatch.setattr(loaded["texts"].text_encoder.config, "_name_or_path", str(tmp_path / "text_encoder"))
    with pytest.raises(NotAvailable, match="its tokenizer is missing; fetch it again"):
        family.encode(loaded["texts"], ["a"])


def test_a_session_writes_film_and_sound(folder: Path, tmp_path: Path) -> None:
    preset = replace(PRESET, checkpoint=Checkpoint("local/tiny", "", 0.0, folder=str(folder)))
    shots = [SHOT, replace(SHOT, image=_picture(tmp_path / "a.png", (200, 30, 30)))]
    events = Session(preset, "cpu").render(shots, [tmp_path / "0.mp4", tmp_path / "1.mp4"])
    films = [event for event in events if isinstance(event, Footage)]
    assert [sum(1 for _ in read_frames(film.path)) for film in films] == [9, 9]
    assert all(film.sound is not None and film.sound.stat().st_size == 44 + 2 * 16_538 for film in films)
