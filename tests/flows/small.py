"""A campaign as small as real ones get: three seconds, one square placement, a template of its own.

It goes through every real stage; only its size makes it quick.
"""

from pathlib import Path

from flows.crew import InlineCrew
from flows.order import Order
from flows.settings import Settings
from flows.studio import Run

TEMPLATE = """
title: Small
seconds: {min: 1, default: 3, max: 10}
variables:
  product: {required: true, example: Cup}
  price: {type: money, example: "9.90"}
factors:
  hook: {arms: [question, offer]}
shots:
  - share: 1
layers:
  - {kind: headline, text: headline, start: 0.2, end: -0.2}
  - {kind: price, text: price, start: 1.0, end: -0.2}
voiceover: voiceover
look: clean
music: calm
"""
TEXTS = {
    "prompt.j2": "A calm sea at dawn, {{ product }}, slow pan.",
    "headline.j2": '{% if hook == "question" %}Tea?{% else %}New: {{ product }}{% endif %}',
    "price.j2": "{% if price %}{{ price | money }}{% endif %}",
    "voiceover.j2": "{{ product }}. Good morning.",
}


def small_campaign(
    folder: Path,
    rows: str = "row_id,product,price\nred,Red cup,9.90\nblue,Blue cup,12.50\n",
    placements: str = "[linkedin_square]",
    extra: str = "",
) -> Path:
    """Write the campaign's folder and return it."""
    template = folder / "small"
    template.mkdir(parents=True)
    (template / "template.yaml").write_text(TEMPLATE, "utf-8")
    for name, text in TEXTS.items():
        (template / name).write_text(text, "utf-8")
    (folder / "brand.yaml").write_text("name: Dawn\n", "utf-8")
    (folder / "rows.csv").write_text(rows, "utf-8")
    (folder / "campaign.yaml").write_text(
        f"name: Small\ntemplate: small\nlocales: [en-US]\nplacements: {placements}\ncurrency: USD\nseconds: 3\n{extra}",
        "utf-8",
    )
    return folder


def run(campaign: Path, out: Path, **order: object) -> Run:
    """A whole run in this process, without Prefect and Ray."""
    settings = Settings(out=out)
    work = Run(Order(campaign, **order), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    for _ in work.produce():
        pass
    work.report()
    return work
