"""What only a GPU can show, with the tiny models: `make test-gpu`. Skipped, not passed, where there is none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.conform.conform import ConformSettings, conform
from generation.engines.diffusion.session import Session
from generation.engines.diffusion.tiny import build
from generation.media.frames import read_frames
from generation.spec import Footage, Shot
from tests.generation.tiny_wan import preset, shot

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models")
    for kind in ("text", "two_experts"):
        build(home / kind, kind)
    return home


def render(session: Session, shots: list[Shot], folder: Path) -> list[Footage]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index}.mp4" for index in range(len(shots))]
    return [event for event in session.render(shots, paths) if isinstance(event, Footage)]


def luma(path: Path) -> np.ndarray:
    return np.stack([planes.y.copy() for planes in read_frames(path)]).astype(np.int16)


def test_a_film_is_computed_on_the_gpu_in_bf16_and_again_the_same(folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / "text"))
    first, again = render(session, [shot()], tmp_path / "a")[0], render(session, [shot()], tmp_path / "b")[0]
    assert (first.notes["device"], first.notes["precision"]) == ("cuda", "bf16")
    assert first.path.read_bytes() == again.path.read_bytes()


def test_full_precision_on_the_gpu_is_near_the_cpu(folders: Path, tmp_path: Path) -> None:
    one = shot(options={"precision": "fp32"})
    here = render(Session(preset(folders / "text")), [one], tmp_path / "gpu")[0]
    there = render(Session(preset(folders / "text"), "cpu"), [one], tmp_path / "cpu")[0]
    assert np.abs(luma(here.path) - luma(there.path)).mean() < 1.0


@pytest.mark.parametrize("options", [{"precision": "fp8"}, {"offload": "group"}, {"tiling": "on"}, {"batch": 1}])
@pytest.mark.parametrize("kind", ["text", "two_experts"])
def test_every_way_of_saving_memory_makes_the_film(kind: str, options: dict, folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / kind, kind))
    made = render(session, [shot(seed=seed, options=options) for seed in range(3)], tmp_path)
    assert [footage.frames for footage in made] == [9, 9, 9]
    assert all(np.abs(np.diff(luma(footage.path), axis=0)).mean() > 0.05 for footage in made)


def test_text_encoder_and_denoisers_take_turns_in_the_gpus_memory(folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / "text"))
    render(session, [shot()], tmp_path)
    assert session.models._text is None
    list(session.encode(["another text"], [tmp_path / "0.safetensors"]))
    assert session.models._open is None


def test_conform_on_the_gpu_is_near_the_cpu(folders: Path, tmp_path: Path) -> None:
    source = render(Session(preset(folders / "text")), [shot(frames=17)], tmp_path)[0]
    films = []
    for device in ("cpu", "cuda"):
        settings = ConformSettings(device=device)
        made = conform(source, tmp_path / f"{device}.mp4", fps=Fraction(30000, 1001), frames=45, settings=settings)
        films.append(luma(made.path))
    assert np.abs(films[0] - films[1]).mean() < 1.0
