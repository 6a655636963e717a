"""What models of a user's own say of footage is what their pipelines say; what cannot be trusted is not loaded."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.content.check import NOT_CHECKED, Checks, Look, check_content, faces_seen, refuse_content, sample
from generation.content.folder import read_folder
from generation.errors import ContentRefused, NotAvailable
from generation.media.frames import VideoWriter, read_frames
from generation.media.poster import to_rgb
from generation.media.rgb import from_rgb
from generation.spec import Size

FRAMES = 12


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half of coloured noise that changes from picture to picture."""
    path = tmp_path_factory.mktemp("film") / "video.mp4"
    random = np.random.default_rng(7)
    with VideoWriter(path, Size(96, 64), Fraction(8)) as writer:
        for number in range(FRAMES):
            coarse = random.integers(0, 256, (4, 6, 3), dtype=np.uint8)
            picture = np.kron(coarse, np.ones((16, 16, 1), np.uint8)) // 2 + number * 8
            writer.write(from_rgb(picture.astype(np.uint8)))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A classifier and a detector of random weights, saved as their families save themselves."""
    transformers: Any = pytest.importorskip("transformers")
    import torch

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("models")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(3)
        labels = {0: "normal", 1: "nsfw"}
        vit = transformers.ViTConfig(**small, image_size=32, patch_size=8, id2label=labels)
        classifier = transformers.ViTForImageClassification(vit)
        # Random heads say a half of everything: larger weights make them tell pictures apart.
        torch.nn.init.normal_(classifier.classifier.weight, std=1.5)
        classifier.save_pretrained(folder / "nsfw")
        transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder / "nsfw")
        yolos = transformers.YolosConfig(
            **small, image_size=[64, 64], patch_size=16, num_detection_tokens=6, id2label={0: "cat", 1: "face"}
        )
        detector = transformers.YolosForObjectDetection(yolos)
        for layer in detector.class_labels_classifier.layers:
            torch.nn.init.normal_(layer.weight, std=0.8)
        detector.save_pretrained(folder / "faces")
        size = {"shortest_edge": 64, "longest_edge": 64}
        transformers.YolosImageProcessor(size=size).save_pretrained(folder / "faces")
    return {"nsfw": folder / "nsfw", "faces": folder / "faces"}


def said_by(task: str, folder: Path, film: Path, numbers: tuple[int, ...], **options: Any) -> list[Any]:
    """The naive way: transformers' own pipeline by the folder's name, picture by picture."""
    import transformers
    from PIL import Image

    pictures = [to_rgb(planes) for planes in read_frames(film)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = transformers.pipeline(task, model=str(folder), device="cpu")
        return [run(Image.fromarray(pictures[number]), **options) for number in numbers]


def test_scores_are_those_of_the_real_pipelines_on_the_same_pictures(film: Path, models: dict[str, Path]) -> None:
    checks = Checks(Look(models["nsfw"], "nsfw", 0.5), Look(models["faces"], "FACE", 0.3), frames=4)
    found = check_content(film, checks)
    assert found.frames == (1, 4, 7, 10)
    assert found.nsfw
    assert found.faces
    classified = said_by("image-classification", models["nsfw"], film, found.frames)
    expected = [next(one["score"] for one in said if one["label"] == "nsfw") for said in classified]
    assert found.nsfw.scores == pytest.approx(expected, abs=1e-6)
    assert max(expected) - min(expected) > 0.001  # the pictures differ, and so does what is said of them
    detected = said_by("object-detection", models["faces"], film, found.frames, threshold=0.05)
    faces = [[one["score"] for one in said if one["label"] == "face"] for said in detected]
    assert found.faces.scores == pytest.approx([max(scores, default=0.0) for scores in faces], abs=1e-6)
    assert found.faces.counts == tuple(sum(score >= 0.3 for score in scores) for scores in faces)
    assert any(faces)
    assert found.faces.label == "face"
    assert check_content(film, checks) == found


def test_what_nobody_looked_at_is_not_checked_and_never_clean(film: Path) -> None:
    facts = check_content(film, Checks()).as_json()
    assert (facts["nsfw"], facts["faces"]) == (NOT_CHECKED, NOT_CHECKED)
    refuse_content(facts)
    assert faces_seen(facts) is None


def test_a_score_at_the_limit_is_refused_for_good(film: Path, models: dict[str, Path]) -> None:
    found = check_content(film, Checks(nsfw=Look(models["nsfw"], "nsfw", 0.5)))
    assert found.nsfw
    worst = found.nsfw.worst
    strict = check_content(film, Checks(nsfw=Look(models["nsfw"], "nsfw", worst))).as_json()
    with pytest.raises(ContentRefused, match=r"says 'nsfw' of picture \d+ with 0\.") as caught:
        refuse_content(json.loads(json.dumps(strict)) | {"nsfw": strict["nsfw"]})
    assert caught.value.code == "content_refused"
    lenient = check_content(film, Checks(nsfw=Look(models["nsfw"], "nsfw", min(1.0, worst + 0.01)))).as_json()
    refuse_content(lenient)
    assert lenient["nsfw"]["model_sha256"] == read_folder(models["nsfw"]).sha256  # type: ignore[index]


def test_the_most_faces_in_one_picture_are_those_that_count(film: Path, models: dict[str, Path]) -> None:
    found = check_content(film, Checks(faces=Look(models["faces"], "face", 0.05)))
    assert found.faces
    assert faces_seen(json.loads(json.dumps(found.as_json()))) == max(found.faces.counts) > 0


def test_pictures_are_spread_over_the_film() -> None:
    assert sample(12, 4) == (1, 4, 7, 10)
    assert sample(3, 8) == (0, 1, 2)
    assert sample(240, 1) == (120,)


# --- folders ----------------------------------------------------------------------------------------------------------


def copied(source: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_folder_counts_by_its_contents(models: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(models["nsfw"], tmp_path / "other-name")
    assert read_folder(folder).sha256 == read_folder(models["nsfw"]).sha256
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["id2label"]["1"] = "unfit"
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    changed = read_folder(folder)
    assert changed.sha256 != read_folder(models["nsfw"]).sha256
    assert changed.labels == ("normal", "unfit")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("pickle", "can run code"),
        ("renamed pickle", "no safetensors file"),
        ("code", "never run"),
        ("no weights", "no .safetensors file"),
        ("no processor", "lacks preprocessor_config.json"),
        ("no labels", "names no labels"),
        ("broken", "cannot be read"),
    ],
)
def test_what_cannot_be_trusted_is_refused_unread(
    harm: str, said: str, models: dict[str, Path], tmp_path: Path
) -> None:
    folder = copied(models["nsfw"], tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    # Unpickled, these bytes would write a file.
    evil = f"cos\nsystem\n(S'touch {tmp_path}/ran'\ntR.".encode()
    content = json.loads(config.read_text("utf-8"))
    if harm in ("pickle", "no weights"):
        weights.unlink()
    if harm == "pickle":
        (folder / "pytorch_model.bin").write_bytes(evil)
    elif harm == "renamed pickle":
        weights.write_bytes(evil)
    elif harm == "code":
        config.write_text(json.dumps({**content, "auto_map": {"AutoModel": "evil.Model"}}), "utf-8")
    elif harm == "no processor":
        (folder / "preprocessor_config.json").unlink()
    elif harm == "no labels":
        config.write_text(json.dumps({**content, "id2label": {}}), "utf-8")
    elif harm == "broken":
        config.write_text("{" * 200_000, "utf-8")
    with pytest.raises(NotAvailable, match=said):
        read_folder(folder)
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit_are_a_sentence(film: Path, models: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(models["nsfw"], tmp_path / "model")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "no_such_family"}), "utf-8")
    with pytest.raises(NotAvailable, match="no model for image-classification"):
        check_content(film, Checks(nsfw=Look(folder, "nsfw", 0.5)))
