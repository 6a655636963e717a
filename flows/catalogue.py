"""What there is to choose from, as tables of text: engines, voices, looks, placements, templates.

Asks each part for its own facts, so that a new engine or placement shows up by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.model import BadInput, Problem
from flows.placements import load_placements, safe_box
from flows.provenance import licence_terms
from flows.template import SHIPPED, load_template, template_names
from generation.spec import DELIVERY_FPS

if TYPE_CHECKING:
    from generation.engines.contract import Engine

Line = dict[str, str]
SHOWN_SIZES = 2


def engine_table() -> list[Line]:
    """Every engine: what it makes from what, under which licence, and whether it is ready on this machine."""
    from generation.engines import engine_names, get_engine
    from generation.errors import NotAvailable

    try:
        names = engine_names()
    except NotAvailable as error:
        raise BadInput((Problem("engines", None, None, error.code, "", str(error), ""),)) from error
    lines = []
    for name in names:
        try:
            engine = get_engine(name)
        except NotAvailable as error:
            lines.append(dict.fromkeys(_ENGINE, "") | {"name": name, "here": str(error)})
            continue
        facts = (
            name,
            engine.title,
            _runs_on(engine),
            _sizes(engine),
            _shots(engine),
            ", ".join(sorted(way.replace("_", " ") for way in engine.ways)) or "the prompt only",
            licence_terms(engine),
            next(iter(engine.missing()), "ready").removeprefix(f"{name} "),
        )
        lines.append(dict(zip(_ENGINE, facts, strict=True)))
    return lines


_ENGINE = ("name", "what", "runs_on", "sizes", "shots", "starts_from", "licence", "here")


def _runs_on(engine: Engine) -> str:
    """CPU, or a GPU with so much memory; it needs less where the weights are kept in 8 bits, or on the machine."""
    if not engine.needs_gpu:
        return "CPU"
    needed = [f"{precision} {gib:g}" for precision, gib in engine.memory_gib.items()]
    return "GPU, GiB: " + ", ".join(needed) if needed else "GPU"


def _sizes(engine: Engine) -> str:
    """The first sizes; a model has one for each aspect, of about the same area."""
    sizes = [str(size) for size in engine.native_sizes]
    more = f" and {len(sizes) - SHOWN_SIZES} more" if len(sizes) > SHOWN_SIZES else ""
    return ", ".join(sizes[:SHOWN_SIZES]) + more or "any"


def _shots(engine: Engine) -> str:
    """Length, rate and sound of a shot."""
    rate = engine.native_fps(DELIVERY_FPS)
    parts = [
        f"{engine.min_seconds:.3g}-{engine.max_seconds:.3g} s",
        "any rate" if rate == DELIVERY_FPS else f"{float(rate):g} fps",
        "sound" if engine.makes_audio else "silent",
    ]
    return ", ".join(parts)


def voice_table() -> list[Line]:
    """Every voice with its quality and what it needs."""
    from audio.voices import get_voice, voice_names

    return [
        {
            "name": name,
            "what": voice.title,
            "quality": voice.quality,
            "licence": f"{voice.licence} (commercial use: {voice.commercial_use})",
            "needs": voice.needs or "nothing",
        }
        for name, voice in ((name, get_voice(name)) for name in voice_names())
    ]


def look_table() -> list[Line]:
    """Every look."""
    from generation.looks import get_look, look_names

    looks = [get_look(name) for name in look_names()]
    return [{"name": look.name, "what": look.description, "prompt_words": look.prompt_words} for look in looks]


def placement_table() -> list[Line]:
    """Every placement with its limits and how sure they are."""
    lines = []
    for place in load_placements().values():
        x, y, width, height = safe_box(place)
        lines.append(
            {
                "name": place.id,
                "aspect": place.aspect,
                "size": f"{place.width}x{place.height}",
                "seconds": f"{place.min_seconds:g}-{place.max_seconds:g}",
                "loudness": f"{place.loudness_lufs:g} LUFS",
                "text_inside": f"x {x}-{x + width}, y {y}-{y + height}",
                "watermark": "yes" if place.watermark else "no",
                "checked": f"{place.origin.checked} ({place.origin.confidence})",
            }
        )
    return lines


def template_table() -> list[Line]:
    """Every template with its variables; required ones are marked with a star."""
    lines = []
    for name in template_names():
        spec = load_template(SHIPPED / name).spec
        variables = [f"{key}*" if variable.required else key for key, variable in spec.variables.items()]
        lines.append(
            {
                "name": name,
                "what": f"{spec.title}. {spec.description}".strip(),
                "seconds": f"{spec.seconds.min:g}-{spec.seconds.max:g}",
                "variables": ", ".join(variables),
                "factors": "; ".join(f"{key}: {', '.join(one.arms)}" for key, one in spec.factors.items()),
            }
        )
    return lines
