"""Fails the build of an image when a package in it is in none of the locks given, or has another version there."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

#: The project itself, and what torch alone pins: CUDA libraries of its own build.
UNLOCKED = re.compile(r"spotmill|nvidia-.*|cuda-.*|triton")


def versions(lock: str) -> set[tuple[str, str]]:
    """Names and versions of a lock; a name stands there once for each Python that wants another version."""
    return {(plain(name), version) for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)}


def plain(name: str) -> str:
    """A package's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(locks: list[str]) -> str:
    """What is wrong, as text; "" is nothing."""
    known = set().union(*(versions(Path(lock).read_text("utf-8")) for lock in locks))
    # A build's own mark (2.13.0+cpu) is none of a lock's.
    here = {(plain(each.metadata["Name"]), each.version.partition("+")[0]) for each in distributions()}
    strange = sorted(f"{name}=={version}" for name, version in here - known if not UNLOCKED.fullmatch(name))
    return f"not in {', '.join(locks)}: {', '.join(strange)}" if strange else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
