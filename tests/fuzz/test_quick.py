"""A few seconds of what `make fuzz` does for ten minutes: near misses of good files, for every reader.

Every input that a fuzzer ever broke something with stands in `BROKE`, shortened, with what it broke.
"""

from __future__ import annotations

import io
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.pictures import check_picture
from tests.fuzz.targets import TARGETS, WORDS, put

#: Target -> inputs.
BROKE = {
    "picture": [
        # A part that says it has 4 GB: MemoryError.
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0@\0\0\0@\x08\0\0\0\0\0\0\0\0\xff\xff\xff\xf0IDATx\x9c",
    ],
    "table": [
        # A blank row wider than the header: pandas raised its own error.
        b"sep=;\r\nrow\na\n;\n",
        b"a,b\n,,,,,\n1,2\n",
        b"a\n1\n,\n2\n",
        # Line ends of three kinds.
        b"sep=;\r\nrowper\x9c\xc4\r\r\nrowper\x9c\xc4\r\n;b;'\n;;;;;;;;;;;;;;;;;\n",
        # A header's cell with a line end in it, twice: the complaint had two lines.
        b'"A ""big""\ncup","A ""big""\ncup"\n1,2\n',
    ],
}


def unknown_codec(film: bytes) -> bytes:
    """A codec that nobody decodes: PyAV gave None where its types promise a decoder."""
    return film.replace(b"avc1", b"xxxx").replace(b"avcC", b"xxxC")


def tags_of_bytes(film: bytes) -> bytes:
    """A handler's name that is not UTF-8: PyAV raised UnicodeDecodeError."""
    return film.replace(b"VideoHandler", b"Video\xc2\xff\xfe\xc2\xc2\xc2r")


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    return tuple(TARGETS[target][1]())


@pytest.mark.parametrize("target", TARGETS)
def test_the_first_inputs_are_read(target: str) -> None:
    assert len(seeds(target)) >= 2
    for data in seeds(target):
        TARGETS[target][0](data)


broken = [(target, data) for target, inputs in BROKE.items() for data in inputs]


@pytest.mark.parametrize(("target", "data"), broken, ids=range(len(broken)))
def test_what_a_fuzzer_once_broke_stays_mended(target: str, data: bytes) -> None:
    TARGETS[target][0](data)


@pytest.mark.parametrize("change", [unknown_codec, tags_of_bytes])
def test_a_film_that_a_fuzzer_once_broke_the_readers_with_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    film = seeds("mp4")[0]
    assert change(film) != film
    TARGETS["mp4"][0](change(film))


def test_a_strip_that_would_cover_a_film_with_gigabytes_is_refused() -> None:
    from PIL import Image

    held = io.BytesIO()
    Image.new("1", (64, 130_000)).save(held, "PNG")
    assert len(held.getvalue()) < 10_000
    wrong = check_picture(put("strip.png", held.getvalue()))
    assert wrong is not None
    assert wrong[0] == "picture_too_narrow"
    TARGETS["picture"][0](held.getvalue())


@st.composite
def near_misses(draw: st.DrawFn, target: str) -> bytes:
    """A good file with up to six pieces overwritten, taken out, repeated or put in."""
    data = bytearray(draw(st.sampled_from(seeds(target))))
    words = [word.encode() for word in WORDS[target]]
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        size = draw(st.sampled_from([0, 1, 2, 4, 8, 64]))
        piece = draw(st.one_of(st.sampled_from(words), st.binary(max_size=8), st.just(bytes(data[at : at + size]) * 3)))
        data[at : at + size] = piece
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_near_miss_of_a_good_file_ends_in_a_documented_error_or_none(target: str) -> None:
    most = {"mp4": 40, "rows": 60, "campaign": 60}.get(target, 100)

    @settings(max_examples=most, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(near_misses(target))
    def holds(data: bytes) -> None:
        TARGETS[target][0](data)

    holds()
