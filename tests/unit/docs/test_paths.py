"""Every file and folder that the documentation names exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOP = ("ioc", "streams", "connectors", "ui", "tests", "tools", "setup", "docs")
PAGES = ["ARCHITECTURE.md", "SECURITY.md", "README.md", "tests/README.md"]


def named_paths(text: str) -> set[str]:
    """Return the paths from the repository's root that stand in backticks, without patterns and placeholders."""
    found = re.findall(rf"`((?:{'|'.join(TOP)})/[\w./-]*)`", text)
    return {path for path in found if "NAME" not in path}


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    missing = {path for path in named_paths(text) if not (ROOT / path).exists()}
    listed = subprocess.run(["git", "check-ignore", *missing], cwd=ROOT, capture_output=True, text=True, check=False)
    assert missing - set(listed.stdout.split()) == set()


def test_a_path_that_is_missing_is_found() -> None:
    assert named_paths("see `ioc/nowhere.py` and `ioc/catalog/NAME.toml`") == {"ioc/nowhere.py"}
