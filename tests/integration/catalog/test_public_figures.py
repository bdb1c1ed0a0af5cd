"""Published official figures, calculated again from their parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.model.kpi import KpiValue
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from tests.support.evaluation_centre import PROVINCE, MakeCentre

FIRST = datetime(2019, 1, 1, 12, tzinfo=VIETNAM)
DAYS = 578
"""1 January 2019 to 31 July 2020, both included."""
TRANSACTIONS = 4_400_000


def test_ngsp_until_july_2020(centre_of: MakeCentre) -> None:
    """Ministry of Information and Communications (2020): 4.4 million transactions from January 2019 to July 2020, about
    7.6 thousand a day; each procedure saves 30,500 đ."""
    centre = centre_of("ngsp")
    a_day, rest = divmod(TRANSACTIONS, DAYS)
    now = datetime(2020, 7, 31, 23, 59, 30, tzinfo=VIETNAM)
    days = [(FIRST + timedelta(days=day)).astimezone(UTC) for day in range(DAYS)]
    amounts = [float(a_day + (day < rest)) for day in range(DAYS)]
    centre.read(*[Reading("ngsp.transactions", PROVINCE, *pair) for pair in zip(days, amounts, strict=True)], now=now)
    values = centre.anew(now)
    assert figure(values, "ngsp.transactions.always") == TRANSACTIONS
    assert figure(values, "ngsp.transactions.always") / DAYS == pytest.approx(7600, abs=50)
    assert figure(values, "ngsp.per_day") == pytest.approx(7600, abs=50)
    assert figure(values, "ngsp.savings.always") == pytest.approx(134_200)  # million đ
    end_of_2019 = centre.anew(datetime(2019, 12, 31, 23, 59, 30, tzinfo=VIETNAM))
    assert figure(end_of_2019, "ngsp.transactions.year") == sum(amounts[:365])
    assert figure(end_of_2019, "ngsp.per_day") == pytest.approx(7600, abs=50)


def figure(values: dict[tuple[str, str], KpiValue], kpi: str) -> float:
    value = values[kpi, PROVINCE].value
    assert value is not None, kpi
    return value
