"""`spotmill models` and `spotmill engines`: what is told about weights, fetched and measured, without any network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.catalogue import engine_table
from flows.cli import NOTHING_RUN, commands
from flows.model import BadInput
from flows.models import (
    measure_model,
    measured_cost,
    measured_shots,
    model_folders,
    model_table,
    pull_model,
)
from generation import engines
from generation.engines.contract import Engine
from generation.engines.diffusion.hub import Hub, HubFile, Listing
from generation.engines.diffusion.measure import store
from generation.engines.diffusion.presets import get_preset, load_presets
from generation.engines.diffusion.weights import folder_of
from generation.errors import NotAvailable, Transient
from generation.media.frames import Planes, VideoWriter
from generation.spec import Footage, Progress, Shot, Size

ROOT = Path(__file__).resolve().parent.parent.parent
HUB_ID = "somebody/small"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def safetensors(values: int) -> bytes:
    """One tensor of so many zero bytes in the format's own layout: length, header, data."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [values], "data_offsets": [0, values]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(values)


FILES = {
    "model_index.json": json.dumps({"_class_name": "WanPipeline", "transformer": ["diffusers", "Wan"]}).encode(),
    "transformer/config.json": b"{}",
    "transformer/diffusion_pytorch_model.safetensors": safetensors(4096),
}


class Shelf(Hub):
    """A hub that is a mapping."""

    def __init__(self, files: Mapping[str, bytes] = FILES, fault: Exception | None = None) -> None:
        self.files, self.fault = files, fault
        self.asked: list[str] = []

    def listing(self, hub_id: str, revision: str) -> Listing:
        self.asked.append(hub_id)
        if self.fault:
            raise self.fault
        return Listing(revision or COMMIT, {name: HubFile(len(data)) for name, data in self.files.items()})

    def download(self, hub_id: str, commit: str, folder: Path, names: Sequence[str]) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(self.files[name])


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder of models, and a preset `small` of the user's besides ours."""
    presets = tmp_path / "presets.toml"
    presets.write_text(
        f'[small]\nbase = "draft"\nhub_id = "{HUB_ID}"\nrevision = "{COMMIT}"\ndownload_gib = 0.5\n'
        'commercial_use = "conditional"\nrevenue_cap_usd = 5_000_000\nexcluded_territories = ["EU"]\n'
        '[own]\nbase = "draft"\nfolder = "my-model"\n',
        "utf-8",
    )
    monkeypatch.setenv("SPOTMILL_PRESETS", str(presets))
    monkeypatch.setenv("SPOTMILL_MODELS", str(tmp_path / "models"))


def line(name: str) -> dict[str, str]:
    return next(line for line in model_table() if line["name"] == name)


def refused(*words: str) -> str:
    """The complaint of a command line, which has to end with 2."""
    ended = CliRunner().invoke(commands, words)
    assert isinstance(ended.exception, BadInput)
    (problem,) = ended.exception.problems
    return problem.sentence()


# --- list -----------------------------------------------------------------------------------------------------------


def test_the_list_has_every_preset_with_source_size_licence_and_state() -> None:
    assert [line["name"] for line in model_table()] == list(load_presets())
    assert line("small") == {
        "name": "small",
        "from": HUB_ID,
        "size": "0.5 GiB to fetch",
        "licence": "Apache-2.0; commercial use: conditional; not in EU; below 5,000,000 US dollars a year",
        "state": "missing",
    }
    assert line("tiny")["state"] == "built at its first use"
    assert "quality" not in {line["name"] for line in model_table() if line["state"] == "here"}


def test_a_model_whose_file_is_cut_short_is_incomplete_and_says_why() -> None:
    pull_model("small", lambda text: None, Shelf())
    assert line("small")["state"] == "here"
    assert line("small")["size"] == "0.0 GiB here"
    weights = folder_of(get_preset("small").checkpoint) / "transformer/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert line("small")["state"].startswith("incomplete: ")
    assert "cut short" in line("small")["state"]
    assert line("small")["size"] == "0.0 GiB here, 0.5 GiB to fetch"


def test_a_folder_of_the_users_is_listed_by_its_path(tmp_path: Path) -> None:
    assert line("own")["from"] == str(tmp_path / "my-model")
    assert line("own")["state"] == "missing"


def test_a_file_of_presets_that_cannot_be_used_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('[mine]\nbase = "drft"\n', "utf-8")
    monkeypatch.setenv("SPOTMILL_PRESETS", str(broken))
    for words in (["models", "list"], ["engines"]):
        assert "did you mean 'draft'?" in refused(*words)


# --- pull, path -----------------------------------------------------------------------------------------------------


def test_size_and_licence_are_said_before_anything_is_fetched() -> None:
    said: list[str] = []
    shelf = Shelf()

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("licence"):
            assert not shelf.asked, "the licence comes first"

    pull_model("small", say, shelf)
    assert said[0].endswith(": 0.5 GiB to fetch")
    assert said[1].startswith("licence: Apache-2.0; commercial use: conditional; not in EU; below 5,000,000")
    assert "https://" in said[1]
    assert said[2].startswith(f"{HUB_ID}: ")
    assert said[-1] == f"here: {folder_of(get_preset('small').checkpoint)}"
    assert shelf.asked == [HUB_ID]


def test_what_is_here_is_not_fetched_again() -> None:
    pull_model("small", lambda text: None, Shelf())
    said: list[str] = []
    shelf = Shelf()
    pull_model("small", said.append, shelf)
    assert shelf.asked == []
    assert said[0].endswith(": all is here")


def test_progress_of_a_download_is_a_line_for_each_twentieth() -> None:
    from flows.models import PARTS, _Telling

    said: list[str] = []
    tell = _Telling(said.append)
    for done in range(10_001):
        tell("a/b", done, 10_000)
    assert len(said) == PARTS + 1
    tell("c/d", 0, 0)
    assert len(said) == PARTS + 2


@pytest.mark.parametrize("fault", [Transient("no connection; run it again"), NotAvailable("accept the licence")])
def test_a_fetch_that_fails_is_a_complaint_with_the_way_out(fault: Exception) -> None:
    with pytest.raises(BadInput, match=str(fault)) as caught:
        pull_model("small", lambda text: None, Shelf(fault=fault))
    assert [problem.value for problem in caught.value.problems] == ["small"]


def test_pickles_and_code_of_a_repository_are_never_fetched() -> None:
    shelf = Shelf({**FILES, "transformer/model.bin": b"pickle", "run.py": b"code"})
    pull_model("small", lambda text: None, shelf)
    (folder,) = model_folders("small")
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".safetensors"}


def test_path_is_the_folder_and_only_of_what_is_whole() -> None:
    assert "spotmill models pull small" in refused("models", "path", "small")
    pull_model("small", lambda text: None, Shelf())
    ended = CliRunner().invoke(commands, ["models", "path", "small"])
    assert ended.output == f"{folder_of(get_preset('small').checkpoint)}\n"


@pytest.mark.parametrize("command", ["pull", "path", "measure"])
def test_an_unknown_model_names_the_nearest_one(command: str) -> None:
    assert "did you mean 'small'?" in refused("models", command, "smal")


# --- measure --------------------------------------------------------------------------------------------------------


class Flat(Engine):
    """Films of one grey; a quicker level is a darker grey."""

    id = "small"
    title = revision = "flat"
    licence = "Apache-2.0"
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
    lacks: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        return self.lacks

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        import numpy as np

        for shot, path in zip(shots, paths, strict=True):
            grey = {"exact": 120, "balanced": 118, "fast": 90}[str(shot.options["speed"])]
            luma = np.full((shot.size.height_px, shot.size.width_px), grey, np.uint8)
            chroma = np.full((shot.size.height_px // 2, shot.size.width_px // 2), 128, np.uint8)
            with VideoWriter(path, shot.size, shot.fps) as writer:
                for _ in range(shot.frames):
                    writer.write(Planes(luma, chroma, chroma))
            yield Footage(path, shot.size, shot.frames, shot.fps)


@pytest.fixture
def flat(monkeypatch: pytest.MonkeyPatch) -> Flat:
    """The engine behind `small`, with its weights here and shots of a size that is rendered at once."""
    engine = Flat()
    pull_model("small", lambda text: None, Shelf())
    shot, _ = measured_shots(get_preset("small"))
    short = (replace(shot, size=Size(64, 64), frames=2),)
    monkeypatch.setattr("flows.models.measured_shots", lambda preset: short)
    monkeypatch.setattr(engines, "get_engine", lambda name: engine)
    return engine


def test_what_is_measured_is_kept_and_told_by_the_report(flat: Flat) -> None:
    assert measured_cost("small", "fast") == ""
    said: list[str] = []
    lines = measure_model("small", said.append)
    assert [line["speed"] for line in lines] == ["balanced", "fast"]
    decibels = [float(line["PSNR"].split()[0]) for line in lines]
    assert decibels[0] > 35 > decibels[1] > 10
    cost = measured_cost("small", "fast")
    assert cost.startswith(f"PSNR {decibels[1]:.1f} dB (worst ")
    assert "shots measured: 1 of 64x64, 2 frames, " in cost
    assert measured_cost("small", "exact") == ""
    assert any(text.startswith("films: ") for text in said)


def test_measuring_where_the_engine_cannot_run_says_what_is_missing(flat: Flat) -> None:
    flat.lacks = ("small needs a GPU with 5.5 GiB, and no GPU was found",)
    assert "no GPU was found" in refused("models", "measure", "small")


def test_figures_that_cannot_be_read_do_not_end_the_report() -> None:
    preset = get_preset("small")
    folder_of(preset.checkpoint).mkdir(parents=True)
    store(preset, {}, measured_shots(preset), "a card").write_text("{", "utf-8")
    assert "measure again" in measured_cost("small", "fast")


def test_an_engine_that_is_no_preset_has_no_measured_cost() -> None:
    assert measured_cost("animatic", "fast") == ""


def test_shots_that_are_measured_are_what_the_preset_makes() -> None:
    for preset in load_presets().values():
        engine = engines.get_engine(preset.name)
        for shot in measured_shots(preset):
            engine.refuse(replace(shot, options={"accept": True}))


# --- engines --------------------------------------------------------------------------------------------------------


def test_the_table_of_engines_says_what_a_plan_would() -> None:
    lines = {line["name"]: line for line in engine_table()}
    assert lines["animatic"]["here"] == "ready"
    small = lines["small"]
    assert small["runs_on"] == "GPU, GiB: bf16 11.5, fp8 7.5, offload 5.5"
    assert small["sizes"] == "832x480, 480x832 and 5 more"
    assert small["shots"] == "1.06-5.06 s, 16 fps, silent"
    assert small["starts_from"] == "loras, video"
    assert small["licence"].endswith("not in EU; below 5,000,000 US dollars a year")
    assert small["here"] != "ready"


@pytest.mark.parametrize("words", [["engines"], ["models", "list"]], ids=" ".join)
def test_lists_are_quick_and_load_no_model_library(words: list[str]) -> None:
    code = (
        f"import sys\nfrom flows.cli import commands\ncommands({words!r}, standalone_mode=False)\n"
        "assert not {'torch', 'diffusers', 'transformers', 'numpy', 'huggingface_hub'} & set(sys.modules), sys.modules"
    )
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    # 0.5 s where nothing else runs; the bound only tells a table from the loading of torch, which takes 5 s and more.
    assert time.perf_counter() - began < 5


def test_exit_code_of_a_refused_command_is_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "flows", "models", "path", "small"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == NOTHING_RUN
    assert "spotmill models pull small" in ended.stderr
    assert "Traceback" not in ended.stderr
