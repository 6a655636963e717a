"""What deploy/ says is what code, locks and tools understand; `make deploy-check` asks the tools themselves."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from deploy import check, locked
from flows import cli
from flows.schedule.deployments import POOL, PROCESS, TAG
from flows.schedule.times import read_times
from flows.settings import Settings
from flows.stores.opening import ENDPOINT_VARIABLES
from generation.engines.diffusion.weights import VARIABLE as MODELS_VARIABLE
from generation.layers.fonts import FONTS_VARIABLE
from generation.media.ffmpeg import VARIABLE as FFMPEG_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
README = (DEPLOY / "README.md").read_text("utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE_TEXT = (DEPLOY / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PREFECT: dict[str, Any] = yaml.safe_load((DEPLOY / "prefect.yaml").read_text("utf-8"))
OBJECTS = check.manifests()
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
SECRETS = {"RAY_AUTH_TOKEN", "PREFECT_AUTH_STRING", "POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
LOCK = dict(locked.versions((ROOT / "requirements.lock").read_text("utf-8")))
PROJECT = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
ROLES = [name for name, service in SERVICES.items() if "spotmill" in service["image"]]


def filled(text: str) -> str:
    """A text of Compose with what example.env or its own defaults say."""
    values = check.filled_environment()
    return re.sub(r"\$\{(\w+)(?::?[-?]([^}]*))?\}", lambda found: values.get(found[1], found[2] or ""), text)


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod's spec of kubernetes/, wherever it stands in an object."""
    for number, each in enumerate(OBJECTS):
        yield from _pods(f"{each['kind']}-{number}", each.get("spec", {}))


def _pods(name: str, spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "rayClusterSpec" in spec:
        yield from _pods(name, spec["rayClusterSpec"])
    if "headGroupSpec" in spec:
        yield f"{name}-head", spec["headGroupSpec"]["template"]["spec"]
        for group in spec["workerGroupSpecs"]:
            yield f"{name}-{group['groupName']}", group["template"]["spec"]
    elif "template" in spec:
        yield name, spec["template"]["spec"]


PODS = dict(pods())
#: Those that work on campaigns; the Prefect server and the standing Ray head do not.
NODES = {name: pod for name, pod in PODS.items() if "spotmill-settings" in str(pod)}


# --- settings and secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_variable_of_spotmill_is_one_that_is_read(path):
    known = {f"SPOTMILL_{field.name.upper()}" for field in fields(Settings)}
    known |= {MODELS_VARIABLE, FONTS_VARIABLE, FFMPEG_VARIABLE}
    assert set(re.findall(r"SPOTMILL_[A-Z0-9_]+\b(?!\*)", path.read_text("utf-8"))) <= known


def test_every_variable_that_compose_asks_for_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT))
    example = set(re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text("utf-8"), re.MULTILINE))
    assert asked == example


def test_secrets_have_no_value_and_compose_refuses_to_start_without_them():
    lines = (DEPLOY / "example.env").read_text("utf-8").splitlines()
    empty = {line[:-1] for line in lines if re.fullmatch(r"\w+=", line)}
    assert empty >= SECRETS
    for name in SECRETS:
        uses = re.findall(rf"\$\{{{name}(.*?)\}}", COMPOSE_TEXT)
        assert uses
        assert all(use.startswith(":?") for use in uses), name


def test_no_file_holds_a_secret():
    long = re.compile(r"[0-9a-fA-F]{32,}|AKIA[0-9A-Z]{12,}|-----BEGIN|(?<!TOKEN=)\b[A-Za-z0-9+/]{40,}={1,2}")
    for path in FILES:
        assert long.search(path.read_text("utf-8")) is None, path.name
    assert [each for each in OBJECTS if each["kind"] == "Secret"] == []


def test_secrets_of_kubernetes_are_named_in_the_guide():
    named = set(re.findall(r"secret(?:Name|Ref)'?: \{?'?(?:'name': ')?(spotmill-[a-z0-9]+)", str(OBJECTS)))
    named |= set(re.findall(r"'secretKeyRef': \{'name': '([^']+)'", str(OBJECTS)))
    assert {"spotmill-ray", "spotmill-s3", "spotmill-prefect", "spotmill-keys"} == named
    for name in named:
        assert f"`{name}`" in README


def test_every_node_has_the_same_settings_and_keys():
    fixed = {name: service["environment"] for name, service in SERVICES.items() if name in ROLES}
    nodes = [fixed[name] for name in ("ray-worker", "ray-gpu-worker", "prefect-worker")]
    shared = [{key: node[key] for key in COMPOSE["x-environment"]} for node in nodes]
    assert shared[0] == shared[1] == shared[2]
    assert all(node["SPOTMILL_LEDGER"] for node in nodes)
    for pod in NODES.values():
        sources = pod["containers"][0]["envFrom"]
        assert sources[0] == {"configMapRef": {"name": "spotmill-settings"}}
        assert any(mount["mountPath"] == "/run/secrets/spotmill" for mount in pod["containers"][0]["volumeMounts"])
    (settings,) = (each["data"] for each in OBJECTS if each["kind"] == "ConfigMap")
    assert settings["SPOTMILL_STORE"].startswith("s3://")
    assert set(ENDPOINT_VARIABLES) & set(COMPOSE["x-environment"])


def test_no_two_ray_nodes_share_a_disk():
    for name in ("ray-worker", "ray-gpu-worker"):
        own = [volume for volume in SERVICES[name]["volumes"] if volume == "/var/lib/spotmill"]
        assert len(own) == 1  # without a name: a new one for each container
    for name, pod in PODS.items():
        if name.endswith(("-cpu", "-gpu")):
            (own,) = (volume for volume in pod["volumes"] if volume["name"] == "own")
            assert "emptyDir" in own


# --- versions and images --------------------------------------------------------------------------------------------


def test_versions_of_the_manifests_are_those_of_the_lock():
    said = [each["spec"].get("rayClusterSpec", each["spec"])["rayVersion"] for each in OBJECTS if "Ray" in each["kind"]]
    assert said == [LOCK["ray"]] * 2
    assert f"KubeRay {'.'.join(check.KUBERAY.split('.')[:2])}" in (DEPLOY / "kubernetes/ray-cluster.yaml").read_text()
    assert f"--version {check.KUBERAY}" in README


def test_images_are_two_and_bear_the_version_of_the_project():
    assert PROJECT
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))
    tags = {image["name"]: image["newTag"] for image in kustomization["images"]}
    assert tags == {"spotmill-cpu": f"{PROJECT[1]}-cpu", "spotmill-gpu": f"{PROJECT[1]}-gpu"}
    assert {filled(SERVICES[name]["image"]) for name in ROLES} == {f"spotmill:{tag}" for tag in tags.values()}
    assert {f"--tag spotmill:{tag}" for tag in tags.values()} <= set(re.findall(r"--tag \S+", DOCKERFILE))
    used = {part["image"] for pod in PODS.values() for part in [*pod["containers"], *pod.get("initContainers", [])]}
    assert used == {*tags, f"registry.example/spotmill:{PROJECT[1]}-cpu"}


def test_other_images_are_named_with_a_version():
    others = [service["image"] for name, service in SERVICES.items() if name not in ROLES]
    assert len(others) == 2
    assert all(re.fullmatch(r"[a-z.]+/[a-z]+/[a-z]+:\d[\d.]*", image) for image in others)


def test_ray_with_its_dashboard_is_locked_without_contradiction():
    from importlib.metadata import requires

    more = dict(locked.versions((DEPLOY / "requirements-cluster.lock").read_text("utf-8")))
    assert not more.keys() & LOCK.keys()
    needed = [line for line in requires("ray") or [] if 'extra == "default"' in line]
    names = {locked.plain(re.match(r"[\w.-]+", line)[0]) for line in needed}  # type: ignore[index]
    assert "aiohttp" in names
    assert names <= more.keys() | LOCK.keys()


def test_a_package_that_no_lock_knows_is_found(tmp_path):
    lock = tmp_path / "some.lock"
    lock.write_text("\n".join(f"{name}=={version}" for name, version in LOCK.items() if name != "ray"), "utf-8")
    said = locked.main([str(lock)])
    assert f"ray=={LOCK['ray']}" in said
    assert "click==" not in said
    assert "spotmill" not in said.partition(": ")[2]


# --- the image ------------------------------------------------------------------------------------------------------


def test_the_image_has_the_stages_that_are_asked_for():
    stages = re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"--target (\S+)", DOCKERFILE + README)) == {"cpu", "gpu"} <= set(stages)
    base = re.search(r"^ARG BASE=\S+python:(\d+)\.(\d+)-slim", DOCKERFILE, re.MULTILINE)
    assert base
    assert (3, 11) <= (int(base[1]), int(base[2])) < (3, 14)


def test_what_the_image_is_made_from_is_there_and_let_in():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = [line.split() for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)]
    sources = {source for *names, _ in copied for source in names}
    assert sources == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert (ROOT / ".dockerignore").read_text("utf-8").splitlines()[2] == "*"  # all else stays out


def test_locks_that_are_named_are_there():
    named = set(re.findall(r"[\w/-]+\.lock", DOCKERFILE))
    assert {"requirements.lock", "requirements-diffusion.lock", "deploy/requirements-cluster.lock"} == named
    assert all((ROOT / name).is_file() for name in named)


def test_extras_of_the_image_are_those_of_the_project():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = set(re.findall(r"--extra (\w+)", DOCKERFILE))
    assert named == {"cluster", "espeak", "diffusion", "learned"} <= extras.keys()


def test_the_image_does_not_run_as_root():
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    assert "useradd --uid 10001" in DOCKERFILE
    assert 'ENTRYPOINT ["tini", "--"]' in DOCKERFILE
    assert re.findall(r"apt-get install [^&]*? (\S+) \\$", DOCKERFILE, re.MULTILINE) == ["tini"]


# --- compose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_has_few_rights(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "network_mode" not in service
    assert "privileged" not in service
    if name in ROLES:
        assert service["read_only"] is True
        assert "cap_add" not in service


def test_services_wait_for_the_health_of_what_they_need():
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_healthy" if "healthcheck" in SERVICES[other] else "service_completed_successfully"
            assert how == {"condition": wanted}, (name, other)
    assert set(SERVICES["prefect-worker"]["depends_on"]) == {"prepare", "ray-head"}
    assert {"postgres", "s3", "prefect-server", "ray-head", "ray-worker"} <= {
        name for name, service in SERVICES.items() if "healthcheck" in service
    }


def test_healthchecks_in_python_are_programs():
    programs = [service["healthcheck"]["test"] for service in SERVICES.values() if "healthcheck" in service]
    written = [program[3] for program in programs if program[1:3] == ["python", "-c"]]
    assert len(written) == 4
    for program in written:
        compile(program, "healthcheck", "exec")


def test_volumes_and_networks_are_declared():
    named = {
        volume["source"]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if isinstance(volume, dict) and volume["type"] == "volume"
    }
    named |= {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if isinstance(volume, str) and ":" in volume
    }
    assert named == set(COMPOSE["volumes"])
    assert {network for service in SERVICES.values() for network in service["networks"]} == set(COMPOSE["networks"])
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert [name for name, service in SERVICES.items() if "database" in service["networks"]] == [
        "postgres",
        "prefect-server",
    ]


def test_only_the_prefect_worker_sees_campaigns():
    seen = [name for name, service in SERVICES.items() if "/campaigns" in str(service.get("volumes", ""))]
    assert seen == ["prefect-worker"]


# --- commands -------------------------------------------------------------------------------------------------------


def ray_commands() -> list[list[str]]:
    """Every `ray start` of compose, the script, and the manifests."""
    found = [filled(shlex.join(service["command"])) for name, service in SERVICES.items() if name.startswith("ray")]
    script = (DEPLOY / "drive.sh").read_text("utf-8").replace("\\\n", " ")
    found += [line.strip().removesuffix("&") for line in script.splitlines() if line.startswith("ray start")]
    for each in OBJECTS:
        spec = each.get("spec", {})
        spec = spec.get("rayClusterSpec", spec)
        if "headGroupSpec" in spec:
            for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
                given = " ".join(f"--{name}={value}" for name, value in group["rayStartParams"].items())
                found.append(f"ray start {given}")
    return [shlex.split(line) for line in found]


def test_ray_understands_how_it_is_started():
    from ray.scripts.scripts import start

    commands = ray_commands()
    assert len(commands) == 9
    for program, verb, *words in commands:
        assert (program, verb) == ("ray", "start")
        context = start.make_context("start", words)
        if "--head" in words or "--num-gpus=0" not in words:
            assert context.params["num_cpus"] in (None, 0, 4)
        assert context.params["object_store_memory"] <= 500_000_000  # films are no objects
    heads = [words for words in commands if "--dashboard-host=0.0.0.0" in words]
    assert len(heads) == 3
    assert all("--num-cpus=0" in words for words in heads)


def test_prefect_understands_how_it_is_called():
    from prefect.cli import _app

    importlib.import_module("prefect.cli").app  # noqa: B018 - registers the commands
    script = (DEPLOY / "prepare.sh").read_text("utf-8")
    lines = re.findall(r"^\s*prefect (?:--no-prompt )?(.+?)(?: >/dev/null.*)?$", script, re.MULTILINE)
    lines += [shlex.join(SERVICES["prefect-server"]["command"][1:])]
    lines += [
        shlex.join(pod["containers"][0]["args"][1:])
        for pod in PODS.values()
        if pod["containers"][0].get("args", [""])[0] == "prefect"
    ]
    assert len(lines) == 5
    for line in lines:
        _app._app.parse_args(shlex.split(line), exit_on_error=False, print_error=False)


def test_spotmill_understands_how_it_is_called():
    lines = re.findall(r"^spotmill (.+?)(?: &)?$", (DEPLOY / "drive.sh").read_text("utf-8"), re.MULTILINE)
    (job,) = (each["spec"]["entrypoint"] for each in OBJECTS if each["kind"] == "RayJob")
    lines.append(job.removeprefix("spotmill "))
    assert len(lines) == 2
    for line in lines:
        name, *words = shlex.split(line)
        command: click.Command = cli.commands.commands[name]
        while isinstance(command, click.Group):
            name, *words = words
            command = command.commands[name]
        command.make_context(name, words, parent=click.Context(cli.commands, **cli.commands.context_settings))


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell_and_stop_at_what_is_missing(path):
    subprocess.run(["bash", "-n", str(path)], check=True, timeout=30)
    ended = subprocess.run(["bash", str(path)], env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=30)
    assert ended.returncode != 0
    assert b"SPOTMILL_" in ended.stderr


# --- Prefect --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deployment", PREFECT["deployments"], ids=lambda each: each["name"])
def test_deployments_are_such_as_spotmill_makes(deployment):
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert set(deployment["parameters"]) <= set(inspect.signature(flow.fn).parameters)
    assert deployment["work_pool"] == {"name": POOL}
    assert deployment["tags"] == [TAG]
    assert (ROOT / deployment["parameters"]["campaign"] / "campaign.yaml").is_file()
    limit = deployment["concurrency_limit"]
    assert (limit["limit"] if isinstance(limit, dict) else limit) == 1
    for schedule in deployment.get("schedules", []):
        read_times([schedule["cron"]], schedule["timezone"])
        assert deployment["paused"] is True  # nobody's night run begins because a file was read
        assert limit["collision_strategy"] == "CANCEL_NEW"
    assert f"--type {PROCESS}" in (DEPLOY / "prepare.sh").read_text("utf-8")


# --- Kubernetes -----------------------------------------------------------------------------------------------------


def test_manifests_are_what_kubernetes_knows():
    assert re.match(r"\d+ objects", check.kubernetes(Namespace()))


def test_a_key_that_kubernetes_does_not_know_is_found(monkeypatch):
    strange = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prts": []}}]
    monkeypatch.setattr(check, "manifests", lambda: strange)
    with pytest.raises(check.Wrong, match="prts"):
        check.kubernetes(Namespace())


def test_a_key_that_a_definition_does_not_know_is_found(tmp_path):
    schema = {
        "type": "object",
        "properties": {
            "metadata": {"type": "object"},
            "spec": {"type": "object", "properties": {"rayVersion": {"type": "string"}}},
        },
    }
    version = {"name": "v1", "schema": {"openAPIV3Schema": schema}}
    for kind in ("RayCluster", "RayJob"):
        text = yaml.safe_dump({"spec": {"names": {"kind": kind}, "versions": [version]}})
        (tmp_path / f"{kind}.yaml").write_text(text, "utf-8")
    with pytest.raises(check.Wrong, match="headGroupSpec"):
        check.kuberay(Namespace(crds=tmp_path, download=False))


def test_every_manifest_is_applied_but_the_single_run():
    listed = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))["resources"]
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert sorted(listed) == sorted(there - {"kustomization.yaml", "ray-job.yaml"})


@pytest.mark.parametrize("name", PODS)
def test_pods_are_what_a_restricted_namespace_takes(name):
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for part in [*pod["containers"], *pod.get("initContainers", [])]:
        assert part["securityContext"]["allowPrivilegeEscalation"] is False
        assert part["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= set(part["resources"]["requests"]) & set(part["resources"]["limits"])
    assert "hostPath" not in str(pod)
    assert "hostNetwork" not in pod


def test_only_ray_heads_hold_a_token_of_kubernetes():
    for name, pod in PODS.items():
        if not name.endswith("-head"):
            assert pod["automountServiceAccountToken"] is False, name


def test_workers_may_be_taken_away_and_heads_stay():
    for name, pod in PODS.items():
        if name.endswith(("-cpu", "-gpu")):
            assert pod["tolerations"]
            assert pod["terminationGracePeriodSeconds"] <= 30
        elif name.startswith("RayCluster"):
            assert "requiredDuringSchedulingIgnoredDuringExecution" in pod["affinity"]["nodeAffinity"]
    groups = {
        group["groupName"]: group
        for each in OBJECTS
        if each["kind"] == "RayCluster"
        for group in each["spec"]["workerGroupSpecs"]
    }
    assert {name: (group["minReplicas"], group["maxReplicas"]) for name, group in groups.items()} == {
        "cpu": (0, 20),
        "gpu": (0, 4),
    }
    assert groups["gpu"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert all(
        each["spec"].get("rayClusterSpec", each["spec"])["enableInTreeAutoscaling"]
        for each in OBJECTS
        if each["kind"].startswith("Ray")
    )


def test_nothing_comes_in_or_goes_out_that_no_policy_names():
    policies = [each["spec"] for each in OBJECTS if each["kind"] == "NetworkPolicy"]
    assert sorted(policy["policyTypes"][0] for policy in policies) == ["Egress", "Ingress"]
    assert all(policy["podSelector"] == {} for policy in policies)
    world = [
        to["ipBlock"]
        for policy in policies
        for rule in policy.get("egress", [])
        for to in rule["to"]
        if to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"
    ]
    assert world == [{"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}]


# --- make deploy-check ----------------------------------------------------------------------------------------------


def test_a_tool_that_is_missing_never_counts_as_passed(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(check, "CHECKS", (check.dockerfile, check.compose, check.kuberay, check.image))
    assert check.main([]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [re.split(r"\s+", line, maxsplit=1)[1].partition(":")[0] for line in said] == ["not checked"] * 4
    assert check.main(["--all"]) == 1


def test_what_is_wrong_ends_with_an_error(monkeypatch, capsys):
    def wrong(_: Namespace) -> str:
        raise check.Wrong("so it is")

    monkeypatch.setattr(check, "CHECKS", (wrong,))
    assert check.main([]) == 1
    assert "failed: so it is" in capsys.readouterr().out


def test_the_guide_tells_of_every_check():
    for each in check.CHECKS:
        assert f"`{each.__name__}`" in README
