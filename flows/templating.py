"""Texts with places for values: Jinja templates that cannot loop, call, reach into objects or grow without bound.

A template is parsed and every node of its tree is checked against an allow-list before it is compiled; the sandbox
with strict undefined names stays underneath as a second lock. Why rendering always ends, and soon: the source has at
most `LIMIT_SOURCE` characters, so at most that many nodes; no allowed node repeats or calls another part of the
template (no loops, macros, includes, assignments, arithmetic), so each node runs at most once; and no allowed filter
returns more than a fixed multiple of its input and arguments. Time and size are linear in source and values.

Values are data: a cell that contains `{{ … }}` is never rendered. Knows no row; locales' rules are in `localise.py`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flows.localise import FILTERS, LOCALISED
from flows.problems import Problems, did_you_mean
from flows.values import KINDS, BadValue, Value

if TYPE_CHECKING:
    import jinja2
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LIMIT_SOURCE = 8_000
LIMIT_DEPTH = 24
#: A prompt, or a minute of speech, is well below this.
LIMIT_OUTPUT = 4_000
#: Opening or closing marks of the template language; in a text for people they are a leftover.
BRACES = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
#: Runs of ASCII white space; no-break spaces between a number and its unit stay.
_SPACES = re.compile(r"[ \t\r\n\f\v]+")

#: Node types that may stand in a template. Everything else is refused with its line.
_ALLOWED = {"Template", "Output", "TemplateData", "Name", "Const", "List", "Tuple", "If", "CondExpr", "Filter"}
_ALLOWED |= {"And", "Or", "Not", "Compare", "Operand", "Concat"}
_WHY = {
    "For": "loops are not allowed: a text must end whatever the values are",
    "Call": "calls are not allowed",
    "Getattr": "dots are not allowed: use plain variables",
    "Getitem": "square brackets are not allowed: use plain variables",
    "Assign": "`set` is not allowed",
    "AssignBlock": "`set` is not allowed",
    "Test": "`is` is not needed: every declared variable is defined; write {% if name %}",
    "Include": "`include` is not allowed",
    "Import": "`import` is not allowed",
    "FromImport": "`import` is not allowed",
    "Extends": "`extends` is not allowed",
    "Macro": "macros are not allowed",
}
_PLURALS = {"zero", "one", "two", "few", "many", "other"}


class RenderFailed(Exception):
    """A text could not be made from these values; `fix` is the way out."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Text:
    """One template file that passed the check."""

    #: File name, for messages.
    file: str
    source: str
    #: Variables it reads, sorted.
    names: tuple[str, ...]
    #: Whether another locale gives another text with the same values.
    localised: bool

    def render(self, values: Mapping[str, Value], locale: str) -> str:
        """The text on one line, its spaces tidied.

        Raises: RenderFailed.
        """
        try:
            text = _compiled(self.source, locale if self.localised else "").render(values)
        except BadValue as error:
            raise RenderFailed(f"{self.file}{_line_of(error)}: {error}", error.fix) from error
        except (TypeError, ValueError, ArithmeticError) as error:
            fix = "Compare numbers with numbers and texts with texts"
            raise RenderFailed(f"{self.file}{_line_of(error)}: {error}", fix) from error
        if len(text) > LIMIT_OUTPUT:
            raise RenderFailed(
                f"{self.file} gives {len(text):,} characters; {LIMIT_OUTPUT:,} is the limit", "Shorten it"
            )
        if left := BRACES.search(text):
            raise RenderFailed(f"{self.file} leaves {left.group()} in the text", "Write variables as {{ name }}")
        return _SPACES.sub(" ", text).strip()


def _line_of(error: BaseException) -> str:
    """`, line 3` when the traceback passes through a template (Jinja rewrites its lines to the source's)."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""


def check_text(file: str, source: str, kinds: Mapping[str, str], problems: Problems) -> Text | None:
    """Parse and check one template. `kinds` maps every variable there is to its type; None after a complaint."""
    import jinja2

    before = len(problems.found)
    if len(source) > LIMIT_SOURCE:
        message = f"the file has {len(source):,} characters; {LIMIT_SOURCE:,} is the limit"
        problems.add("template_too_long", message, "An ad's text is a few lines")
        return None
    try:
        tree = _environment("").parse(source)
    except jinja2.TemplateSyntaxError as error:
        problems.add("template_syntax", f"line {error.lineno}: {error.message}", "Correct the template there")
        return None
    except RecursionError:
        problems.add("template_nested", "the template is nested too deeply", "Simplify it")
        return None
    inspector = _Inspector(kinds, problems)
    inspector.visit(tree, depth=0, printed=False)
    if len(problems.found) > before:
        return None
    return Text(file, source, tuple(sorted(inspector.names)), inspector.localised)


class _Inspector:
    """Walks a parsed template and complains of everything that is not allowed, with its line."""

    def __init__(self, kinds: Mapping[str, str], problems: Problems) -> None:
        self.kinds, self.problems = kinds, problems
        self.names: set[str] = set()
        self.localised = False

    def visit(self, node: nodes.Node, *, depth: int, printed: bool) -> None:
        """Check `node` and what is below it. `printed` says whether its value goes into the text as it is."""
        name = type(node).__name__
        if depth > LIMIT_DEPTH:
            self._refuse(node, f"nested deeper than {LIMIT_DEPTH} levels", "Simplify it")
        elif name not in _ALLOWED:
            self._refuse(node, _WHY.get(name, f"`{name}` is not allowed"), "Use {{ name }}, {% if %} and filters only")
        else:
            check = getattr(self, f"_check_{name.lower()}", None)
            if check is not None:
                check(node, printed)
            for child, shown in _children(node, printed):
                self.visit(child, depth=depth + 1, printed=shown)

    def _refuse(
        self, node: nodes.Node, message: str, fix: str, code: str = "template_refused", value: str = ""
    ) -> None:
        self.problems.add(code, f"line {node.lineno}: {message}", fix, value=value)

    def _check_name(self, node: nodes.Name, printed: bool) -> None:
        kind = self.kinds.get(node.name)
        if kind is None:
            fix = did_you_mean(node.name, self.kinds) or "Declare it under `variables:` in template.yaml"
            self._refuse(node, "unknown variable", fix, "unknown_variable", node.name)
            return
        self.names.add(node.name)
        if printed and KINDS[kind].filter:
            fix = f"Write {{{{ {node.name} | {KINDS[kind].filter} }}}}"
            self._refuse(node, f"{node.name} is of type {kind} and would be printed raw", fix, "raw_value", node.name)

    def _check_condexpr(self, node: nodes.CondExpr, _printed: bool) -> None:
        if node.expr2 is None:
            self._refuse(node, "an `if` inside {{ }} needs its `else`", "Write {{ a if b else c }}")

    def _check_filter(self, node: nodes.Filter, _printed: bool) -> None:
        function = FILTERS.get(node.name)
        if function is None:
            self._refuse(node, "unknown filter", did_you_mean(node.name, FILTERS), "unknown_filter", node.name)
            return
        self.localised |= node.name in LOCALISED
        problem = _bad_arguments(node, function)
        if problem:
            self._refuse(node, f"{node.name}: {problem}", "See the filter in flows/localise.py", "filter_arguments")
        kind = self.kinds.get(node.node.name) if type(node.node).__name__ == "Name" else None  # type: ignore[union-attr]
        wanted = KINDS[kind].filter if kind is not None else ""
        if kind is not None and node.name in ("money", "percent", "date") and wanted != node.name:
            fix = f"Declare it as {node.name} in template.yaml"
            self._refuse(node, f"the filter {node.name} is given a variable of type {kind}", fix, "filter_type")


def _children(node: nodes.Node, printed: bool) -> Iterator[tuple[nodes.Node, bool]]:
    """The nodes below, each with whether its value is printed."""
    name = type(node).__name__
    inherits = {"CondExpr": ("expr1", "expr2"), "And": ("left", "right"), "Or": ("left", "right")}.get(name, ())
    for field, value in node.iter_fields():
        for child in value if isinstance(value, list) else [value]:
            if not hasattr(child, "iter_fields") or (name == "Filter" and field in ("args", "kwargs")):
                continue
            yield child, name in ("Output", "Concat") or (field in inherits and printed)


def _bad_arguments(node: nodes.Filter, function: Any) -> str:
    """Why a filter's arguments cannot be taken, or "". All must be written out, so that they are checked here."""
    import jinja2.nodes

    pairs: list[Any] = node.kwargs  # Jinja types them as expressions; they are Keyword nodes
    keywords = {str(keyword.key): keyword.value for keyword in pairs}
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return "* arguments are not allowed"
    if not all(isinstance(value, jinja2.nodes.Const) for value in (*node.args, *keywords.values())):
        return "arguments must be written out, not variables"
    if node.name == "plural" and not set(keywords) <= _PLURALS:
        return f"the forms are {', '.join(sorted(_PLURALS))}"
    try:
        inspect.signature(function).bind("", "", *node.args, **keywords)
    except TypeError as error:
        return str(error)
    return ""


@lru_cache(maxsize=256)
def _environment(locale: str) -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, cache_size=0, keep_trailing_newline=False
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update({name: partial(function, locale) for name, function in FILTERS.items()})
    return environment


@lru_cache(maxsize=4096)
def _compiled(source: str, locale: str) -> jinja2.Template:
    return _environment(locale).from_string(source)
