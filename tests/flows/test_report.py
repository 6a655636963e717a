"""The contact sheet: one offline file, nothing in it runs but its own script, every delivery is in it and plays."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.deliveries import DeliveryRecord
from flows.report import Maker, ReportData, write_report
from flows.vtt import Cue, read_vtt

HOSTILE = [
    "<script>alert(1)</script>", "</script><b>", "<!--<script>", "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>', "{{ 7*7 }}", "{% raw %}", "=cmd|' /C calc'!A0", "مرحبا\u2028بالعالم", "🥐 & <i>",
    "javascript:alert(1)", "\u202egnirts",
]  # fmt: skip
VTT = "WEBVTT\n\n1\n00:00:00.200 --> 00:00:01.000\nFresh\nevery morning\n\n00:01.000 --> 00:01.900\nin town\n"


def done(creative: str = "a_en-US_control", placement: str = "tiktok_infeed", **more: object) -> DeliveryRecord:
    record = DeliveryRecord(
        row=1, row_id="a", cells={"row_id": "a", "price": "$3.90"}, creative_id=creative, placement=placement,
        status="done", locale="en-US", segment="all", variant="control", attempts=1, seconds=2.5, gpu_seconds=0.0,
        cost=0.25, film_seconds=8.008, sha256="0" * 64, path=f"{creative}/{placement}.mp4",
        disclosure="not_ai_generated", disclosure_fields={"aigc_disclosure_type": "NOT_DECLARED"},
        marks=("visible_watermark",), url_with_utm="https://shop.example/?utm_content=a",
    )  # fmt: skip
    return replace(record, **more)


def failed(**more: object) -> DeliveryRecord:
    record = DeliveryRecord(
        row=1, row_id="a", cells={"row_id": "a"}, creative_id="a_en-US_control", placement="x_square", status="failed",
        code="text_too_long", step="master", attempts=2, message="12 characters too many", fix="Shorten the text",
    )  # fmt: skip
    return replace(record, **more)


def poster(path: Path, shade: int) -> None:
    Image.new("RGB", (1080, 1920), (shade, 90, 40)).save(path, "JPEG")


def deliver(folder: Path, record: DeliveryRecord, shade: int = 120) -> None:
    film = folder / record.path
    film.parent.mkdir(parents=True, exist_ok=True)
    film.write_bytes(b"film")
    poster(film.with_suffix(".jpg"), shade)
    film.with_suffix(".vtt").write_text(VTT, "utf-8")


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, text outside of scripts, and the data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        self._inside = tag if tag in ("script", "style") else ""
        if self._inside:
            (self.scripts if tag == "script" else self.styles).append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles[-1] += data
        else:
            self.text += data

    @property
    def data(self) -> Any:
        found = json.loads(self.scripts[0])
        return {**found, "films": [{**found["blank"], **film} for film in found["films"]]}

    @property
    def policy(self) -> dict[str, str]:
        content = next(a["content"] or "" for _, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")
        return dict(rule.strip().split(" ", 1) for rule in content.split(";"))


def rendered(folder: Path, run: ReportData) -> str:
    """The page as it is written."""
    write_report(folder / "report.html", run)
    return (folder / "report.html").read_text("utf-8")


def page(folder: Path, *records: DeliveryRecord, **more: object) -> Page:
    return Page(rendered(folder, replace(ReportData("Autumn", records), **more)))  # type: ignore[arg-type]


def test_every_record_is_in_the_page_in_order(tmp_path: Path) -> None:
    records = [done(), done(placement="x_square"), failed(placement="ctv")]
    data = page(tmp_path, *records).data
    titles = [data["placements"][film["placement"]]["title"] for film in data["films"]]
    assert titles == ["TikTok in-feed ad", "X square", "LinkedIn connected TV"]
    assert [film["state"] for film in data["films"]] == ["done", "done", "failed"]
    assert len(data["creatives"]) == len(data["rows"]) == 1


def test_a_film_is_referred_to_by_a_relative_path_and_brings_poster_and_captions(tmp_path: Path) -> None:
    deliver(tmp_path, done())
    data = page(tmp_path, done()).data
    (film,) = data["films"]
    assert film["playable"]
    assert film["path"] == "a_en-US_control/tiktok_infeed.mp4"
    jpeg = base64.b64decode(data["posters"][film["poster"]].removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (270, 480)
    assert data["cues"][film["cues"]] == [[0.2, 1.0, "Fresh\nevery morning"], [1.0, 1.9, "in town"]]


def test_equal_posters_and_captions_are_kept_once(tmp_path: Path) -> None:
    records = [done(placement=name) for name in ("tiktok_infeed", "instagram_reels", "youtube_shorts")]
    for record in records[:2]:
        deliver(tmp_path, record)
    deliver(tmp_path, records[2], shade=10)
    data = page(tmp_path, *records).data
    assert [film["poster"] for film in data["films"]] == [0, 0, 1]
    assert len(data["cues"]) == 1


def test_posters_shrink_as_they_become_many(tmp_path: Path) -> None:
    records = [done(creative=f"c{number}") for number in range(301)]
    (tmp_path / "one.jpg").parent.mkdir(exist_ok=True)
    poster(tmp_path / "one.jpg", 99)
    for number, record in enumerate(records):
        film = tmp_path / record.path
        film.parent.mkdir()
        film.write_bytes(b"film")
        film.with_suffix(".jpg").write_bytes((tmp_path / "one.jpg").read_bytes() + str(number).encode())
    data = page(tmp_path, *records).data
    assert len(data["posters"]) == 301
    with Image.open(io.BytesIO(base64.b64decode(data["posters"][0].partition(",")[2]))) as picture:
        assert max(picture.size) == 320


def test_more_posters_than_a_page_can_hold_stay_files_beside_the_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.report_sheet.MOST_EMBEDDED", 2)
    records = [done(creative=f"c {number}") for number in range(3)]
    for record in records[:2]:
        deliver(tmp_path, record)
    made = page(tmp_path, *records)
    assert made.data["posters"] == []
    covers = [film["cover"] for film in made.data["films"]]
    assert covers == ["c%200/tiktok_infeed.jpg", "c%201/tiktok_infeed.jpg", ""]
    assert made.policy["img-src"] == "data: 'self' file:"
    assert not re.search(r"https?:", " ".join(made.policy.values()))


def test_a_film_says_only_what_sets_it_apart(tmp_path: Path) -> None:
    """A page of forty thousand films is read by a browser: what is blank is said once."""
    html = rendered(tmp_path, ReportData("Autumn", (done(), failed())))
    said = json.loads(Page(html).scripts[0])
    assert all(film[name] != said["blank"].get(name) for film in said["films"] for name in film)
    assert {"message", "fix", "code"}.isdisjoint(said["films"][0])
    assert page(tmp_path, done()).data["films"][0]["message"] == ""


def test_a_missing_film_is_said_to_be_missing(tmp_path: Path) -> None:
    (film,) = page(tmp_path, done()).data["films"]
    assert film["finished"]
    assert not film["playable"]


@pytest.mark.parametrize("path", ["../outside.mp4", "/etc/passwd", "a/../../b.mp4", "https://x.example/a.mp4"])
def test_only_files_below_the_folder_are_played(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.mp4").write_bytes(b"x")
    folder = tmp_path / "run"
    folder.mkdir()
    (film,) = page(folder, done(path=path)).data["films"]
    assert not film["playable"]
    assert film["poster"] == -1
    assert film["address"] == path.startswith("https:")


def test_a_name_that_a_link_would_misread_is_escaped(tmp_path: Path) -> None:
    record = done(path="a b/50%#1?.mp4")
    deliver(tmp_path, record)
    (film,) = page(tmp_path, record).data["films"]
    assert film["path"] == "a%20b/50%25%231%3F.mp4"


def test_a_poster_that_is_no_picture_leaves_the_film_playable(tmp_path: Path) -> None:
    deliver(tmp_path, done())
    (tmp_path / done().path).with_suffix(".jpg").write_bytes(b"\x89PNG no")
    (film,) = page(tmp_path, done()).data["films"]
    assert (film["playable"], film["poster"]) == (True, -1)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_user_becomes_markup_or_script(tmp_path: Path, text: str) -> None:
    record = failed(
        row_id=text, cells={text: text}, code=text, message=text, fix=text, step=text, locale=text, variant=text,
        url_with_utm=text, creative_id=text,
    )  # fmt: skip
    calm = page(tmp_path, failed(cells={"a": "b"}), brand="x", notices=("x",), drawn=("x",), makers=(Maker("a", "b"),))
    hostile = page(
        tmp_path,
        record,
        campaign=text,
        brand=text,
        notices=(text,),
        drawn=(text,),
        makers=(Maker(text, text, text, text, text, text, text),),
        headlines={text: text},
        started=text,
    )
    names = [tag for tag, _ in hostile.tags]
    for tag in ("script", "style", "img", "svg", "link", "iframe", "b", "i"):
        assert names.count(tag) == [name for name, _ in calm.tags].count(tag)
    assert not [name for _, attributes in hostile.tags for name in attributes if name.startswith("on")]
    film = hostile.data["films"][0]
    assert film["message"] == text
    assert hostile.data["rows"][0]["cells"] == {text: text}
    assert hostile.scripts[1] == calm.scripts[1]


def test_the_data_cannot_end_its_script_and_has_no_line_ends_of_javascript(tmp_path: Path) -> None:
    html = rendered(tmp_path, ReportData("x", (failed(message="".join(HOSTILE)),)))
    inside = html.partition('id="data">')[2].partition("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(inside)
    json.loads(inside)


def test_nothing_is_asked_of_any_network(tmp_path: Path) -> None:
    deliver(tmp_path, done())
    made = page(tmp_path, done())
    assert made.policy["default-src"] == "'none'"
    assert made.policy["img-src"] == "data:"
    assert not re.search(r"https?:", " ".join(made.policy.values()))
    for _, attributes in made.tags:
        for name in ("src", "href", "action", "poster", "data", "srcset"):
            assert not re.match(r"\s*(https?:|//|javascript:)", attributes.get(name) or "")
    assert "url(" not in "".join(made.styles)
    assert "@import" not in "".join(made.styles)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|innerHTML|eval\(|import\(", made.scripts[1])


def test_the_policy_allows_exactly_our_script_and_style(tmp_path: Path) -> None:
    made = page(tmp_path, done())

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert made.policy["script-src"] == digest(made.scripts[1])
    assert made.policy["style-src"] == digest(made.styles[0])
    assert len(made.scripts) == 2
    assert not [attributes for _, attributes in made.tags if "style" in attributes]


def test_the_head_says_what_was_made_with_what_and_what_failed(tmp_path: Path) -> None:
    makers = (Maker("Footage", "Animatic", "a-3", "Apache-2.0"), Maker("Voice", "eSpeak NG", "1.52", "GPL-3.0"))
    text = " ".join(
        page(
            tmp_path,
            done(), done(placement="ctv"), failed(), failed(placement="x_landscape"),
            makers=makers, drawn=("dawn",), not_drawn=("baker",), notices=("The voice is a draft.",),
            wall_seconds=187.4, started="2026-11-23", currency="USD", version="1.2",
        ).text.split()
    )  # fmt: skip
    for part in (
        "Done with errors", "took 3 min 7 s", "begun 2026-11-23", "done 2", "failed 2", "film made 16 s", "0.50 USD",
        "Animatic a-3 Apache-2.0", "eSpeak NG 1.52 GPL-3.0", "Drawn from the prompts dawn", "not drawn baker",
        "The voice is a draft.", "2 text_too_long master 12 characters too many Shorten the text", "failed.csv",
    ):  # fmt: skip
        assert part in text


def test_a_sum_with_an_unknown_part_is_unknown(tmp_path: Path) -> None:
    assert "cost unknown" in " ".join(page(tmp_path, done(), done(placement="ctv", cost=None)).text.split())


def test_many_reasons_are_listed_by_frequency_and_the_rest_counted(tmp_path: Path) -> None:
    records = [failed(placement=f"p{number}", message=f"reason {number}") for number in range(50)]
    text = page(tmp_path, *records, failed(placement="again", message="reason 49")).text
    assert text.index("reason 49") < text.index("reason 1")
    assert "And 10 other reasons" in text


def test_a_row_that_was_never_expanded_is_shown(tmp_path: Path) -> None:
    record = failed(status="invalid", creative_id="", placement="")
    data = page(tmp_path, record).data
    assert data["films"][0]["state"] == "invalid"
    assert data["placements"][0]["title"] == "No placement"


def test_the_same_run_gives_the_same_bytes_and_the_file_is_whole(tmp_path: Path) -> None:
    deliver(tmp_path, done())
    run = ReportData("Autumn", (done(), failed()))
    write_report(tmp_path / "report.html", run)
    first = (tmp_path / "report.html").read_bytes()
    write_report(tmp_path / "report.html", run)
    assert (tmp_path / "report.html").read_bytes() == first
    assert not list(tmp_path.glob("*.part*"))


def test_an_empty_run_is_a_page_too(tmp_path: Path) -> None:
    assert page(tmp_path).data["films"] == []


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        (VTT, (Cue(0.2, 1.0, "Fresh\nevery morning"), Cue(1.0, 1.9, "in town"))),
        ("WEBVTT\r\n\r\n01:00:00.000 --> 01:00:02.500 line:80%\r\nlate\r\n", (Cue(3600.0, 3602.5, "late"),)),
        ("WEBVTT - title\n\nNOTE a note\nof two lines\n", ()),
        ("", ()),
    ],
)
def test_captions_are_read_back(tmp_path: Path, text: str, cues: tuple[Cue, ...]) -> None:
    (tmp_path / "a.vtt").write_bytes(text.encode())
    assert read_vtt(tmp_path / "a.vtt") == cues


def test_no_captions_file_is_no_captions(tmp_path: Path) -> None:
    assert read_vtt(tmp_path / "a.vtt") == ()


# --- in a browser -------------------------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser(profile: Path) -> Iterator[str]:
    """A headless Chromium; yields the address of its debugging door."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"]
    command = [str(CHROMIUM), *flags, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            door = profile / "DevToolsActivePort"
            deadline = time.monotonic() + 60
            while not (door.exists() and door.read_text().count("\n") >= 1):
                assert time.monotonic() < deadline, "Chromium did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{door.read_text().split()[0]}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


class Tab:
    """One page of the browser, driven through its debugging protocol."""

    def __init__(self, door: str) -> None:
        from websockets.sync.client import connect

        targets = json.load(urllib.request.urlopen(f"{door}/json"))
        address = next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
        self._socket = connect(address, max_size=None)
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **parameters: object) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def run(self, code: str) -> Any:
        result = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def complaints(self) -> list[str]:
        methods = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(event) for event in self.events if event["method"] in methods]

    def close(self) -> None:
        self._socket.close()


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_in_a_browser_films_play_from_the_disk_with_captions_and_without_a_complaint(tmp_path: Path) -> None:
    pytest.importorskip("websockets")
    _film(tmp_path / done().path)
    (tmp_path / done().path).with_suffix(".vtt").write_text(VTT)
    records = (done(), done(placement="x_square"), failed(placement="ctv", message=HOSTILE[3]))
    write_report(tmp_path / "report.html", ReportData(HOSTILE[1], records))
    with browser(tmp_path / "profile") as door:
        tab = Tab(door)
        for domain in ("Page", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        tab.call("Page.navigate", url=(tmp_path / "report.html").as_uri())
        deadline = time.monotonic() + 30
        while not tab.run("document.readyState == 'complete' && !!document.querySelector('.tile')"):
            assert time.monotonic() < deadline, "the page did not show its films"
            time.sleep(0.05)
        assert tab.run("[...document.querySelectorAll('.tile')].length") == 3
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        played = tab.run(
            """(async () => {
              document.querySelector("button.frame").click();
              const video = document.querySelector("video");
              const pause = () => new Promise((go) => setTimeout(go, 50));
              for (let wait = 0; wait < 200 && !(video.currentTime > 0.3); wait++) await pause();
              video.textTracks[0].mode = "hidden";
              return [video.currentTime > 0.3, video.videoWidth, video.textTracks[0].cues.length];
            })()"""
        )
        assert played == [True, 270, 2]
        assert "The file is not here" in tab.run("document.body.innerText")
        assert HOSTILE[3] in tab.run("document.body.innerText")
        tab.run("document.querySelector('[data-view=table]').click()")
        assert tab.run("document.querySelectorAll('tbody tr').length") == 4  # one of them in the head
        assert tab.complaints() == []
        tab.close()


def _film(path: Path) -> None:
    from fractions import Fraction

    import numpy as np

    from generation.media.frames import Planes, VideoWriter
    from generation.spec import Size

    path.parent.mkdir(parents=True)
    with VideoWriter(path, Size(270, 480), Fraction(30000, 1001), "preview") as writer:
        for number in range(45):
            luma = np.full((480, 270), 40 + 4 * number, np.uint8)
            writer.write(Planes(luma, *(np.full((240, 135), 128, np.uint8) for _ in "uv")))
