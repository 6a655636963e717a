"""The voices there are: a table of name -> where the class is and how its library is installed.

Nothing is imported until a voice is asked for by name. A new voice is one file here and one row; a voice of another
package registers a class in the entry-point group `spotmill.voices` and needs no row.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from importlib.metadata import entry_points

from audio.errors import NotAvailable, NoVoice
from audio.voices.contract import Voice

#: name -> ("module:Class", what to install; empty when nothing is).
_TABLE = {
    "espeak": ("audio.voices.espeak:EspeakVoice", "pip install 'spotmill[espeak]'"),
    "none": ("audio.voices.silent:SilentVoice", ""),
}
#: What `auto` tries, the best first.
_AUTO = ("espeak",)


def _places() -> dict[str, str]:
    """Name -> "module:Class", other packages' voices included; a built-in name cannot be taken over."""
    found = {entry.name: entry.value for entry in entry_points(group="spotmill.voices")}
    return found | {name: place for name, (place, _) in _TABLE.items()}


def voice_names() -> tuple[str, ...]:
    """All names, sorted; installed or not."""
    return tuple(sorted(_places()))


def install_sentence(name: str) -> str:
    """How the voice's library is installed; empty when nothing is needed."""
    return _TABLE.get(name, ("", ""))[1]


def get_voice(name: str) -> Voice:
    """A voice by name. Raises: NoVoice for a name that does not exist, NotAvailable when its module is broken."""
    # Ours need no look into every installed package: each creative asks for a voice.
    places = {name: _TABLE[name][0]} if name in _TABLE else _places()
    if name not in places:
        near = difflib.get_close_matches(name, places, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(places))}"
        raise NoVoice(f"there is no voice {name!r}; {hint}")
    module, _, class_name = places[name].partition(":")
    try:
        made = getattr(importlib.import_module(module), class_name)()
    except (ImportError, AttributeError) as error:
        way_out = install_sentence(name)
        raise NotAvailable(
            f"the voice {name!r} cannot be loaded ({error}){': ' + way_out if way_out else ''}"
        ) from error
    if not isinstance(made, Voice):
        raise NotAvailable(f"the voice {name!r} ({places[name]}) is not an audio.voices.contract.Voice")
    return made


def choose_voice(wanted: str, locales: Iterable[str]) -> tuple[str, str]:
    """The voice that a campaign's setting means, and why, as a sentence for the plan.

    `auto` takes the first built-in voice that speaks every locale. Nothing is chosen silently and there is no
    silent film by accident: without a voice this is an error with both ways out.

    Raises: NoVoice, naming the locales that stay mute.
    """
    tags = sorted(set(locales))
    if wanted != "auto":
        voice = get_voice(wanted)
        if install_sentence(wanted) and not any(voice.speaks(tag) for tag in ("en", *tags)):
            raise NoVoice(f"the voice {wanted} is not installed: {install_sentence(wanted)}, or set `voice: none`")
        _refuse_mute(voice, tags)
        return wanted, f"voice {wanted}: set by the campaign"
    reasons = []
    for name in _AUTO:
        voice = get_voice(name)
        if not any(voice.speaks(tag) for tag in ("en", *tags)):
            reasons.append(f"{name} is not installed: {install_sentence(name)}")
            continue
        _refuse_mute(voice, tags)
        return name, f"voice {name}: the first installed voice that speaks {', '.join(tags)} ({voice.quality} quality)"
    raise NoVoice(f"no voice is installed ({'; '.join(reasons)}); or set `voice: none` for films without voiceover")


def _refuse_mute(voice: Voice, tags: list[str]) -> None:
    mute = [tag for tag in tags if not voice.speaks(tag)]
    if mute:
        raise NoVoice(f"the voice {voice.id} does not speak {', '.join(mute)}; drop them, or set `voice: none`")
