"""The GPU bench runs whole without a GPU, says that its figures mean nothing then, and counts what it says it does."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from benchmarks.bench_gpu import HARNESS_ONLY, MARK, judged, line_of, main, record  # noqa: E402
from benchmarks.footage_cost import CARD_TERA, call_operations, card_tera, computed_calls, tokens  # noqa: E402
from benchmarks.footage_models import DENOISERS, VAES  # noqa: E402
from benchmarks.gpu_busy import Busy  # noqa: E402
from generation.engines.diffusion import tiny  # noqa: E402
from generation.spec import Size  # noqa: E402

README = Path(__file__).resolve().parent.parent / "benchmarks" / "README.md"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One run of the whole harness."""
    if torch.cuda.is_available():
        pytest.skip("this is about machines without a GPU")
    out = tmp_path_factory.mktemp("bench")
    main(["--models", "tiny", "--shots", "2", "--steps", "8", "--out", str(out)])
    (path,) = (out / "results").glob("gpu-*.json")
    read: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return read


def test_the_harness_runs_whole_without_a_gpu_and_labels_its_figures(results: list[dict[str, Any]]) -> None:
    (result,) = results
    assert result["harness_only"]
    assert list(result["variants"]) == ["stock", "exact", "balanced", "fast"]
    assert all(one["seconds_per_clip"] > 0 and one["share_of_rate"] is None for one in result["variants"].values())
    assert HARNESS_ONLY in line_of(result)
    assert all(HARNESS_ONLY in line for line in judged(result)[:2])
    assert "GPU busy: unknown" in judged(result)[2]


def test_levels_compute_fewer_calls_and_the_report_of_the_shots_says_so(results: list[dict[str, Any]]) -> None:
    variants = results[0]["variants"]
    assert variants["stock"]["calls_per_clip"] == variants["exact"]["calls_per_clip"] == 16
    assert variants["balanced"]["calls_per_clip"] < 16
    assert variants["fast"]["calls_per_clip"] < variants["balanced"]["calls_per_clip"]
    assert variants["fast"]["notes"]["unguided_steps"] == 4
    assert variants["exact"]["clips"] == 2


def test_targets_are_judged_where_there_is_a_gpu(results: list[dict[str, Any]]) -> None:
    result = json.loads(json.dumps(results[0])) | {"harness_only": False}
    result["variants"]["exact"] |= {"times_stock": 1.31, "gpu_busy": 0.9}
    result["variants"]["balanced"] |= {"times_stock": 1.99}
    lines = judged(result)
    assert lines[0].endswith("1.31 times stock (target 1.3): reached")
    assert lines[1].endswith("MISSED")
    assert lines[2] == "GPU busy at exact: 90.0% (target 95%): MISSED"


def test_a_row_goes_into_its_table_and_nothing_else_moves(results: list[dict[str, Any]], tmp_path: Path) -> None:
    assert README.read_text("utf-8").count(MARK) == 1
    (tmp_path / "README.md").write_text(f"| a |\n|---|\n| old |\n{MARK}\n\nrest\n", "utf-8")
    first, second = record(results, tmp_path), record(results, tmp_path)
    assert first != second
    row = line_of(results[0])
    assert (tmp_path / "README.md").read_text("utf-8") == f"| a |\n|---|\n| old |\n{row}\n{row}\n{MARK}\n\nrest\n"
    # The row has as many cells as the table in README.md has columns.
    header = next(
        line for line in README.read_text("utf-8").splitlines() if line.startswith("| date") and "busy" in line
    )
    assert header.count("|") == row.count("|")


@pytest.mark.parametrize(("frames", "text"), [(1, 8), (9, 512)])
def test_counted_operations_are_those_that_torch_counts(frames: int, text: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(1)
    denoiser = tiny._denoiser("text")
    latent = torch.zeros(1, 16, 1 + (frames - 1) // 4, 8, 8)
    # The fused attention of a CPU is counted as nothing: the plain one is what the formula is about.
    with FlopCounterMode(display=False) as counter, plain_attention(), torch.no_grad():
        denoiser(latent, torch.tensor([500]), torch.zeros(1, text, 32))
    video = tokens(Size(64, 64), frames, 16)
    assert video == latent[0, 0].numel() // 4
    assert call_operations(denoiser.config, video, text) == pytest.approx(counter.get_total_flops(), rel=0.01)


@contextmanager
def plain_attention() -> Iterator[None]:
    from diffusers.models.attention_dispatch import attention_backend

    with attention_backend("_native_math"):
        yield


def test_a_clip_of_the_small_wan_is_what_its_size_says() -> None:
    video = tokens(Size(832, 480), 81, 16)
    assert video == 32760
    # 50 steps with guidance: about 28 x 10^15 operations, most of them in attention.
    assert 100 * call_operations(DENOISERS["wan-1.3b"], video) / 1e15 == pytest.approx(28, rel=0.1)


def test_models_have_the_true_number_of_parameters() -> None:
    for name, billions in (("wan-1.3b", 1.42), ("wan-5b", 5.0)):
        with torch.device("meta"):
            denoiser = diffusers.WanTransformer3DModel(**DENOISERS[name])
            vae = diffusers.AutoencoderKLWan(**VAES[name])
        assert sum(one.numel() for one in denoiser.parameters()) / 1e9 == pytest.approx(billions, rel=0.02)
        assert vae.config.z_dim == denoiser.config.in_channels


def test_cards_are_told_apart_and_an_unknown_one_has_no_rate() -> None:
    assert card_tera("NVIDIA H100 80GB HBM3") == 989.4
    assert card_tera("NVIDIA H100 PCIe") == 756.5
    assert card_tera("NVIDIA L40S") == 362.1
    assert card_tera("NVIDIA L4") == 121.0
    assert card_tera("GeForce GTX 1080") is None
    assert all(source for _, _, source in CARD_TERA)


def test_calls_come_from_the_shots_own_report() -> None:
    assert computed_calls({}, 50, guided=True) == 100
    assert computed_calls({}, 3, guided=False) == 3
    assert computed_calls({"unguided_steps": 25}, 50, guided=True) == 75
    assert computed_calls({"unguided_steps": 25, "calls": 75, "skipped": 30}, 50, guided=True) == 45


def program(folder: Path, script: str) -> str:
    path = folder / "smi"
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_busy_is_the_mean_of_what_the_driver_said(tmp_path: Path) -> None:
    with Busy(program(tmp_path, "echo 100; echo 90; printf 8; exec sleep 60")) as busy:
        time.sleep(0.5)
    assert busy.share == pytest.approx(0.95)
    assert busy.why == ""


def test_no_driver_and_a_broken_one_are_told(tmp_path: Path) -> None:
    with Busy(str(tmp_path / "nothing")) as busy:
        pass
    assert (busy.share, busy.why) == (None, "nvidia-smi is not installed here")
    with Busy(program(tmp_path, "echo 'no devices were found'")) as busy:
        time.sleep(0.3)
    assert busy.share is None
    assert "no devices were found" in busy.why
