"""Pages of a report's PDF: wide tables that follow each other share them."""

from copy import deepcopy

from ioc.reports.pdf import pages_of, pdf
from ioc.reports.print_layout import printed
from ioc.settings import VIETNAM
from tests.browser.fake_reports import an_issue


def test_wide_tables_that_follow_each_other_share_a_page() -> None:
    shape = printed(an_issue(), "vi", VIETNAM)
    [table] = [block for block in shape["blocks"] if block["kind"] == "table"]
    table["rows"] = table["rows"][:5]
    table["flipped"] = True
    shape["blocks"] = [table]
    once = pages_of(pdf(shape, one_page=False))
    shape["blocks"] = [table, deepcopy(table), deepcopy(table)]
    assert pages_of(pdf(shape, one_page=False)) == once
