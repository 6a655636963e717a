"""What lies in OUT/<campaign>/ after a run: the lines of results.csv and the facts beside each film.

Every path is built from our own tables and must lead to a file below the folder. Knows files and records; decides
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flows.deliveries import FINISHED_STATES, DeliveryRecord
from flows.ledger import Finished, Ledger
from flows.model import BadInput, Problem
from flows.results import read_results
from flows.status import RESULTS, campaign_folder

MANIFEST = "manifest.json"
REQUIRED = "required"
_KEY = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Gallery:
    """A finished run's folder, as it was read."""

    folder: Path
    #: The campaign's name.
    campaign: str
    #: Whether the campaign asks for a person to approve each delivery.
    required: bool
    #: Columns of the input.
    columns: tuple[str, ...]
    records: tuple[DeliveryRecord, ...]

    def finished(self) -> tuple[DeliveryRecord, ...]:
        """The deliveries that were made."""
        return tuple(record for record in self.records if record.status in FINISHED_STATES)

    def wants_person(self, record: DeliveryRecord) -> bool:
        """Whether somebody must approve this delivery: the campaign says so, or a rule did during the run."""
        return self.required or bool(record.approval)

    def about(self, record: DeliveryRecord) -> str:
        """The delivery's name, whatever its bytes are."""
        return f"{self.folder.name}/{record.creative_id}/{record.placement}"

    def film(self, record: DeliveryRecord) -> Path | None:
        """Where the film lies, or is to lie, below the folder; None for an address elsewhere."""
        path = PurePosixPath(record.path)
        outside = not record.path or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
        return None if outside else self.folder / path

    def facts(self, record: DeliveryRecord) -> Mapping[str, object]:
        """The JSON beside the film; {} where there is none to be read."""
        film = self.film(record)
        if film is not None:
            with suppress(OSError, ValueError):
                found = json.loads(film.with_suffix(".json").read_text("utf-8"))
                return found if isinstance(found, dict) else {}
        return {}

    def step(self, record: DeliveryRecord, kind: str, ledger: Ledger) -> Finished | None:
        """The finished step of this kind that the delivery came from; None when the ledger has it no more."""
        steps = self.facts(record).get("steps")
        key = steps.get(kind) if isinstance(steps, dict) else None
        return ledger.find(kind, key) if isinstance(key, str) and _KEY.fullmatch(key) else None


def open_gallery(folder: Path) -> Gallery:
    """Read OUT/<campaign>/; OUT itself will do when it holds one campaign.

    Raises: BadInput when no finished run is here.
    """
    home = campaign_folder(folder).absolute()
    if not (home / RESULTS).is_file():
        raise _bad(home, "no_results", "the last run did not end", "Run the campaign again to go on")
    columns, records = read_results(home / RESULTS)
    manifest = _manifest(home)
    return Gallery(
        home, str(manifest.get("campaign") or home.name), manifest.get("approval") == REQUIRED, columns, records
    )


def _manifest(home: Path) -> Mapping[str, object]:
    """The manifest, which says whether approval is required: without it nothing may be taken as free to go."""
    try:
        found = json.loads((home / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = f"manifest.json cannot be read, so it is not known whether approval is required ({error})"
        raise _bad(
            home, "no_manifest", message, "Run the campaign again: what is finished is not made again"
        ) from error
    if not isinstance(found, dict):
        raise _bad(home, "no_manifest", "manifest.json is not one of ours", "Run the campaign again")
    return found


def main_text(facts: Mapping[str, object]) -> str:
    """The text by which people know an ad: its headline, or the first text that it has."""
    layers = facts.get("layers")
    found = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    texts = [(str(layer.get("kind")), str(layer.get("text"))) for layer in found if layer.get("text")]
    return next((text for kind, text in texts if kind == "headline"), texts[0][1] if texts else "")


def ledger_of(gallery: Gallery, setting: str = "") -> Ledger:
    """The ledger that the run wrote to: as set for this machine, or the hidden folder beside the campaign's."""
    return Ledger(Path(setting).absolute() if setting else gallery.folder.parent / ".ledger")


def _bad(home: Path, code: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem(str(home), None, None, code, "", message, fix),))
