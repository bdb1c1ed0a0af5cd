"""What stands in the cells of a report, from figures that are given."""

from dataclasses import dataclass
from datetime import date

import pytest

from ioc.model.kpi import Freshness
from ioc.reports.cells import Cells
from ioc.reports.figures import Figure, Origin
from ioc.reports.formatting import known_from, signed
from ioc.reports.periods import PeriodLength, Span, before, parse_span
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

OCTOBER = parse_span(PeriodLength.MONTH, "2026-10", VIETNAM)


@dataclass(frozen=True)
class Given:
    """`now` in October, `then` before."""

    now: float
    then: float

    def of(self, kpi: str, unit: str, span: Span) -> Figure:
        return Figure(self.now if span == OCTOBER else self.then, 10, Freshness.LIVE, Origin.PUBLISHED, "v")


@pytest.mark.parametrize(
    ("now", "then", "digits", "expected"),
    [
        pytest.param(88.4249, 88.2851, 2, "+0,13", id="88,42 and 88,29"),
        pytest.param(10.04, 9.96, 1, "0,0", id="10,0 and 10,0"),
        pytest.param(9.96, 10.06, 1, "−0,1", id="10,0 and 10,1"),
        pytest.param(1234.5, 1233.5, 0, "0", id="1.234 and 1.234, half to even"),
    ],
)
def test_a_difference_is_that_of_what_is_printed(now: float, then: float, digits: int, expected: str) -> None:
    kpi = next(kpi for kpi in hue().kpis.values() if kpi.digits == digits)
    cells = Cells(hue(), OCTOBER, VIETNAM, Given(now, then))
    cell = cells.difference(kpi, "46", before(OCTOBER, VIETNAM), relative=False)
    assert isinstance(cell.value, float)
    assert signed(cell.value, cell.digits, "vi") == expected


def test_since_when_data_are_known_is_one_sentence() -> None:
    names = [{"vi": "Hồ sơ", "en": "Dossiers"}, {"vi": "Mưa", "en": "Rain"}]
    assert known_from(names, date(2026, 11, 1)) == {
        "vi": "* Tạm tính, chỉ có số liệu từ 01/11/2026: Hồ sơ; Mưa.",
        "en": "* Provisional, data began on 01/11/2026: Dossiers; Rain.",
    }
