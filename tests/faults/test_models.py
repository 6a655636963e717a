"""A model's file is missing, broken or another one: refused before anything is spent, or a line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.model import BadInput
from tests.faults.ending import Ending
from tests.faults.runs import causes, films, finished_steps, short_campaign
from tests.flows.small import run

torch = pytest.importorskip("torch", reason="`make test` installs it")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROWS = "row_id,product,price,lora\nred,Red cup,9.90,loras/a.safetensors:0.9\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> object:
    """A folder for the tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOTMILL_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


def lora(path: Path, seed: int) -> None:
    """Weights that fit the tiny model."""
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    state = {}
    for block in range(4):
        state[f"transformer.blocks.{block}.attn1.to_v.lora_A.weight"] = torch.randn(4, 32)
        state[f"transformer.blocks.{block}.attn1.to_v.lora_B.weight"] = torch.randn(32, 4)
    path.parent.mkdir(exist_ok=True)
    save_file(state, path)


@pytest.fixture(scope="module")
def undisturbed(models: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    campaign = short_campaign(folder / "campaign", ROWS, "engine: tiny\ninvisible_mark: none\n")
    lora(campaign / "loras" / "a.safetensors", 1)
    run(campaign, folder / "out")
    return campaign, films(folder / "out")


@pytest.mark.fault(21, "the file of a LoRA is missing, or is cut short")
@pytest.mark.parametrize("how", ["missing", "cut short"])
def test_a_model_file_that_is_not_there_or_not_whole_stops_the_run_before_anything_is_spent(
    undisturbed: tuple[Path, dict[str, str]], tmp_path: Path, ended: Ending, how: str
) -> None:
    campaign, expected = undisturbed
    file, out = campaign / "loras" / "a.safetensors", tmp_path / "out"
    content = file.read_bytes()
    try:
        file.unlink() if how == "missing" else file.write_bytes(content[:100])
        with pytest.raises(BadInput) as caught:
            run(campaign, out)
    finally:
        file.write_bytes(content)
    said = [problem.sentence() for problem in caught.value.problems]
    assert "a.safetensors" in said[0]
    assert finished_steps(out) == {}
    run(campaign, out)
    ended.failed(said, films(out), expected, steps_spent=0)


@pytest.mark.fault(21, "the file of a LoRA is replaced by another one after the run was planned")
def test_a_model_file_that_changes_under_a_run_is_never_taken_for_the_one_that_was_planned(
    undisturbed: tuple[Path, dict[str, str]], tmp_path: Path, ended: Ending
) -> None:
    from flows.crew import InlineCrew
    from flows.order import Order
    from flows.settings import Settings
    from flows.studio import Run

    campaign, expected = undisturbed
    file, out = campaign / "loras" / "a.safetensors", tmp_path / "out"
    content = file.read_bytes()
    settings = Settings(out=out)
    work = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    try:
        lora(file, 2)
        for _ in work.produce():
            pass
        work.report()
    finally:
        file.write_bytes(content)
    assert work.summary
    assert work.summary.counts == {"failed": 1}
    said = causes(out)
    assert "a.safetensors" in said[0]
    run(campaign, out)
    ended.failed(said, films(out), expected)
