"""A finished run's folder with real films, made in a second: results, facts, drafts in place, films in the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from PIL import Image

from flows.creative import VIDEO
from flows.deliveries import DeliveryRecord
from flows.files import sha256_file
from flows.ledger import Ledger, Workspace, digest
from flows.outputs import bring
from flows.results import read_results, write_results
from flows.review.approvals import Approvals
from generation.media.frames import VideoWriter, new_frame
from generation.spec import Size

FPS = Fraction(30000, 1001)
SIZES = {"tiktok_infeed": Size(90, 160), "linkedin_square": Size(96, 96)}
COLUMNS = ("row_id", "product")
VTT = "WEBVTT\n\n00:00.000 --> 00:00.800\nGood morning\n"


def film(path: Path, size: Size, shade: int, frames: int = 30) -> None:
    """A grey film with a bar that moves: every frame is another."""
    with VideoWriter(path, size, FPS) as writer:
        for number in range(frames):
            frame, planes = new_frame(size)
            planes.y[:], planes.u[:], planes.v[:] = shade, 128, 128
            planes.y[:, number : number + 8] = 235
            writer.write_frame(frame)


@dataclass(frozen=True)
class Reviewed:
    """OUT/tea/ and the ledger beside it."""

    folder: Path

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder.parent / ".ledger")

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.ledger.root)

    @property
    def records(self) -> tuple[DeliveryRecord, ...]:
        return read_results(self.folder / "results.csv")[1]

    def record(self, creative: str, placement: str = "tiktok_infeed") -> DeliveryRecord:
        return next(one for one in self.records if one.key == (creative, placement))

    def change(self, creative: str, placement: str = "tiktok_infeed", **fields: object) -> DeliveryRecord:
        """Write a line of results.csv anew."""
        records = tuple(replace(one, **fields) if one.key == (creative, placement) else one for one in self.records)
        write_results(self.folder / "results.csv", COLUMNS, records, expected=[one.key for one in records])
        return self.record(creative, placement)

    def facts(self, record: DeliveryRecord) -> dict[str, object]:
        return dict(json.loads((self.folder / record.path).with_suffix(".json").read_text("utf-8")))

    def final(self, record: DeliveryRecord) -> Path:
        """The finished film in the ledger."""
        found = self.ledger.find("delivery", self.facts(record)["steps"]["delivery"])  # type: ignore[index]
        assert found
        return found.file(VIDEO)

    def shown(self, record: DeliveryRecord) -> str:
        """What lies in the folder for everybody to see: the draft, the film, or neither."""
        path = self.folder / record.path
        if not path.is_file():
            return "nothing"
        return "film" if sha256_file(path) == record.sha256 else "draft"

    def render_again(self, creative: str, placement: str = "tiktok_infeed", shade: int = 200) -> DeliveryRecord:
        """As a run does after a change: other bytes, a new line, the draft in place."""
        deliver(self.folder, self.record(creative, placement), shade, required=True)
        made = self.facts(self.record(creative, placement))
        return self.change(creative, placement, sha256=made["sha256"], status="needs_review", approval="waiting")


def deliver(folder: Path, record: DeliveryRecord, shade: int, *, required: bool, text: str = "Tea?") -> str:
    """Put a delivery into the ledger and the folder; returns its SHA-256."""
    ledger, size = Ledger(folder.parent / ".ledger"), SIZES[record.placement]

    def make(shade: int, frames: int = 30):  # type: ignore[no-untyped-def]
        def work(space: Workspace) -> None:
            film(space.file(VIDEO), size, shade, frames)

        return work

    key = digest([record.creative_id, record.placement, shade])
    final = ledger.make("delivery", key, make(shade))
    draft = ledger.make("draft", key, make(20 + shade // 8, 29))
    path = folder / record.path
    path.parent.mkdir(parents=True, exist_ok=True)
    bring(draft if required else final, VIDEO, path)
    Image.new("RGB", (size.width_px * 4, size.height_px * 4), (shade, 90, 60)).save(path.with_suffix(".jpg"), "JPEG")
    path.with_suffix(".vtt").write_text(VTT, "utf-8")
    sha256 = sha256_file(final.file(VIDEO))
    facts = {
        "sha256": sha256,
        "layers": [{"kind": "headline", "text": text}, {"kind": "price", "text": "$9.90"}],
        "shots": [{"prompt": f"A calm sea at dawn, {text}"}],
        "voice": {"id": "espeak", "text": f"{text} Good morning."},
        "disclosure": {"value": record.disclosure, "label": record.disclosure_label, "reason": "drawn by code"},
        "steps": {"delivery": key, "draft": key},
        "look": "clean",
        "music": "calm",
        "engine": {"id": "animatic"},
    }
    path.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False), "utf-8")
    return sha256


def reviewed(
    out: Path, rows: tuple[str, ...] = ("red", "blue"), *, required: bool = True, text: str = "Tea?", failed: int = 0
) -> Reviewed:
    """rows × two variants × two placements."""
    folder = out / "tea"
    records = []
    for number, row in enumerate(rows, start=1):
        for variant in ("question", "offer"):
            for place, placement in enumerate(SIZES):
                record = DeliveryRecord(
                    row=number,
                    row_id=row,
                    cells={"row_id": row, "product": f"{row} cup"},
                    creative_id=f"{row}_en-US_{variant}",
                    placement=placement,
                    locale="en-US",
                    variant=variant,
                    control_id=f"{row}_en-US_question",
                    differs_in="" if variant == "question" else "hook",
                    status="needs_review" if required else "done",
                    approval="waiting" if required else "",
                    attempts=1,
                    seconds=1.5,
                    gpu_seconds=0.0,
                    film_seconds=1.001,
                    sha256="0" * 64,
                    path=f"{row}_en-US_{variant}/{placement}.mp4",
                    disclosure="ai_generated",
                    disclosure_label="AI-generated",
                    disclosure_fields={"aigc": True},
                    marks=("invisible mark",),
                    mark_id="a1b2c3d4e5f6",
                    proof="pass: invisible mark, signature",
                    url_with_utm="https://tea.example/?utm_content=red",
                )
                shade = 40 + 30 * number + 12 * (variant == "offer") + 5 * place
                said = text if variant == "question" else f"New: {row} cup"
                sha256 = deliver(folder, record, shade, required=required, text=said)
                records.append(replace(record, sha256=sha256))
    for number in range(failed):
        records.append(
            DeliveryRecord(
                row=1,
                row_id=rows[0],
                cells={"row_id": rows[0], "product": "cup"},
                creative_id=f"lost{number}",
                placement="tiktok_infeed",
                status="failed",
                code="text_too_long",
                step="master",
                attempts=1,
                message="the headline is too long",
                fix="Shorten it",
            )
        )
    write_results(folder / "results.csv", COLUMNS, records, expected=[record.key for record in records])
    manifest = {"campaign": "Tea", **({"approval": "required"} if required else {"approval": "none"})}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (folder / ".lock").touch()
    return Reviewed(folder)
