"""The port's side of a server: facts, what is refused before anything is sent, and the batch handed to `jobs`.

This module imports nothing heavy and opens no connection, so that a plan can read the facts without httpx.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from generation.engines.contract import Engine
from generation.engines.videos_api.address import KEY_VARIABLE, URL_VARIABLE, server_from
from generation.engines.videos_api.limits import Clock, Limits
from generation.engines.videos_api.options import (
    NATIVE_FPS,
    NATIVE_SIZES,
    VideosOptions,
    nearest_size,
    seconds_to_ask,
)
from generation.errors import BadShot, NotAvailable
from generation.spec import Footage, Progress, Shot, Size

if TYPE_CHECKING:
    from generation.engines.videos_api.task import Memory

_SMALLEST_PX, _LARGEST_PX = 64, 4096


class VideosApi(Engine):
    """Films from a server that speaks the OpenAI Videos API; which model it serves, and its licence, the user says."""

    id = "videos-api"
    title = "Videos API: any server that speaks it (SGLang-Diffusion, vLLM-Omni, FastVideo, gateways)"
    #: Changed by hand when other fields are sent or the server's film is treated otherwise: footage is paid for, and a
    #: digest of the sources would have it made again for a changed comment.
    revision = "videos-api-1"
    licence = "that of the served model, which you state with the option licence"
    commercial_use = "conditional"
    conditions = "Name the licence of the model that your server serves: `engine_options: {licence: ...}`"
    needs_gpu = False
    needs = f"a server's address in {URL_VARIABLE}, and its key in {KEY_VARIABLE} where it asks for one"
    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    ways = frozenset({"image", "first_frame"})
    native_sizes: tuple[Size, ...] = NATIVE_SIZES
    shots_per_job = 4
    neutral_options = frozenset({"concurrency", "deadline_seconds", "licence"})
    Options = VideosOptions

    def __init__(self, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self._limits, self._clock = limits or Limits(), clock or Clock()
        self._fps = NATIVE_FPS
        self._memory: Memory | None = None

    def for_options(self, options: Mapping[str, object]) -> VideosApi:
        """See `Engine`: the server's sizes, rate, model, licence and sound are what the options say."""
        chosen = self._options(options)
        made = copy.copy(self)
        made.native_sizes = chosen.asked_sizes or self.native_sizes
        made._fps = Fraction(chosen.fps) if chosen.fps else self._fps
        if chosen.licence:  # stated by the user, who answers for it
            made.licence, made.commercial_use = chosen.licence, "yes"
        made.models = (chosen.model,) if chosen.model else ()
        made.makes_audio = chosen.keep_sound
        return made

    def missing(self) -> tuple[str, ...]:
        """See `Engine`. Asks nothing of the network: whether the server answers, the run shows."""
        try:
            server_from()
        except NotAvailable as error:
            return (str(error),)
        return ()

    def native_fps(self, wanted: Fraction) -> Fraction:
        """See `Engine`."""
        return self._fps

    def native_size(self, wanted: Size) -> Size:
        """See `Engine`: what the shape of `wanted` loses least in."""
        return nearest_size(wanted, self.native_sizes)

    def refuse(self, shot: Shot) -> None:
        """See `Engine`; also refuses odd sizes, lengths that the server does not make, and pictures that are none."""
        super().refuse(shot)
        for name, value in (("width", shot.size.width_px), ("height", shot.size.height_px)):
            if not _SMALLEST_PX <= value <= _LARGEST_PX:
                nearest = _SMALLEST_PX if value < _SMALLEST_PX else _LARGEST_PX
                raise BadShot(
                    f"{self.id}: {name} {value} px is outside {_SMALLEST_PX}-{_LARGEST_PX}; nearest is {nearest}"
                )
        seconds_to_ask(shot, self._options(shot.options))
        pictures = [path for path in (shot.image, shot.first_frame) if path is not None]
        if pictures:
            from generation.engines.diffusion.pictures import check_picture

            for path in pictures:
                check_picture(path)

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        """See `Engine`. A shot that fails leaves its siblings' jobs running; the next call takes them up."""
        for shot in shots:
            self.refuse(shot)
        server = server_from()
        from generation.engines.videos_api.client import Client
        from generation.engines.videos_api.jobs import Batch
        from generation.engines.videos_api.task import Memory, Task

        self._memory = self._memory or Memory()
        tasks = [
            Task(index, shot, path, self._options(shot.options))
            for index, (shot, path) in enumerate(zip(shots, paths, strict=True))
        ]
        with Client(server, self._limits, self._clock) as client:
            yield from Batch(client, tasks, self._memory, self._limits, self._clock).events()

    def _options(self, options: Mapping[str, object]) -> VideosOptions:
        chosen = self.validated(options)
        assert isinstance(chosen, VideosOptions)
        return chosen
