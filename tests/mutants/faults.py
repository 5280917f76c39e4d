"""All small faults that could be in a module. Knows its syntax tree, and nothing about tests."""

import ast
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from tests.mutants.fault import Fault
from tests.mutants.text import Text, off_by_one

__all__ = ["find_faults"]

_SWAPPED: Final[dict[type[ast.cmpop], bytes]] = {
    ast.Lt: b"<=",
    ast.LtE: b"<",
    ast.Gt: b">=",
    ast.GtE: b">",
    ast.Eq: b"!=",
    ast.NotEq: b"==",
    ast.Is: b"is not",
    ast.IsNot: b"is",
    ast.In: b"not in",
    ast.NotIn: b"in",
}
_ORDERING: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
"""Comparisons whose swapped form is not their negation."""

_CHECKED_BY_MYPY: Final = {"frozen", "gc", "kw_only", "slots"}
"""Class keywords that make no difference in a program that passes mypy."""
_FOR_PEOPLE: Final = {"description", "epilog", "help", "help_text", "metavar", "usage"}
"""Keywords whose values only people read."""
_NEVER: Final = {"NewType", "ParamSpec", "TypeVar", "assert_never", "cast"}
"""Calls that exist only for mypy."""


def find_faults(path: PurePosixPath, source: bytes) -> list[Fault]:
    """Return the possible faults of a module, in source order. Some may make no difference."""
    tree = ast.parse(source)
    finder = _Finder(path, Text(source), _loggers(tree))
    finder.visit(tree)
    return sorted(finder.faults, key=lambda it: (it.start, it.end, it.what, it.text))


def _loggers(tree: ast.Module) -> frozenset[str]:
    """Return the names of loggers."""
    return frozenset(
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and _last_name(node.value.func) == "Logger"
        for target in node.targets
        if isinstance(target, ast.Name)
    )


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


class _Finder(ast.NodeVisitor):
    """Walks a module. Anything it does not visit gets no faults."""

    def __init__(self, path: PurePosixPath, text: Text, loggers: frozenset[str]) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._text = text
        self._loggers = loggers
        self._scope: list[str] = []
        self._gives_value = [False]
        """For each enclosing function: whether its annotation promises a value."""

    def _add(self, node: ast.expr | ast.stmt, what: str, text: bytes) -> None:
        self._add_between(*self._text.span(node), what, text)

    def _add_between(self, start: int, end: int, what: str, text: bytes) -> None:
        line = self._text.line(start)
        scope = ".".join(self._scope)
        self.faults.append(Fault(self._path, line, scope, what, start, end, text))

    def _drop(self, node: ast.stmt, what: str) -> None:
        self._add(node, what, b"pass")

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # --- Definitions: leave annotations and docstrings alone ---

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all(node.decorator_list)
        self._scope.append(node.name)
        annotation = node.returns
        is_none = isinstance(annotation, ast.Constant) and annotation.value is None
        self._gives_value.append(annotation is not None and not is_none)
        self._visit_all([node.args, *node.body])
        self._gives_value.pop()
        self._scope.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        self._visit_all([*node.decorator_list, *node.keywords, *node.body])
        self._scope.pop()

    def visit_arguments(self, node: ast.arguments) -> None:
        self._visit_all([*node.defaults, *node.kw_defaults])

    # --- Statements ---

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value
        call = value.value if isinstance(value, ast.Await) else value
        if isinstance(call, ast.Call) and not self._is_left_alone(call):
            self._drop(node, "call dropped")
        self.visit(value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(it, ast.Name) and it.id == "__all__" for it in node.targets):
            return
        if any(isinstance(it, ast.Attribute | ast.Subscript) for it in node.targets):
            self._drop(node, "assignment dropped")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and isinstance(node.target, ast.Attribute | ast.Subscript):
            self._drop(node, "assignment dropped")
        self._visit_all([node.target, node.value])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._drop(node, "assignment dropped")
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._drop(node, "deletion dropped")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._drop(node, "raise dropped")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._drop(node, "break dropped")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._drop(node, "continue dropped")

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        # False to None makes almost no difference; False to True is another fault.
        is_false = isinstance(value, ast.Constant) and value.value is False
        if value is not None and not is_false and self._gives_value[-1]:
            self._add(node, "None returned", b"return None")
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Skip it: an assertion tells mypy what the surrounding code already ensures."""

    # --- Conditions ---

    def visit_If(self, node: ast.If) -> None:
        if _last_name(node.test) == "TYPE_CHECKING":
            self._visit_all(node.orelse)
            return
        self._negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._negate(condition)
        self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> None:
        if node.guard is not None:
            self._negate(node.guard)
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        match test:
            case ast.Constant():
                return  # It gets swapped.
            case ast.Compare(ops=[op]) if not isinstance(op, _ORDERING):
                return  # The same.
        self._add(test, "condition negated", self._text.negated(test))

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, node.comparators, strict=False):
            place = self._text.operator(left, right)
            self._add_between(*place, "comparison changed", _SWAPPED[type(op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = b"or" if isinstance(node.op, ast.And) else b"and"
        what = "and for or" if other == b"and" else "or for and"
        start, end = self._text.span(node)
        self._add_between(start, end, what, self._text.joined(node.values, start, end, other))
        self.generic_visit(node)

    # --- Expressions ---

    def visit_Await(self, node: ast.Await) -> None:
        if isinstance(node.value, ast.Call):
            self._add(node, "awaited call dropped", b"None")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if not self._is_left_alone(node):
            self.generic_visit(node)

    def _is_left_alone(self, node: ast.Call) -> bool:
        """Return whether a call logs something, or exists only for mypy."""
        match node.func:
            case ast.Attribute(value=value) if _last_name(value) in self._loggers:
                return True
        return _last_name(node.func) in _NEVER

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in _CHECKED_BY_MYPY | _FOR_PEOPLE or node.arg == "strict":
            return  # `strict` of zip() is an assertion.
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        match node:
            case ast.BinOp(ast.Constant(), ast.Pow(), ast.Constant()):
                # A constant written as a power, such as 2**20.
                self._add(node, "off by one", b"(" + self._text.of(node) + b" - 1)")
                self._add(node, "off by one", b"(" + self._text.of(node) + b" + 1)")
            case _:
                self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add(node, "truth swapped", str(not node.value).encode())
        elif isinstance(node.value, int):
            for text in off_by_one(self._text.of(node)):
                self._add(node, "off by one", text)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip it: it is text for people, and `ast` in 3.11 has no positions for its parts."""
