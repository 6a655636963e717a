"""YAML files that people write: read as plain data, checked against a typed model, complaints with the line.

Stricter than PyYAML's safe loader where that guesses: `no`, `on` and `12:30` stay text (Norway is a locale, not a
falsehood), a key written twice is an error, and anchors are refused because an alias can expand without end.
Does not know what the keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flows.problems import Problems, did_you_mean

#: A campaign file of a thousand lines is a tenth of this.
LIMIT_BYTES = 256 * 1024
#: Lists inside lists inside keys: ours need four levels.
LIMIT_DEPTH = 12

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class _Refused(Exception):
    """A construct that YAML allows and we do not."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    """The safe loader without YAML 1.1's guesses."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] in ("null", "float", "merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))


def read_yaml(path: Path, problems: Problems) -> tuple[dict[str, Any], dict[Place, int]] | None:
    """The file as a mapping and the line (from 1) of every key and item; None when `problems` got a complaint."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            problems.add(
                "yaml_too_large", f"the file is larger than {LIMIT_BYTES // 1024} KiB", "Move the data to rows"
            )
            return None
        text = path.read_text(encoding="utf-8-sig")
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Place, int] = {}
            _walk(node, (), lines, set())
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except FileNotFoundError:
        problems.add(
            "file_missing", "the file does not exist", "`spotmill init` writes a complete campaign to start from"
        )
    except OSError as error:
        problems.add("file_unreadable", f"the file cannot be read ({error.strerror})", "Check the path and its rights")
    except UnicodeDecodeError:
        problems.add("encoding", "the file is not UTF-8 text", "Save it as UTF-8")
    except _Refused as refused:
        problems.add("bad_yaml", f"line {refused.line}: {refused}", "Write every value once, in full")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        reason = getattr(error, "problem", None) or "nested too deeply or holds a value that cannot be read"
        problems.add("bad_yaml", f"{where}not valid YAML ({reason})", "Check the indentation, colons and quotes there")
    else:
        if isinstance(data, dict):
            return data, lines
        problems.add("bad_yaml", "the file holds no `key: value` lines", "See templates/sample for an example")
    return None


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int], seen: set[int]) -> None:
    """Record the line of every place; refuse keys written twice, aliases and deep nesting."""
    if node is None:
        return
    line = _line(node)
    lines.setdefault(place, line)
    if len(place) > LIMIT_DEPTH:
        raise _Refused(f"nested deeper than {LIMIT_DEPTH} levels", line)
    if id(node) in seen:
        # An alias is the same node once more; lists of aliases of lists grow without bound when they are written out.
        raise _Refused("anchors and aliases (& and *) are not allowed", line)
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                raise _Refused(f'"{key.value}" stands here a second time (first in line {lines[inner]})', _line(key))
            lines[inner] = _line(key)
            _walk(value, inner, lines, seen)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def read_model(path: Path, model: type[Model], problems: Problems) -> Model | None:
    """Read and validate `path`; every complaint goes to `problems` with its line. None when there was one."""
    read = read_yaml(path, problems)
    if read is None:
        return None
    data, lines = read
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for detail in error.errors():
            _complain(detail, model, lines, problems)
        return None


def _complain(detail: ErrorDetails, model: type[BaseModel], lines: Mapping[Place, int], problems: Problems) -> None:
    place: Place = detail["loc"]
    # Parts that pydantic adds (names of union members, `[key]`) have no line of their own: take the nearest above.
    line = next((lines[place[:length]] for length in range(len(place), -1, -1) if place[:length] in lines), 1)
    name = ".".join(str(part) for part in place)
    if detail["type"] == "extra_forbidden":
        known = _keys(model, place[:-1])
        problems.add(
            "unknown_key", f"line {line}: unknown key", did_you_mean(str(place[-1]), known), value=name, column=name
        )
    elif detail["type"] == "missing":
        problems.add("missing_key", f"line {line}: the key is required", f"Add `{place[-1]}:`", column=name)
    elif detail["type"] in ("model_type", "dict_type"):
        keys = ", ".join(_keys(model, place)) if detail["type"] == "model_type" else ""
        fix = f"Write `{place[-1]}: {{key: value}}`" + (f"; keys: {keys}" if keys else "") if place else ""
        problems.add("bad_value", f"line {line}: keys are expected here", fix, value=detail["input"], column=name)
    else:
        message = detail["msg"].removeprefix("Value error, ")
        problems.add(
            "bad_value", f"line {line}: {message[:1].lower() + message[1:]}", value=detail["input"], column=name
        )


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """The keys allowed at a place inside a model, found by following its annotations."""
    for part in place:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # a list index or a free key: the model found last holds for its items
        inner = _model_inside(field.annotation)
        if inner is not None:
            model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_inside(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None
