"""rights.yaml: who holds what, and what may be done with it. Optional, beside campaign.yaml.

    assets:
      - asset: assets/bottle.png
        licence: Stock agency 1234, extended
        holder: Jane Doe
        territories: [EU, US]
        placements: [tiktok, instagram_reels]
        expires: 2027-03-31
        ai_use: no

An asset is a file, a pattern of files (`assets/*.png`), an address that rows name, or a name such as `music:calm`,
`voice:espeak`, `engine:animatic`. An entry that fits nothing is refused: a misspelt one would protect nothing.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from flows import values
from flows.addresses import is_address
from flows.assets import asset_file
from flows.brand import Line, Words, WrittenFile, read_as
from flows.pictures import inside
from flows.placements import load_placements
from flows.problems import Problems, did_you_mean
from flows.territories import each, territory
from flows.yaml_file import read_model

#: Kinds of assets that go by names instead of files.
NAMED = ("music", "voice", "engine")
_PATTERN = re.compile(r"[*?\[]")
#: A catalogue of assets longer than this belongs into a system of its own.
LIMIT_ENTRIES = 2000


class AssetFile(WrittenFile):
    """One entry."""

    asset: str = Field(min_length=1, max_length=400)
    licence: Line = Field(min_length=1)
    holder: Line = ""
    #: Where the proof lies: a file, a number, a link. Kept, not read.
    proof: str = Field("", max_length=400)
    #: () is everywhere; () is all placements.
    territories: Words = Field((), max_length=300)
    placements: Words = Field((), max_length=100)
    valid_from: datetime.date | None = None
    expires: datetime.date | None = None
    #: Whether a model may be given it; None is not stated.
    ai_use: bool | None = None
    attribution: Line = ""

    @field_validator("territories")
    @classmethod
    def _territories(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(read_as(territory, code) for code in codes)

    @field_validator("valid_from", "expires", mode="before")
    @classmethod
    def _day(cls, day: Any) -> Any:
        return read_as(values.date, day) if isinstance(day, str) else day

    @model_validator(mode="after")
    def _ordered(self) -> AssetFile:
        if self.valid_from and self.expires and self.expires < self.valid_from:
            raise ValueError(f"`expires` ({self.expires}) is before `valid_from` ({self.valid_from})")
        return self


class RightsFile(WrittenFile):
    """rights.yaml."""

    assets: tuple[AssetFile, ...] = Field(max_length=LIMIT_ENTRIES)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry whose countries and placements are spelt out; empty sets are all of them."""

    asset: str
    licence: str
    holder: str = ""
    proof: str = ""
    territories: frozenset[str] = frozenset()
    placements: frozenset[str] = frozenset()
    valid_from: datetime.date | None = None
    expires: datetime.date | None = None
    ai_use: bool | None = None
    attribution: str = ""

    def sentence(self) -> str:
        """What complaints call it."""
        return f"the licence of {self.asset} ({self.licence})"


class Rights:
    """The entries by what they are about: a file, a name, or a pattern; the more exact one counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, Entry] = {}
        self._names: dict[str, Entry] = {}
        self._patterns: list[tuple[str, Entry]] = []
        self._found: dict[Path, Entry | None] = {}
        self._listed: list[str] | None = None

    def of_file(self, path: Path) -> Entry | None:
        """The entry about a file; None where there is none."""
        if path not in self._found:
            self._found[path] = self._files.get(path.resolve()) or self._by_pattern(path)
        return self._found[path]

    def of_name(self, kind: str, name: str) -> Entry | None:
        """The entry about a mood, a voice or an engine."""
        return self._names.get(f"{kind}:{name}")

    def _by_pattern(self, path: Path) -> Entry | None:
        name = self.shown(path)
        fitting = [(pattern, entry) for pattern, entry in self._patterns if fnmatchcase(name, pattern)]
        return max(fitting, key=lambda pair: len(pair[0]))[1] if fitting else None

    def _file_names(self) -> list[str]:
        """Names of all files of the campaign's folder, looked up once."""
        if self._listed is None:
            self._listed = [self.shown(path) for path in self._folder.rglob("*") if path.is_file()]
        return self._listed

    def shown(self, path: Path) -> str:
        """A file's name within the campaign's folder."""
        resolved = path.resolve()
        return resolved.relative_to(self._folder).as_posix() if resolved.is_relative_to(self._folder) else path.name

    def add(self, entry: Entry, names: frozenset[str], problems: Problems) -> None:
        """Take an entry in, or complain. `names` are the moods, voices and engines that exist, as `kind:name`."""
        bare = [name for name in names if name.partition(":")[2] == entry.asset]
        if entry.asset in names:
            self._put(self._names, entry.asset, entry, problems)
        elif len(bare) == 1 and not (self._folder / entry.asset).exists():
            self._put(self._names, bare[0], entry, problems)
        elif entry.asset.partition(":")[0] in NAMED and not is_address(entry.asset):
            self._unknown(entry, names, problems)
        elif _PATTERN.search(entry.asset):
            if not any(fnmatchcase(name, entry.asset) for name in self._file_names()):
                self._unknown(entry, (), problems)
            self._patterns.append((entry.asset, entry))
        elif is_address(entry.asset):
            self._put(self._files, asset_file(self._folder, entry.asset).resolve(), entry, problems)
        elif (path := inside(self._folder, entry.asset, problems, column="asset")) is not None:
            self._put(self._files, path, entry, problems)

    def _put(self, entries: dict[Any, Entry], key: object, entry: Entry, problems: Problems) -> None:
        if key in entries:
            problems.add(
                "rights_twice", "two entries are about this asset", "Keep one", value=entry.asset, column="asset"
            )
        entries[key] = entry

    def _unknown(self, entry: Entry, names: Iterable[str], problems: Problems) -> None:
        fix = did_you_mean(entry.asset, names) or "Name a file of the campaign's folder, or music:…, voice:…, engine:…"
        problems.add("rights_no_such_asset", "no asset has this name", fix, value=entry.asset, column="asset")


def read_rights(folder: Path, path: Path | None, problems: Problems) -> Rights:
    """The entries of a campaign's rights file; none without one. Complaints go to `problems`."""
    rights = Rights(folder)
    file = read_model(path, RightsFile, problems) if path else None
    if file is None:
        return rights
    names = frozenset(_names())
    for written in file.assets:
        placements = _placements(written, problems)
        entry = Entry(
            asset=written.asset,
            licence=written.licence,
            holder=written.holder,
            proof=written.proof,
            territories=each(written.territories),
            placements=placements,
            valid_from=written.valid_from,
            expires=written.expires,
            ai_use=written.ai_use,
            attribution=written.attribution,
        )
        rights.add(entry, names, problems)
    return rights


def _placements(written: AssetFile, problems: Problems) -> frozenset[str]:
    """Placements by their own names or by their platform's."""
    known = load_placements()
    found: set[str] = set()
    for name in written.placements:
        ids = {place.id for place in known.values() if name in (place.id, place.platform)}
        if not ids:
            fix = did_you_mean(name, {*known, *(place.platform for place in known.values())})
            problems.add("unknown_placement", "no such placement or platform", fix, value=name, column="placements")
        found |= ids
    return frozenset(found)


def _names() -> Iterable[str]:
    from audio.beds import mood_names
    from audio.voices import voice_names
    from generation.engines import engine_names

    yield from (f"music:{name}" for name in mood_names())
    yield from (f"voice:{name}" for name in voice_names())
    yield from (f"engine:{name}" for name in engine_names())
