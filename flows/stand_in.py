"""Pictures that stand in for a product until there is one: a plain box on transparency, or a plain store front.

Drawn in code, deterministic, meant to be replaced.
"""

from __future__ import annotations

from pathlib import Path

#: One for each picture of a campaign, in turn: light and dark side.
_COLOURS = (("#6d8fb3", "#3d5a80"), ("#e9a178", "#c8693f"), ("#8fb996", "#52796f"))
_SIZE = 1000


def draw_stand_in(path: Path, number: int) -> Path:
    """Draw the picture `number` into `path`: with transparency as PNG or WebP, full-bleed as JPEG."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    light, dark = _COLOURS[number % len(_COLOURS)]
    big = _front(light, dark) if path.suffix.lower() in (".jpg", ".jpeg") else _box(light, dark)
    picture = big.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    picture.save(path, quality=90) if picture.mode == "RGB" else picture.save(path)
    return path


def _box(light: str, dark: str):  # type: ignore[no-untyped-def]  # Pillow is imported late; callers see the file only
    from PIL import Image, ImageDraw

    picture = Image.new("RGBA", (2 * _SIZE, 2 * _SIZE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(300, 640), (1000, 840), (1000, 1840), (300, 1600)], fill=light)
    pen.polygon([(1700, 640), (1000, 840), (1000, 1840), (1700, 1600)], fill=dark)
    pen.polygon([(300, 640), (1000, 440), (1700, 640), (1000, 840)], fill="#f4ede1")
    pen.polygon([(560, 566), (740, 514), (1440, 714), (1260, 766)], fill="#e5d8c1")
    pen.polygon([(560, 714), (740, 766), (740, 1060), (560, 1002)], fill="#f4ede1")
    return picture


def _front(light: str, dark: str):  # type: ignore[no-untyped-def]  # as above
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (2 * _SIZE, 2 * _SIZE), "#efe6d8")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 1660, 2000, 2000), fill="#b9ada0")
    pen.rectangle((240, 300, 1760, 1660), fill=light)
    pen.rectangle((340, 880, 1160, 1560), fill="#fbf3dc")
    pen.rectangle((1280, 880, 1640, 1660), fill="#fbf3dc")
    for number in range(8):
        left = 240 + number * 190
        fill = dark if number % 2 == 0 else "#f7f1e6"
        pen.polygon([(left, 620), (left + 190, 620), (left + 190, 800), (left, 800)], fill=fill)
        pen.pieslice((left, 720, left + 190, 880), 0, 180, fill=fill)
    return picture
