"""Which tests assert nothing: read from their source, without running them.

A test asserts if it, or a helper it calls by name (its own file's, else any of that name in our tests), holds an
`assert`, a `pytest.raises` (or `warns`, `fail`), a call of something named `assert…`, or one of the waits of pytest-qt,
which fail in time. So does one that hands a state machine of ours to Hypothesis, if the machine's rules assert.
"""

import ast
from collections.abc import Mapping
from pathlib import Path

_FAILING_CALLS = frozenset(
    {"raises", "warns", "fail", "deprecated_call", "waitSignal", "waitSignals", "waitUntil", "waitCallback"}
)

_RUNS_A_CLASS = "run_state_machine_as_test"

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def silent_tests(folder: Path) -> list[str]:
    """`file::test` of each test under a folder that asserts nothing. Files: test_*.py; helpers may lie in any other."""
    modules = {path: _functions(path) for path in sorted(folder.rglob("*.py"))}
    anywhere: dict[str, list[Function]] = {}
    for functions in modules.values():
        for name, found in functions.items():
            anywhere.setdefault(name, []).extend(found)
    return [
        f"{path.relative_to(folder).as_posix()}::{name}"
        for path, functions in modules.items()
        if path.name.startswith("test_")
        for name, found in functions.items()
        if name.startswith("test_")
        for test in found
        if not _asserts(test, {**anywhere, **functions}, frozenset())
    ]


def _functions(path: Path) -> dict[str, list[Function]]:
    """The functions and methods of a file by name, in order, and its classes by `class NAME`."""
    functions: dict[str, list[Function]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            name = f"class {node.name}" if isinstance(node, ast.ClassDef) else node.name
            functions.setdefault(name, []).append(node)
    return functions


def _asserts(function: Function, helpers: Mapping[str, list[Function]], seen: frozenset[str]) -> bool:
    """Whether a function can fail on purpose, by itself or by a helper. Of several helpers of one name, all must."""
    called: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in _FAILING_CALLS or name.startswith("assert"):
                return True
            called.add(name)
            if name == _RUNS_A_CLASS:
                called.update(f"class {_name(argument)}" for argument in node.args)
    return any(
        all(_asserts(helper, helpers, seen | {name}) for helper in helpers[name])
        for name in called - seen
        if name in helpers
    )


def _name(called: ast.expr) -> str:
    """The last word of what is called: `helper` of `module.helper(…)`."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""
