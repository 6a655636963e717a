"""What ships: templates that check as they are, a sample that shows what it promises, a start that nothing destroys."""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.brief import load_campaign, read_rows
from flows.expand import expand
from flows.model import BadInput
from flows.preflight import preflight
from flows.scaffold import init_campaign
from flows.template import SHIPPED, load_template, template_names
from generation.engines.animatic.words import read_prompt

SAMPLE = SHIPPED / "sample"


def everything(folder):
    campaign = load_campaign(folder)
    template = load_template(campaign.template, factors=[factor.name for factor in campaign.factors])
    made = list(expand(campaign, template, read_rows(campaign, template)))
    return campaign, template, made


def test_there_are_templates_and_the_sample_is_none():
    assert template_names() == ("brand_story", "local_store", "product_spot")


@pytest.mark.parametrize("name", template_names())
def test_a_new_campaign_passes_the_check_as_it_is(tmp_path, name):
    files = init_campaign(tmp_path / "my-campaign", name)
    assert {file.name for file in files} >= {"campaign.yaml", "rows.csv", "brand.yaml"}
    assert all(file.is_file() for file in files)
    campaign, template, made = everything(tmp_path / "my-campaign")
    assert preflight(campaign, template, made) == ()
    assert campaign.name == "My Campaign"
    assert len(made) >= 4


@pytest.mark.parametrize("name", template_names())
def test_the_rows_of_a_new_campaign_have_every_variable_of_the_template(tmp_path, name):
    init_campaign(tmp_path / "new", name)
    with (tmp_path / "new" / "rows.csv").open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream))
    assert set(load_template(SHIPPED / name).spec.variables) <= set(header)
    assert header[0] == "row_id"
    assert (tmp_path / "new" / "rows.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # Excel


def test_init_never_overwrites_and_leaves_nothing_behind_when_it_refuses(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(BadInput, match="not empty"):
        init_campaign(folder, "product_spot")
    with pytest.raises(BadInput, match='"product_spot"'):
        init_campaign(tmp_path / "other", "product_spt")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "notes.txt"]
    (folder / "notes.txt").unlink()
    assert init_campaign(folder, "product_spot")  # an empty folder is as good as none
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_init_writes_the_same_bytes_every_time(tmp_path):
    first = [path.read_bytes() for path in init_campaign(tmp_path / "a" / "same", "product_spot")]
    second = [path.read_bytes() for path in init_campaign(tmp_path / "b" / "same", "product_spot")]
    assert first == second


def test_every_variable_of_a_shipped_template_is_explained_and_read():
    for name in template_names():
        template = load_template(SHIPPED / name)
        files = {variable for shot in template.spec.shots for _, variable, _ in shot.files}
        for variable, declared in template.spec.variables.items():
            assert declared.description.endswith("."), (name, variable)
            assert template.reads(variable) or variable in files, (name, variable)
        for factor in template.spec.factors:
            assert template.reads(factor), (name, factor)


@pytest.mark.parametrize("name", template_names())
@pytest.mark.parametrize("locale", ["en-US", "en-GB", "es-MX", "es-ES", "de-DE", "de-AT"])
def test_every_text_is_there_for_the_languages_promised(name, locale):
    template = load_template(SHIPPED / name)
    assert all(template.text(stem, locale, "") is not None for stem in template.stems)


def test_the_sample_is_two_products_in_three_languages_with_two_hooks():
    campaign, template, made = everything(SAMPLE)
    assert len(made) == 2 * 3 * 2
    assert Counter(creative.differs_in for creative in made) == {"": 6, "hook": 6}
    assert len(campaign.placements) == 5
    assert preflight(campaign, template, made) == ()


def test_one_row_of_the_sample_shows_a_price_in_spanish_that_the_english_one_does_not():
    _, _, made = everything(SAMPLE)
    shown = {(creative.row.row_id, creative.locale): {layer.kind for layer in creative.layers} for creative in made}
    assert "price" in shown["vela", "es-MX"]
    assert "price" not in shown["vela", "en-US"]
    assert "price" in shown["alba", "en-US"]


def test_no_voice_of_the_sample_speaks_a_price():
    _, _, made = everything(SAMPLE)
    assert not [creative.voiceover for creative in made if any(sign.isdigit() for sign in creative.voiceover)]


def test_the_animatic_draws_what_the_samples_prompts_ask_for():
    _, _, made = everything(SAMPLE)
    drawn = {
        creative.row.row_id: {word.concept for shot in creative.shots for word in read_prompt(shot.prompt).words}
        for creative in made
    }
    assert {"lake", "mountain", "dusk", "tent", "campfire", "push"} <= drawn["alba"]
    assert {"street", "autumn", "golden", "people", "push"} <= drawn["vela"]


def test_people_of_a_scene_do_not_walk_behind_the_product():
    _, _, made = everything(SAMPLE)
    shots = {shot.prompt for creative in made for shot in creative.shots if shot.picture}
    assert len(shots) == 2
    assert not [prompt for prompt in shots if "people" in {word.concept for word in read_prompt(prompt).words}]


def test_prompts_are_the_same_in_every_language_so_that_footage_is_shared():
    _, _, made = everything(SAMPLE)
    assert len({creative.shots for creative in made}) == 2


def test_the_samples_pictures_are_cut_out_and_large_enough():
    for name in ("bottle", "backpack", "logo"):
        with Image.open(SAMPLE / "assets" / f"{name}.png") as picture:
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        assert max(alpha.shape) >= 800
        assert alpha[0, 0] == 0
        # The logo is letters with nothing behind them; the products are solid in their middle.
        assert (alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255) == (name != "logo")
        assert (alpha == 255).mean() > 0.1
        assert ((alpha > 0) & (alpha < 255)).mean() > 0.0005  # soft edges


def test_the_samples_pictures_are_what_their_script_draws(tmp_path):
    script = SAMPLE / "draw_assets.py"
    subprocess.run([sys.executable, str(script), str(tmp_path), "logo"], check=True, timeout=240)
    with Image.open(tmp_path / "logo.png") as new, Image.open(SAMPLE / "assets" / "logo.png") as kept:
        difference = np.abs(np.asarray(new, np.int16) - np.asarray(kept, np.int16))
    assert difference.mean() < 0.5
    assert not [path for path in Path(tmp_path).iterdir() if path.name != "logo.png"]
