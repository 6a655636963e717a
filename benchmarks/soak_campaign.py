"""The campaigns of the soak: as many rows as asked for, each with words, a price and a voice of its own.

The films share their footage, as those of a feed do: what differs from row to row is what is said and written.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

PLACEMENTS = ("facebook_reels", "linkedin_vertical_9x16", "facebook_feed", "linkedin_square")
TEMPLATE = """
title: Soak
seconds: {min: 1, default: 3, max: 10}
variables:
  product: {required: true, example: Cup}
  price: {type: money, example: "9.90"}
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
    "prompt.j2": "A calm sea at dawn, slow pan.",
    "headline.j2": "New: {{ product }}",
    "price.j2": "{{ price | money }}",
    "voiceover.j2": "{{ product }}. Hello.",
}
CAMPAIGN = f"""
name: Soak
template: soak
locales: [en-US]
placements: [{", ".join(PLACEMENTS)}]
currency: USD
seconds: 3
profile: draft
landing_url: https://example.com/shop
"""
_CONSONANTS, _VOWELS, _SYLLABLES = "bdfgklmnprstv", "aeiou", 3
#: A prime, so that neighbouring rows have different names.
_STRIDE = 7919


def write_campaign(folder: Path, rows: int) -> Path:
    """A campaign's folder with so many rows, each one creative for four placements."""
    template = folder / "soak"
    template.mkdir(parents=True)
    (template / "template.yaml").write_text(TEMPLATE, "utf-8")
    for name, text in TEXTS.items():
        (template / name).write_text(text, "utf-8")
    (folder / "brand.yaml").write_text("name: Dawn\n", "utf-8")
    (folder / "campaign.yaml").write_text(CAMPAIGN, "utf-8")
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("row_id", "product", "price", "landing_url"))
        writer.writerows(_rows(rows))
    return folder


def _rows(count: int) -> Iterator[tuple[str, str, str, str]]:
    for number in range(count):
        name = product_name(number)
        yield f"sku-{number:06d}", name, f"{number % 90 + 9}.90", f"https://example.com/shop/{name.lower()}"


def product_name(number: int) -> str:
    """A short word that can be said; 274,625 of them before one comes again."""
    pairs = len(_CONSONANTS) * len(_VOWELS)
    left, word = number * _STRIDE % pairs**_SYLLABLES, ""
    for _ in range(_SYLLABLES):
        left, pair = divmod(left, pairs)
        word += _CONSONANTS[pair // len(_VOWELS)] + _VOWELS[pair % len(_VOWELS)]
    return word.capitalize()
