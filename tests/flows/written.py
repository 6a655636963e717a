"""Writes campaigns as their owners would, one thing different at a time."""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from flows.brief import load_campaign, read_all_rows
from flows.expand import expand
from flows.model import BadInput, Campaign, Creative, Problem
from flows.preflight import preflight
from flows.rows import RowsRead
from flows.template import Template, load_template

TEMPLATE = """
title: Written
seconds: {min: 6, default: 6, max: 10}
variables:
  product: {required: true, max_length: 30, example: Cup}
  price: {type: money}
  stock: {type: integer}
  opens: {type: date}
  share: {type: percent}
  site: {type: url}
  tint: {type: colour}
  size: {type: choice, choices: [small, large]}
  gift: {type: boolean}
  picture: {type: image}
factors:
  hook: {arms: [question, offer]}
shots:
  - {share: 1/3, prompt: prompt}
  - {share: 2/3, prompt: prompt, picture: picture}
layers:
  - {kind: headline, text: headline, start: 0.2, end: -2}
  - {kind: price, text: price, start: 1.0, end: -2}
voiceover: voiceover
"""
TEXTS = {
    "prompt.j2": "A calm sea at dawn, {{ product }}.",
    "headline.j2": '{% if hook == "question" %}{{ product }}?{% else %}New: {{ product }}{% endif %}',
    "price.j2": "{% if price %}{{ price | money }}{% endif %}",
    "voiceover.j2": "{{ product }}. Good morning.",
}
CAMPAIGN = "name: Written\ntemplate: mine\nlocales: [en-US]\nplacements: [instagram_reels]\ncurrency: USD\n"
BRAND = "name: Dawn\n"
ROWS = "row_id,product,price\nred,Red cup,9.90\n"


def write(
    folder: Path,
    *,
    rows: str | bytes = ROWS,
    campaign: str = CAMPAIGN,
    extra: str = "",
    brand: str = BRAND,
    template: str = TEMPLATE,
    texts: Mapping[str, str] | None = None,
) -> Path:
    """A campaign's folder with its own template `mine` and a picture `cup.png`."""
    mine = folder / "mine"
    mine.mkdir(parents=True, exist_ok=True)
    (mine / "template.yaml").write_text(template, "utf-8")
    for name, text in {**TEXTS, **(texts or {})}.items():
        (mine / name).write_text(text, "utf-8")
    (folder / "campaign.yaml").write_text(campaign + extra, "utf-8")
    (folder / "brand.yaml").write_text(brand, "utf-8")
    (folder / "rows.csv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    Image.new("RGB", (200, 200), "teal").save(folder / "cup.png")
    return folder


def opened(folder: Path) -> tuple[Campaign, Template, RowsRead]:
    """The campaign, its template and its rows."""
    campaign = load_campaign(folder)
    template = load_template(campaign.template, factors=[factor.name for factor in campaign.factors])
    return campaign, template, read_all_rows(campaign, template)


def creatives(folder: Path) -> list[Creative]:
    """Everything that the campaign's good rows expand to."""
    campaign, template, read = opened(folder)
    return list(expand(campaign, template, read.rows))


def complaints(folder: Path) -> tuple[Problem, ...]:
    """Everything that `check` finds: while reading, expanding and before the flight."""
    try:
        campaign, template, read = opened(folder)
    except BadInput as error:
        return error.problems
    found: list[Problem] = list(read.problems)
    late = preflight(campaign, template, expand(campaign, template, read.rows, found))
    return (*found, *late)
