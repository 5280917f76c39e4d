"""Finding the faults of a module, and showing them."""

import ast
from pathlib import PurePosixPath
from textwrap import indent

import pytest

from tests.mutants.fault import Fault, fingerprint
from tests.mutants.faults import find_faults

PATH = PurePosixPath("chat/example.py")


def faults_in(source: str) -> list[Fault]:
    return find_faults(PATH, source.encode())


def mutants(statement: str, returns: str = "int") -> set[str]:
    """Return all mutants of a statement in a function."""
    head = f"async def f(a, b, c) -> {returns}:\n    while b:\n"
    source = head + indent(statement, 8 * " ") + "\n"
    changed = {it.apply(source.encode()).decode() for it in faults_in(source)}
    bodies = {it.removeprefix(head) for it in changed if it.startswith(head)}
    return {"\n".join(line[8:] for line in it.splitlines()) for it in bodies}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("a(b)", {"pass"}),
        ("a.x = b", {"pass"}),
        ("a[b] = c", {"pass"}),
        ("a.x: c = b", {"pass"}),
        ("a += b", {"pass"}),
        ("del a[b]", {"pass"}),
        ("raise a", {"pass"}),
        ("break", {"pass"}),
        ("continue", {"pass"}),
        ("await a(b)", {"pass", "None"}),
        ("c = await a()", {"c = None"}),
        ("return a", {"return None"}),
        ("a = b < c", {"a = b <= c"}),
        ("a = b <= c", {"a = b < c"}),
        ("a = b > c", {"a = b >= c"}),
        ("a = b >= c", {"a = b > c"}),
        ("a = b == c", {"a = b != c"}),
        ("a = b != c", {"a = b == c"}),
        ("a = b is c", {"a = b is not c"}),
        ("a = b is  not c", {"a = b is c"}),
        ("a = b in c", {"a = b not in c"}),
        ("a = b not  in c", {"a = b in c"}),
        ("a = (b) < (c) == b", {"a = (b) <= (c) == b", "a = (b) < (c) != b"}),
        ("a = b and c", {"a = b or c"}),
        ("a = b or (c) or a", {"a = b and (c) and a"}),
        ("a = True", {"a = False"}),
        ("a = 1", {"a = 0", "a = 2"}),
        ("a = 1_000", {"a = 999", "a = 1_001"}),
        ("a = 0x1f", {"a = 0x1e", "a = 0x20"}),
        ("a = 0x00AD", {"a = 0x00AC", "a = 0x00AE"}),
        ("a = 2**9", {"a = (2**9 - 1)", "a = (2**9 + 1)"}),
        ("a = b if c else b", {"a = b if not c else b"}),
        ("a = b if c is b else b", {"a = b if c is not b else b"}),
        ("a = b if not c else b", {"a = b if c else b"}),
        ("a = [b for b in c if b.x]", {"a = [b for b in c if not b.x]"}),
        ("if a < b: c = b", {"if not a < b: c = b", "if a <= b: c = b"}),
        ("if (a and\n  b): c = b", {"if (a or\n  b): c = b", "if (not (a and\n  b)): c = b"}),
        ("a = (b # and\n  and c)", {"a = (b # and\n  or c)"}),
        ("ä.ü = 'ö'; a(b)", {"pass; a(b)", "ä.ü = 'ö'; pass"}),
    ],
)
def test_what_becomes_of_a_statement(statement: str, expected: set[str]) -> None:
    assert mutants(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        '"""Text of 3 and True."""',
        "a: Literal[1] = b",
        "def f(a: Literal[1] | None) -> Literal[2]: ...",
        "assert a is not None",
        "assert_never(a)",
        "T = TypeVar('T', covariant=True)",
        "a = zip(b, c, strict=True)",
        "a = f'{b + 1}'",
        "__all__ = ['a'] * 2",
        "class A(B, frozen=True, gc=False): ...",
        "@dataclass(frozen=True, slots=True)\nclass A: ...",
        "return False",
        "return",
    ],
)
def test_what_is_left_alone(statement: str) -> None:
    assert mutants(statement) <= {statement.replace("False", "True")}


def test_what_is_logged_is_left_alone() -> None:
    assert (
        faults_in("_log = Logger()\ndef f():\n    _log.info('{n}', n=1)\n    self.x._log.e(2)")
        == []
    )


def test_what_people_read_is_left_alone() -> None:
    [fault] = faults_in("parser.add_argument('-x', help=text(60), metavar=2)")
    assert fault.what == "call dropped"


def test_what_is_imported_for_annotations_is_left_alone() -> None:
    assert faults_in("if TYPE_CHECKING:\n    f(1)\n") == []


def test_a_function_that_promises_nothing_may_return_nothing() -> None:
    assert mutants("return a", returns="None") == set()


def test_a_function_within_another_has_its_own_annotation() -> None:
    source = "def f() -> int:\n    def g() -> None:\n        return h\n    return g\n"
    assert [it.line for it in faults_in(source)] == [4]


def test_a_fault_tells_its_place() -> None:
    source = "class A:\n    def f(self):\n        return g(\n            1)\nB = 2\n"
    assert [(it.line, it.function) for it in faults_in(source)] == [
        (4, "A.f"),
        (4, "A.f"),
        (5, ""),
        (5, ""),
    ]


def test_a_fault_is_shown_with_the_lines_around_it() -> None:
    source = b"def f():\n    g(\n        1,\n    )\n    h()"
    faults = find_faults(PATH, source)
    assert [it.diff(source) for it in faults if it.what == "call dropped"] == [
        ["- g(", "-     1,", "- )", "+ pass"],
        ["- h()", "+ pass"],
    ]
    assert faults[1].diff(source) == ["- 1,", "+ 0,"]


def test_a_long_statement_is_cut() -> None:
    source = "f(\n" + 9 * "    a,\n" + ")\n"
    [fault] = faults_in(source)
    assert fault.diff(source.encode()) == ["- f(", *4 * ["-     a,"], "- ...", "+ pass"]


def test_every_fault_in_this_module_is_python_and_makes_a_difference() -> None:
    with open(__file__, "rb") as file:
        source = file.read()
    for fault in find_faults(PATH, source):
        changed = ast.dump(ast.parse(fault.apply(source)))
        assert changed != ast.dump(ast.parse(source)), fault


def test_the_same_code_has_one_fingerprint() -> None:
    assert fingerprint(b"def f(a): return a") == fingerprint(b"\n\n# One.\ndef f(a):\n  return (a)")


@pytest.mark.parametrize(
    "other", ["x = 0", "x = True", "x = 1.0", "y = 1", "x = (1,)", "def f(): 1"]
)
def test_other_code_has_another(other: str) -> None:
    assert fingerprint(b"x = 1") != fingerprint(other.encode())


def test_a_difference_within_a_function_is_one() -> None:
    assert fingerprint(b"def f(): return 1") != fingerprint(b"def f(): return 2")


def test_the_order_of_a_set_is_none() -> None:
    assert str({1, 9}) != str({9, 1})  # Their hashes collide.
    assert fingerprint(b"x in {1, 9}") == fingerprint(b"x in {9, 1}")


def test_what_is_no_python_has_no_fingerprint() -> None:
    assert fingerprint(b"def") is None
