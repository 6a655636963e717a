"""Templates and cells as code: each attack works on plain Jinja first, and is refused or stays text here."""

from __future__ import annotations

import time
from pathlib import Path

import jinja2
import pytest
from jinja2.sandbox import SandboxedEnvironment

from flows.problems import Problems
from flows.templating import LIMIT_OUTPUT, LIMIT_SOURCE, check_text
from tests.flows.written import complaints, creatives, write

KINDS = {"product": "text", "stock": "integer"}


def refused(source: str) -> str:
    problems = Problems("t.j2")
    assert check_text("t.j2", source, KINDS, problems) is None
    return problems.found[0].message


def test_a_template_can_run_a_command_in_plain_jinja_and_is_refused_here(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    source = f"{{{{ cycler.__init__.__globals__.os.system('touch {marker}') }}}}"
    jinja2.Environment().from_string(source).render()
    assert marker.exists()
    assert refused(source).startswith("line 1: ")


def test_a_cell_used_as_a_template_runs_in_plain_jinja_and_is_refused_as_a_cell(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    cell = f"{{{{ joiner.__init__.__globals__.os.system('touch {marker}') }}}}"
    jinja2.Environment().from_string(f"New: {cell}").render()
    assert marker.exists()
    marker.unlink()
    (problem,) = complaints(write(tmp_path / "c", rows=f'row_id,product\na,"{cell[:30]}"\n'))
    assert (problem.row, problem.column, problem.code) == (1, "product", "braces")
    assert not marker.exists()


@pytest.mark.parametrize(
    "cell", ["{ {7*7} }", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{7*7}", "%7B%7B7*7%7D%7D", "{ % x % }"]
)
def test_what_only_looks_like_template_language_stays_text(tmp_path: Path, cell: str) -> None:
    (made,) = creatives(write(tmp_path, rows=f'row_id,product\na,"{cell}"\n'))
    assert made.layers[0].text == f"{cell}?"


#: Short sources whose output Jinja's own sandbox does not bound, with a number that is harmless to try.
GROWING = [
    ("{{ 'a' * NUMBER }}", 10**6),
    ("{{ product | center(NUMBER) }}", 10**6),
    ("{{ '%NUMBERd' % 1 }}", 10**6),
    ("{{ lipsum(n=NUMBER) }}", 300),
    ("{{ product | indent(NUMBER, true) }}", 10**6),
    ("{{ [product] * NUMBER }}", 10**5),
    ("{{ (product ~ product) | wordwrap(1, wrapstring='x' * NUMBER) }}", 10**5),
    ("{% for a in range(300) %}{% for b in range(300) %}x{% endfor %}{% endfor %}", 0),
    ("{% for a in product * 999 %}{% for b in product * 99 %}x{% endfor %}{% endfor %}", 0),
    ("{{ product | replace('', 'x' * 9999) | replace('', 'xxxxxxxxx') }}", 0),
    ("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% else %}x{% endif %}{% endmacro %}{{ m(16) }}", 0),
    ("{{ '{:>NUMBER}'.format(1) }}", 10**6),
    ("{{ product | batch(1, 'x') | list * NUMBER }}", 10**4),
]


@pytest.mark.parametrize(("source", "number"), GROWING)
def test_a_template_that_grows_without_bound_in_the_sandbox_is_refused_here(source: str, number: int) -> None:
    harmless = source.replace("NUMBER", str(number))
    made = SandboxedEnvironment().from_string(harmless).render(product="Cup")
    assert len(made) > 10 * LIMIT_OUTPUT
    began = time.process_time()
    assert refused(source.replace("NUMBER", str(10**9))).startswith("line 1: ")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "source",
    [
        "{{ 2 ** 10 ** 9 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ product.format_map({}) }}",
        "{{ product | attr('__class__') }}",
        "{{ self._TemplateReference__context }}",
        "{{ namespace(x=1) }}",
        "{{ product | map('upper') | list }}",
        "{{ product | tojson }}",
        "{{ dict(a=1) }}",
        "{% do product %}",
        "{% raw %}{{ product }}{% endraw %}{{ config }}",
        "{% filter upper %}x{% endfilter %}",
        "{% call product() %}{% endcall %}",
        "{% with x = 1 %}{{ x }}{% endwith %}",
        "{% autoescape false %}{% endautoescape %}",
        "{{ product if product else caller() }}",
        "{{ " + "-" * 3000 + "stock }}",
        "{{ " + "[" * 500 + "]" * 500 + " }}",
        "{{ " + " ~ ".join(["product"] * 4000) + " }}",
    ],
)
def test_every_other_door_of_the_language_is_shut(source: str) -> None:
    assert refused(source)


def test_the_largest_template_that_is_allowed_renders_at_once() -> None:
    """Time is linear in source and values: the worst that passes the check is still quick."""
    unit = "{{ product | upper | lower | upper | lower | upper | lower | upper | lower | shorten(12) }}"
    problems = Problems("t.j2")
    text = check_text("t.j2", unit * (LIMIT_SOURCE // len(unit)), {"product": "text"}, problems)
    assert text is not None
    began = time.process_time()
    text.render({"product": "Cup of tea " * 3}, "tr-TR")
    assert time.process_time() - began < 2
