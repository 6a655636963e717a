"""The master: a plate with its title sheet drawn over it, encoded once.

The plate is read twice: once for its light (kept for the next master over the same plate), then frame by frame into the
encoder's own frame, which is drawn over and written: one copy, no RGB. Knows the order of things; each of them is
done next door.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from generation.errors import BadMedia
from generation.layers.blend import blend
from generation.layers.canvas import Sprite, sprite
from generation.layers.elements import Tone, dark_tone, light_tone
from generation.layers.grid import grid
from generation.layers.ground import Ground
from generation.layers.light import Light, measure_light
from generation.layers.motion import Pose, leeway, pose, wipe
from generation.layers.placed import Part, Placed, Words
from generation.layers.shade import Shade, prefers_dark_text
from generation.layers.shaping import is_rtl_locale, shape
from generation.layers.spec import TitleSheet
from generation.layers.titles import lay_out
from generation.marks.invisible.contract import MarkWriter
from generation.media.frames import Frame, Planes, VideoWriter, new_frame, read_frames, views


def compose_master(
    plate: Path, path: Path, sheet: TitleSheet, *, tier: str = "final", mark: MarkWriter | None = None
) -> dict[str, object]:
    """Draw the sheet over the plate and write the master, video only; the same inputs give the same bytes.

    An invisible `mark` is drawn last, so that it covers the titles too and is encoded with them, once.

    Returns notes for the report, JSON values only: what was drawn where and when, the fonts used, the text's tone, the
    deepest shade, the mark. Raises: BadMedia when the plate has another size or number of frames than the sheet, and
    whatever `lay_out` raises, both before a byte is written; ToolFailed.
    """
    stage = Stage(sheet, plate)
    with VideoWriter(path, sheet.size, sheet.fps, tier) as writer:
        for frame in stage.frames(plate):
            if mark is not None:
                mark.apply(views(frame))
            writer.write_frame(frame)
    return stage.notes() | {"tier": tier} | ({"invisible": dict(mark.facts)} if mark is not None else {})


class Stage:
    """One sheet over one plate: sprites are drawn when first needed and dropped when they have left."""

    def __init__(self, sheet: TitleSheet, plate: Path) -> None:
        self._sheet = sheet
        self._unit = grid(sheet.size, sheet.safe).unit
        self._placed = lay_out(sheet)
        light = measure_light(plate)
        if (light.size, light.frames) != (sheet.size, sheet.frames):
            raise BadMedia(
                f"{plate.name}: {light.frames} frames of {light.size}; the title sheet is for {sheet.frames} frames of "
                f"{sheet.size}"
            )
        self.tone = self._tone(light)
        if self.tone != light_tone(sheet.brand):
            self._placed = lay_out(sheet, self.tone)
        shaded = self._on_footage()
        self._shaded = {id(thing): index for index, thing in enumerate(shaded)}
        self._shade = Shade(sheet.size, shaded, light, self.tone.shade, self._unit)
        self._sprites: dict[tuple[int, int], Sprite] = {}
        self._grounds: dict[int, Ground] = {}

    def _on_footage(self) -> list[Placed]:
        return [thing for thing in self._placed if thing.shaded]

    def _tone(self, light: Light) -> Tone:
        """Light text, unless this footage would have to be darkened much more for it than lightened for dark text."""
        bright, dark = light_tone(self._sheet.brand), dark_tone(self._sheet.brand)
        pairs = (bright.text, bright.shade), (dark.text, dark.shade)
        return dark if prefers_dark_text(self._on_footage(), light, *pairs) else bright

    def frames(self, plate: Path) -> Iterator[Frame]:
        """The finished frames; each is valid until the next is asked for. Raises: BadMedia."""
        frame, target = new_frame(self._sheet.size)
        for number, planes in enumerate(read_frames(plate)):
            for mine, theirs in zip(target, planes, strict=True):
                np.copyto(mine, theirs)
            self._draw(number, target)
            yield frame

    def _draw(self, number: int, planes: Planes) -> None:
        """Everything that is on one frame, in the layout's order."""
        present = {
            self._shaded[id(thing)]: max(self._pose(thing, part, number).opacity for part in thing.parts)
            for thing in self._placed
            if thing.shaded and thing.start_frame <= number < thing.end_frame
        }
        self._shade.draw(number, planes, present)
        for index, thing in enumerate(self._placed):
            if thing.start_frame <= number < thing.end_frame:
                self._draw_thing(index, thing, number, planes)
            elif number == thing.end_frame:
                self._sprites = {key: kept for key, kept in self._sprites.items() if key[0] != index}

    def _draw_thing(self, index: int, thing: Placed, number: int, planes: Planes) -> None:
        if thing.backdrop:
            since = number - thing.start_frame
            self._ground(index, thing).draw(planes, since, self._sheet.fps, wipe(since, self._sheet.fps))
        for order, part in enumerate(thing.parts):
            where = self._pose(thing, part, number)
            if where.opacity > 0:
                if (index, order) not in self._sprites:
                    self._sprites[index, order] = sprite(part.marks)
                blend(planes, self._sprites[index, order], where, self._unit, leeway(thing.box, self._sheet.safe))

    def _pose(self, thing: Placed, part: Part, frame: int) -> Pose:
        # What is covered by an end card, or lasts to the film's end, has no exit of its own.
        leaves = not thing.covered and thing.end_frame < self._sheet.frames
        since = frame - thing.start_frame - part.delay_frames
        return pose(part.motion, since, thing.end_frame - frame, self._sheet.fps, leaves=leaves)

    def _ground(self, index: int, thing: Placed) -> Ground:
        if index not in self._grounds:
            rtl = is_rtl_locale(self._sheet.locale)
            self._grounds[index] = Ground(self._sheet.size, (thing.backdrop, thing.colour), mirrored=rtl)
        return self._grounds[index]

    def notes(self) -> dict[str, object]:
        """What was drawn where and when, for the report and for later proof."""
        layers: list[Mapping[str, object]] = [
            {
                "kind": thing.kind,
                "text": thing.text,
                "box": [thing.box.x, thing.box.y, thing.box.width, thing.box.height],
                "frames": [thing.start_frame, thing.end_frame],
            }
            for thing in self._placed
        ]
        fonts = sorted(
            {
                glyph.face.path.name
                for thing in self._placed
                for part in thing.parts
                for mark in part.marks
                if isinstance(mark, Words)
                for glyph in shape(mark.text, mark.typeface).glyphs
            }
        )
        dark = self.tone == dark_tone(self._sheet.brand)
        shade = round(self._shade.deepest, 3)
        return {"layers": layers, "fonts": fonts, "text": "dark" if dark else "light", "deepest_shade": shade}
