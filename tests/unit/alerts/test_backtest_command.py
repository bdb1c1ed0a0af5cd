"""`ioc rules backtest FILE`: a file that cannot be read is one sentence."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ioc.commands.rules import command
from ioc.errors import IocError


def test_a_file_that_is_not_utf8_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path / "data"))
    rule = tmp_path / "rule.toml"
    rule.write_bytes(b"\xff\xfe[[rule]]")
    told = CliRunner().invoke(command, ["backtest", str(rule)])
    assert isinstance(told.exception, IocError)
    assert str(told.exception) == f"{rule}: the file is not UTF-8; save it as UTF-8."
