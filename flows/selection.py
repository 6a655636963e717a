"""Choosing rows: by number, by a condition on their columns, by a seeded sample.

A condition is a tiny language with the look of Python: comparisons, `and`, `or`, `not`, `in`. It is parsed and walked,
never executed. Knows rows only.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from flows.columns import plain_name
from flows.model import BadInput, Problem, Row
from flows.problems import did_you_mean, shown
from flows.values import BadValue, number
from flows.variants import content_hash

LIMIT_CONDITION = 1_000

Scalar = str | Decimal | bool
_COMPARE: dict[type[ast.cmpop], Callable[[Scalar, Scalar], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def select_rows(
    rows: Sequence[Row],
    *,
    numbers: str | None = None,
    sample: int | None = None,
    where: str | None = None,
    seed: int = 1,
) -> tuple[Row, ...]:
    """The rows that satisfy all that is given, in the file's order. `numbers` is like `1-3,7`.

    Raises: BadInput for text that cannot be understood and for a choice that leaves nothing.
    """
    chosen = list(rows)
    if numbers is not None:
        wanted = _numbers(numbers)
        chosen = [row for row in chosen if any(first <= row.number <= last for first, last in wanted)]
    if where is not None:
        condition = _Condition(where)
        chosen = [row for row in chosen if condition.holds(row)]
    if sample is not None:
        # By hash, not by position: the same rows are drawn again after others were added.
        drawn = sorted(chosen, key=lambda row: content_hash("sample", str(seed), row.row_id))[: max(0, sample)]
        chosen = sorted(drawn, key=lambda row: row.number)
    if rows and not chosen:
        raise _refuse("--rows, --where and --sample leave no row", "Choose others")
    return tuple(chosen)


def _refuse(message: str, fix: str, value: str = "", option: str = "selection") -> BadInput:
    return BadInput((Problem(option, None, None, "bad_selection", shown(value), message, fix),))


def _numbers(text: str) -> list[tuple[int, int]]:
    ranges = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,7})\s*(?:-\s*([0-9]{1,7})\s*)?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last:
            raise _refuse("not row numbers", "Write numbers and ranges from 1, like 1-3,7", text, "--rows")
        ranges.append((first, last))
    return ranges


class _Condition:
    """A parsed `--where`."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > LIMIT_CONDITION:
            raise self._bad(f"longer than {LIMIT_CONDITION:,} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._bad("not a condition") from error

    def holds(self, row: Row) -> bool:
        """Whether the row satisfies it."""
        return self._truth(self._tree, _columns(row))

    def _bad(self, message: str, fix: str = """Write one like segment == "gamers" and price > 20""") -> BadInput:
        return _refuse(message, fix, self._text, "--where")

    def _truth(self, node: ast.expr, columns: Mapping[str, str]) -> bool:
        if isinstance(node, ast.BoolOp):
            results = (self._truth(value, columns) for value in node.values)
            return all(results) if isinstance(node.op, ast.And) else any(results)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self._truth(node.operand, columns)
        if isinstance(node, ast.Compare):
            pairs = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
            return all(self._compare(left, op, right, columns) for left, op, right in pairs)
        return bool(self._value(node, columns))

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr, columns: Mapping[str, str]) -> bool:
        if isinstance(op, ast.In | ast.NotIn):
            return self._contains(left, right, columns) == isinstance(op, ast.In)
        compare = _COMPARE.get(type(op))
        if compare is None:
            raise self._bad(f"`{type(op).__name__}` is not allowed in a condition")
        a, b = self._value(left, columns), self._value(right, columns)
        if isinstance(a, Decimal) != isinstance(b, Decimal):
            first, second = self._as_number(a), self._as_number(b)
            if first is None or second is None:
                return isinstance(op, ast.NotEq)  # an empty or wordy cell is neither above nor below a number
            a, b = first, second
        return bool(compare(a, b))

    def _contains(self, left: ast.expr, right: ast.expr, columns: Mapping[str, str]) -> bool:
        value = self._value(left, columns)
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            return any(self._compare(left, ast.Eq(), item, columns) for item in right.elts)
        return str(value) in str(self._value(right, columns))

    def _value(self, node: ast.expr, columns: Mapping[str, str]) -> Scalar:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | str):
            return node.value
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return Decimal(str(node.value))
        if isinstance(node, ast.Name):
            if node.id not in columns:
                raise self._bad(f"there is no column {node.id}", did_you_mean(node.id, columns))
            return columns[node.id]
        raise self._bad(f"`{type(node).__name__}` is not allowed in a condition")

    def _as_number(self, value: Scalar) -> Decimal | None:
        try:
            return value if isinstance(value, Decimal) else number(str(value))
        except BadValue:
            return None


def _columns(row: Row) -> dict[str, str]:
    """What a condition can name: every column by its plain name, and the row's id even where it was derived."""
    return {plain_name(header): cell.strip() for header, cell in row.cells.items()} | {"row_id": row.row_id}
