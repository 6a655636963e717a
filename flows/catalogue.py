"""What there is to choose from, as tables of text: engines, voices, looks, placements, templates.

Asks each part for its own facts, so that a new engine or placement shows up by itself.
"""

from __future__ import annotations

from flows.placements import load_placements, safe_box
from flows.template import SHIPPED, load_template, template_names

Line = dict[str, str]


def engine_table() -> list[Line]:
    """Every engine with what it needs."""
    from generation.engines import engine_names, get_engine
    from generation.errors import NotAvailable

    lines = []
    for name in engine_names():
        try:
            engine = get_engine(name)
        except NotAvailable as error:
            lines.append(dict.fromkeys(_ENGINE, "") | {"name": name, "needs": str(error)})
            continue
        facts = (
            name,
            engine.title,
            "GPU" if engine.needs_gpu else "CPU",
            f"{engine.min_seconds:g}-{engine.max_seconds:g} s",
            "yes" if engine.makes_audio else "no",
            f"{engine.licence} (commercial use: {engine.commercial_use})",
            engine.needs or "nothing",
        )
        lines.append(dict(zip(_ENGINE, facts, strict=True)))
    return lines


_ENGINE = ("name", "what", "runs_on", "shots", "sound", "licence", "needs")


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
