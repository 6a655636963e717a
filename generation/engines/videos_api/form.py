"""A shot as the form that is posted to `/videos`, and the name under which the server may recognise it again.

The API takes multipart forms whose values are all strings. What the API itself does not know (seed, num_frames, fps,
negative_prompt) open servers read from further fields; a strict server's user switches them off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from generation.engines.videos_api.options import (
    VideosOptions,
    fps_to_ask,
    frames_to_ask,
    seconds_to_ask,
    size_to_ask,
)
from generation.spec import Shot

PICTURE_FIELD = "input_reference"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order sent, and the picture as PNG."""

    fields: tuple[tuple[str, str], ...]
    picture: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """A digest of all that is sent: the same shot, the same options."""
        digest = hashlib.sha256(json.dumps(self.fields, ensure_ascii=False).encode())
        digest.update(self.picture or b"")
        return f"spotmill-{digest.hexdigest()[:40]}"

    def get(self, name: str) -> str:
        """A field's value, "" when it is not sent."""
        return dict(self.fields).get(name, "")


def form_of(shot: Shot, options: VideosOptions) -> Form:
    """The form for a shot.

    Raises: BadShot when the server makes none that long; BadMedia for a picture that cannot be read.
    """
    fields = {
        "prompt": shot.prompt,
        "model": options.model,
        "seconds": str(seconds_to_ask(shot, options)),
        "size": str(size_to_ask(shot, options)),
        "seed": str(shot.seed) if options.send_seed else "",
        "fps": str(fps_to_ask(shot, options)) if options.send_frames else "",
        "num_frames": str(frames_to_ask(shot, options)) if options.send_frames else "",
        "negative_prompt": shot.negative_prompt if options.send_negative else "",
        "num_inference_steps": str(options.steps or ""),
        "guidance_scale": "" if options.guidance is None else f"{options.guidance:g}",
    }
    fields |= {name: _text(value) for name, value in options.extra.items()}
    return Form(tuple((name, value) for name, value in fields.items() if value), _picture(shot, options))


def _text(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _picture(shot: Shot, options: VideosOptions) -> bytes | None:
    if shot.first_frame is None and shot.image is None:
        return None
    from generation.engines.videos_api.picture import picture_of

    return picture_of(shot, size_to_ask(shot, options))


def unsent(shot: Shot, options: VideosOptions) -> tuple[str, ...]:
    """What the shot has and the server is not told, as sentences for the report."""
    said = []
    if not options.send_seed:
        said.append("the seed was not sent: another run gives another film")
    if shot.negative_prompt and not options.send_negative:
        said.append("the negative prompt was not sent")
    if shot.first_frame is not None and shot.image is not None:
        said.append("the picture was not sent: the server takes one, and the film begins with the shot before")
    return tuple(said)
