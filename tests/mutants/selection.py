"""Which tests can see a fault in a module, likeliest first, by their names and imports.

Imports are parsed, not run. A module named in a string counts as imported, because tests start
programs that way.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

__all__ = ["Choice", "Selection", "choose"]

PACKAGES: Final = ("chat", "tests", "benchmarks")
"""Packages whose imports are followed, the code first."""

FIRST_SECONDS: Final = 20.0
"""Seconds for the first batch of tests without a fault, unless those named like the module need
more."""
ALL_SECONDS: Final = 35.0
"""Seconds for all tests of one fault."""

_NAME: Final = re.compile(r"\bchat(?:\.\w+)+")


class Candidates(NamedTuple):
    """Test files that can see a fault in a module, each in only one of these groups."""

    named: list[str]
    """Named like the module."""
    near: dict[str, int]
    """Files that import it directly or, if none does, files in its folder. By path: the number of
    imports that lead to it."""
    wider: dict[str, int]
    """Files that import it indirectly."""


class Choice(NamedTuple):
    """The tests to run for a fault."""

    first: list[str]
    then: list[str]
    """Run these if the first ones pass."""
    left_out: int
    """How many more files could see it, but there is no time for them."""


def choose(candidates: Candidates, seconds: Mapping[str, float]) -> Choice:
    """Choose as many tests as time allows, given the seconds each file needs."""

    def ordered(distances: Mapping[str, int]) -> list[str]:
        return sorted(distances, key=lambda it: (distances[it], seconds.get(it, 0.0)))

    first = list(candidates.named)
    then: list[str] = []
    left_out = 0
    spent = sum(seconds.get(it, 0.0) for it in first)
    bound = max(FIRST_SECONDS, spent)
    for path in [*ordered(candidates.near), *ordered(candidates.wider)]:
        cost = seconds.get(path, 0.0)
        if path in candidates.near and (spent + cost <= bound or not first):
            first.append(path)
        elif spent + cost <= ALL_SECONDS or not (first or then):
            then.append(path)
        else:
            left_out += 1
            continue
        spent += cost
    return Choice(first or then, then if first else [], left_out)


class Selection:
    """The import graph of a checkout."""

    def __init__(self, root: Path) -> None:
        self._modules: dict[str, str] = {}
        """Paths relative to the root, by dotted name."""
        for package in PACKAGES:
            for path in sorted((root / package).rglob("*.py")):
                relative = PurePosixPath(path.relative_to(root))
                self._modules[_dotted(relative)] = str(relative)
        self._importers: dict[str, set[str]] = defaultdict(set)
        for name, file in self._modules.items():
            source = (root / file).read_bytes()
            for imported in self._imports(name, file, ast.parse(source)):
                self._importers[imported].add(name)
        self._tests = [it for it in self._modules.values() if _is_test(it)]

    def candidates(self, path: PurePosixPath) -> Candidates:
        """Return the tests of a module; slow ones only if named like it, or if all are."""
        distances = self._distances(_dotted(path))
        folder = PurePosixPath("tests", *path.parts[1:-1])
        beside = [it for it in self._tests if PurePosixPath(it).parent == folder]
        beside += [it for it in self._tests if it == f"{folder.parent}/test_{folder.name}.py"]
        wanted = f"test_{path.stem.strip('_')}.py"
        named = [
            it
            for it in self._tests
            if PurePosixPath(it).name == wanted and (it in beside or it in distances)
        ]
        named.sort(key=lambda it: it not in beside)
        others = {it: far for it, far in distances.items() if it not in named}
        fast = {it: far for it, far in others.items() if not _is_slow(it)}
        if not named and not fast:
            return Candidates([], others or dict.fromkeys(filter(_is_slow, self._tests), 1), {})
        near = {it: far for it, far in fast.items() if far == 1}
        if not named and not near:
            near = {it: fast[it] for it in beside if it in fast}
        return Candidates(named, near, {it: far for it, far in fast.items() if it not in near})

    def _distances(self, name: str) -> dict[str, int]:
        """Return how many imports lead from a test to a module, by the test's path."""
        distances = {name: 0}
        queue = [name]
        for each in queue:
            for importer in sorted(self._importers[each]):
                if importer not in distances:
                    distances[importer] = distances[each] + 1
                    queue.append(importer)
        return {
            file: distances[it]
            for it, file in self._modules.items()
            if it in distances and _is_test(file)
        }

    def _imports(self, name: str, file: str, tree: ast.Module) -> Iterator[str]:
        package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
        comments = {id(it.value) for it in ast.walk(tree) if isinstance(it, ast.Expr)}
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    yield from self._known(alias.name for alias in names)
                case ast.ImportFrom(module=module, names=names, level=level):
                    parts = package.split(".")
                    base = parts[: len(parts) - level + 1] if level else []
                    origin = ".".join([*base, *([module] if module else [])])
                    yield from self._known(f"{origin}.{alias.name}" for alias in names)
                case ast.Constant(value=str(text)) if id(node) not in comments:
                    if not file.startswith(f"{PACKAGES[0]}/"):
                        yield from self._known(_NAME.findall(text))

    def _known(self, names: Iterable[str]) -> Iterator[str]:
        """Return the modules that these names import: themselves and their packages."""
        for name in names:
            if f"{name}.__main__" in self._modules:
                yield f"{name}.__main__"
            while name:
                if name in self._modules:
                    yield name
                name = name.rpartition(".")[0]


def _dotted(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_test(file: str) -> bool:
    return file.startswith("tests/") and PurePosixPath(file).name.startswith("test_")


def _is_slow(file: str) -> bool:
    """Return whether tests start programs or use sockets."""
    return "e2e" in PurePosixPath(file).parts
