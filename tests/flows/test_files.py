"""Files are whole or not there, names are safe, guarded cells come back as they were."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import files
from flows.files import (
    CannotWrite,
    NoSpace,
    atomic_path,
    guard,
    is_safe_name,
    safe_slug,
    sha256_file,
    unguard,
    write_json,
    write_whole,
)

FORMULAS = [
    "=1+1",
    "+SUM(A1)",
    "-cmd|' /C calc'!A0",
    "@import",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋A1",
    "－A1",
    "＠x",
    "  =1+1",
    "\ufeff=1+1",
    "\u200b@x",
    "-20% today",
    "+49 30 1234",
    "-",
]
PLAIN = [
    "",
    "a",
    "O'Neill",
    "'quoted'",
    "5",
    "-5",
    "+3.50",
    "-1,234.50",
    "-5%",
    "1e-3",
    "-1e5",
    "a=b",
    "2026-01-02",
    "$-5",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_guarded(cell: str) -> None:
    assert guard(cell) == "'" + cell
    assert unguard(guard(cell)) == cell


@pytest.mark.parametrize("cell", PLAIN)
def test_other_cells_and_numbers_stay_as_they_are(cell: str) -> None:
    assert guard(cell) == cell
    assert unguard(cell) == cell


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=st.sampled_from("'= +-@\t\r\n＝5.%aé\ufeff"), max_size=6) | st.text(max_size=20))
def test_guarding_is_exactly_reversible_and_leaves_nothing_to_run(cell: str) -> None:
    assert unguard(guard(cell)) == cell
    assert guard(cell)[:1] not in tuple("=@＝＋－＠")


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "eins")
    write_whole(path, "zwei ü")
    assert path.read_text("utf-8") == "zwei ü"
    assert list(tmp_path.iterdir()) == [path]


def test_json_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert write_json(path, {"b": "é ✓", "a": [1, 2.5, None, {}]})
    assert (
        path.read_text("utf-8")
        == json.dumps({"b": "é ✓", "a": [1, 2.5, None, {}]}, ensure_ascii=False, indent=2) + "\n"
    )
    before = path.stat()
    assert not write_json(path, {"b": "é ✓", "a": [1, 2.5, None, {}]})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write_json(path, {"a": [1]})
    assert json.loads(path.read_text("utf-8")) == {"a": [1]}


def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def break_off() -> None:
        with atomic_path(path) as part:
            assert part.suffix == ".mp4"
            part.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(NoSpace, match=r"a\.txt: no space left .* Free some and run again"):
        write_whole(tmp_path / "a.txt", "x" * 100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_full_for_real_is_named_as_such(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_path(tmp_path / "a.txt") as part, Path("/dev/full").open("w") as stream:
            part.write_text("begun")
            stream.write("x" * 100_000)

    with pytest.raises(NoSpace):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="does not exist") as caught:
        write_whole(tmp_path / "no" / "a.txt", "x")
    assert caught.value.code == "not_writable"


def test_a_fault_of_another_file_is_not_blamed_on_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="input"), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "input").read_bytes()


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="nothing was written"), atomic_path(tmp_path / "a.txt"):
        pass


def test_the_longest_name_a_disk_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 120 + ".json")
    write_whole(path, "{}")
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Café à Paris", "Cafe-a-Paris"),
        ("en-US", "en-US"),
        ("sku_00123", "sku_00123"),
        ("../../etc/passwd", "etc-passwd"),
        ("a..b", "a.b"),
        ("--x--", "x"),
        ("CON", "x-CON"),
        ("nul.txt", "x-nul.txt"),
    ],
)
def test_a_slug_reads_like_its_text(text: str, slug: str) -> None:
    assert safe_slug(text) == slug


def test_texts_in_other_scripts_stay_apart() -> None:
    slugs = {safe_slug(text) for text in ("新商品", "旧商品", "جديد", "🥐", "", "!!!")}
    assert len(slugs) == 6
    assert all(map(is_safe_name, slugs))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.integers(12, 80))
def test_every_slug_is_a_safe_name_within_its_length(text: str, length: int) -> None:
    slug = safe_slug(text, length)
    assert is_safe_name(slug)
    assert len(slug) <= length + 2


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", ".hidden", "-rf", "a..b", "a.", "aux", "COM1.txt", "a" * 81, "é"]
)
def test_unsafe_names_are_told(name: str) -> None:
    assert not is_safe_name(name)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 100_000)
    assert sha256_file(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
