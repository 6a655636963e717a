"""From latents to files beside the denoising: one thread decodes and encodes a shot while the next one is denoised.

Decoding and x264 take seconds of a shot that the GPU's matrix units need not wait for. One shot after another, in
order; what goes wrong here is raised where the shot is collected. Knows files and the family's decoder, no schedule.
"""

from __future__ import annotations

import threading
import wave
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from generation.engines.diffusion.accelerate import tiled
from generation.engines.diffusion.families.contract import Family
from generation.engines.diffusion.loading import free
from generation.engines.diffusion.memory import Footing, gave_up, is_out_of_memory
from generation.errors import GenerationError
from generation.media.frames import VideoWriter
from generation.media.rgb import from_rgb
from generation.spec import Shot


class Stopped(GenerationError):
    """The caller closed the generator; no file is left."""

    code = "stopped"


@dataclass(frozen=True, slots=True)
class Written:
    """A shot on disk: the path of its own sound, if it has one, and whether it was decoded in tiles."""

    sound: Path | None
    tiled: bool


class Finisher:
    """Turns latents into footage, in order, in a thread of its own; `with Finisher(family) as finisher: ...`."""

    def __init__(self, family: Family, *, tiling: bool) -> None:
        import torch

        self._family = family
        #: Whether the next shots are decoded in tiles.
        self.tiling = tiling
        self._stop = threading.Event()
        self._queue: Any = None
        # As in `drive.py`: a new thread has OpenMP's default, not the caller's number.
        self._pool = ThreadPoolExecutor(
            1, "decoding", initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def submit(self, pipe: Any, latent: Any, shot: Shot, path: Path) -> Future[Written]:
        """Decode `latent` and write `path`, and its sound beside it."""
        return self._pool.submit(self._beside, _event(), pipe, latent, shot, path)

    def _beside(self, ready: Any, pipe: Any, latent: Any, shot: Shot, path: Path) -> Written:
        """On a GPU in a queue of its own: in the denoiser's, a copy to the CPU would wait for its whole next step."""
        if ready is None:
            return self._finish(pipe, latent, shot, path)
        import torch

        if self._queue is None:
            self._queue = torch.cuda.Stream()
        with torch.cuda.stream(self._queue):
            self._queue.wait_event(ready)
            return self._finish(pipe, latent, shot, path)

    def _finish(self, pipe: Any, latent: Any, shot: Shot, path: Path) -> Written:
        tiling, again = self.tiling, False  # once: the session may change it meanwhile
        try:
            self._write(pipe, latent, shot, path, tiling)
        except Exception as error:
            if tiling or not is_out_of_memory(error):
                raise
            again = True
        if again:  # outside the handler, whose exception still holds what was decoded so far
            free()
            tiling = self.tiling = True  # the next shots of this size would not fit either
            self._in_tiles(pipe, latent, shot, path)
        sound = self._family.sound(pipe, latent, shot)
        return Written(None if sound is None else _write_sound(path.with_suffix(".wav"), *sound), tiling)

    def _in_tiles(self, pipe: Any, latent: Any, shot: Shot, path: Path) -> None:
        try:
            self._write(pipe, latent, shot, path, tiling=True)
        except Exception as error:
            if is_out_of_memory(error):
                raise gave_up(self._family.preset.name, shot, Footing(1, tiling=True), error) from error
            raise

    def _write(self, pipe: Any, latent: Any, shot: Shot, path: Path, tiling: bool) -> None:
        with ExitStack() as stack:
            writer = stack.enter_context(VideoWriter(path, shot.size, shot.fps, tier="intermediate"))
            if tiling:
                stack.enter_context(tiled(pipe.vae))
            for picture in self._family.decode(pipe, latent, shot):
                if self._stop.is_set():
                    raise Stopped("stopped")
                writer.write(from_rgb(picture))
            if writer.frames != shot.frames:
                raise RuntimeError(f"{path.name}: {writer.frames} frames were decoded, {shot.frames} were asked for")


def _event() -> Any:
    """The moment up to which the denoiser's work has been queued; None without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return None
    event = torch.cuda.Event()
    event.record()
    return event


def _write_sound(path: Path, samples: NDArray[np.float32], rate_hz: int) -> Path:
    """Write samples, (count, channels) from -1 to 1, as a 16-bit WAV file at their own rate."""
    whole = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(whole.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(whole.tobytes())
    return path
