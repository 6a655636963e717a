"""Pictures and films that rows name: files of the campaign's folder, or addresses whose files are fetched into it.

An address is fetched once, when the rows are first read, into `.assets/` of the campaign's folder; from then on the
copy is what the campaign is made of, without a network. Remove the copy to have it fetched again. What arrives is kept
only if it is a usable picture or film. Knows cells, not rows; how a file is fetched is in `fetching.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.addresses import is_address
from flows.files import CannotWrite, atomic_path
from flows.pictures import check_clip, check_picture, inside
from flows.problems import Problems

if TYPE_CHECKING:
    from flows.fetching import Internet

FOLDER = ".assets"
#: A film's demuxer is chosen by its suffix; a picture's decoder by its content.
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".mp4", ".m4v", ".mov", ".webm"}

#: Code, sentence and way out.
Complaint = tuple[str, str, str]


def asset_file(folder: Path, text: str) -> Path:
    """Where the file that a cell names lies: in the folder, or in the folder's copies for an address."""
    return folder / (_copy(text) if is_address(text) else text)


def _copy(url: str) -> str:
    """The copy's name follows from the address alone, so that a plan and a worker find it without asking anybody."""
    try:
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    except ValueError:
        suffix = ""
    return f"{FOLDER}/{hashlib.sha256(url.encode()).hexdigest()[:32]}{suffix if suffix in _SUFFIXES else ''}"


class Assets:
    """What a campaign's cells name. `hosts` are those that it allows; without any, no address is taken."""

    def __init__(self, folder: Path, hosts: Collection[str] = (), internet: Internet | None = None) -> None:
        self._folder, self._hosts, self._internet = folder, hosts, internet
        self._faults: dict[str, Complaint] = {}
        self._fetched = 0

    def fetch(self, kinds: Mapping[str, str]) -> None:
        """Fetch what is an address and not here yet. `kinds` maps cells to image or video."""
        wanted = {
            text: kind
            for text, kind in kinds.items()
            if self._may_ask(text) and not asset_file(self._folder, text).is_file()
        }
        if not wanted:
            return
        home, fault = self._folder / FOLDER, ""
        try:
            if home.is_symlink():
                fault = "it is a link"
            else:
                home.mkdir(exist_ok=True)
                self._fetch_into(home, wanted)
        except (CannotWrite, OSError) as error:
            fault = str(error)
        for text in wanted if fault else ():
            message = f"{FOLDER}, where fetched files are kept, cannot be written ({fault})"
            self._faults.setdefault(text, ("not_writable", message, "Make it a plain folder that may be written"))

    def _fetch_into(self, home: Path, wanted: Mapping[str, str]) -> None:
        from flows.fetching import Fetcher

        parts = {text: home / f".{token_hex(8)}.part{asset_file(home, text).suffix}" for text in wanted}
        try:
            faults = Fetcher(self._hosts, self._internet).fetch(parts)
            for text, part in parts.items():
                if text in faults:
                    self._faults[text] = (faults[text].code, str(faults[text]), faults[text].fix)
                elif wrong := (check_picture if wanted[text] == "image" else check_clip)(part):
                    self._faults[text] = (wrong[0], f"what was fetched is of no use: {wrong[1]}", wrong[2])
                else:
                    with atomic_path(asset_file(self._folder, text)) as fresh:
                        part.replace(fresh)
                    self._fetched += 1
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)

    def notes(self) -> tuple[str, ...]:
        """What was fetched, as sentences."""
        return (f"Fetched {self._fetched} file(s) into {FOLDER}/.",) if self._fetched else ()

    def _may_ask(self, text: str) -> bool:
        return bool(self._hosts) and text[:8].lower() == "https://"

    def file(self, text: str, problems: Problems, *, column: str | None = None, row: int | None = None) -> Path | None:
        """The file that a cell names; None after a complaint. Addresses have to have gone through `fetch`."""
        if is_address(text) and not self._may_ask(text):
            fix = "Download it into the campaign's folder, or allow its https host with `asset_hosts` in campaign.yaml"
            problems.add("file_address", "an address, not a file", fix, value=text, row=row, column=column)
            return None
        if text in self._faults:
            code, message, fix = self._faults[text]
            problems.add(code, message, fix, value=text, row=row, column=column)
            return None
        return inside(self._folder, _copy(text) if is_address(text) else text, problems, column=column, row=row)
