"""`make deploy-check`: what of deploy/ can be checked with the tools at hand, beyond the tests that need none.

Each check says `ok`, `failed` or `not checked` and why; a tool that is missing never counts as passed. Exit 1 when
something failed, and with --all also when something was not checked. Starts no containers, and a Prefect server only on
loopback with a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
#: The KubeRay release that the manifests are written for, and the Kubernetes whose schemas they are held against.
KUBERAY = "1.7.0"
KUBERNETES = "1.37"
CRDS = ("ray.io_rayclusters.yaml", "ray.io_rayjobs.yaml")
ADDRESS = "https://raw.githubusercontent.com/ray-project/kuberay/v{}/helm-chart/kuberay-operator/crds/{}"
START_SECONDS = 180.0


class NotChecked(Exception):
    """A tool or a file is missing."""


class Wrong(Exception):
    """What a check found."""


def tool(*names: str) -> str:
    """The first of these programs that is here, beside this Python or on PATH. Raises: NotChecked."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = next((path for name in names if (path := shutil.which(name, path=places))), None)
    if found is None:
        raise NotChecked(f"no {' or '.join(names)}")
    return found


def run(words: list[str], **more: Any) -> str:
    """What a program printed. Raises: Wrong with its end when it fails."""
    ended = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, **{"cwd": ROOT, **more})
    if ended.returncode:
        raise Wrong((ended.stderr.strip() or ended.stdout.strip())[-2000:])
    return ended.stdout


def dockerfile(_: argparse.Namespace) -> str:
    """Best practices of Dockerfiles."""
    run([tool("hadolint"), str(DEPLOY / "Dockerfile")])
    return "hadolint"


def scripts(_: argparse.Namespace) -> str:
    """Mistakes in shell scripts."""
    run([tool("shellcheck"), *map(str, sorted(DEPLOY.glob("*.sh")))])
    return "shellcheck"


def filled_environment() -> dict[str, str]:
    """example.env with secrets that open nothing."""
    lines = (DEPLOY / "example.env").read_text("utf-8").splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value or f"x{secrets.token_hex(8)}" for name, value in pairs.items()}


def compose(_: argparse.Namespace) -> str:
    """That Compose itself understands docker-compose.yml, and refuses it without its secrets."""
    words = _compose()
    words += ["--file", str(DEPLOY / "docker-compose.yml"), "--profile", "gpu", "config"]
    bare = {name: value for name, value in os.environ.items() if name not in filled_environment()}
    with tempfile.TemporaryDirectory() as folder:
        run(words, env={**bare, **filled_environment()}, cwd=folder)
        try:
            run(words, env=bare, cwd=folder)
        except Wrong:
            return " ".join(Path(word).name for word in words[:2] if not word.startswith("-"))
    raise Wrong("Compose takes the file although no secret was given")


def _compose() -> list[str]:
    """Compose in whichever form is here. Raises: NotChecked."""
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return [docker, "compose"]
    try:
        return [tool("docker-compose")]
    except NotChecked:
        tool("podman")  # podman-compose asks it for its version
        return [tool("podman-compose")]


def kustomize(_: argparse.Namespace) -> str:
    """That the manifests make one whole, and the registry is set everywhere."""
    words = [tool("kubectl"), "kustomize"] if shutil.which("kubectl") else [tool("kustomize"), "build"]
    made = list(yaml.safe_load_all(run([*words, str(DEPLOY / "kubernetes")])))
    strange = [image for image in re.findall(r"'image': '([^']+)'", str(made)) if "/" not in image]
    if strange:
        raise Wrong(f"no registry before {', '.join(strange)}")
    return f"{len(made)} objects"


def kubernetes(_: argparse.Namespace) -> str:
    """Kubernetes' own kinds against its schemas, unknown keys refused."""
    try:
        import kubernetes_validate
    except ImportError as error:
        raise NotChecked("no kubernetes-validate: pip install kubernetes-validate") from error
    own = [each for each in manifests() if "k8s.io/v1" in each["apiVersion"] or "." not in each["apiVersion"]]
    for each in own:
        try:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Wrong(f"{each['kind']} {error.path}: {error.message}") from error
    return f"{len(own)} objects, Kubernetes {KUBERNETES}"


def manifests() -> list[dict[str, Any]]:
    """Every object in kubernetes/ but the list for kustomize."""
    files = [path for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) if path.stem != "kustomization"]
    return [each for path in files for each in yaml.safe_load_all(path.read_text("utf-8"))]


def kuberay(asked: argparse.Namespace) -> str:
    """RayCluster and RayJob against the definitions of KubeRay's release, unknown keys refused."""
    import jsonschema

    schemas = dict(_definition(text) for text in _definitions(asked))
    checked = [each for each in manifests() if each["apiVersion"] == "ray.io/v1"]
    for each in checked:
        if each["kind"] not in schemas:
            raise NotChecked(f"no definition of {each['kind']} among the files")
        found = [*jsonschema.Draft202012Validator(schemas[each["kind"]]).iter_errors(each)]
        if found:
            raise Wrong("; ".join(f"{each['kind']} {error.json_path}: {error.message[:200]}" for error in found[:5]))
    return f"{len(checked)} objects, KubeRay {KUBERAY}"


def _definitions(asked: argparse.Namespace) -> list[str]:
    if asked.crds:
        return [path.read_text("utf-8") for path in sorted(asked.crds.glob("*.yaml"))]
    if not asked.download:
        raise NotChecked(f"KubeRay's definitions: --download fetches those of {KUBERAY}, --crds FOLDER has them")
    addresses = [ADDRESS.format(KUBERAY, name) for name in CRDS]
    try:
        return [urllib.request.urlopen(address, timeout=60).read().decode() for address in addresses]  # noqa: S310 - https
    except OSError as error:
        raise NotChecked(f"KubeRay's definitions could not be fetched ({error})") from error


def _definition(text: str) -> tuple[str, dict[str, Any]]:
    """Kind and schema of v1."""
    spec = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]  # noqa: S506 - a safe one; a MB each
    version = next(each for each in spec["versions"] if each["name"] == "v1")
    return spec["names"]["kind"], _closed(version["schema"]["openAPIV3Schema"], root=True)


def _closed(schema: Any, *, root: bool = False) -> Any:
    """The schema with unknown keys refused, as the server prunes them without a word."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed["properties"] = {name: _closed(value) for name, value in schema["properties"].items()}
        if root:  # metadata is every object's, and not spelled out
            closed["properties"]["metadata"] = {"type": "object"}
        closed.setdefault("additionalProperties", False)
    return closed


def prefect(_: argparse.Namespace) -> str:
    """`prefect deploy` of every deployment against a real server, twice, and what the server then has."""
    wanted = {each["name"] for each in yaml.safe_load((DEPLOY / "prefect.yaml").read_text("utf-8"))["deployments"]}
    with prefect_server() as environment:
        words = [tool("prefect"), "--no-prompt"]
        run([*words, "work-pool", "create", "spotmill", "--type", "process"], env=environment)
        for _again in range(2):
            run([*words, "deploy", "--prefect-file", "deploy/prefect.yaml", "--all"], env=environment)
        listed = json.loads(run([*words, "deployment", "ls", "--output", "json"], env=environment))
        shown = run([tool("spotmill"), "schedules", "list"], env=environment)
    there = {each["name"] for each in listed}
    if there != wanted:
        raise Wrong(f"the server has {sorted(there)}, not {sorted(wanted)}")
    if missing := [name for name in wanted if name not in shown]:
        raise Wrong(f"`spotmill schedules list` does not show {', '.join(missing)}")
    return f"{len(wanted)} deployments on a server of this machine"


@contextmanager
def prefect_server() -> Iterator[dict[str, str]]:
    """A Prefect server on loopback behind a password, and the environment to speak to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SPOTMILL_"))}
    password = f"check:{secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **kept,
            "PREFECT_HOME": home,
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_API_AUTH_STRING": password,
            "PREFECT_SERVER_API_AUTH_STRING": password,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        words = [tool("prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with (Path(home) / "server.log").open("wb") as log:
            server = subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(server, f"http://127.0.0.1:{port}/api/health")
            yield environment
        finally:
            server.terminate()
            server.wait(30)


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - loopback
            return
        except OSError:
            time.sleep(0.5)
    raise Wrong("Prefect's server did not start")


def image(asked: argparse.Namespace) -> str:
    """That the image builds, and its command line answers in it."""
    if not asked.build:
        raise NotChecked("--build makes the image (minutes, a way to Docker's registry and PyPI)")
    builder = _engine()
    base = ["--build-arg", f"BASE={asked.base}"] if asked.base else []
    tag = "localhost/spotmill-check:cpu"
    run([builder, "build", *base, "--file", "deploy/Dockerfile", "--target", "cpu", "--tag", tag, "."])
    run([builder, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", tag, "spotmill", "placements"])  # noqa: S108
    return f"cpu, by {Path(builder).name}"


def _engine() -> str:
    """Docker where its engine answers, else Podman, which needs none. Raises: NotChecked."""
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        return docker
    try:
        return tool("podman")
    except NotChecked as error:
        raise NotChecked("no engine of Docker answers, and no podman") from error


CHECKS: tuple[Callable[[argparse.Namespace], str], ...] = (
    dockerfile,
    scripts,
    compose,
    kustomize,
    kubernetes,
    kuberay,
    prefect,
    image,
)


def main(words: list[str] | None = None) -> int:
    """Run every check, one line each."""
    parser = argparse.ArgumentParser(prog="make deploy-check", description=__doc__)
    parser.add_argument("--crds", type=Path, metavar="FOLDER", help="KubeRay's definitions (crds/ of its Helm chart)")
    parser.add_argument("--download", action="store_true", help=f"fetch the definitions of KubeRay {KUBERAY}")
    parser.add_argument("--build", action="store_true", help="build the cpu image and run it")
    parser.add_argument("--base", default="", help="base image for --build instead of the Dockerfile's")
    parser.add_argument("--all", action="store_true", help="exit 1 also when something was not checked")
    asked = parser.parse_args(words)
    states = []
    for check in CHECKS:
        try:
            state, said = "ok", check(asked)
        except NotChecked as missing:
            state, said = "not checked", str(missing)
        except (Wrong, subprocess.TimeoutExpired) as wrong:
            state, said = "failed", str(wrong)
        print(f"{check.__name__:<11} {state}: {said}", flush=True)
        states.append(state)
    return int("failed" in states or (asked.all and "not checked" in states))


if __name__ == "__main__":
    sys.exit(main())
