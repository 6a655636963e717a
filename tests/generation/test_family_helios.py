"""Helios on the CPU with a tiny model of random weights that was saved and is loaded by the real loading code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.engines.diffusion.drive import drive
from generation.engines.diffusion.families import get_family, helios
from generation.engines.diffusion.families.helios import Helios
from generation.engines.diffusion.loading import load_pipeline
from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule
from generation.engines.diffusion.session import Session
from generation.media.frames import read_frames
from generation.spec import Footage, Progress, Shot, Size
from tests.generation.tiny_families import build_helios

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
# HeliosDMDScheduler hands torch's numbers to numpy.linspace.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")

SIZE, FPS = Size(64, 64), Fraction(24)
SHOT = Shot("a lighthouse at dawn, the camera flies on and on", SIZE, 33, FPS, seed=7)
SCRIPTS = ("a red cube", "красный куб", "一个红色的立方体", "مكعب أحمر")
PRESET = Preset(
    name="tiny-long", title="Tiny", family="helios", checkpoint=Checkpoint("local/tiny", "", 0.0), licence="ours",
    licence_url="", commercial_use="yes", fps=FPS, sizes=(SIZE,), size_multiple_px=64, frames_step=33,
    frames_offset=0, min_frames=33, max_frames=1452, schedule=Schedule(steps=6), guidance=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "helios"
    build_helios(made)
    return made


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Mapping[str, Any]:
    name = "HeliosPyramidPipeline"
    return {
        "texts": load_pipeline(folder, name, without=("transformer", "vae")),
        "films": load_pipeline(folder, name, without=Helios.text_parts),
    }


def _started(loaded: Mapping[str, Any], shot: Shot, preset: Preset = PRESET) -> tuple[Helios, Any, dict[str, Any]]:
    family = get_family("helios")(preset)
    assert isinstance(family, Helios)
    pipe, prompts = loaded["films"], family.encode(loaded["texts"], [shot.prompt])
    return family, pipe, {
        **family.stepping(preset.schedule.steps),
        "guidance_scale": preset.guidance,
        **family.arguments(pipe, [shot], prompts, None),
        "generator": [torch.Generator().manual_seed(shot.seed)],
        "output_type": "latent",
    }  # fmt: skip


def _latent(loaded: Mapping[str, Any], shot: Shot, preset: Preset = PRESET) -> Any:
    family, pipe, arguments = _started(loaded, shot, preset)
    with _undecoded(pipe):
        return family.latents(pipe, pipe(**arguments), [shot])[0]


@contextmanager
def _undecoded(pipe: Any) -> Iterator[None]:
    """The pipeline decodes each piece and, asked for latents, throws it away: most of a tiny model's time."""
    pipe.vae.decode = lambda latents, return_dict: (latents.new_zeros(1, 3, 1, 1, 1),)
    try:
        yield
    finally:
        del pipe.vae.decode


def _picture(path: Path, colour: tuple[int, int, int]) -> Path:
    image = Image.new("RGB", (SIZE.width_px, SIZE.height_px), colour)
    image.paste((255 - colour[0], colour[1], 128), (0, 0, 32, 64))
    image.save(path)
    return path


def test_a_film_is_that_of_the_whole_pipeline_and_has_every_frame(folder: Path, loaded: Mapping[str, Any]) -> None:
    shot = replace(SHOT, frames=66)
    film = np.stack(list(Helios(PRESET).decode(loaded["films"], _latent(loaded, shot), shot)))
    assert film.shape == (66, 64, 64, 3)
    wanted = load_pipeline(folder, "HeliosPyramidPipeline", without=())(
        prompt=shot.prompt, height=64, width=64, num_frames=shot.frames, guidance_scale=1.0, output_type="np",
        pyramid_num_inference_steps_list=[2, 2, 2], generator=torch.Generator().manual_seed(shot.seed),
    ).frames[0]  # fmt: skip
    assert len(wanted) == 65, "the pipeline cuts films of several pieces to 4n + 1 frames"
    assert np.array_equal(film[:65], np.rint(wanted * 255).astype(np.uint8))
    # A long film begins as a short one, and goes on.
    first, both = _latent(loaded, SHOT), _latent(loaded, shot)
    assert torch.equal(both[:, :, :9], first)
    assert not torch.allclose(both[:, :, 9:], first, atol=0.1)


def test_the_same_shot_gives_the_same_film_and_another_seed_another(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    for shot in (SHOT, replace(SHOT, image=_picture(tmp_path / "a.png", (200, 30, 30)))):
        torch.manual_seed(1)
        one = _latent(loaded, shot)
        torch.manual_seed(2)  # nothing is drawn from the process's own generator
        assert torch.equal(one, _latent(loaded, shot))
        assert not torch.equal(one, _latent(loaded, replace(shot, seed=8)))


def test_prompts_in_four_scripts_give_four_films(loaded: Mapping[str, Any]) -> None:
    films = [_latent(loaded, replace(SHOT, prompt=text)).numpy().tobytes() for text in SCRIPTS]
    assert len(set(films)) == len(SCRIPTS)


def test_a_film_follows_its_picture_and_has_none_of_its_latents(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shots = [
        replace(SHOT, image=_picture(tmp_path / f"{number}.png", colour))
        for number, colour in enumerate([(200, 30, 30), (20, 40, 220)])
    ]
    family, pipe, arguments = _started(loaded, shots[0])
    with _undecoded(pipe):
        output = pipe(**arguments)
    assert output.frames.shape[2] == 10
    first = family.latents(pipe, output, shots[:1])[0]
    assert first.shape[2] == 9
    assert not torch.equal(first, _latent(loaded, shots[1]))
    assert not torch.equal(first, _latent(loaded, SHOT))


def test_a_picture_gets_as_much_noise_as_in_the_pipeline_and_another_than_the_film(
    loaded: Mapping[str, Any], tmp_path: Path
) -> None:
    shot = replace(SHOT, image=_picture(tmp_path / "a.png", (200, 30, 30)))
    # Without the VAE's own spread.
    family, pipe = Helios(PRESET), loaded["films"]
    generator = torch.Generator().manual_seed(3)
    flat = torch.ones(1, 16, 1, 64, 64)
    noise = helios._noisy(flat, generator) - flat
    assert 0.111 / 1.01 < float(noise.std()) < 0.135 * 1.01
    assert float(noise.mean()) == pytest.approx(-float(noise.std()), abs=0.005)
    drawn = [family._image(pipe, replace(shot, seed=seed)) for seed in (7, 7, 8)]
    for name in ("image_latents", "fake_image_latents"):
        assert torch.equal(drawn[0][name], drawn[1][name])
        assert not torch.equal(drawn[0][name], drawn[2][name])
    film = torch.randn(drawn[0]["image_latents"].shape, generator=torch.Generator().manual_seed(7))
    apart = (drawn[0]["image_latents"] - drawn[2]["image_latents"]).flatten()
    assert abs(float(torch.corrcoef(torch.stack([apart, film.flatten()]))[0, 1])) < 0.15


@pytest.mark.parametrize(("frames", "amplified", "calls"), [(33, True, 12), (66, False, 12)])
def test_steps_are_counted_over_all_pieces(loaded: Mapping[str, Any], frames: int, amplified: bool, calls: int) -> None:
    shot, preset = replace(SHOT, frames=frames), replace(PRESET, call={"is_amplify_first_chunk": amplified})
    family, pipe, arguments = _started(loaded, shot, preset)
    with _undecoded(pipe):
        assert sum(1 for _ in drive(pipe, arguments)) == calls == family.steps_in_all(pipe, shot, 6)


def test_a_preview_is_frame_0_of_the_piece_that_is_being_made(loaded: Mapping[str, Any]) -> None:
    family, pipe, arguments = _started(loaded, SHOT)
    sizes = []
    for step in drive(pipe, arguments):
        seen = family.first_frames(pipe, step.tensors, [SHOT])[0]
        assert np.array_equal(seen, next(family.decode(pipe, step.tensors["latents"], SHOT)))
        sizes.append(seen.shape[0])
    assert sizes == [16, 16, 32, 32, 64, 64]


def test_two_shots_at_once_are_refused(loaded: Mapping[str, Any]) -> None:
    family = get_family("helios")(PRESET)
    prompts = family.encode(loaded["texts"], ["a", "b"])
    with pytest.raises(ValueError, match="one shot at a time, not 2"):
        family.arguments(loaded["films"], [SHOT, SHOT], prompts, None)


def test_a_session_writes_every_frame_and_counts_the_steps_of_all_pieces(folder: Path, tmp_path: Path) -> None:
    preset = replace(PRESET, checkpoint=Checkpoint("local/tiny", "", 0.0, folder=str(folder)))
    shots = [replace(SHOT, frames=66), replace(SHOT, image=_picture(tmp_path / "a.png", (200, 30, 30)))]
    events = list(Session(preset, "cpu").render(shots, [tmp_path / "0.mp4", tmp_path / "1.mp4"]))
    for number, steps in ((0, 12), (1, 6)):
        done = [event for event in events if isinstance(event, Progress) and event.shot == number]
        assert [(event.done, event.total) for event in done] == [(at + 1, steps + 1) for at in range(steps + 1)]
    films = [event for event in events if isinstance(event, Footage)]
    assert [sum(1 for _ in read_frames(film.path)) for film in films] == [66, 33]
