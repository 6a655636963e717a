"""Campaigns whose footage comes from a model: the tiny one, through the command as a user types it, on Ray.

What is small here is the model alone: prompts, denoising, conforming, chains, LoRAs and deliveries are the real ones.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.studio import Run
from generation.media.probe import probe
from tests.flows.small import run, small_campaign

torch = pytest.importorskip("torch", reason="`make test` installs it")
ROOT = Path(__file__).resolve().parents[2]
CHAIN = """
shots:
  - {share: 1/2}
  - {share: 1/2, prompt: prompt, continues: true, camera: orbit}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory, one_thread):
    """A folder for the tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("models")
        patch.setenv("SPOTMILL_MODELS", str(folder))
        yield folder


def command(*words: object, models: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "SPOTMILL_MODELS": str(models)},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def results(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def facts(work: Run) -> dict[str, object]:
    return json.loads(next(work.folder.glob("*/*_*.json")).read_text())


@pytest.mark.cluster
def test_a_campaign_with_a_model_is_made_on_ray_and_again_for_nothing(models, tmp_path):
    campaign = small_campaign(tmp_path / "campaign", "row_id,product,price\nred,Red cup,9.90\n")
    first = command("run", campaign, "--engine", "tiny", "--out", tmp_path / "out", "--workers", 2, models=models)
    assert first.returncode == 0, first.stdout + first.stderr
    out = tmp_path / "out" / "Small"
    assert [line["status"] for line in results(out)] == ["done"]
    (film,) = out.glob("*/*.mp4")
    video = probe(film).video
    assert (video.size.width_px, video.size.height_px, video.frames) == (1080, 1080, 90)
    (shot,) = json.loads(film.with_suffix(".json").read_text())["shots"]
    assert shot["notes"]["preset"] == "tiny"
    assert shot["conformed"]["interpolation"]["method"] == "motion"
    assert shot["conformed"]["frozen"] == 0.0
    assert shot["conformed"]["flicker"] >= 0.0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["engine"]["models"][0].startswith("spotmill/tiny@")
    assert manifest["steps"]["prompt"]["made"] == 2
    assert "a dry run, not for publishing" in (out / "report.html").read_text("utf-8")
    again = command("run", campaign, "--engine", "tiny", "--out", tmp_path / "out", models=models)
    assert "nothing had to be made" in again.stdout
    assert list((tmp_path / "out" / ".ledger" / "live").glob("*")) == []


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.timeout(1500)
def test_the_whole_sample_campaign_is_made_with_a_model(models, tmp_path):
    done = command("run", "templates/sample", "--engine", "tiny", "--out", tmp_path / "out", models=models)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = results(tmp_path / "out" / "Halvora-spring")
    assert len(lines) == 60
    assert {line["status"] for line in lines} == {"done"}


def test_a_shot_that_continues_begins_where_the_one_before_ended(models, tmp_path):
    campaign = small_campaign(tmp_path / "campaign", "row_id,product,price\nred,Red cup,9.90\n")
    template = campaign / "small" / "template.yaml"
    template.write_text(template.read_text().replace("shots:\n  - share: 1\n", CHAIN.lstrip()))
    work = run(campaign, tmp_path / "out", engine="tiny")
    assert work.summary.counts == {"done": 1}
    first, second = facts(work)["shots"]
    assert (first["notes"]["way"], second["notes"]["way"]) == ("text", "image")
    assert second["prompt"].startswith("Orbit") or "orbit" in second["prompt"].lower()


def test_a_rows_lora_changes_its_own_film_and_no_other(models, tmp_path):
    from safetensors.torch import save_file

    rows = "row_id,product,price,lora\nred,Cup,9.90,loras/a.safetensors:0.9\nblue,Cup,9.90,\n"
    campaign = small_campaign(tmp_path / "campaign", rows)
    (campaign / "loras").mkdir()
    torch.manual_seed(1)
    state = {}
    for block in range(4):
        state[f"transformer.blocks.{block}.attn1.to_v.lora_A.weight"] = torch.randn(4, 32)
        state[f"transformer.blocks.{block}.attn1.to_v.lora_B.weight"] = torch.randn(32, 4)
    save_file(state, campaign / "loras" / "a.safetensors")
    work = run(campaign, tmp_path / "out", engine="tiny")
    assert work.summary.counts == {"done": 2}
    shots = {path.parent.name: json.loads(path.read_text()) for path in work.folder.glob("*/*_*.json")}
    red, blue = (next(value for name, value in shots.items() if name.startswith(row)) for row in ("red", "blue"))
    assert red["shots"][0]["notes"]["loras"] == [{"file": "a.safetensors", "weight": 0.9}]
    assert blue["shots"][0]["notes"]["loras"] == []
    assert red["shots"][0]["seed"] == blue["shots"][0]["seed"]
    assert red["steps"]["footage"] != blue["steps"]["footage"]


def test_a_learned_model_of_the_campaign_enlarges_its_footage(models, tmp_path):
    onnx = pytest.importorskip("onnx", reason="`make test` installs it")
    from onnx import TensorProto, helper

    rows = "row_id,product,price\nred,Red cup,9.90\n"
    campaign = small_campaign(tmp_path / "campaign", rows, extra="conform: {upscale: x2.onnx, deflicker: 0}\n")
    graph = helper.make_graph(
        [helper.make_node("Resize", ["image", "", "scales"], ["larger"], mode="nearest")],
        "twice",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info("larger", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 2.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, campaign / "x2.onnx")
    work = run(campaign, tmp_path / "out", engine="tiny")
    assert work.summary.counts == {"done": 1}
    (shot,) = facts(work)["shots"]
    assert shot["conformed"]["upscale"]["scale"] == 2
    (film,) = (tmp_path / "out" / ".ledger" / "steps" / "conform").glob("*/*/video.mp4")
    assert str(probe(film).video.size) == "128x128"


def test_plan_says_what_a_model_needs_and_what_this_machine_lacks(models, tmp_path):
    campaign = small_campaign(tmp_path / "campaign")
    done = command("plan", campaign, "--engine", "quality", "--out", tmp_path / "out", models=models)
    assert done.returncode == 0, done.stderr
    for sentence in ("quality was asked for", "Apache-2.0", "spotmill models pull quality", "GPU seconds: unknown"):
        assert sentence in done.stdout
    refused = command("run", campaign, "--engine", "quality", "--out", tmp_path / "out", models=models)
    assert refused.returncode == 2
    assert "spotmill models pull quality" in refused.stderr
    assert not (tmp_path / "out" / "Small").exists()
