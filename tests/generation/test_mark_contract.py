"""The rules every invisible mark keeps, run over each of them: a new mark is tested by adding its name to MARKS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.errors import BadMedia, GenerationError, NotAvailable
from generation.marks.invisible import get_mark, mark_names
from generation.marks.invisible.contract import PAYLOAD_BYTES, InvisibleMark
from generation.marks.invisible.learned import VARIABLE
from generation.media.frames import Planes, VideoWriter
from generation.spec import DELIVERY_FPS, Size

MARKS = ("spread", "learned")
SIZE, FRAMES = Size(540, 960), 63
PAYLOAD, KEY = bytes.fromhex("c0ffee123456"), b"a key of our own"
#: Bits of the tiny models: one square of the picture each.
BITS, CELLS, SIDE = 144, 12, 96


def scene(count: int) -> Iterator[Planes]:
    """Soft light with a box that moves and a little grain."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[: SIZE.height_px, : SIZE.width_px]
    ground = 90 + 60 * np.sin(rows / 170) * np.cos(columns / 130)
    grain = random.standard_normal((SIZE.height_px + 40, SIZE.width_px)) * 1.5
    half = np.full((SIZE.height_px // 2, SIZE.width_px // 2), 128, np.uint8)
    for index in range(count):
        picture = ground + grain[index % 40 : index % 40 + SIZE.height_px]
        picture[300:500, 60 + 3 * index : 200 + 3 * index] = 190
        yield Planes(np.rint(picture).clip(16, 235).astype(np.uint8), half.copy(), half.copy())


def film(path: Path, mark: InvisibleMark | None = None, key: bytes = b"", frames: int = FRAMES) -> Path:
    writer = mark.writer(SIZE, DELIVERY_FPS, PAYLOAD, key=key) if mark else None
    with VideoWriter(path, SIZE, DELIVERY_FPS, "preview") as video:
        for planes in scene(frames):
            if writer:
                writer.apply(planes)
            video.write(planes)
    return path


def tiny_models(folder: Path) -> None:
    """An encoder that lightens or darkens a square for each bit; a decoder that compares neighbouring squares."""
    onnx: Any = pytest.importorskip("onnx", reason="`make test` installs it")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    cell = SIDE // CELLS

    def value(name: str, array: Any) -> Any:
        return numpy_helper.from_array(np.asarray(array), name)

    def save(name: str, nodes: list[Any], ins: list[Any], out: Any, constants: list[Any]) -> None:
        graph = helper.make_graph(nodes, name, ins, [out], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, str(folder / f"{name}.onnx"))

    def tensor(name: str, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    # A square is light at its sides and dark in its middle: the picture's own light and its slope drop out.
    wave = np.where(np.abs(np.arange(SIDE) % cell - (cell - 1) / 2) > cell / 4, 1.0, -1.0)
    wave = wave.astype(np.float32)[None, None, None, :]
    nodes = [
        helper.make_node("Mul", ["bits", "two"], ["doubled"]),
        helper.make_node("Sub", ["doubled", "one"], ["signs"]),
        helper.make_node("Reshape", ["signs", "shape"], ["squares"]),
        helper.make_node("Resize", ["squares", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Mul", ["large", "wave"], ["change"]),
        helper.make_node("Mul", ["change", "level"], ["faint"]),
        helper.make_node("Add", ["picture", "faint"], ["marked"]),
    ]
    constants = [
        value("two", np.float32(2)), value("one", np.float32(1)), value("shape", np.array([1, 1, CELLS, CELLS])),
        value("scales", np.array([1, 1, cell, cell], np.float32)), value("wave", wave),
        value("level", np.float32(6 / 219)),
    ]  # fmt: skip
    picture = tensor("picture", [1, 3, SIDE, SIDE])
    save("encoder", nodes, [picture, tensor("bits", [1, BITS])], tensor("marked", [1, 3, SIDE, SIDE]), constants)
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["grey", "wave"], ["turned"]),
        helper.make_node("AveragePool", ["turned"], ["means"], kernel_shape=[cell, cell], strides=[cell, cell]),
        helper.make_node("Reshape", ["means", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "gain"], ["logits"]),
    ]
    constants = [value("wave", wave), value("shape", np.array([1, BITS])), value("gain", np.float32(50))]
    save("decoder", nodes, [picture], tensor("logits", [1, BITS]), constants)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_models(folder)
    return folder


@pytest.fixture(params=MARKS)
def mark(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> InvisibleMark:
    if request.param == "learned":
        pytest.importorskip("onnxruntime", reason="`make test` installs it")
        monkeypatch.setenv(VARIABLE, str(request.getfixturevalue("models")))
    return get_mark(request.param)


def test_every_mark_is_tested() -> None:
    assert set(mark_names()) == set(MARKS)


def test_a_mark_states_its_facts(mark: InvisibleMark) -> None:
    assert mark.id in mark_names()
    assert mark.revision
    assert mark.title
    assert mark.licence
    assert 0 < mark.false_positive_bound <= 1e-6


@pytest.mark.parametrize("effort", ["quick", "full"])
def test_what_is_written_is_read_from_the_encoded_film(mark: InvisibleMark, effort: Any, tmp_path: Path) -> None:
    reading = mark.read(film(tmp_path / "a.mp4", mark), effort=effort, deadline_seconds=60)
    assert reading.payload == PAYLOAD
    assert reading.score >= reading.threshold
    assert reading.agreement > 0.75
    assert reading.frames > 0
    assert reading.change == "as delivered"


def test_an_unmarked_film_and_another_key_are_read_as_nothing(mark: InvisibleMark, tmp_path: Path) -> None:
    plain = film(tmp_path / "plain.mp4", frames=31)
    marked = film(tmp_path / "marked.mp4", mark, KEY, frames=31)
    assert mark.read(plain, effort="quick", deadline_seconds=60).payload is None
    assert mark.read(marked, effort="quick", deadline_seconds=60).payload is None
    assert mark.read(marked, key=KEY, effort="quick", deadline_seconds=60).payload == PAYLOAD


def test_the_same_film_is_marked_with_the_same_bytes(mark: InvisibleMark) -> None:
    writers = [mark.writer(SIZE, DELIVERY_FPS, PAYLOAD, key=KEY) for _ in range(2)]
    for one, other in zip(scene(3), scene(3), strict=True):
        writers[0].apply(one)
        writers[1].apply(other)
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_mark_is_faint(mark: InvisibleMark) -> None:
    writer = mark.writer(SIZE, DELIVERY_FPS, PAYLOAD)
    for clean, planes in zip(scene(2), scene(2), strict=True):
        writer.apply(planes)
        error = np.mean((planes.y.astype(np.float64) - clean.y) ** 2)
        assert 0 < error < 255**2 / 10**3.8


def test_strength_is_followed_and_told(mark: InvisibleMark) -> None:
    changed = []
    for strength in (0.5, 2.0):
        writer = mark.writer(SIZE, DELIVERY_FPS, PAYLOAD, strength=strength)
        clean, planes = next(scene(1)), next(scene(1))
        writer.apply(planes)
        changed.append(float(np.abs(planes.y.astype(int) - clean.y).mean()))
        assert writer.facts == {"id": mark.id, "revision": mark.revision, "strength": strength}
    assert changed[0] < changed[1]


def test_a_payload_of_another_length_is_refused(mark: InvisibleMark) -> None:
    with pytest.raises(ValueError, match=str(PAYLOAD_BYTES)):
        mark.writer(SIZE, DELIVERY_FPS, b"12345")


def test_a_file_that_is_no_film_is_bad_media(mark: InvisibleMark, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(BadMedia, match=r"a\.mp4"):
        mark.read(tmp_path / "a.mp4", effort="full", deadline_seconds=10)


def test_a_reading_ends_at_its_deadline(mark: InvisibleMark, tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="too long"):
        mark.read(film(tmp_path / "a.mp4", frames=31), effort="full", deadline_seconds=1e-6)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(NotAvailable, match="did you mean 'spread'"):
        get_mark("spred")


def test_a_learned_mark_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NotAvailable, match=VARIABLE):
        get_mark("learned")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(NotAvailable, match=r"encoder\.onnx"):
        get_mark("learned")


def test_models_that_do_not_fit_each_other_are_refused(
    models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("encoder", "decoder"):
        (tmp_path / f"{name}.onnx").write_bytes((models / "decoder.onnx").read_bytes())
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(BadMedia, match="a picture and bits"):
        get_mark("learned")
    (tmp_path / "encoder.onnx").write_bytes(b"no graph")
    with pytest.raises(BadMedia, match="cannot load"):
        get_mark("learned")


def test_the_table_loads_nothing_heavy() -> None:
    heavy = "{'cv2', 'numpy', 'av'} & set(sys.modules)"
    code = f"import sys, generation.marks.invisible as m; m.mark_names(); assert not {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
