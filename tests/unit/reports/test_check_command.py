"""`ioc report check`: each fault is one sentence with its file and field."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ioc.commands.report import command

REPORT = """id = "ours"
title = { vi = "Của tỉnh", en = "Ours" }
period = "month"
"""


@pytest.mark.parametrize(
    ("more", "field", "says"),
    [
        pytest.param("onepage = true\n", "onepage", "onepage", id="unknown field"),
        pytest.param("basis = 7\n", "basis", "7 is not a text.", id="wrong type"),
        pytest.param('[[block]]\nkind = "pie"\n', "kind", "pie", id="unknown kind of block"),
    ],
)
def test_a_fault_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, field: str, says: str
) -> None:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "ours.toml").write_text(REPORT + more, encoding="utf-8")
    told = CliRunner().invoke(command, ["check", str(tmp_path)])
    assert told.exit_code == 1
    assert isinstance(told.exception, SystemExit)
    lines = told.stderr.splitlines()
    assert all(line.startswith(f"{tmp_path / 'reports' / 'ours.toml'} · report ours · ") for line in lines)
    assert any(field in line.split(" · ")[-2] and says in line.split(" · ")[-1] for line in lines)
    as_json = orjson.loads(CliRunner().invoke(command, ["check", "--json", str(tmp_path)]).stdout)
    assert any(field in fault["field"] and says in fault["message"] for fault in as_json["faults"])
