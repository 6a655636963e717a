"""Where a setting comes from, and what is said when it cannot be used."""

from pathlib import Path

import pytest

from flows.model import BadInput
from flows.settings import Settings, load_settings


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path):
    (tmp_path / "spotmill.toml").write_text('workers = 1\nattempts = 7\nout = "file"\n')
    environment = {"SPOTMILL_WORKERS": "2", "SPOTMILL_OUT": "environment"}
    found = load_settings({"out": Path("flag"), "workers": None}, environment, tmp_path)
    assert (found.out, found.workers, found.attempts) == (Path("flag"), 2, 7)
    assert found.job_deadline_seconds == Settings().job_deadline_seconds


def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path):
    (tmp_path / "spotmill.toml").write_text("worker = 1\n")
    with pytest.raises(
        BadInput, match=r"spotmill.toml, column worker: this setting does not exist. Did you mean workers"
    ):
        load_settings({}, {}, tmp_path)


@pytest.mark.parametrize("text", ["workers = 'many'", "workers = -1", "job_deadline_seconds = 'soon'", "workers ="])
def test_a_value_of_the_wrong_type_is_refused(tmp_path, text):
    (tmp_path / "spotmill.toml").write_text(text)
    with pytest.raises(BadInput):
        load_settings({}, {}, tmp_path)


def test_no_worker_count_means_one_for_each_core_of_this_process():
    assert Settings().worker_count >= 1
    assert Settings(workers=3).worker_count == 3
