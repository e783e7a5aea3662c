"""The house stands the way CONTRIBUTING.md draws it: who may import whom, what may be heavy, how long a room may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "chasm_git"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "session": {"session"},
    "drivers": {"drivers", "session"},
    "providers": {"providers", "session", "errors"},
    "archive": {"archive", "session", "errors"},
    "harvest": {"harvest", "archive", "providers", "session", "errors"},
    "cache": {"cache", "archive", "session", "errors"},
    "writeback": {"writeback", "archive", "providers", "session", "errors"},
    "recovery": {"recovery", "harvest", "writeback", "cache", "archive", "providers", "session", "errors"},
    "api": {"recovery", "harvest", "writeback", "cache", "archive", "providers", "session", "errors"},
    "outputs": {"outputs", "api", "session", "errors"},
    "errors": set[str](),
    "__main__": {"outputs"},
    "__init__": set[str](),
}
"""Layer -> layers it may import, also inside functions and for types alone."""

LIBRARIES = {
    "session": {"orjson"},
    "providers": {"orjson"},
    "archive": {"dulwich", "git", "deepdiff", "orjson", "isal"},
    "harvest": {"orjson", "watchfiles"},
    "cache": {"orjson", "numpy", "model2vec"},
    "outputs": {"click", "rich", "platformdirs", "orjson", "markdown_it", "starlette", "uvicorn"},
}
"""Layer -> what it may import of others' libraries."""

RUAMEL = {"session/reference.py", "archive/settings.py"}
"""The modules that read YAML people wrote."""

LAZY = {
    *("dulwich", "git", "rich", "ruamel", "deepdiff", "platformdirs", "multiprocessing", "markdown_it", "watchfiles"),
    *("starlette", "uvicorn", "numpy", "model2vec"),
}
"""Imported inside the functions that need them: a command pays for what it uses."""

ENVIRONMENT = {"environ", "environb", "getenv", "argv", "stdin"}
READS_ENVIRONMENT = {
    "drivers/merge.py",  # programs of their own: git starts them
    "drivers/textconv.py",
    "archive/plumbing/maintain.py",
    "archive/plumbing/git.py",  # hides git's variables from the git it starts
}


class Import(NamedTuple):
    """One imported module."""

    name: str
    line: int
    at_start: bool
    """Run when the module is imported: not inside a function, not for types alone."""


def imports(tree: ast.AST, at_start: bool = True) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_start)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module == "chasm_git":
                for alias in node.names:
                    yield Import(f"chasm_git.{alias.name}", node.lineno, at_start)
            else:
                yield Import(node.module, node.lineno, at_start)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        yield from imports(node, at_start and not inside and not typing_only)


def layer_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def test_imports() -> None:
    assert [line for path in MODULES for line in wrong_imports(path)] == []


def wrong_imports(path: Path) -> Iterator[str]:
    layer, place = layer_of(path), path.relative_to(PACKAGE).as_posix()
    for found in imports(parse(path)):
        first, *rest = found.name.split(".")
        if first == "chasm_git":
            if rest and rest[0] != "__version__" and rest[0] not in MAY_IMPORT[layer]:
                yield f"{place}:{found.line}: {layer} may not import {found.name}"
        elif first == "ruamel":
            if place not in RUAMEL:
                yield f"{place}:{found.line}: YAML is read in {', '.join(sorted(RUAMEL))}"
        elif first not in sys.stdlib_module_names and first not in LIBRARIES.get(layer, set()):
            yield f"{place}:{found.line}: {layer} may not import {first}"
        if found.at_start and first in LAZY:
            yield f"{place}:{found.line}: {first} is imported inside the functions that need it"


def test_only_the_outer_layer_reads_the_environment() -> None:
    inner = [path for path in MODULES if layer_of(path) != "outputs"]
    wrong = [
        f"{path}:{node.lineno}: {node.value.id}.{node.attr}"
        for path in inner
        if path.relative_to(PACKAGE).as_posix() not in READS_ENVIRONMENT
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("os", "sys")
        and node.attr in ENVIRONMENT
    ]
    assert wrong == []


def test_a_module_is_one_room() -> None:
    sizes = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert {place: lines for place, lines in sizes.items() if lines > 400} == {}
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [place for place in sizes if vague & set(Path(place).stem.split("_"))] == []


def test_a_module_says_what_it_is_for() -> None:
    assert [path for path in MODULES if not ast.get_docstring(parse(path))] == []


def test_every_layer_is_known() -> None:
    assert {layer_of(path) for path in MODULES} <= set(MAY_IMPORT)


def test_the_rules_are_enforced() -> None:
    found = list(imports(ast.parse("import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    from chasm_git import c")))
    assert found == [Import("a", 1, True), Import("b", 3, False), Import("chasm_git.c", 5, False)]
