"""The shots of a creative: what the template declares and a row's cells hold become requests, each with its seed.

Pure but for the contents of files, which the caller reads. Knows no size, length or engine: whether one can work from
a clip or from references is asked where the engine is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from flows.assets import asset_file
from flows.camera import directed
from flows.loras import check_lora
from flows.model import Creative, LoraBrief, ShotBrief
from flows.pictures import check_clip, check_picture
from flows.rows import lookup
from flows.template_file import ShotPart
from flows.variants import shot_seed

#: What is wrong with a file as code, sentence and fix, or None.
Check = Callable[[Path], tuple[str, str, str] | None]


class Sources(NamedTuple):
    """The files that one shot is made from."""

    picture: Path | None
    last_picture: Path | None
    clip: Path | None
    references: tuple[Path, ...]

    def contents(self, sha256_of: Callable[[Path], str]) -> dict[str, str]:
        """Hashes of what the files hold, by their role."""
        single = {"picture": self.picture, "last picture": self.last_picture, "clip": self.clip}
        found = {role: sha256_of(path) for role, path in single.items() if path is not None}
        if self.references:
            found["references"] = " ".join(map(sha256_of, self.references))
        return found


def sources_of(part: ShotPart, folder: Path, cell: Callable[[str], str]) -> Sources:
    """The files of a shot; `cell` gives a variable's text. An empty cell is no file."""

    def file(variable: str) -> Path | None:
        name = cell(variable) if variable else ""
        return asset_file(folder, name) if name else None

    # Two columns may name the same picture: it is shown to the engine once.
    references = dict.fromkeys(path for name in part.references if (path := file(name)) is not None)
    return Sources(file(part.picture), file(part.last_picture), file(part.clip), tuple(references))


def shot_briefs(
    parts: Sequence[ShotPart],
    prompts: Sequence[str],
    sources: Sequence[Sources],
    loras: tuple[LoraBrief, ...],
    seed: int,
    sha256_of: Callable[[Path], str],
) -> tuple[ShotBrief, ...]:
    """The shots of one creative, in order; `seed` is the campaign's or the row's."""
    made: list[ShotBrief] = []
    for part, said, source in zip(parts, prompts, sources, strict=True):
        prompt, contents = directed(part.camera, said), source.contents(sha256_of)
        if part.continues:
            # A take in several parts: where two of them say the same, they shall not move the same.
            contents["shot before"] = str(made[-1].seed)
        basis = ", ".join((f"campaign seed {seed}", "prompt", *contents))
        made.append(
            ShotBrief(
                prompt=prompt,
                negative_prompt=part.negative,
                share=part.share,
                picture=source.picture,
                seed=shot_seed(seed, prompt, part.negative, contents.pop("picture", ""), contents),
                seed_basis=basis.replace("prompt, picture", "prompt and picture"),
                last_picture=source.last_picture,
                clip=source.clip,
                strength=part.strength,
                references=source.references,
                loras=loras,
                continues=part.continues,
                camera=part.camera,
            )
        )
    return tuple(made)


@dataclass(frozen=True, slots=True)
class ClipCheck:
    """A film to restyle has to last as long as the shot. Equal checks of one film are made once."""

    least_seconds: float

    def __call__(self, path: Path) -> tuple[str, str, str] | None:
        """What is wrong with the film, or None."""
        return check_clip(path, self.least_seconds)


def named_files(
    parts: Sequence[ShotPart], folder: Path, creative: Creative, film_seconds: float
) -> Iterator[tuple[str, Path, Check]]:
    """Every file that a creative's row names for its shots: the column, the file, and what it must stand up to.

    `film_seconds` is the length of the longest film of the creative.
    """
    for part in parts:
        checks: dict[str, Check] = {"image": check_picture, "video": ClipCheck(float(part.share) * film_seconds)}
        for _, name, kind in part.files:
            text = lookup(creative.row.variables, name, creative.locale)
            if text:
                yield name, asset_file(folder, text), checks[kind]
    for lora in creative.row.loras:
        yield "lora", lora.path, check_lora
