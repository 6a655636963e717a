"""A user's own ONNX models make frames and enlarge them; files that are no such models are refused in a sentence."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.conform.conform import conform
from generation.conform.learned import Upscaler, to_planes, to_rgb
from generation.conform.settings import ConformSettings
from generation.errors import BadMedia, NotAvailable
from generation.media.frames import Planes, read_frames
from generation.spec import Footage, Size
from tests.generation.moving import film, lumas, pan, picture, psnr

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FPS = Fraction(16)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def save(path: Path, nodes: list[object], inputs: dict[str, list[object]], kind: int = 1, **facts: str) -> Path:
    """A model of `nodes` from `inputs` (name -> shape) to "made"; kind 1 is float32, 10 is float16."""
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
    made = helper.make_tensor_value_info("made", kind, [1, 3, None, None])
    graph = helper.make_graph(nodes, "tiny", values, [made])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, facts)
    onnx.save(model, path)
    return path


PICTURE: list[object] = [1, 3, None, None]


def mixer(path: Path, timestep: list[object], kind: int = 1, **facts: str) -> Path:
    """An interpolator: first + t * (second - first)."""
    node = onnx.helper.make_node
    nodes = [node("Sub", ["b", "a"], ["d"]), node("Mul", ["d", "t"], ["m"]), node("Add", ["a", "m"], ["made"])]
    return save(path, nodes, {"a": PICTURE, "b": PICTURE, "t": timestep}, kind, **facts)


def doubler(path: Path, **facts: str) -> Path:
    """An upscaler: every pixel becomes four."""
    scales = onnx.helper.make_tensor("scales", 1, [4], [1.0, 1.0, 2.0, 2.0])
    nodes = [
        onnx.helper.make_node("Constant", [], ["scales"], value=scales),
        onnx.helper.make_node("Resize", ["a", "", "scales"], ["made"], mode="nearest"),
    ]
    return save(path, nodes, {"a": PICTURE}, **facts)


def conformed(source: Footage, folder: Path, **settings: str) -> Footage:
    chosen = ConformSettings(device="cpu", **settings)  # type: ignore[arg-type]
    return conform(source, folder / "out.mp4", fps=Fraction(24), frames=10, settings=chosen)


@pytest.mark.parametrize(("timestep", "kind"), [([], 1), ([1], 1), ([1, 1, 1, 1], 1), ([1], 10)])
def test_a_users_interpolator_makes_the_frames_in_between(timestep: list[object], kind: int, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 7)
    model = mixer(tmp_path / "mixer.onnx", timestep, kind, licence="MIT")
    made = conformed(source, tmp_path, interpolation=str(model))
    mixed = lumas(conform_by_blending(source, tmp_path).path)
    assert min(psnr(*pair) for pair in zip(lumas(made.path), mixed, strict=True)) > 38
    notes = made.notes["conform"]["interpolation"]  # type: ignore[index]
    assert (notes["method"], notes["model"], notes["licence"]) == ("learned", "mixer.onnx", "MIT")
    assert len(notes["sha256"]) == 64


def conform_by_blending(source: Footage, folder: Path) -> Footage:
    settings = ConformSettings(interpolation="blend")
    return conform(source, folder / "blend.mp4", fps=Fraction(24), frames=10, settings=settings)


def test_a_users_upscaler_makes_every_frame_larger(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 7)
    made = conformed(source, tmp_path, upscale=str(doubler(tmp_path / "two.onnx")), interpolation="nearest")
    frames = [planes.y.copy() for planes in read_frames(made.path)]
    assert made.size == Size(416, 240)
    assert {frame.shape for frame in frames} == {(240, 416)}
    assert psnr(frames[0][::2, ::2], lumas(source.path)[0]) > 36
    notes = made.notes["conform"]["upscale"]  # type: ignore[index]
    assert (notes["scale"], notes["licence"], notes["device"]) == (2, "not stated in the file", "cpu")


def test_a_picture_is_padded_to_the_models_multiple_and_cut_again(tmp_path: Path) -> None:
    model = Upscaler(doubler(tmp_path / "two.onnx", multiple="48"), "cpu")
    planes = picture(pan, 0)
    larger = model.enlarged(planes)
    assert larger.y.shape == (240, 416)
    assert psnr(larger.y[::2, ::2], planes.y) > 45


def test_rgb_and_back_keeps_the_picture() -> None:
    random = np.random.default_rng(1)
    y = random.integers(60, 180, (64, 64)).astype(np.uint8)
    u, v = (np.full((32, 32), value, np.uint8) for value in (120, 140))
    back = to_planes(to_rgb(Planes(y, u, v)))
    assert [int(np.abs(a.astype(int) - b).max()) for a, b in zip(back, (y, u, v), strict=True)] == [0, 0, 0]
    white = to_rgb(Planes(np.full((4, 4), 235, np.uint8), *(np.full((2, 2), 128, np.uint8),) * 2))
    assert np.allclose(white, 1)


def test_a_file_that_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"cbuiltins\neval\n.")
    with pytest.raises(BadMedia, match=r"no.onnx: onnxruntime cannot load it"):
        conformed(film(tmp_path / "a.mp4", pan, FPS, 7), tmp_path, interpolation=str(tmp_path / "no.onnx"))
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        ("interpolation", "takes tensor.float.; two pictures and a timestep of float are expected"),
        ("upscale", "takes tensor.float., tensor.float., tensor.float.; one picture of float"),
    ],
)
def test_a_model_of_another_kind_is_refused_before_a_film_is_begun(role: str, sentence: str, tmp_path: Path) -> None:
    other = doubler(tmp_path / "m.onnx") if role == "interpolation" else mixer(tmp_path / "m.onnx", [1])
    with pytest.raises(BadMedia, match=sentence):
        conformed(film(tmp_path / "a.mp4", pan, FPS, 7), tmp_path, **{role: str(other)})


def test_a_multiple_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMedia, match="multiple='many'"):
        Upscaler(doubler(tmp_path / "two.onnx", multiple="many"), "cpu")


def test_without_onnxruntime_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NotAvailable, match="`pip install onnxruntime`"):
        Upscaler(doubler(tmp_path / "two.onnx"), "cpu")


def test_a_gpu_that_onnxruntime_has_not_is_said(tmp_path: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has a GPU")
    with pytest.raises(NotAvailable, match="onnxruntime-gpu"):
        Upscaler(doubler(tmp_path / "two.onnx"), "cuda")
