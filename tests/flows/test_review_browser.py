"""The review page in real browsers: several people at once, the keyboard alone, films in step, texts that stay texts.

Chromium is taken from SPOTMILL_CHROMIUM or the PATH; without one these tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from flows.review.gate import Door
from flows.review.server import Review, create_app
from tests.flows.reviewed import Reviewed, reviewed

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("SPOTMILL_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; name one in SPOTMILL_CHROMIUM")

TOKEN = "the-right-token"
HOSTILE = '</script><img src=x onerror="window.pwned=1">{{7*7}}'
PATIENCE_SECONDS = 15


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    reviewed(out, text=HOSTILE)
    return out


@pytest.fixture
def made(run_once: Path, tmp_path: Path) -> Reviewed:
    """2 rows × 2 variants × 2 placements."""
    shutil.copytree(run_once, tmp_path / "out", copy_function=shutil.copy2)
    return Reviewed(tmp_path / "out" / "tea")


@contextmanager
def serving(made: Reviewed, port: int = 0) -> Iterator[str]:
    """The address, with its token, of a server for this folder."""
    review = Review(made.folder, made.ledger)
    review.settler.start()
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(create_app(review, Door(TOKEN)), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/?token={TOKEN}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        review.settler.stop()


@pytest.fixture
def address(made: Reviewed) -> Iterator[str]:
    with serving(made) as found:
        yield found


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, browser: Any, address: str, name: str = "") -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        if name:
            self.context.add_init_script(f"localStorage.setItem('spotmill-reviewer', '{name}')")
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        self.page.goto(address)
        self.page.wait_for_selector(".tile")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def go_to(self, path: str) -> None:
        """Make a tile the current one."""
        self.page.locator(f'.tile[data-path="{path}"]').focus()

    def state(self, path: str) -> str:
        return str(self.page.locator(f'.tile[data-path="{path}"]').get_attribute("data-state"))

    def sees(self, path: str, state: str) -> None:
        """Until a tile shows this state, and nothing is being asked any more."""
        self.page.wait_for_selector(f'.tile[data-path="{path}"][data-state="{state}"]')
        self.page.wait_for_selector("#ask", state="hidden")

    def read(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    def seen_everything(self) -> None:
        """A moment for what is on the screen to count as seen."""
        self.page.wait_for_timeout(600)


@pytest.fixture
def people(browser: Any, address: str) -> Iterator[Callable[..., list[Person]]]:
    present: list[Person] = []

    def come(*names: str) -> list[Person]:
        new = [Person(browser, address, name) for name in names]
        present.extend(new)
        return new

    yield come
    complaints = [complaint for person in present for complaint in person.complaints]
    for person in present:
        person.context.close()
    assert not complaints


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


RED, BLUE = "red_en-US_question/tiktok_infeed", "blue_en-US_question/tiktok_infeed"
OFFER = "red_en-US_offer/tiktok_infeed"


def sha256_of(made: Reviewed, path: str) -> str:
    return made.record(*path.split("/")).sha256


# --- several people -------------------------------------------------------------------------------------------------


def test_three_reviewers_at_once_on_different_films_lose_nothing(made: Reviewed, people: Any) -> None:
    reviewers = people("Ada", "Ben", "Cem")
    for person, path in zip(reviewers, (RED, BLUE, OFFER), strict=True):
        person.go_to(path)
    for person in reviewers:
        person.press("a")
    for person in reviewers:
        for path in (RED, BLUE, OFFER):
            person.sees(path, "approved")
    said = [made.approvals.history(sha256_of(made, path)).events for path in (RED, BLUE, OFFER)]
    assert [[(event.kind, event.reviewer) for event in events] for events in said] == [
        [("approve", "Ada")],
        [("approve", "Ben")],
        [("approve", "Cem")],
    ]
    until(lambda: [made.shown(made.record(*path.split("/"))) for path in (RED, BLUE, OFFER)] == ["film"] * 3)
    assert made.shown(made.record("blue_en-US_offer")) == "draft"


def test_three_reviewers_at_once_on_one_film_lose_nothing(made: Reviewed, people: Any) -> None:
    ada, ben, cem = people("Ada", "Ben", "Cem")
    for person in (ada, ben, cem):
        person.go_to(RED)
    ben.press("r")
    ben.type("The logo is cut")
    cem.press("c")
    cem.type("Which price is it?")
    # Ben and Cem opened their dialogs before Ada decided: neither has seen what the other two say.
    ada.press("a")
    ben.press("Enter")
    cem.press("Enter")
    history = made.approvals.history
    until(lambda: len(history(sha256_of(made, RED)).events) == 3)
    for person in (ada, ben, cem):
        person.sees(RED, "rejected")
        person.press("Enter")
        lines = person.page.locator(".history li")
        lines.nth(2).wait_for()
        assert sorted(lines.all_inner_texts(), key=str.casefold)[1].split("\n")[-1] == "The logo is cut"
    assert made.shown(made.record(*RED.split("/"))) == "draft"
    # Who has seen both may settle it, and is asked first.
    cem.seen_everything()
    cem.press("a")
    assert cem.read("#ask-title") == "Approve what was rejected?"
    cem.press("Enter")
    for person in (ada, ben, cem):
        person.sees(RED, "approved")
    assert [event.reviewer for event in history(sha256_of(made, RED)).events][-1] == "Cem"
    until(lambda: made.shown(made.record(*RED.split("/"))) == "film")


def test_what_somebody_else_decides_meanwhile_is_shown_and_the_reason_stays(made: Reviewed, people: Any) -> None:
    ada, ben = people("Ada", "Ben")
    for person in (ada, ben):
        person.go_to(RED)
    ben.press("r")
    ben.type("The logo is cu")
    ada.press("a")
    ben.page.wait_for_selector("#ask-news:not([hidden])")
    assert "Ada approved" in ben.read("#ask-news")
    ben.type("t")
    assert ben.page.locator("#ask-text").input_value() == "The logo is cut"
    ben.press("Enter")
    ben.sees(RED, "rejected")
    assert [event.text for event in made.approvals.history(sha256_of(made, RED)).events] == ["", "The logo is cut"]


def test_a_reason_outlives_a_server_that_ends_before_it_is_sent(made: Reviewed, browser: Any) -> None:
    with serving(made) as address:
        port = urlsplit(address).port
        ben = Person(browser, address, "Ben")
        ben.go_to(RED)
        ben.press("r")
        ben.type("The logo is cut")
    ben.press("Enter")
    ben.page.wait_for_selector("#ask-wrong:not([hidden])")
    assert "Not recorded: the server does not answer" in ben.read("#ask-wrong")
    assert not made.approvals.history(sha256_of(made, RED)).events
    with serving(made, port or 0) as address:
        ben.page.goto(address)
        ben.page.wait_for_selector(".tile")
        ben.go_to(RED)
        ben.press("r")
        assert ben.page.locator("#ask-text").input_value() == "The logo is cut"
        ben.press("Enter")
        ben.sees(RED, "rejected")
        assert [event.text for event in made.approvals.history(sha256_of(made, RED)).events] == ["The logo is cut"]
        ben.context.close()


def test_a_film_that_is_made_again_waits_again_and_says_whose_approval_is_void(made: Reviewed, people: Any) -> None:
    (ada,) = people("Ada")
    ada.go_to(RED)
    ada.press("a")
    ada.sees(RED, "approved")
    until(lambda: made.shown(made.record(*RED.split("/"))) == "film")
    made.render_again(*RED.split("/"))
    ada.sees(RED, "needs_review")
    ada.go_to(RED)
    ada.press("Enter")
    ada.page.wait_for_selector(".facts .notice")
    assert re.search(r"Ada approved an earlier version .*void", ada.read(".facts .notice"))


def test_a_page_whose_server_has_begun_anew_catches_up(made: Reviewed, browser: Any) -> None:
    with serving(made) as address:
        port = urlsplit(address).port
        person = Person(browser, address, "Ada")
        person.go_to(RED)
        person.press("a")
        person.sees(RED, "approved")
    person.page.wait_for_selector("#notice:not([hidden])")
    assert "does not answer" in person.read("#notice")
    made.approvals.decide(sha256_of(made, BLUE), "reject", "Ben", "no")
    with serving(made, port or 0) as address:
        until(lambda: "address is not valid" in person.read("#notice"))
        person.page.goto(address)
        person.sees(BLUE, "rejected")
        person.sees(RED, "approved")
        person.context.close()


# --- one person -----------------------------------------------------------------------------------------------------


def test_everything_can_be_done_from_the_keyboard(made: Reviewed, people: Any) -> None:
    (person,) = people("")
    person.press("a")  # the first tile has the focus; who decides is asked once
    person.type("Ada")
    person.press("Enter")
    person.sees(RED, "approved")
    person.press("j", "r")
    person.type("Too loud")
    person.press("Shift+Enter")
    person.type("at the end")
    person.press("Enter")
    person.sees("red_en-US_question/linkedin_square", "rejected")
    person.press("ArrowRight", "Enter")
    person.page.wait_for_selector("#viewer[open] video")
    person.press("c")
    person.type("Good")
    person.press("Enter")
    person.page.wait_for_selector(".history .said")
    person.page.wait_for_selector("#ask", state="hidden")
    person.press("x")
    person.page.wait_for_selector("#stage[data-films='2']")
    assert person.read("#viewer-title b") == "New: red cup"
    person.press("ArrowLeft")
    assert person.read("#viewer-title b") == HOSTILE
    person.press("Escape", "?")
    assert "side by side" in person.read("#keys")
    person.press("Escape", "/")
    person.type("blue")
    person.press("Enter")
    assert person.page.locator(".tile").count() == 4
    person.press("ArrowDown", "k", "Shift+A")
    assert person.read("#ask-title") == "Approve 4 deliveries?"
    person.press("Enter")
    person.sees(BLUE, "approved")
    states = [made.approvals.state(record.sha256) for record in made.records]
    assert states == ["approved", "rejected", "waiting", "waiting", *["approved"] * 4]
    said = [event.text for record in made.records for event in made.approvals.history(record.sha256).events]
    assert said == ["", "Too loud\nat the end", "Good", "", "", "", ""]


def test_filters_choose_and_many_are_approved_after_a_count(made: Reviewed, people: Any) -> None:
    made.change(*OFFER.split("/"), proof="fail: signature")
    made.approvals.decide(sha256_of(made, "blue_en-US_offer/tiktok_infeed"), "reject", "Ben", "no")
    (person,) = people("Ada")
    person.page.locator("select[name=variant]").select_option("offer")
    assert person.page.locator(".tile").count() == 4
    person.page.locator("select[name=proof]").select_option("failed")
    assert [tile.get_attribute("data-path") for tile in person.page.locator(".tile").all()] == [OFFER]
    person.page.locator("select[name=proof]").select_option("")
    assert person.read("#found") == "4 of 8 deliveries"
    person.page.locator("#bulk").click()
    assert person.read("#ask-title") == "Approve 2 deliveries?"
    assert "1 rejected, 1 with a failed proof" in person.read("#ask-about")
    person.press("Enter")
    person.sees("red_en-US_offer/linkedin_square", "approved")
    states = {record.key: made.approvals.state(record.sha256) for record in made.records if record.variant == "offer"}
    assert list(states.values()) == ["waiting", "approved", "rejected", "approved"]
    # Decided films stay where they are until the list is asked for anew.
    person.page.locator("select[name=state]").select_option("needs_review")
    assert person.page.locator(".tile").count() == 1


def test_films_play_seek_and_keep_in_step(people: Any) -> None:
    (person,) = people("Ada")
    person.go_to(RED)
    person.press("x")
    page = person.page

    def both(condition: str) -> None:
        """Until it holds for both players."""
        films = "[...document.querySelectorAll('video')]"
        until(lambda: page.evaluate(f"{films}.filter((one) => {condition}).length") == 2)

    both("one.readyState >= 2")
    page.evaluate("document.querySelectorAll('video').forEach((one) => one.pause())")
    page.evaluate("document.querySelector('video').currentTime = 0.5")
    page.wait_for_function(
        "[...document.querySelectorAll('video')].every((one) => Math.abs(one.currentTime - 0.5) < 0.1)"
    )
    sizes = page.evaluate("[...document.querySelectorAll('video')].map((one) => one.clientWidth / one.clientHeight)")
    assert [round(size, 2) for size in sizes] == [0.56, 0.56]
    assert page.evaluate("document.querySelectorAll('video track').length") == 2
    page.evaluate("document.querySelectorAll('video').forEach((one) => { one.textTracks[0].mode = 'hidden'; })")
    both("one.textTracks[0].cues?.length === 1")
    person.press("Space")
    both("one.currentTime > 0.6")


def test_texts_of_rows_and_people_stay_texts(made: Reviewed, people: Any) -> None:
    made.approvals.decide(sha256_of(made, RED), "reject", HOSTILE, HOSTILE)
    (person,) = people("Ada")
    person.go_to(RED)
    person.press("Enter")
    person.page.wait_for_selector(".facts dl")
    assert person.read("#viewer-title b") == HOSTILE
    assert person.read(".history .said") == HOSTILE
    assert HOSTILE in person.read(".facts")
    person.press("r")
    person.type(HOSTILE)
    assert HOSTILE in person.read("#ask-about")
    assert person.page.evaluate("window.pwned") is None
    assert person.page.locator("img[onerror], main script").count() == 0


def test_without_the_token_a_browser_sees_nothing(address: str, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    for place in (address.split("?")[0], address.replace(TOKEN, "wrong")):
        answer = page.goto(place)
        assert answer.status == 403
        assert "Tea" not in page.content()
    context.close()
