"""Which code a step runs, as a short hash: a step made by other code is not the same step.

The hash covers the parsed sources, without comments and docstrings, of the modules that decide the step's output, and
the versions of the libraries that draw, encode or speak. A reworded comment re-renders nothing. Footage is not covered:
it is costly, so its engine states a `revision` by hand (`generation/engines/contract.py`).
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Step kind -> (sources, libraries) that decide its bytes.
MADE_BY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "conform": (
        ("generation/conform", "generation/cut.py", "generation/media/frames.py"),
        ("torch", "av", "opencv-python-headless", "numpy"),
    ),
    "plate": (
        (
            "generation/plate.py",
            "generation/cut.py",
            "generation/reframe.py",
            "generation/looks",
            "generation/media/frames.py",
        ),
        ("av", "opencv-python-headless", "numpy"),
    ),
    "content": (("generation/content",), ("torch", "transformers", "pillow")),
    "voice": (
        ("audio/fit.py", "audio/script.py", "audio/words.py", "audio/waveform.py", "audio/money.toml", "audio/voices"),
        ("av", "numpy"),
    ),
    "bed": (
        ("audio/beds.py", "audio/harmony.py", "audio/instruments.py", "audio/score.py", "audio/moods.toml"),
        ("numpy",),
    ),
    "mix": (("audio/mix.py", "audio/clips.py", "audio/beds.py", "audio/media.py"), ("av", "numpy", "pydub")),
    "track": (("audio/loudness.py", "audio/media.py"), ("av", "numpy")),
    "master": (
        ("generation/layers", "generation/marks/visible.py", "generation/marks/invisible/code.py",
         "generation/marks/invisible/pattern.py", "generation/marks/invisible/writer.py", "generation/media/frames.py",
         "audio/captions.py", "flows/sheet.py"),
        ("av", "opencv-python-headless", "uharfbuzz", "freetype-py", "python-bidi", "budoux", "font-manrope",
         "font-hanken-grotesk", "font-source-sans-pro"),
    ),
    "package": (
        ("generation/media", "generation/check.py", "audio/captions.py", "audio/subtitles.py", "flows/creative.py"),
        ("imageio-ffmpeg", "ffmpeg-python", "av", "pillow"),
    ),
    # What reads a film back is not here: a better reader must not sign every film anew, which voids its approval.
    "delivery": (
        ("flows/sealing.py", "generation/marks/credentials/sign.py", "generation/marks/credentials/statement.py"),
        ("c2pa-python",),
    ),
    "draft": (("generation/draft.py", "generation/media"), ("av", "opencv-python-headless", "pillow")),
    "survival": (("generation/marks/invisible", "generation/media/upload.py"), ("av", "opencv-python-headless")),
}  # fmt: skip


@cache
def revision_of(kind: str) -> str:
    """Twelve hex digits that change with the code or the libraries behind a step kind."""
    sources, libraries = MADE_BY[kind]
    state = hashlib.sha256()
    for name in sources:
        for file in _files(ROOT / name):
            state.update(f"{file.relative_to(ROOT)}\n".encode())
            state.update(_meaning(file))
    for library in libraries:
        state.update(f"{library} {_version(library)}\n".encode())
    return state.hexdigest()[:12]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".py", ".toml"))
    if not path.is_file():
        raise FileNotFoundError(f"{path.relative_to(ROOT)} is named in flows/revision.py and does not exist")
    return [path]


def _meaning(file: Path) -> bytes:
    """A source without its comments, layout and docstrings; other files as they are."""
    if file.suffix != ".py":
        return file.read_bytes()
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree).encode()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
