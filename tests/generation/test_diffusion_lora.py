"""LoRAs merged into tiny Wans: equal to what peft computes beside the weights, and gone again without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.engines.diffusion.loading import load_pipeline
from generation.engines.diffusion.lora import Merge, merge
from generation.engines.diffusion.session import Session
from generation.engines.diffusion.tiny import build
from generation.errors import BadMedia, BadShot
from generation.spec import Footage, Lora
from tests.generation.tiny_wan import preset, shot

pytestmark = pytest.mark.usefixtures("one_thread")
RANK = 4
LAYERS = ("attn1.to_q", "attn1.to_out.0", "attn2.to_v", "ffn.net.0.proj")
DENOISERS = ("transformer", "transformer_2")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models")
    for kind in ("text", "two_experts"):
        build(home / kind, kind)
    return home


def opened(folder: Path) -> Any:
    return load_pipeline(folder, "WanPipeline", without=("text_encoder", "tokenizer", "vae"))


def matrices(pipe: Any, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random A and B for some layers of every block, by the names of diffusers."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for number in range(len(pipe.transformer.blocks)):
        for layer in LAYERS:
            weight = pipe.transformer.get_submodule(f"blocks.{number}.{layer}").weight
            name = f"transformer.blocks.{number}.{layer}"
            state[f"{name}.lora_A.weight"] = torch.randn(RANK, weight.shape[1], generator=generator)
            state[f"{name}.lora_B.weight"] = torch.randn(weight.shape[0], RANK, generator=generator) * 0.3
    return state


def written(path: Path, state: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    save_file(state, path, metadata)
    return path


def weights(pipe: Any) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in pipe.transformer.state_dict().items()}


def predicted(pipe: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        return pipe.transformer(
            hidden_states=torch.randn(1, 16, 3, 4, 6, generator=generator),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=torch.randn(1, 512, 32, generator=generator),
            return_dict=False,
        )[0]


@pytest.mark.parametrize("weight", [1.0, 0.4, -0.7])
def test_merged_weights_predict_what_peft_computes_beside_them(folders: Path, tmp_path: Path, weight: float) -> None:
    theirs, ours = opened(folders / "text"), opened(folders / "text")
    file = written(tmp_path / "style.safetensors", matrices(ours))
    before = predicted(ours)
    theirs.load_lora_weights(str(tmp_path), weight_name=file.name, adapter_name="style")
    theirs.set_adapters(["style"], [weight])
    merge(ours, [Merge(file, weight)], DENOISERS)
    assert (predicted(ours) - before).abs().max() > 0.05
    assert torch.allclose(predicted(ours), predicted(theirs), atol=2e-4, rtol=1e-4)


def test_alpha_in_the_files_metadata_counts(folders: Path, tmp_path: Path) -> None:
    import json

    half = {"lora_adapter_metadata": json.dumps({"transformer.r": RANK, "transformer.lora_alpha": RANK / 2})}
    plain, halved = opened(folders / "text"), opened(folders / "text")
    state = matrices(plain)
    merge(plain, [Merge(written(tmp_path / "a.safetensors", state), 0.5)], DENOISERS)
    merge(halved, [Merge(written(tmp_path / "b.safetensors", state, half), 1.0)], DENOISERS)
    assert torch.equal(predicted(plain), predicted(halved))


def test_files_of_other_trainers_are_read(folders: Path, tmp_path: Path) -> None:
    """Names of the original Wan code, as ComfyUI and most trainers write them."""
    pipe = opened(folders / "text")
    state, original = {}, {}
    for number in range(len(pipe.transformer.blocks)):
        down, up = torch.randn(RANK, 32), torch.randn(32, RANK)
        state |= {f"transformer.blocks.{number}.attn1.to_q.lora_A.weight": down}
        state |= {f"transformer.blocks.{number}.attn1.to_q.lora_B.weight": up}
        original |= {f"diffusion_model.blocks.{number}.self_attn.q.lora_A.weight": down}
        original |= {f"diffusion_model.blocks.{number}.self_attn.q.lora_B.weight": up}
    other = opened(folders / "text")
    merge(pipe, [Merge(written(tmp_path / "ours.safetensors", state), 1.0)], DENOISERS)
    merge(other, [Merge(written(tmp_path / "theirs.safetensors", original), 1.0)], DENOISERS)
    assert torch.equal(predicted(pipe), predicted(other))


def test_taking_out_restores_every_bit(folders: Path, tmp_path: Path) -> None:
    pipe = opened(folders / "text")
    before = weights(pipe)
    files = [Merge(written(tmp_path / f"{seed}.safetensors", matrices(pipe, seed)), 0.3) for seed in range(3)]
    merged = merge(pipe, files, DENOISERS)
    assert not all(torch.equal(before[name], weight) for name, weight in weights(pipe).items())
    merged.undo()
    assert all(torch.equal(before[name], weight) for name, weight in weights(pipe).items())


def test_what_is_merged_for_good_stays_when_a_shots_own_leaves_and_keeps_no_originals(
    folders: Path, tmp_path: Path
) -> None:
    pipe, other = opened(folders / "text"), opened(folders / "text")
    own, style = (Merge(written(tmp_path / f"{seed}.safetensors", matrices(pipe, seed)), 0.3) for seed in range(2))
    assert merge(pipe, [own], DENOISERS, for_good=True)._originals == []
    distilled = weights(pipe)
    merged = merge(pipe, [style], DENOISERS)
    merge(other, [own, style], DENOISERS)
    assert all(torch.equal(weights(other)[name], weight) for name, weight in weights(pipe).items())
    merged.undo()
    assert all(torch.equal(distilled[name], weight) for name, weight in weights(pipe).items())


def test_both_experts_are_changed_unless_one_is_named(folders: Path, tmp_path: Path) -> None:
    pipe = opened(folders / "two_experts")
    file = written(tmp_path / "style.safetensors", matrices(pipe))
    layer = "blocks.0.attn1.to_q"
    before = [pipe.get_submodule(layer).weight.clone() for pipe in (pipe.transformer, pipe.transformer_2)]
    merge(pipe, [Merge(file, 1.0, ("transformer_2",))], DENOISERS)
    after = [pipe.get_submodule(layer).weight for pipe in (pipe.transformer, pipe.transformer_2)]
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])
    merge(pipe, [Merge(file, 1.0)], DENOISERS)
    assert not torch.equal(before[0], pipe.transformer.get_submodule(layer).weight)


def test_a_lora_of_another_model_is_refused_and_changes_nothing(folders: Path, tmp_path: Path) -> None:
    pipe = opened(folders / "text")
    before = weights(pipe)
    good = Merge(written(tmp_path / "good.safetensors", matrices(pipe)), 1.0)
    wide = {name: torch.zeros(64, RANK) if "lora_B" in name else tensor for name, tensor in matrices(pipe).items()}
    deep = {name.replace("blocks.0.", "blocks.40."): tensor for name, tensor in matrices(pipe).items()}
    for state, sentence in ((wide, "is 64x32 there and 32x32 here"), (deep, "which this one has not")):
        with pytest.raises(BadShot, match=f"other.safetensors: made for another model.*{sentence}"):
            merge(pipe, [good, Merge(written(tmp_path / "other.safetensors", state), 1.0)], DENOISERS)
        assert all(torch.equal(before[name], weight) for name, weight in weights(pipe).items())


def test_what_is_no_safetensors_file_is_never_opened(folders: Path, tmp_path: Path) -> None:
    pipe = opened(folders / "text")
    (tmp_path / "style.pt").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(BadMedia, match=r"style\.pt: a LoRA is a \.safetensors file"):
        merge(pipe, [Merge(tmp_path / "style.pt", 1.0)], DENOISERS)
    (tmp_path / "style.safetensors").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(BadMedia, match=r"style\.safetensors: not a LoRA that can be read"):
        merge(pipe, [Merge(tmp_path / "style.safetensors", 1.0)], DENOISERS)


def test_films_with_and_without_a_lora_follow_each_other_in_one_session(folders: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "style.safetensors", matrices(opened(folders / "text")))
    lora = (Lora(file, 0.8),)
    session = Session(preset(folders / "text"))
    shots = [shot(), shot(loras=lora), shot(), shot(loras=(Lora(file, 0.2),)), shot(loras=lora)]
    paths = [tmp_path / f"{index}.mp4" for index in range(len(shots))]
    made = [event for event in session.render(shots, paths) if isinstance(event, Footage)]
    films = [path.read_bytes() for path in paths]
    assert films[0] == films[2]
    assert films[1] == films[4]
    assert len({films[0], films[1], films[3]}) == 3
    assert made[1].notes["loras"] == [{"file": "style.safetensors", "weight": 0.8}]
