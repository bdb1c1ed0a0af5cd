"""Tests share code through `tests/support` and modules of their own folder, never through another test file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
FILES = sorted(TESTS.rglob("*.py"))


def imported(source: str) -> Iterator[str]:
    """Yield the modules under `tests` that a source text imports, each name of `from … import …` as well."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{name}" for name in names)]
        yield from (name for name in names if name.split(".")[0] == "tests")


def fault(folder: str, module: str) -> str:
    """Return why a file in `folder`, such as `tests/unit/api`, must not import `module`, or an empty text."""
    parent, _, name = module.rpartition(".")
    if name.startswith("test_") or name == "conftest":
        return f"{module} is collected by pytest"
    is_near = parent == "tests.support" or parent.replace(".", "/") == folder
    return "" if is_near else f"{module} belongs to another suite"


def faults(folder: str, source: str) -> list[str]:
    modules = [name for name in imported(source) if (TESTS.parent / f"{name.replace('.', '/')}.py").is_file()]
    return [found for module in modules if (found := fault(folder, module))]


def test_no_test_depends_on_another_suite() -> None:
    wrong = {
        str(path.relative_to(TESTS)): found
        for path in FILES
        if (found := faults(path.parent.relative_to(TESTS.parent).as_posix(), path.read_text(encoding="utf-8")))
    }
    assert wrong == {}
    assert len(FILES) > 300


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        pytest.param("from tests.support.waiting import until", True, id="support"),
        pytest.param("from tests.support import waiting", True, id="a module of support"),
        pytest.param("from tests.bench.report import Table", True, id="the same folder"),
        pytest.param("from tests.fuzz.counts import KAFKA", False, id="another suite"),
        pytest.param("from tests.bench import test_counts, report", True, id="a name that is not a module"),
        pytest.param("from tests.fuzz.test_counts import total", False, id="a test file"),
        pytest.param("import tests.browser.conftest", False, id="a conftest file"),
    ],
)
def test_imports(line: str, allowed: bool) -> None:
    assert (faults("tests/bench", line) == []) is allowed
