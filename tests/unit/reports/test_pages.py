"""Pages of a report's PDF and its font."""

import re
import zlib
from copy import deepcopy
from pathlib import Path

import pytest

from ioc.reports.pdf import TypesettingFailed, pages_of, pdf
from ioc.reports.print_layout import printed
from ioc.settings import VIETNAM
from tests.support.example_issue import example_issue


def test_wide_tables_that_follow_each_other_share_a_page() -> None:
    shape = printed(example_issue(), "vi", VIETNAM)
    [table] = [block for block in shape["blocks"] if block["kind"] == "table"]
    table["rows"] = table["rows"][:5]
    table["flipped"] = True
    shape["blocks"] = [table]
    once = pages_of(pdf(shape, one_page=False))
    shape["blocks"] = [table, deepcopy(table), deepcopy(table)]
    assert pages_of(pdf(shape, one_page=False)) == once


def test_the_text_is_in_inter() -> None:
    made = pdf(printed(example_issue(), "vi", VIETNAM), one_page=False)
    packed = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    objects = made + b"".join(map(zlib.decompress, packed))
    assert set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z]+)", objects)) == {b"Inter"}


def test_a_missing_font_is_reported_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typst would leave out the text and say nothing."""
    (tmp_path / "fontpkg_inter").mkdir()
    (tmp_path / "fontpkg_inter" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(TypesettingFailed) as refused:
        pdf(printed(example_issue(), "vi", VIETNAM), one_page=False)
    assert str(refused.value) == (
        "The PDF could not be made: The font of the reports is missing; install the Python package fontpkg-inter."
    )
