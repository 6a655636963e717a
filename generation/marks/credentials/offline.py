"""The C2PA library as we use it: without the network, whatever a file says. The only place that makes a context.

By default the library fetches an address that it finds in a picture's metadata, on reading it and on naming it as an
ingredient: measured, one request each. Pictures of a row come from strangers.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.marks.credentials.chain import PURPOSES
from generation.marks.credentials.spec import Ingredient

if TYPE_CHECKING:
    import c2pa

#: File name ending -> type, for what goes into films; others are stated by their hash alone.
MIMES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".m4v": "video/mp4",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
}
#: What a statement's box is known by: its UUID in MP4, its kind anywhere else.
_BOXES = (bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"jumdc2pa")


def context(anchors: str = "") -> c2pa.Context:
    """A context that makes no request; trusts nobody without anchors (certificates as PEM text)."""
    from c2pa import Context

    trust: dict[str, Any] = {"trust_config": "\n".join(PURPOSES)}
    if anchors.strip():
        trust["user_anchors"] = anchors
    return Context.from_dict(
        {
            "version": 1,
            "trust": trust,
            "verify": {
                "verify_after_sign": True,
                "verify_trust": True,
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
            },
            "builder": {"thumbnail": {"enabled": False}},
        }
    )


def mime_of(one: Ingredient) -> str:
    """The type that the library knows an ingredient's file by; "" where it knows none."""
    from c2pa import Builder

    mime = one.mime or (MIMES.get(one.path.suffix.lower(), "") if one.path else "")
    return mime if mime in Builder.get_supported_mime_types() else ""


def readable(one: Ingredient) -> bool:
    """Whether the library can look into an ingredient's file for what it states of itself."""
    from c2pa import Builder, C2paError

    if one.path is None or not mime_of(one):
        return False
    try:
        with context() as offline, Builder({"title": ""}, offline) as builder, one.path.open("rb") as stream:
            builder.add_ingredient({"title": "", "relationship": "inputTo"}, mime_of(one), stream)
    except C2paError:
        return False
    return True


def has_statement(path: Path) -> bool:
    """Whether a file holds a box of C2PA anywhere, sound or damaged."""
    with path.open("rb") as stream:
        if not stream.seek(0, 2):
            return False
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(box) >= 0 for box in _BOXES)
