"""The readers of what strangers bring, each as a function of bytes: only documented errors may come out.

A target takes bytes, writes the file that its reader wants and reads it. What the reader refuses, as BadInput, BadMedia
or a complaint, is fine and is swallowed; anything else goes through and is a finding. `SEEDS` makes the first inputs by
code, so that a fuzzer begins with files that are nearly right. A new reader is a function here and a line in `TARGETS`.
"""

from __future__ import annotations

import contextlib
import csv
import io
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path

# Loaded here, so that a fuzzer that watches this import sees into them.
import jinja2.sandbox  # noqa: F401
import yaml  # noqa: F401
from PIL import Image, PngImagePlugin, WebPImagePlugin  # noqa: F401

from flows.brand import load_brand
from flows.brief import load_campaign
from flows.model import BadInput, Campaign
from flows.pictures import check_picture
from flows.problems import Problems
from flows.rows import read_all_rows
from flows.table import read_table
from flows.template import Template, load_template
from flows.templating import LIMIT_OUTPUT, RenderFailed, check_text
from flows.values import Money, Percent, Value
from generation.engines.animatic.hero import read_picture
from generation.engines.diffusion.pictures import first_frame
from generation.errors import BadMedia, GenerationError
from generation.layers.logo import read as read_logo
from generation.media.clip import clip_pictures, read_clip
from generation.media.frames import read_frames
from generation.media.mp4 import read_mp4
from generation.media.probe import probe
from generation.spec import Size
from tests.flows import written

LIMIT_BYTES = 64 * 1024


@cache
def folder() -> Path:
    """A campaign's folder for this process, written once; it goes with the process."""
    held = tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    _held.append(held)
    return written.write(Path(held.name) / "campaign")


_held: list[tempfile.TemporaryDirectory[str]] = []


def put(name: str, data: bytes) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def explained(problems: Problems) -> None:
    """Every complaint is one line with a code and a message."""
    for problem in problems.found:
        assert problem.code
        assert problem.message
        assert "\n" not in problem.sentence(), problem


def _counted(refused: BadInput) -> None:
    assert refused.problems
    explained(Problems("", list(refused.problems)))


# --- targets ---------------------------------------------------------------------------------------------------------


def table(data: bytes) -> None:
    """A CSV file: read whole, or refused with complaints; never both silent and empty-handed."""
    problems = Problems("rows.csv")
    read = read_table(put("table.csv", data), problems)
    explained(problems)
    assert read is not None or problems.found
    if read is not None:
        assert len(read.numbers) == len(read.records)
        assert all(len(record) == len(read.header) for record in read.records)


@cache
def _opened() -> tuple[Campaign, Template]:
    campaign = load_campaign(folder())
    return campaign, load_template(campaign.template, factors=[factor.name for factor in campaign.factors])


def rows(data: bytes) -> None:
    """The same through the declarations of a template: every row is good or has a complaint."""
    campaign, template = _opened()
    put("rows.csv", data)
    try:
        read = read_all_rows(campaign, template)
    except BadInput as refused:
        _counted(refused)
        return
    assert all(row.problems for row in read.refused)
    assert len({row.number for row in read.rows} | {row.number for row in read.refused}) == len(read.rows) + len(
        read.refused
    )


def campaign(data: bytes) -> None:
    """campaign.yaml."""
    _opened()  # what it names lies there
    put("campaign.yaml", data)
    try:
        load_campaign(folder())
    except BadInput as refused:
        _counted(refused)


def brand(data: bytes) -> None:
    """brand.yaml."""
    put("b.yaml", data)
    problems = Problems("campaign.yaml")
    assert load_brand(folder(), "b.yaml", problems) is not None or problems.found
    explained(problems)


KINDS = {"product": "text", "price": "money", "stock": "integer", "share": "percent", "hook": "choice"}
VALUES: dict[str, Value] = {
    "product": "Cup {x} ع",
    "price": Money(Decimal("19.90"), "USD"),
    "stock": 3,
    "share": Percent("25"),
    "hook": "",
}


def template(data: bytes) -> None:
    """A template's text: refused with a line, or rendered to a bounded line in any locale."""
    source = data.decode("utf-8", "replace")
    problems = Problems("t.j2")
    text = check_text("t.j2", source, KINDS, problems)
    explained(problems)
    assert (text is None) == bool(problems.found)
    for locale in ("en-US", "ar-EG", "tr-TR") if text is not None else ():
        with contextlib.suppress(RenderFailed):
            assert text is not None
            assert len(text.render(VALUES, locale)) <= LIMIT_OUTPUT


def picture(data: bytes) -> None:
    """A picture, through the check and the three that draw it; checksums fit, so that what they guard is reached."""
    for content in {data, _with_checksums(data)}:
        path = put("picture.png", content)
        wrong = check_picture(path)
        assert wrong is None or (len(wrong) == 3 and all(wrong))
        # What passes the check can be drawn; rows that do not pass it never get so far.
        drawn = (read_picture, read_logo.__wrapped__, lambda path: first_frame(path, Size(64, 64)))
        for opens in drawn if wrong is None else ():
            with contextlib.suppress(GenerationError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opens(path)


def mp4(data: bytes) -> None:
    """A film, through the reader of boxes, the prober, the reader of clips and the strict decoder."""
    path = put("film.mp4", data)
    for reads in (
        lambda: read_mp4(path),
        lambda: probe(path),
        lambda: read_clip(path),
        lambda: list(islice(clip_pictures(path, 4, Fraction(24)), 4)),
        lambda: list(islice(read_frames(path), 4)),
    ):
        with contextlib.suppress(BadMedia):
            reads()  # type: ignore[no-untyped-call]


def _with_checksums(data: bytes) -> bytes:
    """A PNG file whose chunks have the checksums of what they hold; other bytes as they are."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return data
    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        if at + 12 + length > len(data):
            break
        out += data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out + data[at:])


# --- first inputs ----------------------------------------------------------------------------------------------------


def _tables() -> Iterator[bytes]:
    lines = [["row_id", "product", "price", "stock", "opens", "share", "site", "tint", "size", "gift", "picture"]]
    lines += [["a", "Cup", "9.90", "3", "2026-12-31", "25%", "https://e.com/", "#102030", "small", "yes", "cup.png"]]
    lines += [["b", 'A "big"\ncup', "=1+1", "", "", "", "", "", "", "no", "../x"]]
    for delimiter in ",;\t|":
        held = io.StringIO(newline="")
        csv.writer(held, delimiter=delimiter).writerows(lines)
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"):
            yield held.getvalue().encode(encoding)
    yield b"sep=;\r\nrow_id;product\r\na;b\r\n"
    yield b"row_id,product,locale,variant,placements,seed,loras,enabled\na,b,de-DE,offer,ctv,7,x.safetensors:1,no\n"
    yield b"row_id,product\n,,,,\na,b\n"


def _campaigns() -> Iterator[bytes]:
    yield written.CAMPAIGN.encode()
    yield (
        written.CAMPAIGN
        + "factors: {hook: [question, offer]}\nsegments: [gamers]\nutm: {source: mail}\nseconds: 7.5\n"
        + "asset_hosts: [cdn.example.com]\nconform: {interpolation: motion, deflicker: 0.5}\nterritories: [US, EU]\n"
        + "engine_options: {a: [1, 2.5, true, null]}\nlook_loras: {film: [x.safetensors:0.6]}\n"
        + "disclosure: none\ndisclosure_reason: |\n  because\n"
    ).encode()
    yield b"a: &a [x]\nb: *a\n"
    yield b"--- !!python/object:x {}\n...\n? [1]\n: {2: 3}\n<<: {a: b}\n"


def _brands() -> Iterator[bytes]:
    yield b"name: Dawn\n"
    yield (
        b"name: Dawn\ncolours: {primary: '#102030', accent: '#ffb703', ink: '#101418', paper: '#fffaf2'}\n"
        b"logo: cup.png\nfonts: [a.ttf]\nfont_family: manrope\nwatermark: Dawn\n"
    )


def _templates() -> Iterator[bytes]:
    yield from (text.encode() for text in written.TEXTS.values())
    yield b"{% if stock > 2 and not hook %}{{ stock | plural(other='# d') }}{% else %}{{ 'x' ~ 2 }}{% endif %}"
    yield b"{{ price | money(cents='always') }} {{ share | percent }} {{ product | upper | shorten(10) }}"
    yield b"{{ (product if hook in ['a', 'b'] else 'x') | capitalize }}{# note #}{%- raw -%}{{ x }}{%- endraw -%}"
    yield b"{% for i in range(9) %}{{ lipsum(n=i) }}{% endfor %}{{ product.__class__['x'](1)[1:2] ** 2 % 3 }}"


def _pictures() -> Iterator[bytes]:
    info = PngImagePlugin.PngInfo()
    info.add_text("key", "text", zip=True)
    info.add_itxt("key", "text", "en", "key", zip=True)
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"):
        held = io.BytesIO()
        Image.new(mode, (64, 65)).save(held, "PNG", pnginfo=info)
        yield held.getvalue()
    noise = Image.effect_noise((64, 64), 60)
    for mode in ("RGB", "L", "CMYK"):
        for progressive in (False, True):
            held = io.BytesIO()
            noise.convert(mode).save(held, "JPEG", progressive=progressive, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
            yield held.getvalue()
    for options in ({}, {"lossless": True}, {"save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")]}):
        held = io.BytesIO()
        noise.convert("RGB").save(held, "WEBP", **options)
        yield held.getvalue()


def _films() -> Iterator[bytes]:
    from tests.generation.test_media_frames import make_film

    path = make_film(folder() / "seed.mp4", frames=4)
    whole = path.read_bytes()
    yield whole
    yield whole[: len(whole) // 2]
    yield (
        struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
        + struct.pack(">I4s", 8, b"moov")
        + struct.pack(">I4s", 8, b"mdat")
    )
    yield struct.pack(">I4sQ", 1, b"ftyp", 24) + b"isom\0\0\0\0" + struct.pack(">I4s", 0, b"moov")


#: Name -> the reader, and its first inputs.
TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], Iterator[bytes]]]] = {
    "table": (table, _tables),
    "rows": (rows, _tables),
    "campaign": (campaign, _campaigns),
    "brand": (brand, _brands),
    "template": (template, _templates),
    "picture": (picture, _pictures),
    "mp4": (mp4, _films),
}

#: Words that a fuzzer would need long to guess.
WORDS = {
    "table": ["sep=;", '""', '"\n', "\r\n", "\ufeff", ";", "\t", "|", "row_id"],
    "rows": ["row_id", "product.de", "picture", "https://", "../", "{{", "locale", "variant", "enabled", "=", '"'],
    "campaign": ["placements:", "factors:", "&a", "*a", "<<:", "!!", "|", ">-", "- ", "{", "0x", "1e9", "~", ".inf"],
    "brand": ["colours:", "logo:", "fonts:", "watermark:", "#ffffff", "&a", "*a", "!!"],
    "template": ["{{", "}}", "{%", "%}", "| money", "| plural", "| shorten", "if", "else", "endif", "~", "not", "and"],
    "picture": ["IHDR", "IDAT", "zTXt", "iTXt", "tRNS", "PLTE", "acTL", "iCCP", "VP8X", "ANMF", "ALPH", "EXIF"],
    "mp4": ["ftyp", "moov", "mdat", "trak", "edts", "elst", "stbl", "stts", "ctts", "stsz", "stco", "avcC", "moof"],
}
