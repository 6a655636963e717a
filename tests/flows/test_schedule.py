"""Campaigns by the clock: times that are read, schedules on a real Prefect server, and runs that come due."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from flows.model import BadInput
from flows.order import Order
from flows.schedule import server
from flows.schedule.serving import parameters_of
from flows.schedule.times import Times, next_times, read_times, spoken
from flows.settings import Settings
from tests.flows.small import small_campaign

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """This process's, without a server of anybody's, and with a home of its own."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, "XDG_STATE_HOME": str(folder / "state"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **more}


def spotmill(*words: object, env: dict[str, str], code: int = 0) -> str:
    command = [sys.executable, "-m", "flows", *map(str, words)]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def api(url: str, path: str, body: object = None, password: str = "") -> object:
    """Prefect's own API, without its client."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"{url}{path}", data=data, headers={"Content-Type": "application/json"})
    if password:
        asked.add_header("Authorization", f"Basic {base64.b64encode(password.encode()).decode()}")
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.loads(answer.read() or "null")


# --- times ----------------------------------------------------------------------------------------------------------


def test_the_next_times_are_told_in_the_campaigns_timezone():
    times = read_times(["0 5 * * *", "0  5 * * *"], "Europe/Berlin")
    assert times == Times(("0 5 * * *",), "Europe/Berlin")
    coming = next_times(times)
    assert len(coming) == 3
    assert all((moment.hour, moment.minute) == (5, 0) for moment in coming)
    assert re.fullmatch(r"\w{3} \d\d \w{3} \d{4} 05:00 CES?T", spoken(coming[0]))


def test_several_expressions_take_turns():
    coming = next_times(read_times(["0 5 * * *", "0 17 * * *"], "UTC"), 4)
    assert {moment.hour for moment in coming} == {5, 17}
    assert coming == sorted(coming)


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("61 5 * * *", "this is no cron expression"),
        ("0 5 * *", "4 fields, five are expected"),
        ("0 0 5 * * *", "6 fields, five are expected"),
        ("R 5 * * *", "this is no cron expression"),
        ("0 5 31 2 *", "such a day never comes"),
        ("at five", "2 fields, five are expected"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(cron, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        read_times([cron], "UTC")


@pytest.mark.parametrize(
    ("zone", "fix"), [("Europe/Belin", "Did you mean"), ("12345678", "Write it like Europe/Berlin")]
)
def test_an_unknown_timezone_is_refused_with_a_way_out(zone, fix):
    with pytest.raises(BadInput, match=fix):
        read_times(["0 5 * * *"], zone)


# --- parameters and servers -----------------------------------------------------------------------------------------


def test_parameters_are_what_was_asked_for_and_hold_nothing_of_the_machine(tmp_path):
    settings = Settings(
        out=Path("out"), cluster="ray://somebody:secret@head:10001", webhook_url="https://x.example/key"
    )
    given = parameters_of(Order(tmp_path, where="price > 20", engine="animatic"), settings)
    assert given == {
        "campaign": str(tmp_path),
        "out": str(Path.cwd() / "out"),
        "where": "price > 20",
        "engine": "animatic",
    }


def test_without_a_server_a_sentence_says_how_to_get_one(tmp_path):
    with pytest.raises(BadInput, match="spotmill schedules serve"):
        server.connect({"XDG_STATE_HOME": str(tmp_path)})


def test_an_address_that_is_left_over_from_a_killed_server_is_not_taken_for_one(tmp_path):
    folder = server.home({"XDG_STATE_HOME": str(tmp_path)})
    folder.mkdir(parents=True)
    (folder / "address").write_text("http://127.0.0.1:4200/api")
    with pytest.raises(BadInput, match="none is named or running"):
        server.connect({"XDG_STATE_HOME": str(tmp_path)})


def test_a_port_that_is_taken_is_told_before_a_server_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, env = taken.getsockname()[1], {"XDG_STATE_HOME": str(tmp_path)}
        with pytest.raises(BadInput, match=f"something listens on port {port}"), server.own_server(port, print, env):
            raise AssertionError
    assert (server.home(env) / "password").stat().st_mode & 0o077 == 0
    assert "PREFECT_API_URL" not in env


@pytest.mark.fault(18, "a Prefect server that is not there")
@pytest.mark.cluster
def test_a_server_that_does_not_answer_is_a_sentence(tmp_path):
    env = environment(tmp_path, PREFECT_API_URL=f"http://127.0.0.1:{free_port()}/api")
    said = spotmill("schedules", "list", env=env, code=2)
    assert "does not answer (ConnectError). Check that it runs" in said


# --- a real server --------------------------------------------------------------------------------------------------

#: Commands one after another in one process, for Prefect takes two seconds to import: code and output of each.
COMMANDS = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from flows.cli import main
said = []
for words in json.load(sys.stdin):
    sys.argv, output, code = ["spotmill", *words], io.StringIO(), 0
    try:
        with redirect_stdout(output), redirect_stderr(output):
            main()
    except SystemExit as stop:
        code = stop.code
    said.append([code, output.getvalue()])
print(json.dumps(said))
"""
#: A run that claims to go on, whose machine has died; then what `serve` does about it when it begins.
LEFT_OVER = """
from prefect.client.orchestration import get_client
from prefect.states import Running
from flows.schedule.deployments import crash_left_over
with get_client(sync_client=True) as client:
    deployment = client.read_deployment_by_name("campaign/Small")
    run = client.create_flow_run_from_deployment(deployment.id)
    client.set_flow_run_state(run.id, Running(), force=True)
    print(crash_left_over(), client.read_flow_run(run.id).state.type.value, crash_left_over())
"""


def in_process(script: str, env: dict[str, str], given: str = "") -> str:
    words = [sys.executable, "-c", script]
    ended = subprocess.run(words, cwd=ROOT, env=env, input=given, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def commands(env: dict[str, str], *lines: tuple[object, ...]) -> list[tuple[int, str]]:
    given = json.dumps([[str(word) for word in line] for line in lines])
    return json.loads(in_process(COMMANDS, env, given).splitlines()[-1])


@pytest.fixture(scope="module")
def user_server(tmp_path_factory):
    """A server as a user runs one, without work pools."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    env = environment(folder, PREFECT_HOME=str(folder), PREFECT_API_URL=f"http://127.0.0.1:{port}/api")
    words = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 120
    while True:
        try:
            assert api(env["PREFECT_API_URL"], "/health") is True
            break
        except OSError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.3)
    yield env
    server.end(process)


@pytest.mark.cluster
def test_a_schedule_is_made_listed_renewed_paused_resumed_and_removed(user_server, tmp_path):
    env, url = user_server, user_server["PREFECT_API_URL"]
    campaign, other = small_campaign(tmp_path / "campaign"), small_campaign(tmp_path / "other")
    words = ("schedule", campaign, "--out", tmp_path / "out", "--timezone", "Europe/Berlin", "--cron")
    ((code, said),) = commands(env, (*words, "0 5 * * *"))
    assert code == 0, said
    assert "Scheduled Small: 0 5 * * * (Europe/Berlin)." in said
    assert len(re.findall(r"05:00 CES?T", said)) == 3

    (made,) = api(url, "/deployments/filter", {})
    assert made["global_concurrency_limit"]["limit"] == 1
    assert made["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert made["entrypoint"] == "flows.campaign.campaign_flow"
    assert made["parameters"] == {"campaign": str(campaign), "out": str(tmp_path / "out")}
    form = made["parameter_openapi_schema"]["properties"]
    assert all(field.get("description") for field in form.values())
    assert form["rows"]["description"] == "Only these rows, such as 1-3,7."
    assert made["enforce_parameter_schema"] is True
    assert in_process(LEFT_OVER, env).split() == ["1", "CRASHED", "0"]

    renewed, taken, no_pool, paused, listed = commands(
        env,
        (*words, "30 6 * * 1"),
        ("schedule", other, "--cron", "0 5 * * *"),
        (*words, "0 5 * * *", "--pool", "none"),
        ("schedules", "pause", "Small"),
        ("schedules", "list"),
    )
    assert renewed[1].startswith("Rescheduled Small: 30 6 * * 1"), renewed
    assert taken[0] == no_pool[0] == 2
    assert "another campaign has this schedule" in taken[1]
    assert "prefect work-pool create none" in no_pool[1]
    assert paused[0] == 0, paused
    assert re.search(r"Small +30 6 \* \* 1 \(Europe/Berlin\) +paused", listed[1]), listed
    (made,) = api(url, "/deployments/filter", {})
    assert [one["schedule"]["cron"] for one in made["schedules"]] == ["30 6 * * 1"]
    assert made["paused"] is True

    unknown, resumed, active, removed, nothing = commands(
        env,
        ("schedules", "resume", "Smal"),
        ("schedules", "resume", "Small"),
        ("schedules", "list"),
        ("schedules", "remove", "Small"),
        ("schedules", "list"),
    )
    assert unknown[0] == 2
    assert 'Did you mean "Small"?' in unknown[1]
    assert resumed[0] == removed[0] == 0
    assert re.search(r"Small +30 6 \* \* 1 \(Europe/Berlin\) +active", active[1]), active
    assert "Nothing is scheduled" in nothing[1]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_runs_a_campaign_each_minute_and_only_the_first_run_makes_anything(tmp_path):
    campaign = small_campaign(tmp_path / "campaign")
    env, port = environment(tmp_path), free_port()
    words = ["schedule", campaign, "--cron", "* * * * *", "--out", tmp_path / "out", "--serve", "--port", port]
    log = tmp_path / "log"
    with log.open("w") as stream:
        serve = subprocess.Popen(
            [sys.executable, "-m", "flows", *map(str, words)], cwd=ROOT, env=env, stdout=stream, stderr=stream
        )
    try:
        runs = _three_runs(tmp_path, port, serve, log)
    finally:
        serve.send_signal(signal.SIGTERM)
    assert serve.wait(timeout=90) == 0, log.read_text()
    made = [run["state"]["message"] for run in runs]
    assert "Small: done: 2 done; " in made[0]
    assert "steps made" in made[0]
    assert all("nothing had to be made" in message for message in made[1:])
    spans = [(when(run["start_time"]), when(run["end_time"])) for run in runs]
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans
    with socket.socket() as port_again:  # the server has gone with it
        assert port_again.connect_ex(("127.0.0.1", port)) != 0


def _three_runs(folder: Path, port: int, serve: subprocess.Popen, log: Path) -> list[dict]:
    """The first three runs that completed; any that came due meanwhile were cancelled."""
    password_file = folder / "state" / "spotmill" / "prefect" / "password"
    deadline = time.monotonic() + 700
    while time.monotonic() < deadline:
        assert serve.poll() is None, log.read_text()
        time.sleep(3)
        try:
            password = password_file.read_text().strip()
            found = api(f"http://127.0.0.1:{port}/api", "/flow_runs/filter", {"limit": 200}, password)
        except OSError:
            continue
        ended = [run for run in found if run["state_type"] not in ("SCHEDULED", "PENDING", "RUNNING")]
        assert {run["state_type"] for run in ended} <= {"COMPLETED", "CANCELLED"}, log.read_text()
        completed = sorted(
            (run for run in ended if run["state_type"] == "COMPLETED"), key=lambda run: run["start_time"]
        )
        if len(completed) >= 3:
            assert password_file.stat().st_mode & 0o077 == 0
            return completed[:3]
    raise AssertionError(log.read_text())
