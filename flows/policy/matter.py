"""What of an ad is judged: its prompts, its texts and the names of its files, as they are rendered.

Negative prompts are not, for they name what shall not be seen. Knows creatives; no rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flows.model import Creative


@dataclass(frozen=True, slots=True)
class Matter:
    """What of an ad is judged."""

    locale: str
    #: As its row states them; () takes the policy's.
    categories: tuple[str, ...]
    prompts: tuple[str, ...]
    #: Names of files without their endings.
    files: tuple[str, ...]
    #: What is shown, said or written into a name, each with its place.
    texts: tuple[tuple[str, str], ...]
    #: The same of what goes beside the film. A line that must stand in the ad does not stand there.
    beside: tuple[tuple[str, str], ...] = ()


def matter_of(creative: Creative, further: Iterable[tuple[str, str]] = ()) -> Matter:
    """What of a creative is judged, as it is rendered."""
    shots = creative.shots
    named = [path for one in shots for path in (one.picture, one.last_picture, one.clip, *one.references) if path]
    return Matter(
        creative.locale,
        creative.row.category,
        tuple([shot.prompt for shot in shots]),
        tuple([path.stem for path in named]),
        _texts(creative),
        tuple(further),
    )


def _texts(creative: Creative) -> tuple[tuple[str, str], ...]:
    """Everything that is shown, said or written into a name, by its place."""
    found = []
    for layer in creative.layers:
        found.append((layer.kind, layer.text))
        found += layer.extra.items()
    return (*found, ("voiceover", creative.voiceover), ("row_id", creative.row.row_id))
