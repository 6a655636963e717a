"""Data that is opened as code: pickles, archives, YAML tags, evaluated text. Shown to work, and used nowhere here."""

from __future__ import annotations

import ast
import io
import os
import pickle
import zipfile
from functools import cache
from pathlib import Path

import pytest
import yaml

from flows.loras import check_lora
from flows.problems import Problems
from flows.yaml_file import read_yaml
from generation.engines.diffusion.presets import Checkpoint
from generation.engines.diffusion.verify import faults, safetensors_fault
from generation.engines.diffusion.weights import find
from generation.errors import NotAvailable

ROOT = Path(__file__).resolve().parents[2]


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, (f"touch '{self.marker}'",))


def test_weights_in_a_pickle_run_a_command_when_torch_is_told_so_and_are_never_opened_here(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    marker = tmp_path / "marker"
    model = tmp_path / "model"
    (model / "unet").mkdir(parents=True)
    path = model / "unet" / "diffusion_pytorch_model.bin"
    torch.save({"weight": Bomb(marker)}, path)
    torch.load(path, weights_only=False)
    assert marker.exists()
    marker.unlink()

    (model / "model_index.json").write_text('{"_class_name": "P", "unet": ["diffusers", "UNet"]}')
    (model / "unet" / "config.json").write_text("{}")
    assert any("a pickle" in fault for fault in faults(model))
    with pytest.raises(NotAvailable, match="a pickle"):
        find(Checkpoint(folder=str(model)))
    renamed = path.rename(model / "unet" / "diffusion_pytorch_model.safetensors")
    assert "no safetensors" in safetensors_fault(renamed)
    wrong = check_lora(renamed)
    assert wrong is not None
    assert wrong[0] == "not_safetensors"
    assert not marker.exists()


def test_an_archive_can_write_outside_of_a_folder_and_no_archive_is_unpacked_here(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../outside.txt", "x")
        archive.writestr("zeros", b"\0" * 20_000_000)
    assert len(held.getvalue()) < 50_000  # twenty megabytes: a bomb is the same with more zeros
    home = tmp_path / "home"
    home.mkdir()
    with zipfile.ZipFile(held) as archive:
        for name in archive.namelist()[:1]:
            (home / name).write_bytes(archive.read(name))  # the loop that everybody writes
    assert (tmp_path / "outside.txt").exists()
    assert not ways("zipfile", "tarfile", "unpack_archive", "extractall", "gzip", "bz2", "lzma")


def test_a_tag_in_yaml_runs_a_command_in_the_unsafe_loader_and_is_refused_here(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "campaign.yaml"
    path.write_text(f"name: !!python/object/apply:os.system ['touch {marker}']\n")
    yaml.load(path.read_text(), Loader=yaml.UnsafeLoader)
    assert marker.exists()
    marker.unlink()
    problems = Problems("campaign.yaml")
    assert read_yaml(path, problems) is None
    assert problems.found[0].code == "bad_yaml"
    assert not marker.exists()


def test_an_alias_multiplies_without_end_when_it_is_written_out_and_is_refused_here(tmp_path: Path) -> None:
    laughs = "a: &a [lol, lol, lol, lol]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    loaded = yaml.safe_load(laughs)
    assert len(str(loaded["h"])) > 300 * len(laughs)
    (tmp_path / "c.yaml").write_text(laughs)
    problems = Problems("c.yaml")
    assert read_yaml(tmp_path / "c.yaml", problems) is None
    assert "aliases" in problems.found[0].message


@cache
def trees() -> list[tuple[str, ast.AST]]:
    """Every import and call of our packages, with its place."""
    files = sorted(path for package in ("flows", "generation", "audio") for path in (ROOT / package).rglob("*.py"))
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)
    ]


def ways(*words: str) -> list[str]:
    """Where our packages import or call something of these names."""
    found = []
    for place, node in trees():
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0], *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Call):
            names = [node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")]
        found += [f"{place} {name}" for name in names if name in words]
    return found


def test_nothing_is_unpickled_evaluated_or_given_to_a_shell_anywhere() -> None:
    assert pickle.loads(pickle.dumps(1)) == 1
    forbidden = ("pickle", "cloudpickle", "marshal", "shelve", "dill", "joblib", "eval", "exec", "system", "popen")
    found = [line for line in ways(*forbidden) if not line.endswith(" eval")]
    # torch's `model.eval()` switches layers; the builtin has no dot before it.
    found += [
        place
        for place, node in trees()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("eval", "exec", "compile")
    ]
    assert not found


def test_no_call_turns_a_guard_off() -> None:
    wrong = []
    for place, node in trees():
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
        bad = given.get("shell") == "True" or given.get("trust_remote_code") == "True" or given.get("verify") == "False"
        bad |= name == "torch.load" and given.get("weights_only") != "True"
        bad |= name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load")
        bad |= name.endswith("from_pretrained") and "Pipeline" in name and given.get("use_safetensors") != "True"
        bad |= name == "Image.open" and "formats" not in given
        bad |= name == "av.open" and "'w'" not in ast.unparse(node) and "options" not in given
        bad |= given.get("persist_result") == "True" or given.get("follow_redirects") == "True"
        if bad:
            wrong.append(f"{place} {ast.unparse(node)[:100]}")
    assert not wrong, "\n".join(wrong)
