"""Petitions on their working-day clocks, across the National Day of 2026 (31 August to 2 September off)."""

from __future__ import annotations

from datetime import datetime

import pytest

from ioc.model.case import Case
from ioc.settings import VIETNAM
from tests.support.evaluation_centre import PROVINCE, EvaluationCentre, MakeCentre

UNIT = "19753"


def at(text: str) -> datetime:
    """`08-31 09:00` of 2026 in the province."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=VIETNAM)


def petition(number: int, status: str, received: str, closed: str | None = None, updated: str | None = None) -> Case:
    last = at(updated or closed or received)
    closed_at = None if closed is None else at(closed)
    return Case(
        "petition", f"P-{number}", UNIT, status, at(received), last, "app", "", None, closed_at, {"field": "môi trường"}
    )


@pytest.fixture(scope="module")
def centre(centre_of: MakeCentre) -> EvaluationCentre:
    centre = centre_of("petition")
    centre.hear(
        *[
            petition(1, "refused", "08-28 09:00", "09-04 16:00"),  # 3 and 4 September: 2 days
            petition(2, "refused", "08-28 09:00", "09-07 08:00"),  # the 7th is the third
            petition(3, "published", "08-20 09:00", "09-01 09:00", "09-04 16:00"),  # answered on a free day: 2 days
            petition(4, "published", "08-20 09:00", "09-03 09:00", "09-08 09:00"),  # 4, 7, 8 September
            petition(5, "answered", "08-20 09:00", "09-03 10:00"),
            petition(6, "answered", "08-20 09:00", "09-14 10:00"),
            petition(7, "processing", "08-24 09:00"),  # 25-28 August, 3-4, 7-11, 14-17 September: due on the 17th
        ]
    )
    return centre


@pytest.mark.parametrize(
    ("now", "kpi", "value"),
    [
        pytest.param("09-16 09:00", "petition.refused_on_time", 50, id="2 days to refuse"),
        pytest.param("09-16 09:00", "petition.published_on_time", 50, id="2 days to publish"),
        pytest.param("09-16 09:00", "petition.publication_overdue", 1, id="2 days after the 14th are not over"),
        pytest.param("09-17 09:00", "petition.publication_overdue", 2, id="the third day after the 14th"),
        pytest.param("09-17 23:58", "petition.overdue_now", 0, id="last minutes of the fifteenth day"),
        pytest.param("09-18 00:01", "petition.overdue_now", 1, id="15 days to settle are over"),
        pytest.param("09-16 09:00", "petition.open", 1, id="open"),
    ],
)
def test_clocks(centre: EvaluationCentre, now: str, kpi: str, value: float) -> None:
    for unit in (UNIT, PROVINCE):
        assert centre.anew(at(now))[kpi, unit].value == pytest.approx(value)
