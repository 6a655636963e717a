"""What is seen in a film, decided from the words of its prompt: a pure, frozen description, nothing drawn yet.

Two prompts that say different things give different scenes; what a prompt leaves open is decided by its own hash and
the seed, so that an unknown prompt still has a film of its own. Does not know sizes, pixels or colours' mixing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from generation.engines.animatic.words import Reading, read_prompt

#: Places under a roof: no weather, a wall and a surface.
INDOORS = frozenset({"room", "kitchen", "cafe", "office", "bedroom", "gym", "studio"})

#: Which place a word suggests when the prompt names none, strongest first.
_HINTS = (
    ("boat", "sea"), ("lighthouse", "sea"), ("fish", "sea"), ("palm", "beach"), ("umbrella", "beach"),
    ("rocket", "space"), ("cactus", "desert"), ("hotair", "sky"), ("plane", "sky"), ("kite", "field"),
    ("car", "road"), ("bus", "street"), ("van", "street"), ("bicycle", "street"), ("streetlamp", "street"),
    ("sofa", "room"), ("fireplace", "room"), ("lamp", "room"), ("shelf", "room"), ("window", "room"),
    ("laptop", "office"), ("chair", "room"), ("bench", "field"), ("pine", "forest"), ("deer", "forest"),
    ("tent", "mountain"), ("campfire", "forest"), ("house", "field"), ("windmill", "field"), ("tree", "field"),
    ("cow", "field"), ("sheep", "field"), ("horse", "field"), ("butterfly", "field"), ("fireworks", "city"),
    ("bowl", "kitchen"), ("bread", "kitchen"), ("pizza", "kitchen"), ("burger", "cafe"), ("cup", "cafe"),
    ("glass", "cafe"), ("croissant", "cafe"), ("cake", "kitchen"), ("fruit", "kitchen"), ("cat", "room"),
    ("table", "room"), ("candle", "room"), ("plant", "room"), ("vase", "studio"), ("bottle", "studio"),
    ("jar", "studio"), ("shoe", "studio"), ("watch", "studio"), ("headphones", "studio"), ("speaker", "studio"),
    ("phone", "studio"), ("bag", "studio"), ("gift", "studio"), ("book", "room"), ("ball", "gym"),
    ("balloon", "sky"), ("bird", "sky"), ("star", "space"), ("moon", "sky"), ("rainbow", "field"),
    ("flower", "field"), ("dog", "field"), ("camera", "studio"), ("bubble", "sky"),
    ("snow", "mountain"), ("autumn", "forest"), ("storm", "sea"), ("fog", "forest"), ("rain", "street"),
    ("spring", "field"), ("summer", "field"), ("cloudy", "sky"), ("clear", "sky"),
    ("wind", "field"), ("picture", "room"), ("stringlights", "market"), ("steam", "cafe"),
)  # fmt: skip

#: Places that can be seen behind another one.
_FAR = frozenset({"sea", "mountain", "city", "forest", "lake", "desert", "field", "beach"})

#: What a colour word directly before it belongs to.
_OWNERS = ("thing", "person", "animal")
_GREENS, _BLUES = ("#3f9b4f", "#8a9a3b", "#9ed8b4"), ("#2f6fd0", "#129490", "#1d2f5f")
_NATURAL = {
    "field": (*_GREENS, "#f5b82e"),
    "forest": _GREENS,
    "mountain": (*_GREENS, "#f4f4f1", "#8d939c"),
    "sea": _BLUES,
    "lake": _BLUES,
    "sky": _BLUES,
    "beach": ("#f4f4f1", "#e8dcc4", "#c9a24a"),
    "desert": ("#f26b3a", "#c9a24a", "#e8dcc4"),
    "snow": ("#f4f4f1",),
    "cloudy": ("#f4f4f1", "#8d939c"),
    "night": ("#2a2b30", "#1d2f5f"),
    "space": ("#2a2b30",),
}

_TIMES = ("morning", "day", "golden", "dusk")


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a place needs to know to paint itself."""

    place: str
    #: Other places named in the prompt, seen far behind.
    beyond: tuple[str, ...]
    time: str
    weather: str
    season: str
    moods: tuple[str, ...]
    #: `#rrggbb` that steer the palette, in the order of the prompt.
    colours: tuple[str, ...]
    #: `#rrggbb` of single concepts: "a red car" colours the car.
    colour_of: dict[str, str]
    people: tuple[str, ...]
    pose: str
    animals: tuple[str, ...]
    things: tuple[str, ...]
    move: str
    angle: str
    #: Entropy of the scene: the seed and the prompt.
    entropy: tuple[int, ...]
    reading: Reading = field(repr=False)

    @property
    def indoors(self) -> bool:
        """Whether there is a roof over the scene."""
        return self.place in INDOORS

    def rng(self, name: str) -> np.random.Generator:
        """A random stream of its own for each part, so that one part's draws never shift another's."""
        return np.random.default_rng((*self.entropy, *_hash(name)))


def _hash(text: str) -> tuple[int, ...]:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return tuple(int.from_bytes(digest[at : at + 4], "big") for at in (0, 4))


def imagine(prompt: str, seed: int, *, negative_prompt: str = "", place: str = "", time: str = "") -> Scene:
    """Decide the scene of a prompt; `place` and `time` overrule what the words say."""
    reading = read_prompt(prompt, negative_prompt)
    entropy = (abs(seed), *_hash(prompt))
    chance = np.random.default_rng((*entropy, *_hash("scene")))
    things = reading.concepts("thing")
    places = (place,) if place else _places(reading)
    return Scene(
        place=places[0],
        beyond=tuple(name for name in places[1:] if name in _FAR),
        time=time or _time(reading, places[0], chance),
        weather=_first(reading, "weather", ""),
        season=_first(reading, "season", ""),
        moods=reading.concepts("mood"),
        colours=_scene_colours(reading),
        colour_of=_own_colours(reading),
        people=_people(reading),
        pose=_first(reading, "pose", ""),
        animals=reading.concepts("animal"),
        things=things,
        move=_first(reading, "camera", ""),
        angle=_first(reading, "angle", ""),
        entropy=entropy,
        reading=reading,
    )


def _first(reading: Reading, kind: str, otherwise: str) -> str:
    found = reading.concepts(kind)
    return found[0] if found else otherwise


def _places(reading: Reading) -> tuple[str, ...]:
    """The places named, the one to stand in first; else what the other words suggest; else the honest abstract."""
    if named := reading.concepts("place"):
        first = sorted(named, key=_rank)  # stable: of two alike the first named wins
        if (
            first[0] == "sea"
            and (_people(reading) or reading.concepts("animal"))
            and "boat" not in reading.concepts("thing")
        ):
            return ("beach", *first)
        return tuple(first)
    mentioned = {word.concept for word in reading.words}
    return (next((place for hint, place in _HINTS if hint in mentioned), _place_of_people(reading)),)


def _rank(place: str) -> int:
    """A market by the sea is a market with the sea behind it: settings before landscapes, vague words last."""
    vague = {"sky", "space", "abstract"}
    return 3 if place in vague else 2 if place == "city" else 1 if place in _FAR and place != "lake" else 0


def _place_of_people(reading: Reading) -> str:
    """People and a time of day need some ground to stand on; anything else is abstract."""
    if _people(reading) or reading.concepts("pose"):
        return "street"
    return "sky" if reading.concepts("time") else "abstract"


def _time(reading: Reading, place: str, chance: np.random.Generator) -> str:
    if named := reading.concepts("time"):
        return named[0]
    drawn = str(chance.choice(_TIMES))
    mentioned = {word.concept for word in reading.words}
    if mentioned & {"star", "moon", "fireworks", "future"} or place == "space":
        return "night"
    if "clear" in mentioned or place in ("studio", "office", "gym"):
        return "day"
    return drawn


def _own_colours(reading: Reading) -> dict[str, str]:
    """Colours that stand directly before a thing, a person or an animal belong to it."""
    words = reading.words
    pairs = pairwise(words)
    return {b.concept: a.concept for a, b in pairs if a.kind == "colour" and b.kind in _OWNERS}


def _scene_colours(reading: Reading) -> tuple[str, ...]:
    """The colours of the whole picture: not a thing's own, nor what a place has anyway (a green meadow, a blue sky)."""
    words = reading.words
    followers = (*words[1:], None)[: len(words)]
    free = [
        word.concept
        for word, after in zip(words, followers, strict=True)
        if word.kind == "colour"
        and not (after and after.kind in _OWNERS)
        and not (after and word.concept in _NATURAL.get(after.concept, ()))
    ]
    return tuple(dict.fromkeys(free))


def _people(reading: Reading) -> tuple[str, ...]:
    """The figures asked for, one entry per figure, at most six."""
    if reading.banned & {"people", "person"}:
        return ()
    figures: list[str] = []
    several = {"couple": ("woman", "man"), "family": ("woman", "man", "child"), "people": ("any",) * 4}
    named = {word.concept: word.text for word in reversed(reading.words) if word.kind == "person"}
    for concept in reading.concepts("person"):
        one = several.get(concept, ("any",) if concept == "person" else (concept,))
        figures.extend(one * (3 if concept not in several and _is_plural(named[concept]) else 1))
    if not figures and reading.concepts("pose"):
        figures.append("any")
    return tuple(figures[:6])


def _is_plural(word: str) -> bool:
    return word in ("women", "men", "children") or (word.endswith("s") and word != "his")
