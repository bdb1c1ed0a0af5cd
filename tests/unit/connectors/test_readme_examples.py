"""The examples that technicians copy from the READMEs and docs are accepted unchanged."""

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.configuration import read_source
from connectors.file_drop import FileDrop
from connectors.registry import KINDS
from ioc.clock import FixedClock
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "connectors"
CLOCK = FixedClock(datetime(2026, 12, 1, 8, tzinfo=UTC))


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
        KINDS[kind].load_class()(configuration, ConnectorContext(hue().vocabulary, CLOCK, VIETNAM, tmp_path))


def test_cases_of_the_docs(tmp_path: Path) -> None:
    """The example, with the rows that the page mentions."""
    [text] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "cases.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "mot-cua.toml").write_text(text, encoding="utf-8")
    connector = FileDrop(
        read_source(tmp_path / "mot-cua.toml"), ConnectorContext(hue().vocabulary, CLOCK, VIETNAM, tmp_path)
    )
    row = {
        "Số hồ sơ": "B2", "Mã xã": "19753", "Trạng thái": "Đã trả", "Ngày nhận": "30/11/2026 09:30",
        "Hạn trả": "30/11/2026", "Ngày trả": "30/11/2026", "Ngày cập nhật": "30/11/2026", "Trả trực tuyến": "Có",
    }  # fmt: skip
    fees = ["50.000", "1.250.000", 75_000, "50,000.00"]
    page = SourcePage([({**row, "Số hồ sơ": f"B{number}", "Lệ phí": fee}, b"") for number, fee in enumerate(fees)])
    intake = build_intake(page, connector.mapping, connector.context)
    assert intake.cases is not None
    cases = intake.cases.to_pylist()
    assert sum(json.loads(case["attributes"])["fee"] for case in cases) == 1_375_000
    assert [(refused.index, refused.field) for refused in intake.rejections] == [(3, "attributes.fee")]
    assert {case["closed_at"] == case["received_at"] == case["updated_at"] for case in cases} == {True}
    assert {case["closed_at"] <= case["due_at"] for case in cases} == {True}
