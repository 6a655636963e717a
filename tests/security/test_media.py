"""Media as a way in: names that are protocols, lists that are films, texts that are filters, pictures that are bombs.

Each attack works on ffmpeg or Pillow as they come; then the same file goes through ours.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import ffmpeg
import pytest
from PIL import Image

from flows.pictures import LIMIT_PIXELS, check_clip, check_picture
from generation.engines.diffusion.pictures import check_picture as check_for_models
from generation.errors import BadMedia, GenerationError, ToolFailed
from generation.media.clip import read_clip
from generation.media.ffmpeg import find_ffmpeg, run, source
from generation.media.mux import mux_delivery
from tests.flows.written import complaints, write
from tests.generation.test_media_frames import make_film


def naive(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """ffmpeg as anybody would call it."""
    command = [str(find_ffmpeg()), "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=30, check=False)


def pictures_of(name: str, cwd: Path) -> int:
    """How many pictures a plain ffmpeg gets out of an input of that name."""
    done = naive("-i", name, "-map", "0:v", "-f", "framecrc", "-", cwd=cwd)
    return sum(not line.startswith(b"#") for line in done.stdout.splitlines())


def refused(path: Path) -> None:
    """No reader of ours makes a film of it: not the check of rows, not the one of engines, not ffmpeg's own source."""
    if path.exists():
        assert check_clip(path) is not None
    with pytest.raises(BadMedia):
        read_clip(path)
    with pytest.raises(ToolFailed):
        run(ffmpeg.output(source(path), "-", format="null"), deadline_seconds=30)


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that lies beside the campaign and is none of its business."""
    folder = tmp_path_factory.mktemp("secret")
    film = make_film(folder / "secret.mp4", frames=5)
    naive("-i", "secret.mp4", "-c", "copy", "secret.ts", cwd=folder)
    assert film.exists()
    return folder


# --- protocols in names ---------------------------------------------------------------------------------------------


def test_a_name_with_a_protocol_asks_a_server_in_plain_ffmpeg_and_is_only_a_name_here(tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        name = f"http://127.0.0.1:{server.server_port}/film.mp4"
        for spelling in (name, f"async:{name}", f"cache:{name}"):
            naive("-i", spelling, "-f", "null", "-")
        assert len(asked) == 3
        refused(Path(name))
        (problem,) = complaints(write(tmp_path, rows=f'row_id,product,picture\na,Cup,"{name}"\n'))
        assert problem.code == "file_address"
        server.shutdown()
    assert len(asked) == 3


@pytest.mark.parametrize(
    "name", ["concat:secret.ts|secret.ts", "subfile,,start,0,end,0,,:secret.ts", "async:secret.ts"]
)
def test_a_protocol_that_opens_another_file_is_only_a_name_here(
    secret: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pictures_of(name, secret) >= 5
    monkeypatch.chdir(secret)
    refused(Path(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.mp4", "ffconcat version 1.0\nfile secret.ts\n"),
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nsecret.ts\n#EXT-X-ENDLIST\n"),
        ("list.mov", "ffconcat version 1.0\nfile 'secret.mp4'\n"),
    ],
)
def test_a_list_of_other_files_is_opened_by_its_content_in_plain_ffmpeg_and_refused_here(
    secret: Path, name: str, text: str
) -> None:
    (secret / name).write_text(text)
    assert pictures_of(name, secret) == 5
    refused(secret / name)


@pytest.mark.parametrize("content", [b"RIFF\0\0\0\0AVI LIST", b"\0" * 4096, b"<svg/>", b"GIF89a", b"#EXTM3U\n"])
def test_other_containers_under_a_films_name_are_refused(tmp_path: Path, content: bytes) -> None:
    for suffix in ("mp4", "mov", "webm"):
        path = tmp_path / f"film.{suffix}"
        path.write_bytes(content)
        assert check_clip(path) is not None
        with pytest.raises(BadMedia):
            read_clip(path)


def test_a_film_of_67_megapixels_is_decoded_by_plain_ffmpeg_and_refused_here(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    one = ["-frames:v", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    naive("-f", "lavfi", "-i", "color=s=8192x8192:r=1", *one, str(path))
    assert path.stat().st_size < 400_000
    assert pictures_of("huge.mp4", tmp_path) == 1
    wrong = check_clip(path)
    assert wrong is not None
    assert "8192x8192 pixels are too many" in wrong[1]
    # The same when the container says less than the pictures are.
    small = bytearray(path.read_bytes())
    for at in (at for at in range(len(small) - 4) if small[at : at + 4] == b"\x20\x00\x20\x00"):
        small[at : at + 4] = b"\x00\x40\x00\x40"
    path.write_bytes(small)
    with pytest.raises(BadMedia):
        read_clip(path)


# --- text in filters and tags ---------------------------------------------------------------------------------------

HOSTILE = "x,metadata=mode=print:file=marker.txt"


def test_text_in_a_filter_string_writes_a_file_in_a_naive_call_and_reaches_no_filter_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mp4", frames=3)
    naive("-i", "film.mp4", "-vf", f"metadata=mode=add:key=note:value={HOSTILE}", "-f", "null", "-", cwd=tmp_path)
    assert (tmp_path / "marker.txt").exists()
    (tmp_path / "marker.txt").unlink()

    recorder = tmp_path / "recorder"
    recorder.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> "{tmp_path}/argv"\nexec "{find_ffmpeg()}" "$@"\n')
    recorder.chmod(0o755)
    monkeypatch.setenv("SPOTMILL_FFMPEG", str(recorder))
    monkeypatch.chdir(tmp_path)
    for title in (HOSTILE, "'; touch marker.txt; '", "-y", "a=b\nc=d", "%{localtime}", "$(touch marker.txt)"):
        mux_delivery(film, None, tmp_path / "out.mp4", language="en", title=title)
    words = (tmp_path / "argv").read_bytes().split(b"\0")
    assert not (tmp_path / "marker.txt").exists()
    places = [words[number - 1] for number, word in enumerate(words) if b"marker.txt" in word]
    assert set(places) == {b"-metadata"}
    assert not any(word.startswith((b"-vf", b"-filter", b"-lavfi")) for word in words)


def test_a_percent_sign_in_drawtext_fails_or_is_expanded_in_a_naive_call(tmp_path: Path) -> None:
    """Why titles are drawn by our own text engine and not by ffmpeg: tests/generation/test_layers_text.py has them."""
    from generation.layers.fonts import packaged

    font = packaged("manrope", 400).path
    film = make_film(tmp_path / "film.mp4", frames=1)

    def drawn(text: str) -> bytes:
        chain = f"drawtext=fontfile='{font}':text='{text}'"
        lines = naive("-i", str(film), "-vf", chain, "-f", "framecrc", "-").stdout.splitlines()
        return lines[-1] if lines and not lines[-1].startswith(b"#") else b""

    assert drawn("%{pts}") == drawn("0.000000")  # a number that nobody wrote
    assert drawn("50 off")
    assert not drawn("50% off")


# --- pictures -------------------------------------------------------------------------------------------------------


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rest = b"".join(chunk(kind, data) for kind, data in chunks)
    pixels = zlib.compress(b"\0" * ((width + 1) * height)) if width * height < 10**6 else zlib.compress(b"\0" * 99)
    return b"\x89PNG\r\n\x1a\n" + head + rest + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_picture_of_169_megapixels_is_only_warned_of_by_pillow_and_refused_here(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(13_000, 13_000))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with Image.open(path) as picture:
            assert picture.size == (13_000, 13_000)  # `load` would take half a gigabyte
    assert [word.category for word in said] == [Image.DecompressionBombWarning]
    wrong = check_picture(path)
    assert wrong is not None
    assert wrong[0] == "picture_too_large"
    assert LIMIT_PIXELS < 13_000**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(BadMedia):
            check_for_models(path)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_picture_whose_text_unpacks_to_a_hundred_megabytes_is_refused(tmp_path: Path, kind: bytes) -> None:
    packed = zlib.compress(b"a" * 100_000_000, 9)
    assert len(packed) < 100_000
    assert len(zlib.decompress(packed)) == 100_000_000  # what a reader without a limit would hold
    head = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}[kind]
    path = tmp_path / "bomb.png"
    path.write_bytes(png(100, 100, (kind, head + packed)))
    code = (
        "import resource, sys; from pathlib import Path; from PIL import Image, PngImagePlugin; "
        "from flows.pictures import check_picture; "
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20)); "
        f"print(check_picture(Path({str(path)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})  # fmt: skip
    # Text is refused; a colour profile that is too large is left out, and the picture itself is small.
    assert done.returncode == 0, done.stderr
    assert "picture_broken" in done.stdout or (kind == b"iCCP" and done.stdout == "None\n")


def test_many_small_texts_are_bounded_together(tmp_path: Path) -> None:
    one = (b"zTXt", b"k\0\0" + zlib.compress(b"a" * 900_000, 9))
    path = tmp_path / "bomb.png"
    path.write_bytes(png(100, 100, *[one] * 100))
    wrong = check_picture(path)
    assert wrong is not None
    assert wrong[0] == "picture_broken"


@pytest.mark.parametrize("format_", ["EPS", "GIF", "TIFF", "BMP", "PPM", "ICO", "TGA", "PCX"])
def test_any_format_under_a_pictures_name_is_opened_by_pillow_and_by_none_of_ours(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "cup.png"
    Image.new("RGB", (128, 128), "teal").save(path, format=format_)
    with Image.open(path) as picture:
        assert picture.format == format_
    wrong = check_picture(path)
    assert wrong is not None
    assert wrong[0] == "not_a_picture"
    with pytest.raises(BadMedia):
        check_for_models(path)
    from generation.engines.animatic.hero import read_picture
    from generation.layers.logo import read

    for opens in (read_picture, read):
        with pytest.raises(GenerationError):
            opens(path)


# --- files that are none --------------------------------------------------------------------------------------------


def test_a_link_to_a_device_is_read_without_end_by_a_plain_open_and_refused_here(tmp_path: Path) -> None:
    folder = write(tmp_path, rows="row_id,product,picture\na,Cup,zero.png\n")
    (folder / "zero.png").symlink_to("/dev/zero")
    with (folder / "zero.png").open("rb") as endless:
        assert len(endless.read(5_000_000)) == 5_000_000
    (problem,) = complaints(folder)
    assert problem.code == "file_outside"


def test_a_name_leads_a_plain_join_out_of_the_folder_and_stays_inside_here(tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    (tmp_path / "cup.png").write_bytes(b"secret")
    name = "assets/../../cup.png"
    write(folder, rows=f"row_id,product,picture\na,Cup,{name}\n")
    (folder / "assets").mkdir()
    assert (folder / name).read_bytes() == b"secret"
    assert (folder / str(tmp_path / "cup.png")).read_bytes() == b"secret"  # an absolute name wins over the folder
    assert [problem.code for problem in complaints(folder)] == ["file_outside"]


def test_no_open_picture_is_left_behind(tmp_path: Path) -> None:
    """A refused picture is closed: pytest turns a forgotten file into an error."""
    path = tmp_path / "cut.png"
    out = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(out, "PNG")
    path.write_bytes(out.getvalue()[:-500])
    assert check_picture(path) is not None
