"""published.json: what lies in a folder of published deliveries, and which bytes of it we wrote ourselves.

Knows names and hashes; decides nothing about what may be published.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.deliveries import DeliveryRecord
from flows.files import sha256_file
from flows.model import BadInput, Problem
from flows.review.shelves import NameTaken, Shelf

LIST = "published.json"


@dataclass(slots=True)
class Listing:
    """The list as it was, with what is added to it."""

    campaign: str
    #: By `about`, then by SHA-256: the newest version of a delivery and those before it.
    deliveries: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _before: str = ""

    @classmethod
    def read(cls, shelf: Shelf, campaign: str) -> Listing:
        """The list on a shelf, an empty one where there is none.

        Raises: BadInput when what is there is no such list: it must not be written over.
        """
        try:
            text = shelf.read(LIST)
            if text is None:
                return cls(campaign)
            listing = cls(campaign, _before=text)
            for item in json.loads(text)["deliveries"]:
                listing.deliveries.setdefault(item["delivery"], {})[item["sha256"]] = dict(item)
        except (OSError, ValueError, KeyError, TypeError) as error:
            fix = "Move it away, or publish into another folder"
            problem = Problem(
                f"{shelf.place}/{LIST}", None, None, "not_ours", "", "is no list of published deliveries", fix
            )
            raise BadInput((problem,)) from error
        return listing

    def bring_beside(self, shelf: Shelf, source: Path, name: str) -> str:
        """Copy a poster, captions or facts; a version that we wrote ourselves may be replaced. Returns its SHA-256.

        Raises: NameTaken when somebody else's file is there; NoSpace, CannotWrite.
        """
        wanted = sha256_file(source)
        present = shelf.present(name)
        if present == wanted:
            return wanted
        if present is not None and present not in self._written(name):
            raise NameTaken(name)
        shelf.put(source, name, wanted, replace=present is not None)
        return wanted

    def _written(self, name: str) -> set[str]:
        """Hashes that we gave to a file of this name."""
        versions = (item for items in self.deliveries.values() for item in items.values())
        return {item["files"][name] for item in versions if name in item.get("files", {})}

    def note(self, record: DeliveryRecord, files: dict[str, str], about: str) -> None:
        """Put a delivery on the list; the day it was first published stays."""
        versions = self.deliveries.setdefault(about, {})
        before = versions.get(record.sha256, {})
        for other in versions.values():
            other["current"] = False
        versions[record.sha256] = {
            "delivery": about,
            "creative_id": record.creative_id,
            "placement": record.placement,
            "row_id": record.row_id,
            "locale": record.locale,
            "segment": record.segment,
            "variant": record.variant,
            "sha256": record.sha256,
            "files": dict(sorted(files.items())),
            "url_with_utm": record.url_with_utm,
            "disclosure": record.disclosure,
            "disclosure_label": record.disclosure_label,
            "disclosure_fields": dict(record.disclosure_fields),
            "marks": list(record.marks),
            "mark_id": record.mark_id,
            "proof": record.proof,
            "approval": record.approval,
            "published_at": before.get("published_at") or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "current": True,
        }

    def withdraw(self, about: str) -> None:
        """Note that no version of a delivery may be used any more. Its files stay: an ad may be running from them."""
        for version in self.deliveries.get(about, {}).values():
            version["current"] = False

    def write(self, shelf: Shelf) -> None:
        """Write the list unless it says the same as before. Raises: NoSpace, CannotWrite."""
        items = [self.deliveries[about][sha256] for about in sorted(self.deliveries) for sha256 in self._order(about)]
        text = json.dumps({"campaign": self.campaign, "deliveries": items}, ensure_ascii=False, indent=1) + "\n"
        if text != self._before and items:
            shelf.write(LIST, text)

    def _order(self, about: str) -> list[str]:
        """The current version first, then by the day of publication."""
        versions = self.deliveries[about]
        return sorted(versions, key=lambda sha256: (not versions[sha256]["current"], versions[sha256]["published_at"]))
