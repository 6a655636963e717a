"""The house keeps its shape: arrows point downwards, heavy libraries stay in their rooms, `--help` stays light.

Imports are read from the sources (also those inside functions, and `import_module("...")`), so a rule holds for code
that no test happens to run. What a command really loads is asked of a fresh interpreter.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import flows

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("flows", "generation", "audio")

#: Who may import whom among our own packages.
ARROWS = {"flows": {"flows", "generation", "audio"}, "generation": {"generation"}, "audio": {"audio"}}

#: Rooms inside `generation`: a folder -> what of ours it may import.
ROOMS = {
    "generation/media/": ("generation.media", "generation.spec", "generation.errors"),
    "generation/looks/": ("generation.looks", "generation.media.frames", "generation.spec", "generation.errors"),
    "generation/conform/": (
        "generation.conform",
        "generation.media",
        "generation.cut",
        "generation.spec",
        "generation.errors",
    ),
    "generation/content/": ("generation.content", "generation.media", "generation.spec", "generation.errors"),
    "generation/engines/": ("generation.engines", "generation.media", "generation.spec", "generation.errors"),
    "generation/marks/credentials/": ("generation.marks.credentials", "generation.errors"),
}

#: Library -> the only places that may import it; () is nowhere yet. A trailing slash names a folder.
QUARANTINE: dict[str, tuple[str, ...]] = {
    "prefect": ("flows/campaign.py", "flows/prefect_page.py", "flows/schedule/"),
    "ray": ("flows/cluster.py", "flows/nodes.py", "flows/placing.py"),
    "boto3": ("flows/stores/s3.py",),
    "botocore": ("flows/stores/s3.py",),
    "torch": ("generation/engines/diffusion/", "generation/conform/"),
    "diffusers": ("generation/engines/diffusion/",),
    "transformers": ("generation/engines/diffusion/", "generation/content/check.py"),
    # Learned models of a user's own; optional.
    "onnxruntime": ("generation/conform/learned.py", "generation/marks/invisible/learned.py"),
    "av": ("generation/media/", "audio/media.py"),
    "ffmpeg": ("generation/media/",),
    "imageio_ffmpeg": ("generation/media/",),
    "pydub": ("audio/clips.py",),
    "cv2": ("generation/",),
    # GPLv3: nobody imports it. `espeak.py` asks where it lies, and a child process opens the library there.
    "espeakng_loader": (),
    "pandas": ("flows/table.py",),
    # The extra `experiment`.
    "statsmodels": ("flows/experiment/inference.py",),
    "scipy": ("flows/experiment/inference.py", "flows/experiment/sequential.py"),
    # Signed statements and certificates.
    "c2pa": ("generation/marks/credentials/",),
    "cryptography": (
        "generation/marks/credentials/chain.py",
        "generation/marks/credentials/keys.py",
        "generation/marks/credentials/local_chain.py",
    ),
    # The review page's server.
    "fastapi": ("flows/review/server.py",),
    "starlette": ("flows/review/gate.py",),
    "uvicorn": ("flows/review/serving.py",),
    "httpx": ("generation/engines/videos_api/", "flows/fetching.py", "flows/posting.py"),
}

#: What no `__init__` and no `--help` may load.
HEAVY = (
    "prefect",
    "ray",
    "torch",
    "diffusers",
    "transformers",
    "onnxruntime",
    "c2pa",
    "cryptography",
    "boto3",
    "cv2",
    "av",
    "pandas",
    "scipy",
    "statsmodels",
    "fastapi",
    "starlette",
    "uvicorn",
    "numpy",
    "PIL",
    "pydub",
)


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[str]:
    """Every module that a file imports, wherever in the file, absolute."""
    return [module for _, module in _imported(ast.parse(path.read_text("utf-8")), path)]


def _imported(tree: ast.AST, path: Path) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, path)
            yield node, base
            # `from package import module` imports the module as well.
            yield from ((node, f"{base}.{alias.name}") for alias in node.names if _is_ours(f"{base}.{alias.name}"))
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield node, str(node.args[0].value)


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _is_ours(module: str) -> bool:
    path = ROOT / Path(*module.split("."))
    return module.split(".")[0] in PACKAGES and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def allowed(path: Path, places: tuple[str, ...]) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return any(name.startswith(place) if place.endswith("/") else name == place for place in places)


def test_the_packages_under_test_are_the_ones_beside_the_tests() -> None:
    assert Path(flows.__file__).resolve().parent == ROOT / "flows"
    assert len(sources()) > 40


def test_imports_between_our_packages_point_downwards() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources()
        for module in imports(path)
        if module.split(".")[0] in (*PACKAGES, "tests", "benchmarks")
        and module.split(".")[0] not in ARROWS[path.relative_to(ROOT).parts[0]]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_generation_knows_only_what_it_says(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for module in imports(path)
        if module.startswith("generation.")
        and not any(module == known or module.startswith(f"{known}.") for known in ROOMS[room])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", QUARANTINE)
def test_a_heavy_library_stays_in_its_room(library: str) -> None:
    users = [path for path in sources() if any(module.split(".")[0] == library for module in imports(path))]
    wrong = [str(path.relative_to(ROOT)) for path in users if not allowed(path, QUARANTINE[library])]
    assert not wrong, f"{library} may be imported by {QUARANTINE[library] or 'nobody yet'}, not by {wrong}"
    # A room that nobody uses any more is a rule that guards nothing.
    unused = [place for place in QUARANTINE[library] if not any(allowed(path, (place,)) for path in users)]
    assert not unused, f"{library} is not imported in {unused} any more; shorten the table"


def test_no_module_imports_itself_through_others() -> None:
    graph = {name_of(path): _at_import(path) for path in sources()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for other in sorted(graph[module] & graph.keys()):
                visit(other, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def _at_import(path: Path) -> set[str]:
    """What a module of ours needs of ours while it is imported: not inside functions, not for the type checker only."""
    tree = ast.parse(path.read_text("utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    later = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
    }
    found = {module for node, module in _imported(tree, path) if node not in later}
    # A package that imports its own module is not imported by it: Python has begun the package already.
    return {module for module in found if _is_ours(module) and not f"{name_of(path)}.".startswith(f"{module}.")}


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after `code`."""
    script = f"import sys, json\n{code}\nprint('\\n' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.rsplit("\n", 2)[-2]))


@cache
def packages() -> tuple[str, ...]:
    """Every package of ours but those inside one engine or voice, which are loaded with it."""
    inits = [path for path in sources() if path.name == "__init__.py"]
    return tuple(name_of(path) for path in inits if len(path.relative_to(ROOT).parts) <= 3)


def test_packages_load_nothing_heavy() -> None:
    assert {"flows", "generation", "audio", "generation.looks", "audio.voices"} <= set(packages())
    loaded = loaded_by(f"import {', '.join(packages())}")
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["looks"], ["placements"]], ids=" ".join)
def test_light_commands_load_nothing_heavy(words: list[str]) -> None:
    loaded = loaded_by(f"from flows.cli import commands\ncommands({words!r}, standalone_mode=False)")
    assert not loaded & set(HEAVY)
    assert "flows" in loaded


@pytest.mark.parametrize("words", [["engines"], ["voices"], ["plan", "templates/sample", "--json"]], ids=" ".join)
def test_plan_and_lists_load_no_orchestration_and_no_models(words: list[str], tmp_path: Path) -> None:
    words = [*words, "--out", str(tmp_path)] if words[0] == "plan" else words
    loaded = loaded_by(f"from flows.cli import commands\ncommands({words!r}, standalone_mode=False)")
    assert not loaded & {"prefect", "ray", "torch", "diffusers", "transformers", "boto3"}
