"""The examples that technicians copy from the READMEs are accepted as they stand."""

import re
import tomllib
from pathlib import Path

import pytest

from connectors.base import Surroundings
from connectors.configuration import read_source
from connectors.kinds import CONNECTORS
from ioc.clock import SystemClock
from ioc.settings import VIETNAM
from tests.catalogs import hue

FOLDER = Path(__file__).parents[3] / "connectors"
KINDS = sorted(path.parent.name for path in FOLDER.glob("*/manifest.toml"))


def examples(kind: str) -> list[str]:
    """Whole sources; a part such as a `[mapping]` goes with the first of them in place of its own."""
    blocks = re.findall(r"```toml\n(.*?)```", (FOLDER / kind / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    whole = [block for block in blocks if "kind" in tomllib.loads(block)]
    head = whole[0].partition("[mapping]")[0]
    return whole + [f"{head}\n{block}" for block in blocks if block not in whole and block.startswith("[mapping]")]


@pytest.mark.parametrize("kind", KINDS)
def test_examples(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = examples(kind)
    assert texts
    for number, text in enumerate(texts):
        for name in re.findall(r'"env:(\w+)"', text):
            monkeypatch.setenv(name, "secret")
        (tmp_path / f"example-{number}.toml").write_text(text, encoding="utf-8")
        configuration = read_source(tmp_path / f"example-{number}.toml")
        assert configuration.kind == kind
        CONNECTORS[kind](configuration, Surroundings(hue().vocabulary, SystemClock(), VIETNAM, tmp_path))
