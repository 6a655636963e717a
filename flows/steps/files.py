"""The user's files inside a job: a job that goes to another machine takes copies of them along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from flows.steps.films import BrandFacts
from flows.steps.footage import LoraAsset
from flows.steps.keys import Asset

#: Where a file is to be, from its path and SHA-256.
Place = Callable[[Path, str], Path]

Some = TypeVar("Some")


def with_files(job: Some, place: Place) -> Some:
    """The same job with each of its files where `place` says. Secrets, and what no key counts by its bytes, stay.

    Steps that several films of a job share are shared in the new one, too.
    """
    moved: Some = _Mover(place).moved(job)
    return moved


class _Mover:
    def __init__(self, place: Place) -> None:
        self._place = place
        #: By identity; the values are kept so that no identity is given again.
        self._done: dict[int, tuple[Any, Any]] = {}

    def moved(self, value: Any) -> Any:
        if not (isinstance(value, tuple) or is_dataclass(value)):
            return value
        if id(value) not in self._done:
            self._done[id(value)] = value, self._moved(value)
        return self._done[id(value)][1]

    def _moved(self, value: Any) -> Any:
        if isinstance(value, Asset | LoraAsset):
            return replace(value, path=self._place(value.path, value.sha256))
        if isinstance(value, BrandFacts):
            logo = self._place(value.logo, value.logo_sha256) if value.logo else None
            fonts = tuple(self._place(*font) for font in zip(value.fonts, value.fonts_sha256, strict=True))
            return replace(value, logo=logo, fonts=fonts)
        if isinstance(value, tuple):
            parts = tuple(self.moved(part) for part in value)
            return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        changed = {name: new for name, old in own.items() if (new := self.moved(old)) is not old}
        return replace(value, **changed) if changed else value
