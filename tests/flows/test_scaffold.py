"""`spotmill init` shows every key of campaign.yaml and brand.yaml, and every example that it shows works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from flows.brand import BrandFile
from flows.brief import CampaignFile, load_campaign
from flows.cli import commands
from flows.order import Order, prepare
from flows.scaffold import init_campaign
from flows.stand_in import draw_stand_in
from flows.template import template_names
from tests.flows.test_shots import lora

#: A commented example: the key, then what it says, then why.
EXAMPLE = re.compile(r"^# ([a-z_]+): .*$", re.MULTILINE)
#: Keys that say nothing without another.
TOGETHER = {"disclosure": ("disclosure_reason",), "rights_policy": ("rights",)}
RIGHTS = "assets:\n  - {asset: assets/bottle.png, licence: Agency 1234}\n"
POLICY = 'version: "1"\nbanned: [{say: [bargain*], reason: not our tone}]\n'


def give_files(folder: Path) -> None:
    """Everything that the examples name."""
    (folder / "rights.yaml").write_text(RIGHTS, "utf-8")
    (folder / "policy.yaml").write_text(POLICY, "utf-8")
    lora(folder / "loras" / "film.safetensors")
    draw_stand_in(folder / "assets" / "logo.png", 0)
    model(folder / "models" / "nsfw")


def model(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "vit", "id2label": {"0": "normal", "1": "nsfw"}}))
    (folder / "preprocessor_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new campaign, with the files that its examples name."""
    folder = tmp_path_factory.mktemp("scaffold") / "mine"
    init_campaign(folder, "product_spot")
    give_files(folder)
    return folder


def uncommented(text: str, *keys: str) -> str:
    """The file with these examples taken; a key that is there already gives way to its example."""
    for key in keys:
        found = re.findall(rf"^# ({key}: .*)$", text, re.MULTILINE)
        assert len(found) == 1, key
        text = text.replace(f"# {found[0]}", found[0])
    return text


def keys_of(text: str) -> set[str]:
    return set(EXAMPLE.findall(text))


def checked(folder: Path, text: str, engine: str | None) -> None:
    """What `spotmill check` does with a campaign.yaml; raises what it would complain of."""
    file = folder / "campaign.yaml"
    before = file.read_text("utf-8")
    try:
        file.write_text(text, "utf-8")
        prepare(Order(folder, rows="1", placements="linkedin_square", engine=engine))
    finally:
        file.write_text(before, "utf-8")


@pytest.mark.parametrize("template", template_names())
def test_every_key_of_a_campaign_stands_in_a_new_one_once(tmp_path: Path, template: str) -> None:
    init_campaign(tmp_path / "mine", template)
    text = (tmp_path / "mine" / "campaign.yaml").read_text("utf-8")
    live = set(yaml.safe_load(text)) | {"currency"}  # where the template has prices
    assert live | keys_of(text) == set(CampaignFile.model_fields)
    assert not live & keys_of(text)
    assert len(text.splitlines()) < 90
    assert max(map(len, text.splitlines())) <= 120
    brand = (tmp_path / "mine" / "brand.yaml").read_text("utf-8")
    assert set(yaml.safe_load(brand)) | keys_of(brand) == set(BrandFile.model_fields)


@pytest.mark.parametrize("template", template_names())
def test_all_examples_at_once_are_valid_in_every_template(tmp_path: Path, template: str) -> None:
    folder = tmp_path / "mine"
    init_campaign(folder, template)
    give_files(folder)
    text = (folder / "campaign.yaml").read_text("utf-8")
    (folder / "campaign.yaml").write_text(uncommented(text, *keys_of(text)), "utf-8")
    assert load_campaign(folder).approval == "required"


def test_every_example_says_why(made: Path) -> None:
    text = (made / "campaign.yaml").read_text("utf-8")
    for line in re.findall(r"^# [a-z_]+: .*$", text, re.MULTILINE):
        example, sign, why = line[2:].partition("  # ")
        assert sign, line
        assert len(why.split()) >= 2, line
        assert len(yaml.safe_load(example)) == 1


@pytest.mark.parametrize("key", sorted(CampaignFile.model_fields))
def test_each_example_taken_alone_passes_check(made: Path, key: str) -> None:
    text = (made / "campaign.yaml").read_text("utf-8")
    if key not in keys_of(text):
        assert key in yaml.safe_load(text)
        return
    # Those two are for engines that have speeds and take LoRAs.
    engine = "standard" if key in ("speed", "look_loras") else None
    checked(made, uncommented(text, key, *TOGETHER.get(key, ())), engine)
    if key == "disclosure_reason":
        assert load_campaign(made).disclosure_reason == ""


def test_the_rights_and_the_policy_of_the_examples_are_read(made: Path) -> None:
    text = (made / "campaign.yaml").read_text("utf-8")
    (made / "campaign.yaml").write_text(uncommented(text, "rights", "policy"), "utf-8")
    try:
        prepared = prepare(Order(made, rows="1", placements="linkedin_square"))
        assert prepared.campaign.rights
        assert prepared.policy.stated
    finally:
        (made / "campaign.yaml").write_text(text, "utf-8")


def test_examples_of_the_brand_are_valid(made: Path) -> None:
    file = made / "brand.yaml"
    text = file.read_text("utf-8")
    keys = keys_of(text) - {"fonts"}  # a font of one's own is a file that nobody can make here
    try:
        file.write_text(uncommented(text, *keys), "utf-8")
        assert load_campaign(made).brand.logo
    finally:
        file.write_text(text, "utf-8")


def test_commands_in_a_new_campaign_are_understood(made: Path) -> None:
    text = (made / "campaign.yaml").read_text("utf-8")
    lines = [shlex.split(line) for line in re.findall(r"`spotmill ([^`]+)`", text)]
    assert len(lines) >= 5
    for name, *words in lines:
        command = commands.commands[name]
        if words:
            command.make_context(name, words, parent=click.Context(commands))
    assert {name for name, *_ in lines} >= {"schedule", "watch", "handoff", "looks"}
