"""`experiment.allocation` of campaign.yaml is written anew, and nothing else: comments, order and spacing stay.

The text is cut where YAML's own parser says that the value stands. What comes out is parsed again, and must be what was
there but for this one key.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flows.files import write_whole
from flows.model import BadInput, Problem
from flows.problems import Problems
from flows.yaml_file import read_yaml

KEY, SUB = "experiment", "allocation"


def with_allocation(text: str, shares: Mapping[str, float]) -> str:
    """The text of campaign.yaml with these shares.

    Raises: BadInput where the text cannot be changed without touching anything else.
    """
    value = "{" + ", ".join(f"{name}: {share:g}" for name, share in shares.items()) + "}"
    ending = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _refused("the file is not written as `key: value` lines")
    outer = _value(root, KEY)
    if outer is None:
        gap = "" if not text or text.endswith(("\n", "\r")) else ending
        return f"{text}{gap}{ending}{KEY}:{ending}  {SUB}: {value}{ending}"
    if not isinstance(outer, yaml.MappingNode):
        raise _refused(f"`{KEY}` is empty or no mapping")
    inner = _value(outer, SUB)
    if inner is not None:
        return _replaced(text, outer, inner, value)
    first = outer.value[0][0].start_mark if outer.value else None
    if outer.flow_style or first is None:
        place = outer.start_mark.index + 1
        return f"{text[:place]}{SUB}: {value}{', ' if outer.value else ''}{text[place:]}"
    return f"{text[: first.index]}{SUB}: {value}{ending}{' ' * first.column}{text[first.index :]}"


def _replaced(text: str, outer: yaml.MappingNode, inner: yaml.Node, value: str) -> str:
    """Another value where it stands; a block of lines becomes one, with the comment of its key behind it."""
    start, end = inner.start_mark.index, inner.end_mark.index
    if not isinstance(inner, yaml.CollectionNode) or inner.flow_style:
        return f"{text[:start]}{'' if end > start else ' '}{value}{text[end:]}"
    key = next(key for key, node in outer.value if node is inner)
    last = inner.value[-1]
    # The end mark of a block lies behind the comments below it; that of its last value does not.
    end = (last[1] if isinstance(last, tuple) else last).end_mark.index
    colon = text.index(":", key.end_mark.index) + 1
    comment = text[colon:start].splitlines()[0].strip()
    return f"{text[:colon]} {value}{'  ' + comment if comment else ''}{text[end:]}"


def _value(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def write_allocation(path: Path, shares: Mapping[str, float]) -> str:
    """Write the shares into campaign.yaml, whole or not at all; returns the difference as lines of a diff.

    Raises: BadInput; NoSpace, CannotWrite.
    """
    data = path.read_bytes().decode("utf-8")
    mark = "\ufeff" if data.startswith("\ufeff") else ""
    before = data.removeprefix(mark)
    after = with_allocation(before, shares)
    if _without(_parsed(path, after)) != _without(_parsed(path, before)):
        raise _refused("another key would have changed")
    write_whole(path, mark + after)
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), path.name, f"{path.name} (new)", lineterm="", n=1
    )
    return "\n".join(lines)


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """The text as it is read by the rest of Spotmill."""
    problems = Problems(path.name)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text.encode("utf-8"))
        read = read_yaml(copy, problems)
    if read is None:
        raise BadInput(tuple(problems.found))
    return read[0]


def _without(data: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the allocation."""
    inner = {name: value for name, value in (data.get(KEY) or {}).items() if name != SUB}
    rest = {name: value for name, value in data.items() if name != KEY}
    return rest | ({KEY: inner} if inner else {})


def _refused(reason: str) -> BadInput:
    fix = f"Write `{KEY}: {{{SUB}: …}}` by hand, with the shares above"
    return BadInput((Problem("campaign.yaml", None, KEY, "not_rewritten", "", reason, fix),))
