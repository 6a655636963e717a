"""The soak's own parts, small: what it measures is the real run, and every delivery is accounted for."""

import csv
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.soak_campaign import PLACEMENTS, product_name, write_campaign
from benchmarks.soak_page import page

ROOT = Path(__file__).resolve().parents[2]


def test_products_have_names_of_their_own():
    assert len({product_name(number) for number in range(20_000)}) == 20_000


def test_a_run_in_which_nothing_is_made_is_whole_and_costs_nothing_twice(tmp_path):
    campaign, out, notes = write_campaign(tmp_path / "campaign", 12), tmp_path / "out", tmp_path / "notes.json"
    found = []
    for _ in range(2):
        command = [sys.executable, "-m", "benchmarks.soak_memory", str(campaign), str(out), str(notes)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=120)
        found.append(json.loads(notes.read_text("utf-8")))
    with (out / "Soak-draft" / "results.csv").open(encoding="utf-8-sig") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["row"], line["placement"], line["status"]) for line in lines] == [
        (str(row), placement, "draft") for row in range(1, 13) for placement in PLACEMENTS
    ]
    assert found[0]["planned"] == found[0]["looks"][-1]["deliveries"] == 48
    assert "nothing had to be made" in found[1]["sentence"]


def test_the_page_says_what_has_not_been_measured():
    about = {"day": "2026-01-01", "cores": 2, "cpu": "a", "memory_gib": 4, "python": "3.11"}
    assert sum("not measured yet" in line for line in page({}, about)) == 6
