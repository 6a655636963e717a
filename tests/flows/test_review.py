"""The review server: only who has the address gets in, only our own files come out, no decision is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows.model import BadInput
from flows.review.board import Board
from flows.review.gate import HEADERS, Door
from flows.review.release import held
from flows.review.server import FILES, PAGE, Review, create_app
from flows.review.serving import _listen, _names
from flows.review.settling import Settler
from tests.flows.reviewed import Reviewed, reviewed

TOKEN = "the-right-token"
HOME = "http://localhost"
FIRST = ("red_en-US_question", "tiktok_infeed")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, ("red",), text="<img src=x onerror=alert(1)>", failed=1)
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


@pytest.fixture
def app(made: Reviewed) -> Any:
    return create_app(Review(made.folder, made.ledger, "Ada"), Door(TOKEN))


@pytest.fixture
def stranger(app: Any) -> TestClient:
    """Somebody who knows where the server is, and nothing else."""
    return TestClient(app, base_url=HOME, follow_redirects=False)


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    assert stranger.get("/", params={"token": TOKEN}).status_code == 200
    stranger.headers["origin"] = HOME
    return stranger


def decision(sha256: str, kind: str = "approve", after: list[str] | None = None, **more: object) -> dict[str, object]:
    return {"kind": kind, "reviewer": "Ada", "items": [{"sha256": sha256, "after": after or []}], **more}


# --- who gets in ----------------------------------------------------------------------------------------------------

PLACES = ["/", "/page/page.js", "/api/board", "/api/news", f"/api/facts/{'/'.join(FIRST)}",
          f"/media/{'/'.join(FIRST)}.mp4", f"/poster/{'/'.join(FIRST)}.jpg", "/favicon.ico"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_without_the_token_nothing_is_answered(stranger: TestClient, place: str) -> None:
    answer = stranger.get(place)
    assert answer.status_code == 403
    assert "Tea" not in answer.text


@pytest.mark.parametrize("token", ["", "the-right-toke", "the-right-token2", "THE-RIGHT-TOKEN", "é", "%ff", "\x00"])
def test_a_wrong_token_is_no_token(stranger: TestClient, token: str) -> None:
    assert stranger.get("/", params={"token": token}).status_code == 403


def test_a_cookie_that_we_did_not_give_opens_nothing(stranger: TestClient) -> None:
    door = Door(TOKEN)
    for value in (TOKEN, door.ticket, "", "x; y"):
        assert stranger.get("/", headers={"cookie": f"{door.cookie}={value}"}).status_code == 403


def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_can_use(stranger: TestClient) -> None:
    answer = stranger.get("/", params={"token": TOKEN})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert TOKEN not in answer.text
    assert "location" not in answer.headers
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize("place", PLACES)
def test_everything_that_is_answered_carries_the_policy(client: TestClient, place: str) -> None:
    answer = client.get(place)
    assert answer.status_code in (200, 204)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    for forbidden in ("unsafe", "*", "data:", "blob:"):
        assert forbidden not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:80", "169.254.169.254", "[::2]", "[", "", "127.0.0.2"],
)
def test_under_a_foreign_name_nothing_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/board", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8123", "[::1]:8123", "LOCALHOST"])
def test_every_name_of_this_machine_is_ours(host: str) -> None:
    assert Door(TOKEN).is_ours(host)


def test_on_an_open_address_numbers_are_ours_and_names_of_others_are_not() -> None:
    door = Door(TOKEN, _names("0.0.0.0"), any_address=True)
    assert door.is_ours("192.168.1.5:8000")
    assert not door.is_ours("evil.example")


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:81", "file://", "http://["])
def test_nothing_is_decided_from_a_foreign_page(client: TestClient, made: Reviewed, origin: str | None) -> None:
    sha256 = made.record(*FIRST).sha256
    del client.headers["origin"]
    headers = {} if origin is None else {"origin": origin}
    assert client.post("/api/decide", json=decision(sha256), headers=headers).status_code == 403
    assert made.approvals.state(sha256) == "waiting"


def test_a_request_may_not_be_huge(client: TestClient) -> None:
    assert client.post("/api/decide", content=b"x" * 8_000_001).status_code == 413


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with _listen("127.0.0.1", 0) as taken, pytest.raises(BadInput, match="cannot be had"):
        _listen("127.0.0.1", taken.getsockname()[1])


# --- what comes out -------------------------------------------------------------------------------------------------


def test_every_delivery_is_on_the_board(client: TestClient, made: Reviewed) -> None:
    board = client.get("/api/board").json()
    assert (board["campaign"], board["required"], board["reviewer"]) == ("Tea", True, "Ada")
    assert [card["path"] for card in board["cards"]] == ["/".join(record.key) for record in made.records]
    card = board["cards"][0]
    assert card["title"] == "<img src=x onerror=alert(1)>"
    assert card["sha256"] == made.records[0].sha256
    assert set(card["media"]) == {"mp4", "jpg", "vtt"}
    assert [(card["made"], card["wanted"]) for card in board["cards"][-1:]] == [(False, False)]


def test_a_film_is_played_from_any_place(client: TestClient, made: Reviewed) -> None:
    address = f"/media/{'/'.join(FIRST)}.mp4"
    film = (made.folder / made.record(*FIRST).path).read_bytes()
    assert client.get(address).content == film
    part = client.get(address, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, film[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(film)}"
    assert part.headers["content-type"] == "video/mp4"
    assert client.get(address, headers={"range": f"bytes={len(film)}-"}).status_code == 416
    assert client.get(f"/media/{'/'.join(FIRST)}.vtt").text.startswith("WEBVTT")
    assert client.get(f"/poster/{'/'.join(FIRST)}.jpg").content.startswith(b"\xff\xd8\xff")


TRAVERSALS = ["../results.csv", "..%2fresults.csv", "%2e%2e/%2e%2e/.ledger", "red_en-US_question/../../manifest.json",
              ".lock", "a%00b",
              "/etc/passwd", "%2fetc%2fpasswd", "results.csv", "red_en-US_question/tiktok_infeed.json",
              "red_en-US_question/tiktok_infeed.mp4/", "red_en-US_question//tiktok_infeed.mp4"]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("room", ["media", "poster", "page", "api/facts"])
def test_no_path_leads_to_another_file(client: TestClient, room: str, path: str) -> None:
    answer = client.get(f"/{room}/{path}")
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_link_out_of_the_folder_is_not_followed(made: Reviewed, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    film = made.folder / made.record(*FIRST).path
    film.unlink()
    film.symlink_to(tmp_path / "secret")
    assert f"{'/'.join(FIRST)}.mp4" not in Board(made.folder, made.ledger).sheet().media


def test_the_page_has_no_way_to_make_markup_of_text(client: TestClient) -> None:
    assert {path.name for path in PAGE.iterdir()} == {*FILES, "index.html"}
    for name in (*FILES, "index.html"):
        text = (PAGE / name).read_text("utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "style=",
            "onclick",
        ):
            assert forbidden not in text, (name, forbidden)
        assert "https://" not in text.replace("https?:", "")
        assert client.get("/" if name == "index.html" else f"/page/{name}").text == text


def test_facts_are_those_beside_the_film(client: TestClient, made: Reviewed) -> None:
    found = client.get(f"/api/facts/{'/'.join(FIRST)}").json()
    assert found["facts"]["shots"][0]["prompt"].startswith("A calm sea")
    assert found["line"]["disclosure_fields"] == {"aigc": True}
    assert found["row"] == {"row_id": "red", "product": "red cup"}


# --- decisions ------------------------------------------------------------------------------------------------------


def test_a_decision_is_in_the_ledger_when_it_is_answered(client: TestClient, made: Reviewed) -> None:
    sha256 = made.record(*FIRST).sha256
    answer = client.post("/api/decide", json=decision(sha256, "reject", text="The logo is cut"))
    assert answer.status_code == 200
    (event,) = made.approvals.history(sha256).events
    assert answer.json() == {"recorded": [event.id], "void": []}
    assert (event.kind, event.reviewer, event.text) == ("reject", "Ada", "The logo is cut")
    assert event.about == f"tea/{'/'.join(FIRST)}"
    news = client.get("/api/news").json()
    assert [one["id"] for one in news["events"]] == [event.id]
    assert news["states"] == {sha256: {"state": "rejected", "damaged": []}}
    assert client.get("/api/news", params={"since": news["next"]}).json()["events"] == []


def test_two_who_decide_at_once_both_stand_and_the_rejection_holds(client: TestClient, made: Reviewed) -> None:
    sha256 = made.record(*FIRST).sha256
    assert client.post("/api/decide", json=decision(sha256, "reject", text="no")).status_code == 200
    assert client.post("/api/decide", json=decision(sha256, "approve")).status_code == 200  # had not seen it
    assert made.approvals.state(sha256) == "rejected"
    seen = [event.id for event in made.approvals.history(sha256).events]
    assert client.post("/api/decide", json=decision(sha256, "approve", seen)).status_code == 200
    assert made.approvals.state(sha256) == "approved"


def test_what_others_write_into_the_ledger_is_news(client: TestClient, made: Reviewed) -> None:
    assert client.get("/api/news").json()["events"] == []
    made.approvals.decide(made.record(*FIRST).sha256, "approve", "Ben")
    deadline = time.monotonic() + 10
    while not (events := client.get("/api/news").json()["events"]):
        assert time.monotonic() < deadline
    assert [event["reviewer"] for event in events] == ["Ben"]


def test_a_film_that_has_changed_since_is_not_decided_about(client: TestClient, made: Reviewed) -> None:
    old = made.record(*FIRST).sha256
    other = made.record("red_en-US_offer").sha256
    before = client.get("/api/news").json()["revision"]
    made.approvals.decide(old, "approve", "Ben", about=f"tea/{'/'.join(FIRST)}")
    new = made.render_again(*FIRST).sha256
    items = [{"sha256": old}, {"sha256": other}]
    answer = client.post("/api/decide", json={"kind": "approve", "reviewer": "Ada", "items": items}).json()
    assert answer["void"] == [old]
    assert len(made.approvals.history(old).events) == 1
    assert (made.approvals.state(other), made.approvals.state(new)) == ("approved", "waiting")
    assert client.get("/api/news").json()["revision"] != before
    (card,) = [one for one in client.get("/api/board").json()["cards"] if one["path"] == "/".join(FIRST)]
    assert card["sha256"] == new
    assert card["earlier"][1] == "Ben"


def test_while_a_run_brings_another_film_nobody_decides_about_the_one_before(
    client: TestClient, made: Reviewed
) -> None:
    record = made.record(*FIRST)
    beside = (made.folder / record.path).with_suffix(".json")
    beside.write_text(json.dumps({**made.facts(record), "sha256": "0" * 64}))  # results.csv comes at the run's end
    assert client.post("/api/decide", json=decision(record.sha256)).json()["void"] == [record.sha256]
    assert made.approvals.state(record.sha256) == "waiting"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "bless"}, 422),
        ({"kind": "reject"}, 422),
        ({"reviewer": " "}, 422),
        ({"items": []}, 422),
        ({"items": [{"sha256": "../../x"}]}, 422),
        ({"items": [{"sha256": "a" * 64, "after": ["x" * 100]}]}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_what_is_no_decision_is_refused(
    client: TestClient, made: Reviewed, change: dict[str, Any], status: int
) -> None:
    sha256 = made.record(*FIRST).sha256
    assert client.post("/api/decide", json={**decision(sha256), **change}).status_code == status
    assert not list(made.approvals.decided())


def test_nobody_can_have_seen_what_is_not_there(client: TestClient, made: Reviewed) -> None:
    sha256 = made.record(*FIRST).sha256
    answer = client.post("/api/decide", json=decision(sha256, after=["20260101T000000000000Z-0123456789abcdef"]))
    assert answer.status_code == 422
    assert "Reload" in answer.json()["detail"]


def test_a_damaged_decision_is_told_to_the_page(client: TestClient, made: Reviewed) -> None:
    sha256 = made.record(*FIRST).sha256
    client.post("/api/decide", json=decision(sha256))
    (made.approvals.folder(sha256) / "bad.json").write_text("{")
    deadline = time.monotonic() + 10
    while (state := client.get("/api/news").json()["states"][sha256])["state"] == "approved":
        assert time.monotonic() < deadline
    assert state == {"state": "waiting", "damaged": ["bad.json"]}


# --- what follows ---------------------------------------------------------------------------------------------------


def test_films_follow_decisions_as_soon_as_no_run_holds_the_folder(made: Reviewed) -> None:
    record = made.record(*FIRST)
    settler = Settler(made.folder, made.ledger)
    settler.start()
    with held(made.folder):
        made.approvals.decide(record.sha256, "approve", "Ada")
        settler.add([record.sha256])
        deadline = time.monotonic() + 10
        while not settler.note:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "another run is writing here" in settler.note
        assert made.shown(record) == "draft"
    settler.stop()  # once more before it ends
    assert made.shown(record) == "film"
    assert made.record(*FIRST).status == "approved"


def test_the_command_prints_its_address_and_ends_when_interrupted(made: Reviewed, tmp_path: Path) -> None:
    made.approvals.decide(made.record(*FIRST).sha256, "approve", "Ada")
    words = [sys.executable, "-m", "flows", "review", str(made.folder.parent), "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = next(line.strip() for line in process.stdout if line.startswith("http://127.0.0.1:"))
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.headers["set-cookie"]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.split("?")[0], timeout=30)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert "token" not in rest
    # What was decided before the review has been brought into line as well.
    assert made.shown(made.record(*FIRST)) == "film"
