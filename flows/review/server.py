"""The review page's server: the page, its films, its news, and the one thing that it may do: decide.

`create_app` is a plain function of a review and a door, so that tests and other servers may mount it. Requests meet
values that were looked up in the board, nothing else; decisions go to `Approvals`, what follows to the `Settler`.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from flows.ledger import Ledger
from flows.posters import Posters
from flows.review.approvals import LIMIT_AFTER, Approvals, BadDecision, Event
from flows.review.board import MEDIA, Board, Sheet
from flows.review.gate import Door, Gate
from flows.review.settling import Settler
from flows.review.wire import Wire

PAGE = Path(__file__).with_name("page")
#: The page's own files, the only ones that are served, with their media types.
FILES = {"page.css": "text/css; charset=utf-8"} | dict.fromkeys(
    ("ask.js", "board.js", "facts.js", "grid.js", "make.js", "page.js", "viewer.js"), "text/javascript; charset=utf-8"
)
#: Deliveries that one request may decide about.
LIMIT_ITEMS = 20_000


class Item(BaseModel):
    """A film that is decided about, and what its reviewer had seen of it."""

    model_config = ConfigDict(extra="forbid")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    after: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=LIMIT_AFTER)] = []


class Decision(BaseModel):
    """What a page sends."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["approve", "reject", "comment"]
    reviewer: Annotated[str, Field(max_length=200)]
    text: Annotated[str, Field(max_length=10_000)] = ""
    items: Annotated[list[Item], Field(min_length=1, max_length=LIMIT_ITEMS)]


class Review:
    """What the routes share: one review of one folder."""

    def __init__(self, folder: Path, ledger: Ledger, reviewer: str = "") -> None:
        self.board = Board(folder, ledger)
        self.approvals = Approvals(ledger.root)
        self.wire = Wire(self.approvals)
        self.settler = Settler(folder, ledger)
        self.reviewer = reviewer
        #: Numbers of events hold for one server; a page that outlives it begins again.
        self.boot = secrets.token_hex(8)

    def shown(self) -> dict[str, object]:
        """The whole board."""
        sheet = self.board.sheet()
        gallery = sheet.gallery
        return {
            "boot": self.boot,
            "revision": sheet.revision,
            "campaign": gallery.campaign,
            "required": gallery.required,
            "reviewer": self.reviewer,
            "cards": sheet.cards,
        }

    def news(self, since: int) -> dict[str, object]:
        """What happened after the first `since` events."""
        sheet = self.board.sheet()
        self.wire.look(sheet.by_sha256)
        count, events, states = self.wire.since(since)
        return {
            "boot": self.boot,
            "revision": sheet.revision,
            "next": count,
            "events": events,
            "states": states,
            "note": self.settler.note,
        }

    def decide(self, decision: Decision) -> dict[str, object]:
        """Record a decision about each item that is still what the page showed.

        Raises: BadDecision when the decision itself will not do; then nothing is recorded.
        """
        sheet = self.board.sheet()
        wanted = {item.sha256: item.after for item in decision.items}
        current = [sha256 for sha256 in wanted if _lies_there(sheet, sha256)]
        self.wire.look(current, at_once=True)
        if not all(self.wire.knows(sha256, wanted[sha256]) for sha256 in current):
            raise BadDecision("the page speaks of events that are not there. Reload it")
        events = [self._record(sheet, decision, sha256, wanted[sha256]) for sha256 in current]
        self.wire.look(current, at_once=True)
        self.settler.add(current)
        return {"recorded": [event.id for event in events], "void": sorted(wanted.keys() - set(current))}

    def _record(self, sheet: Sheet, decision: Decision, sha256: str, after: list[str]) -> Event:
        about = sheet.gallery.about(sheet.by_sha256[sha256][0])
        return self.approvals.decide(sha256, decision.kind, decision.reviewer, decision.text, after=after, about=about)


def _lies_there(sheet: Sheet, sha256: str) -> bool:
    """Whether the folder still holds what the page showed: a run that is going on may have brought another film."""
    records = sheet.by_sha256.get(sha256, ())
    return any(sheet.gallery.facts(record).get("sha256", sha256) == sha256 for record in records)


def create_app(review: Review, door: Door) -> FastAPI:
    """The server's application, with its gate in front."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Gate, door=door)
    _add_page(app)
    _add_media(app, review)

    @app.get("/api/board")
    def board() -> JSONResponse:
        return JSONResponse(review.shown())

    @app.get("/api/news")
    def news(since: int = 0) -> JSONResponse:
        return JSONResponse(review.news(since))

    @app.post("/api/decide")
    def decide(decision: Decision) -> JSONResponse:
        try:
            return JSONResponse(review.decide(decision))
        except BadDecision as error:
            raise HTTPException(422, str(error)) from error

    @app.get("/api/facts/{path:path}")
    def facts(path: str) -> JSONResponse:
        sheet = review.board.sheet()
        record = sheet.by_path.get(path)
        if record is None:
            raise HTTPException(404)
        line = {name: getattr(record, name) for name in _LINE}
        return JSONResponse({"line": line, "row": dict(record.cells), "facts": sheet.gallery.facts(record)})

    return app


#: Of a delivery's line in results.csv, what the page shows besides its card.
_LINE = ("attempts", "seconds", "gpu_seconds", "cost", "url_with_utm", "disclosure", "disclosure_label",
         "disclosure_fields", "marks", "mark_id", "proof")  # fmt: skip


def _add_page(app: FastAPI) -> None:
    @app.get("/")
    def index() -> FileResponse:
        return FileResponse(PAGE / "index.html", media_type="text/html; charset=utf-8")

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)

    @app.get("/page/{name}")
    def part(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404)
        return FileResponse(PAGE / name, media_type=FILES[name])


def _add_media(app: FastAPI, review: Review) -> None:
    @app.get("/media/{path:path}")
    def media(path: str) -> Response:
        file = review.board.sheet().media.get(path)
        if file is None or not file.is_file():
            raise HTTPException(404)
        return FileResponse(file, media_type=MEDIA[file.suffix])

    @app.get("/poster/{path:path}")
    def poster(path: str) -> Response:
        file = review.board.sheet().media.get(path)
        if file is None or file.suffix != ".jpg":
            raise HTTPException(404)
        try:
            small = _thumbnail(file, file.stat().st_mtime_ns)
        except OSError:
            small = b""
        if not small:
            raise HTTPException(404)
        return Response(small, media_type="image/jpeg")


@lru_cache(maxsize=2000)
def _thumbnail(file: Path, _changed_ns: int) -> bytes:
    """The poster as small as the list shows it: a full one has up to 2 MB."""
    return next(iter(Posters([file]).jpegs), b"")
