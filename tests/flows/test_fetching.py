"""Fetching assets: only https, only named hosts, only the address that was judged, within size and time."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from flows.addresses import BadAddress, host_name, is_public, read_address
from flows.assets import FOLDER, Assets, asset_file
from flows.fetching import Fetcher, Internet, Limits
from flows.model import BadInput
from flows.order import Order, prepare
from flows.problems import Problems
from generation.media.frames import read_frames
from tests.flows.small import run, small_campaign
from tests.flows.written import CAMPAIGN, complaints, creatives, write
from tests.security.tls_server import CDN, HOST, METADATA, LocalInternet, TlsServer, content, redirect, status

URL = f"https://{HOST}/a.png"


def png(side: int = 200, colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def running() -> Iterator[TlsServer]:
    with TlsServer() as server:
        yield server


@pytest.fixture
def server(running: TlsServer) -> TlsServer:
    running.routes.clear()
    running.seen.clear()
    running.names.clear()
    running.headers.clear()
    running.routes["/a.png"] = content(png())
    return running


def fetched(server: TlsServer, path: Path, url: str = URL, internet: Internet | None = None, **limits: float) -> str:
    """Code and sentence of the fault; "" when the file lies at `path`."""
    fetcher = Fetcher([HOST], internet or LocalInternet(server), Limits(**limits))  # type: ignore[arg-type]
    faults = fetcher.fetch({url: path})
    return f"{faults[url].code}: {faults[url]}" if faults else ""


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example.com/a.png",
        "ftp://cdn.example.com/a.png",
        "file:///etc/passwd",
        "https:/cdn.example.com/a.png",
        "https://cdn.example.com:8443/a.png",
        "https://cdn.example.com:443:443/a.png",
        "https://cdn.example.com:0443/a.png",
        "https://user:secret@cdn.example.com/a.png",
        "https://cdn.example.com@evil.example/a.png",
        "https://evil.example/a.png",
        "https://cdn.example.com.evil.example/a.png",
        "https://evil.example#@cdn.example.com/a.png",
        "https://evil.example\\@cdn.example.com/a.png",
        "https://cdn.example.com\\.evil.example/a.png",
        "https://cdn.example.com\t/a.png",
        "https://cdn.example.com /a.png",
        "https://cdn.example.com\r\nHost: evil.example/a.png",
        "https://cdn.example.com%2eevil.example/a.png",
        "https://ｃdn.example.com/a.png",
        "https://[::1]/a.png",
        "https:///a.png",
        "https://" + "a" * 3000,
    ],
)
def test_an_address_that_could_mean_another_machine_is_refused(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        read_address(url, [HOST])
    assert caught.value.fix


def test_an_address_is_asked_for_in_ascii_and_without_its_fragment() -> None:
    address = read_address("HTTPS://CDN.Example.com.:443/Tassen/grün 1.png?w=1&x=%20#top", [HOST])
    assert address.url == "https://cdn.example.com/Tassen/gr%C3%BCn%201.png?w=1&x=%20"
    assert read_address("https://cdn.example.com/x\r\nY: z", [HOST]).target == "/x%0D%0AY:%20z"


@pytest.mark.parametrize(
    "name",
    ["10.0.0.1", "2852039166", "127.1", "0x7f.1", "0x7f000001", "localhost", "metadata", "[::1]", "*.example.com",
     "example.com:443", "https://example.com", "example.com/a", "exa mple.com", "-a.example", "a..b", "é.example",
     "1.2.3.0x4", "a.1"],
)  # fmt: skip
def test_a_host_is_a_full_name_and_never_a_number(name: str) -> None:
    with pytest.raises(BadAddress):
        host_name(name)


def test_hosts_are_compared_in_lower_case() -> None:
    assert host_name(" CDN.Example.COM. ") == HOST


@pytest.mark.parametrize("ip", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(ip: str) -> None:
    assert is_public(ip)


# --- the wire -------------------------------------------------------------------------------------------------------


def test_a_file_is_fetched_from_the_judged_address_under_the_hosts_name(server: TlsServer, tmp_path: Path) -> None:
    internet = LocalInternet(server)
    assert fetched(server, tmp_path / "a", internet=internet) == ""
    assert (tmp_path / "a").read_bytes() == png()
    assert internet.asked == [HOST]
    assert server.names == [HOST]
    assert server.seen == [("/a.png", HOST)]
    assert "cookie" not in server.headers[0]


def test_a_certificate_for_another_host_is_not_accepted(tmp_path: Path) -> None:
    with TlsServer("other.example.com") as other:
        other.routes["/a.png"] = content(png())
        said = fetched(other, tmp_path / "a", internet=LocalInternet(other, {HOST: [[CDN]]}))
        assert "certificate" in said
        assert other.seen == []


def test_an_authority_that_nobody_knows_is_not_accepted(server: TlsServer, tmp_path: Path) -> None:
    class Public(LocalInternet):
        def trust(self) -> ssl.SSLContext:
            return Internet().trust()

    assert "certificate" in fetched(server, tmp_path / "a", internet=Public(server))
    assert server.seen == []


def test_redirects_within_the_hosts_are_followed_three_times(server: TlsServer, tmp_path: Path) -> None:
    for number in range(4):
        server.routes[f"/{number}"] = redirect(f"/{number + 1}" if number else f"https://{HOST}:443/1")
    server.routes["/3"] = content(png())
    assert fetched(server, tmp_path / "a", f"https://{HOST}/0") == ""
    server.routes["/3"] = redirect("/4", 308)
    server.routes["/4"] = content(png())
    assert "redirects more than 3 times" in fetched(server, tmp_path / "b", f"https://{HOST}/0")


@pytest.mark.parametrize(
    "location",
    ["http://cdn.example.com/a.png", "https://evil.example/a.png", "//evil.example/a.png", "file:///etc/passwd",
     "https://169.254.169.254/latest/meta-data", f"https://{METADATA}/", "https://[::ffff:169.254.169.254]/",
     "\\\\evil", "https://cdn.example.com:8080/"],
)  # fmt: skip
def test_a_redirect_elsewhere_is_not_followed(server: TlsServer, tmp_path: Path, location: str) -> None:
    server.routes["/a.png"] = redirect(location)
    internet = LocalInternet(server)
    said = fetched(server, tmp_path / "a", internet=internet)
    assert said.startswith(("address_refused", "fetch_failed: cdn.example.com: it answered 404"))
    assert set(internet.asked) == {HOST}
    assert not (tmp_path / "a").exists()


def test_a_name_with_one_inside_address_among_several_is_refused(server: TlsServer, tmp_path: Path) -> None:
    internet = LocalInternet(server, {HOST: [[CDN, "10.0.0.7"]]})
    assert "10.0.0.7" in fetched(server, tmp_path / "a", internet=internet)
    assert server.names == []


def test_an_unknown_name_is_a_sentence(server: TlsServer, tmp_path: Path) -> None:
    assert "its name is not known" in fetched(server, tmp_path / "a", internet=LocalInternet(server, {"x.example": []}))


@pytest.mark.parametrize("code", [204, 206, 304, 401, 404, 500])
def test_only_a_whole_answer_is_taken(server: TlsServer, tmp_path: Path, code: int) -> None:
    server.routes["/a.png"] = status(code)
    assert f"answered {code}" in fetched(server, tmp_path / "a")


def test_a_compressed_answer_is_refused_because_it_could_be_a_bomb(server: TlsServer, tmp_path: Path) -> None:
    server.routes["/a.png"] = content(b"\x1f\x8b" + b"0" * 99, Content_Encoding="gzip")
    assert "compressed" in fetched(server, tmp_path / "a")


def test_a_file_beyond_the_limit_is_not_read_to_its_end(server: TlsServer, tmp_path: Path) -> None:
    sent = []

    def endless(handler) -> None:  # type: ignore[no-untyped-def]
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 2_000:
            handler.wfile.write(b"x" * 65_536)
            sent.append(1)

    server.routes["/a.png"] = endless
    assert "fetch_too_large" in fetched(server, tmp_path / "a", most_bytes=1_000_000)
    assert (tmp_path / "a").stat().st_size <= 1_000_000
    server.routes["/a.png"] = content(b"", Content_Length=str(10**12))
    assert "fetch_too_large" in fetched(server, tmp_path / "b", most_bytes=1_000_000)
    assert len(sent) < 2_000


@pytest.mark.parametrize("where", ["head", "body", "handshake"])
def test_a_slow_drip_ends_with_the_time_for_the_whole(server: TlsServer, tmp_path: Path, where: str) -> None:
    def dripping(handler) -> None:  # type: ignore[no-untyped-def]
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        for _ in range(200):  # each byte resets a timeout that counts from the last one
            handler.wfile.write(b"H" if where == "head" else b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    server.routes["/a.png"] = dripping
    internet: LocalInternet = LocalInternet(server)
    with socket.create_server((CDN, 0)) as silent:
        if where == "handshake":
            internet.port = silent.getsockname()[1]
        began = time.monotonic()
        said = fetched(server, tmp_path / "a", internet=internet, seconds=0.5)
        assert said.startswith("fetch_timed_out")
        assert time.monotonic() - began < 5


def test_a_proxy_or_a_netrc_of_the_environment_is_not_used(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login me password secret\nmachine {CDN} login me password x\n")
    for name, value in (("HTTPS_PROXY", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert fetched(server, tmp_path / "a") == ""
    assert "authorization" not in server.headers[0]


def test_it_works_inside_a_running_event_loop(server: TlsServer, tmp_path: Path) -> None:
    async def inside() -> str:
        return fetched(server, tmp_path / "a")

    assert asyncio.run(inside()) == ""


def test_one_fault_leaves_the_other_files_alone(server: TlsServer, tmp_path: Path) -> None:
    wanted = {f"https://{HOST}/{name}": tmp_path / name for name in ("a.png", "none.png")}
    faults = Fetcher([HOST], LocalInternet(server)).fetch(wanted)
    assert list(faults) == [f"https://{HOST}/none.png"]
    assert (tmp_path / "a.png").read_bytes() == png()


# --- in a campaign ---------------------------------------------------------------------------------------------------

HOSTS = "asset_hosts: [cdn.example.com]\n"


def rows(*urls: str) -> str:
    return "row_id,product,picture\n" + "".join(f"r{n},Cup {n},{url}\n" for n, url in enumerate(urls, 1))


def found(folder: Path, server: TlsServer) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(BadInput) as caught:
        prepare(Order(folder), LocalInternet(server))
    return [(problem.row, problem.column, problem.code) for problem in caught.value.problems]


def test_a_campaign_with_addresses_is_fetched_once_and_then_needs_no_network(server: TlsServer, tmp_path: Path) -> None:
    folder = write(tmp_path, rows=rows(URL, URL, f"https://{HOST}/b"), extra=HOSTS)
    server.routes["/b"] = content(png(colour="red"))
    prepared = prepare(Order(folder), LocalInternet(server))
    assert sorted(path for path, _ in server.seen) == ["/a.png", "/b"]
    assert len(prepared.rows) == 3
    assert "Fetched 2 file(s) into .assets/." in prepared.notes
    (kept,) = folder.glob(f"{FOLDER}/*.png")
    assert kept == asset_file(folder, URL)
    assert kept.read_bytes() == png()
    server.routes.clear()
    again = creatives(folder)  # nobody stands in for the internet here
    assert {shot.picture for made in again for shot in made.shots if shot.picture} == set(
        map(Path.resolve, (folder / FOLDER).iterdir())
    )
    assert len(server.seen) == 2


def test_a_file_that_cannot_be_fetched_is_a_complaint_of_every_row_that_names_it(
    server: TlsServer, tmp_path: Path
) -> None:
    page = f"https://{HOST}/page.png"
    bad = (f"https://{HOST}/none.png", URL, f"https://{HOST}/none.png", "https://evil.example/a.png", page)
    server.routes["/page.png"] = content(b"<html>Sign in</html>")
    folder = write(tmp_path, rows=rows(*bad), extra=HOSTS)
    assert found(folder, server) == [
        (1, "picture", "fetch_failed"),
        (3, "picture", "fetch_failed"),
        (4, "picture", "address_refused"),
        (5, "picture", "not_a_picture"),
    ]
    assert [path.suffix for path in (folder / FOLDER).iterdir()] == [".png"]  # the good one; no parts


def test_no_address_is_taken_unless_the_campaign_names_hosts_and_the_sentence_says_how(tmp_path: Path) -> None:
    (problem,) = complaints(write(tmp_path, rows=rows(URL)))
    assert problem.code == "file_address"
    assert "`asset_hosts`" in problem.fix


def test_only_https_is_taken_from_named_hosts(server: TlsServer, tmp_path: Path) -> None:
    folder = write(tmp_path, rows=rows(f"http://{HOST}/a.png", "s3://bucket/a.png", f"//{HOST}/a.png"), extra=HOSTS)
    assert found(folder, server) == [(row, "picture", "file_address") for row in (1, 2, 3)]
    assert server.seen == []


def test_a_row_that_is_switched_off_fetches_nothing(server: TlsServer, tmp_path: Path) -> None:
    table = f"row_id,product,picture,enabled\na,Cup,{URL},no\nb,Jug,,yes\n"
    prepare(Order(write(tmp_path, rows=table, extra=HOSTS)), LocalInternet(server))
    assert server.seen == []


def test_copies_are_not_written_through_a_link(server: TlsServer, tmp_path: Path) -> None:
    folder, outside = write(tmp_path / "campaign", rows=rows(URL), extra=HOSTS), tmp_path / "outside"
    outside.mkdir()
    (folder / FOLDER).symlink_to(outside)
    assert found(folder, server) == [(1, "picture", "not_writable")]
    assert list(outside.iterdir()) == []


def test_a_copy_that_is_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "campaign", rows=rows(URL), extra=HOSTS)
    (tmp_path / "outside.png").write_bytes(png())
    kept = asset_file(folder, URL)
    kept.parent.mkdir()
    kept.symlink_to(tmp_path / "outside.png")
    problems = Problems("rows.csv")
    assets = Assets(folder, [HOST])
    assets.fetch({URL: "image"})
    assert assets.file(URL, problems) is None
    assert [problem.code for problem in problems.found] == ["file_outside"]


@pytest.mark.parametrize("host", ["10.0.0.1", "*.example.com", "https://cdn.example.com"])
def test_a_host_that_is_no_name_is_refused_in_campaign_yaml(tmp_path: Path, host: str) -> None:
    (problem,) = complaints(write(tmp_path, campaign=CAMPAIGN + f"asset_hosts: ['{host}']\n"))
    assert problem.column is not None
    assert problem.column.startswith("asset_hosts")
    assert "cdn.example.com" in problem.message


@pytest.mark.slow
def test_a_run_makes_its_films_from_fetched_pictures_without_a_network(server: TlsServer, tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "campaign", f"row_id,product,picture\nred,Cup,{URL}\n", extra=HOSTS)
    template = campaign / "small" / "template.yaml"
    text = template.read_text("utf-8").replace("factors:", "  picture: {type: image}\nfactors:")
    template.write_text(text.replace("  - share: 1\n", "  - {share: 1, picture: picture}\n"), "utf-8")
    prepare(Order(campaign), LocalInternet(server))
    server.routes.clear()
    made = run(campaign, tmp_path / "out")
    assert [record.status for record in made.records] == ["done"]
    assert len(server.seen) == 1
    # The picture is in the film: its colour stands in the middle.
    film = tmp_path / "out" / "Small" / made.records[0].path
    planes = next(iter(read_frames(film)))
    height, width = planes.u.shape
    chroma = [float(plane[height // 2, width // 2]) for plane in (planes.u, planes.v)]
    assert sum(abs(value - 128) for value in chroma) > 20
