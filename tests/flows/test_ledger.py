"""The ledger's promises, with real processes that are really killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from flows.ledger import MARKER, Ledger, Workspace, digest

KEY = digest("a step")


def write(text):
    def work(space: Workspace):
        space.file("a.txt").write_text(text)
        space.facts["length"] = len(text)

    return work


def start(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], stdout=subprocess.PIPE)


SLOW_STEP = """
    import sys, time
    from pathlib import Path
    from flows.ledger import Ledger
    def work(space):
        space.file("a.txt").write_text("half")
        print("working", flush=True)
        time.sleep(float(sys.argv[3]))
        space.file("a.txt").write_text("from the child")
    Ledger(Path(sys.argv[1])).make("test", sys.argv[2], work)
"""


def test_a_step_is_made_once_and_found_afterwards(tmp_path):
    ledger = Ledger(tmp_path)
    first = ledger.make("test", KEY, write("one"))
    second = ledger.make("test", KEY, write("never written"))
    assert (first.cached, second.cached) == (False, True)
    assert second.file("a.txt").read_text() == "one"
    assert second.facts == {"length": 3}
    assert ledger.keys("test") == {KEY}


def test_an_exception_leaves_nothing_behind(tmp_path):
    def work(space):
        space.file("a.txt").write_text("half")
        raise ValueError("broken")

    ledger = Ledger(tmp_path)
    with pytest.raises(ValueError, match="broken"):
        ledger.make("test", KEY, work)
    assert ledger.find("test", KEY) is None
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.fault(22, "a step is shortened, a file of it removed, its marker cut")
@pytest.mark.parametrize("damage", ["shorten", "remove", "marker"])
def test_a_damaged_step_counts_as_missing_and_is_made_again(tmp_path, damage):
    ledger = Ledger(tmp_path)
    made = ledger.make("test", KEY, write("one"))
    if damage == "shorten":
        made.file("a.txt").write_text("o")
    elif damage == "remove":
        made.file("a.txt").unlink()
    else:
        made.file(MARKER).write_text("{")
    assert ledger.find("test", KEY) is None
    assert ledger.make("test", KEY, write("two")).file("a.txt").read_text() == "two"


@pytest.mark.fault(3, "kill -9 of a process while it makes a step")
def test_a_killed_maker_leaves_no_step_and_the_next_one_makes_it(tmp_path):
    child = start(SLOW_STEP, tmp_path, KEY, 60)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    ledger = Ledger(tmp_path)
    assert ledger.find("test", KEY) is None
    assert len(list((tmp_path / "work").iterdir())) == 1
    assert ledger.make("test", KEY, write("after")).file("a.txt").read_text() == "after"
    assert ledger.sweep() == 1
    assert list((tmp_path / "work").iterdir()) == []


def test_sweep_leaves_a_living_maker_alone(tmp_path):
    child = start(SLOW_STEP, tmp_path, KEY, 1.0)
    assert child.stdout is not None
    child.stdout.readline()
    assert Ledger(tmp_path).sweep() == 0
    child.communicate()
    assert Ledger(tmp_path).find("test", KEY) is not None


def test_a_second_run_waits_for_the_first_and_uses_its_step(tmp_path):
    child = start(SLOW_STEP, tmp_path, KEY, 0.5)
    assert child.stdout is not None
    child.stdout.readline()
    found = Ledger(tmp_path).make("test", KEY, write("made twice"))
    child.communicate()
    assert found.cached
    assert found.file("a.txt").read_text() == "from the child"


@pytest.mark.fault(6, "eight makers of one step at once")
def test_many_makers_of_one_step_make_it_once(tmp_path):
    ledger = Ledger(tmp_path)
    calls = []

    def work(space):
        calls.append(1)
        time.sleep(0.05)
        space.file("a.txt").write_text("one")

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: ledger.make("test", KEY, work), range(8)))
    assert len(calls) == 1
    assert sum(not result.cached for result in results) == 1


def test_the_marker_tells_files_sizes_and_cost(tmp_path):
    made = Ledger(tmp_path).make("test", KEY, write("one"))
    marker = json.loads(made.file(MARKER).read_text())
    assert marker["files"] == {"a.txt": 3}
    assert marker["seconds"] >= 0
    assert marker["cpu_seconds"] >= 0


@pytest.mark.fault(7, "a ledger on a file system of 256 kB")
def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mount is not permitted here: {mounted.stderr.decode().strip()}")
    try:
        ledger = Ledger(mount)
        with pytest.raises(OSError, match="No space left"):
            ledger.make("test", KEY, lambda space: space.file("a.bin").write_bytes(b"x" * 1_000_000))
        assert ledger.find("test", KEY) is None
        assert [path for path in Path(mount).rglob("*") if path.name == "a.bin"] == []
        assert ledger.make("test", KEY, write("small enough")).file("a.txt").read_text() == "small enough"
    finally:
        subprocess.run(["umount", mount], check=True)


def test_equal_values_have_equal_keys_whatever_their_order():
    assert digest({"a": 1, "b": [2, "x"]}) == digest({"b": [2, "x"], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


# --- several steps at once --------------------------------------------------------------------------------------------

KEYS = [digest(f"step {number}") for number in range(6)]


def test_steps_made_side_by_side_are_finished_each_on_its_own(tmp_path):
    ledger = Ledger(tmp_path)
    with suppress(ValueError), ledger.making("test", KEYS[:3]) as making:
        for key in KEYS[:3]:
            making.spaces[key].file("a.txt").write_text(key)
        made = making.finish(KEYS[1])
        assert made.file("a.txt").read_text() == KEYS[1]
        assert ledger.find("test", KEYS[1]) is not None, "finished while the others are not"
        raise ValueError("broken")
    assert ledger.keys("test") == {KEYS[1]}
    assert list((tmp_path / "work").iterdir()) == []


def test_what_is_there_gets_no_work_space(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.make("test", KEYS[0], write("one"))
    with ledger.making("test", KEYS[:2]) as making:
        assert list(making.spaces) == [KEYS[1]]


def test_steps_that_share_a_lock_can_be_made_together(tmp_path):
    ledger, alike = Ledger(tmp_path), ["abc" + "0" * 29, "abc" + "1" * 29]
    with ledger.making("test", alike) as making:
        for key in alike:
            making.spaces[key].file("a.txt").write_text(key)
            making.finish(key)
    assert ledger.keys("test") == set(alike)


def test_what_somebody_else_is_making_is_left_to_him(tmp_path):
    ledger = Ledger(tmp_path)
    with ledger.making("test", KEYS[:2]) as mine, ledger.making("test", KEYS[1:3]) as theirs:
        assert list(mine.spaces) == KEYS[:2]
        assert list(theirs.spaces) == [KEYS[2]]


def test_a_finished_step_is_free_before_the_rest_of_its_batch(tmp_path):
    ledger = Ledger(tmp_path)
    with ledger.making("test", KEYS[:2]) as making:
        making.spaces[KEYS[0]].file("a.txt").write_text("one")
        making.finish(KEYS[0])
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(ledger.make, "test", KEYS[0], write("again")).result(timeout=10)
        assert found.cached


@pytest.mark.fault(6, "four batches that overlap, begun at once")
def test_batches_that_overlap_in_any_order_make_each_step_once_and_none_waits_for_ever(tmp_path):
    ledger, calls = Ledger(tmp_path), []

    def maker(keys):
        left = list(keys)
        while left:
            with ledger.making("test", left) as making:
                for key in list(making.spaces):
                    time.sleep(0.005)
                    calls.append(key)
                    making.spaces[key].file("a.txt").write_text(key)
                    making.finish(key)
            left = [key for key in left if not ledger.find("test", key)]

    orders = [KEYS, KEYS[::-1], KEYS[3:] + KEYS[:3], KEYS[::2] + KEYS[1::2]]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(maker, order) for order in orders]:
            done.result(timeout=30)
    assert sorted(calls) == sorted(KEYS)


def test_times_of_a_batch_add_up_to_what_it_took(tmp_path):
    ledger, begun = Ledger(tmp_path), time.perf_counter()
    with ledger.making("test", KEYS[:3]) as making:
        time.sleep(0.06)
        first = making.finish(KEYS[0])
        time.sleep(0.03)
        others = making.finish_together(KEYS[1:3])
    took = time.perf_counter() - begun
    assert first.seconds >= 0.06
    assert others[0].seconds == others[1].seconds
    assert 0.09 <= first.seconds + sum(one.seconds for one in others) <= took


def test_samples_can_be_of_one_maker(tmp_path):
    ledger = Ledger(tmp_path)
    for number, key in enumerate(KEYS):
        ledger.make("test", key, lambda space, number=number: space.facts.update(engine="ab"[number % 2]))
    assert len(list(ledger.samples("test"))) == 6
    assert len(list(ledger.samples("test", engine="a"))) == 3
    assert len(list(ledger.samples("test", most=2, engine="b"))) == 2
