"""From a shot to its frames: sets the stage once, then draws frame after frame into the encoder's own planes.

The only file here that writes video. Drawing a 1080x1920 frame costs a few milliseconds; see `sheets` for how.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from generation.engines.animatic.camera import choose_camera
from generation.engines.animatic.hero import add_hero
from generation.engines.animatic.palette import choose_palette
from generation.engines.animatic.places import PLACES
from generation.engines.animatic.scene import imagine
from generation.engines.animatic.sheets import Element, Moment
from generation.engines.animatic.stage import Stage
from generation.engines.animatic.weather import add_weather
from generation.media.frames import Planes, VideoWriter, new_frame
from generation.spec import Shot

_USUAL_MOVES = ("push", "push", "pull", "pan_left", "pan_right", "orbit", "rise")


def set_stage(
    shot: Shot, *, camera: str = "auto", motion: float = 1.0, place: str = "auto", time: str = "auto"
) -> tuple[Stage, dict[str, object]]:
    """Paint everything a shot shows, once; returns the stage and the notes for the report.

    Raises: BadShot and BadMedia for the shot's picture.
    """
    scene = imagine(
        shot.prompt, shot.seed, negative_prompt=shot.negative_prompt, place=_given(place), time=_given(time)
    )
    move = _given(camera) or scene.move or str(scene.rng("move").choice(_USUAL_MOVES))
    eye = choose_camera(
        move, shot.size, shot.frames, shot.seconds, motion=motion,
        focus=(0.5 * shot.size.width_px, 0.56 * shot.size.height_px), phase=float(scene.rng("sway").uniform(0, 6)),
    )  # fmt: skip
    stage = Stage(
        scene,
        choose_palette(scene),
        eye,
        shot.size,
        fps=float(shot.fps),
        seconds=shot.seconds,
        hero=shot.image is not None,
    )
    PLACES[scene.place](stage)
    shown = add_hero(stage, shot.image) if shot.image is not None else ""
    add_weather(stage)
    return stage, _notes(stage, move, shown)


def _given(option: str) -> str:
    return "" if option == "auto" else option


def _notes(stage: Stage, move: str, shown: str) -> dict[str, object]:
    """Which words were drawn, which were not, and what the scene came to."""
    scene = stage.scene
    owned = set(scene.colour_of.values()) - set(scene.colours)
    colours = set(scene.reading.concepts("colour")) - owned  # a natural colour (a green meadow) is drawn by its place
    drawn = stage.drawn | set(scene.moods) | colours | ({move} if move == scene.move else set())
    words: dict[str, dict[str, None]] = {"drawn": {}, "pictured": {}, "not_drawn": {}}
    for word in scene.reading.words:
        known = bool(word.kind) and word.concept in drawn
        pictured = not known and word.concept == stage.pictured != ""
        words["drawn" if known else "pictured" if pictured else "not_drawn"][word.text] = None
    summary = {
        "place": scene.place,
        "time": scene.time,
        "weather": scene.weather,
        "people": len(scene.people),
        "camera": move,
    }
    notes: dict[str, object] = {"drawn": [*words["drawn"]], "not_drawn": [*words["not_drawn"]], "scene": summary}
    # What the row's picture stands for is not drawn beside it a second time.
    return notes | ({"picture": shown, "pictured": [*words["pictured"]]} if shown else {})


def draw_frame(planes: Planes, elements: list[Element], moment: Moment) -> None:
    """Draw one frame, back to front; rows that something nearer hides are left out."""
    hidden_from = planes.y.shape[0]
    limits = []
    for element in reversed(elements):
        limits.append(hidden_from)
        hidden_from = min(hidden_from, element.solid_from(moment))
    for element, until in zip(elements, reversed(limits), strict=True):
        if until > 0:
            element.draw(planes, moment, until)


def film_shot(shot: Shot, stage: Stage, path: Path) -> Iterator[int]:
    """Draw and encode all frames of a shot; yields the number of frames done."""
    fps = float(shot.fps)
    with VideoWriter(path, shot.size, shot.fps, tier="intermediate") as writer:
        for index in range(shot.frames):
            frame, planes = new_frame(shot.size)
            draw_frame(planes, stage.elements, Moment(stage.camera, index, index / fps))
            writer.write_frame(frame)
            yield index + 1
