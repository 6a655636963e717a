"""A campaign runs when a new CSV lands: once for the same bytes, never for half a file, never two at once."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.feed import TRIES, Memory, Watcher
from flows.feed_command import command_line, only_watcher
from flows.feed_sources import FileSource, open_source
from flows.model import BadInput
from flows.stores.opening import open_store
from tests.flows.small import small_campaign

ROOT = Path(__file__).resolve().parents[2]
ROWS = "row_id,product\nred,Red cup\n"
OTHER = "row_id,product\nblue,Blue cup\n"


class Feed:
    """A watcher of a campaign that makes nothing: it counts runs, and what was said."""

    def __init__(self, folder: Path, source: str = "") -> None:
        self.campaign = folder / "campaign"
        self.campaign.mkdir(exist_ok=True)
        self.rows = self.campaign / "rows.csv"
        self.rows.write_text(ROWS)
        self.memory = folder / "feeds" / "small.json"
        self.memory.parent.mkdir(exist_ok=True)
        self.source = source
        self.runs: list[str] = []
        self.said: list[str] = []
        self.codes: list[int] = []
        self.busy = self.stopped = False
        self.at_pause = lambda: None
        self.at_run = lambda: None
        self.watcher = self.started()

    def started(self) -> Watcher:
        """A watcher as after a restart."""
        source = open_source(self.source, self.memory.parent) if self.source else FileSource(self.rows)
        return Watcher(
            self.campaign, self.rows, source, self.memory, self._run, lambda: self.busy, self.said.append, self._pause
        )

    def _run(self) -> int:
        self.runs.append(self.rows.read_text())
        self.at_run()
        return self.codes.pop(0) if self.codes else 0

    def _pause(self, seconds: float) -> bool:
        if seconds:
            self.at_pause()
        return self.stopped


@pytest.fixture
def feed(tmp_path):
    return Feed(tmp_path)


def test_new_rows_are_run_once_also_after_a_restart(feed):
    assert feed.watcher.look() == 0
    assert feed.watcher.look() is None
    assert feed.started().look() is None
    assert feed.runs == [ROWS]
    assert json.loads(feed.memory.read_text())["outcome"] == "done"


def test_changed_rows_are_run(feed):
    feed.watcher.look()
    feed.rows.write_text(OTHER)
    assert feed.watcher.look() == 0
    assert feed.runs == [ROWS, OTHER]


def test_a_file_that_is_touched_but_says_the_same_is_not_run_again(feed):
    feed.watcher.look()
    os.utime(feed.rows, (1, 1))
    assert feed.watcher.look() is None
    assert feed.runs == [ROWS]


def test_a_file_that_is_being_written_is_left_alone_until_it_rests(feed):
    parts = iter([ROWS + "gre", ROWS + "green,Gre", ROWS + "green,Green cup\n"])

    def write_on():
        if part := next(parts, ""):
            feed.rows.write_text(part)

    feed.at_pause = write_on
    feed.rows.write_text(ROWS[:20])
    feed.watcher.look()
    assert feed.runs == [ROWS + "green,Green cup\n"]


def test_rows_that_land_during_a_run_are_run_at_the_next_look(feed):
    feed.at_run = lambda: feed.rows.write_text(OTHER)
    feed.watcher.look()
    feed.at_run = lambda: None
    assert feed.watcher.look() == 0
    assert feed.runs == [ROWS, OTHER]


def test_a_bad_csv_is_told_once_and_is_not_run(feed):
    feed.rows.write_text('row_id,product\nred,"Red cup\n')
    assert [feed.watcher.look() for _ in range(3)] == [2, None, None]
    assert feed.runs == []
    assert len(feed.said) == 1
    assert "a double quote is opened and never closed" in feed.said[0]
    feed.rows.write_text(OTHER)
    assert feed.watcher.look() == 0


def test_a_refused_run_is_tried_again_when_a_file_of_the_campaign_changes(feed):
    feed.codes = [2]
    assert [feed.watcher.look(), feed.watcher.look(), feed.started().look()] == [2, None, None]
    (feed.campaign / "campaign.yaml").write_text("mended")
    assert feed.watcher.look() == 0
    assert len(feed.runs) == 2


def test_a_run_with_failures_is_not_run_again_for_the_same_rows(feed):
    feed.codes = [1]
    assert [feed.watcher.look(), feed.watcher.look()] == [1, None]
    assert Memory.read(feed.memory).outcome == "failed"


def test_a_run_that_died_is_begun_again_a_few_times(feed):
    feed.codes = [-9] * 10
    assert [feed.watcher.look() for _ in range(TRIES + 2)] == [-9] * TRIES + [None, None]
    assert "begun again" in feed.said[1]
    assert "waits for other rows" in feed.said[-1]


def test_it_waits_while_another_run_goes_on(feed):
    feed.busy = True
    assert [feed.watcher.look(), feed.watcher.look()] == [None, None]
    assert feed.watcher.waiting
    assert [sentence for sentence in feed.said if "another run" in sentence] == feed.said
    assert len(feed.said) == 1
    feed.busy = False
    assert feed.watcher.look() == 0


def test_coming_second_to_another_run_is_no_refusal(feed):
    feed.codes = [2]
    feed.at_run = lambda: setattr(feed, "busy", True)
    assert feed.watcher.look() is None
    feed.busy, feed.at_run = False, lambda: None
    assert feed.watcher.look() == 0


def test_a_run_that_was_stopped_is_run_again_after_a_restart(feed):
    feed.codes = [130]
    feed.at_run = lambda: setattr(feed, "stopped", True)
    assert feed.watcher.look() is None
    feed.stopped, feed.at_run = False, lambda: None
    assert feed.started().look() == 0


def test_a_feed_that_is_not_there_yet_is_waited_for(feed):
    feed.rows.unlink()
    assert [feed.watcher.look(), feed.watcher.look()] == [None, None]
    assert feed.watcher.waiting
    assert len(feed.said) == 1
    feed.rows.write_text(ROWS)
    assert feed.watcher.look() == 0


def test_a_memory_that_cannot_be_read_is_none(feed):
    feed.watcher.look()
    feed.memory.write_text("{")
    assert feed.started().look() == 0


# --- sources --------------------------------------------------------------------------------------------------------


def test_the_newest_csv_of_a_folder_becomes_the_campaigns_rows(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    feed = Feed(tmp_path, str(drop))
    assert feed.watcher.look() is None
    assert "holds no CSV file yet" in feed.said[0]
    (drop / "monday.csv").write_text(ROWS)
    (drop / "notes.txt").write_text("none")
    assert feed.watcher.look() == 0
    (drop / "tuesday.csv").write_text(OTHER)
    os.utime(drop / "monday.csv", (1, 1))
    assert feed.watcher.look() == 0
    assert feed.runs == [ROWS, OTHER]
    assert feed.rows.read_text() == OTHER


def test_rows_that_are_no_table_do_not_replace_good_ones(tmp_path):
    (tmp_path / "export.csv").write_bytes(b"\x00\x01\x02")
    feed = Feed(tmp_path, str(tmp_path / "export.csv"))
    assert feed.watcher.look() == 2
    assert feed.rows.read_text() == ROWS


def test_an_object_of_a_store_becomes_the_campaigns_rows(tmp_path):
    store = open_store("memory://feeds", state_folder=tmp_path)
    feed = Feed(tmp_path, "memory://feeds/products.csv")
    assert feed.watcher.look() is None
    assert "is not there yet" in feed.said[0]
    store.write("products.csv", OTHER.encode())
    assert feed.watcher.look() == 0
    assert feed.watcher.look() is None
    assert feed.rows.read_text() == OTHER


@pytest.mark.parametrize(
    "place", ["s3://bucket", "s3://bucket/feeds/", "s3://bucket/feeds", "s3://bucket/my feed.csv", "ftp://host/x.csv"]
)
def test_an_address_that_names_no_file_is_refused(tmp_path, place):
    with pytest.raises(BadInput):
        open_source(place, tmp_path)


# --- the process ----------------------------------------------------------------------------------------------------


def test_the_run_gets_the_options_of_the_watcher():
    words = command_line(Path("shop"), {"out": Path("o"), "where": "a == 'b'", "skip_bad_rows": True, "rows": None})
    assert words[1:] == ["-m", "flows", "run", "shop", "--out", "o", "--where", "a == 'b'", "--skip-bad-rows"]


def test_two_watchers_of_one_campaign_are_refused(tmp_path):
    memory = tmp_path / "small.json"
    with only_watcher(memory), pytest.raises(BadInput, match="watched already"), only_watcher(memory):
        raise AssertionError
    with only_watcher(memory):
        pass


def test_sigterm_ends_it_while_it_waits_and_once_tells_what_it_waits_for(tmp_path):
    campaign = small_campaign(tmp_path / "campaign")
    home = tmp_path / "out" / "Small"
    home.mkdir(parents=True)
    command = [sys.executable, "-m", "flows", "watch", campaign, "--out", tmp_path / "out"]
    with (home / ".lock").open("w") as lock:  # as a run holds it
        fcntl.flock(lock, fcntl.LOCK_EX)
        once = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert once.returncode == 2
        assert "another run of this campaign is going on" in once.stdout
        long = subprocess.Popen([*command, "--every", "1"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert long.stdout
        assert long.stdout.readline().startswith("Watching ")
        assert "another run" in long.stdout.readline()
        began = time.monotonic()
        long.send_signal(signal.SIGTERM)
        assert long.wait(timeout=30) == 0
        assert time.monotonic() - began < 30
        long.stdout.close()


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_new_csv_is_run_for_real_and_sigterm_ends_the_run_with_its_watcher(tmp_path):
    campaign = small_campaign(tmp_path / "campaign")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows", "watch", campaign, "--out", out, "--workers", "1"]
    first = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "done: 2 done" in first.stdout
    again = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "these rows were run at" in again.stdout
    with (campaign / "rows.csv").open("a") as rows:
        rows.writelines(f"more{number},Cup {number},1.50\n" for number in range(4))
    long = subprocess.Popen([*command, "--every", "1"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    done = sum(1 for _ in (out / ".ledger" / "steps").glob("*/*/*/done.json"))
    while sum(1 for _ in (out / ".ledger" / "steps").glob("*/*/*/done.json")) == done:
        assert time.monotonic() < deadline
        assert long.poll() is None
        time.sleep(0.1)
    long.send_signal(signal.SIGTERM)
    assert long.wait(timeout=60) == 0
    last = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert "done: 6 done" in last.stdout
