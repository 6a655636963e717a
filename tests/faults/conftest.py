"""What the tests that inject faults into whole runs share: one undisturbed run to compare with."""

from __future__ import annotations

import pytest

from tests.faults.runs import Made, films, short_campaign
from tests.flows.small import run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two ads as nothing disturbs them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    campaign = short_campaign(folder / "campaign")
    run(campaign, folder / "out")
    made = Made(campaign, folder / "out", films(folder / "out"))
    assert len(made.films) == 2
    return made
