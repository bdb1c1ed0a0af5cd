"""What a centre answers over the lab's SQL, and what it must answer."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx

from ioc.clock import rfc3339
from ioc.model.case import Case
from ioc.model.reading import Reading
from tests.support.running_centre import RunningCentre, wait_for

Sums = dict[tuple[str, str], tuple[int, float]]
Cases = dict[str, tuple[str, str, str, str | None]]


def ask_lab(centre: RunningCentre, sql: str, within_s: float = 30) -> list[list[Any]]:
    """Return the rows of a query. Raises httpx.HTTPError."""
    answer = httpx.post(
        f"{centre.address}/api/v1/sql",
        json={"sql": sql, "limit": 100_000},
        headers={"Authorization": f"Bearer {centre.admin_token()}"},
        timeout=within_s,
    )
    answer.raise_for_status()
    return list(answer.json()["rows"])


def take_snapshot(centre: RunningCentre) -> None:
    """Have the lab see the store as it is now."""

    def is_in_use() -> bool:
        headers = {"Authorization": f"Bearer {centre.admin_token()}"}
        answer = httpx.post(f"{centre.address}/api/v1/lab/snapshot", headers=headers, timeout=120)
        return answer.status_code == 200 and answer.json()["in_use"]

    wait_for("a snapshot", is_in_use, 240, 0.5)


def expected_sums(readings: Iterable[Reading]) -> Sums:
    """By measure and unit: count and sum."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], float] = {}
    for reading in readings:
        key = reading.measure, reading.unit
        counts[key] += 1
        sums[key] = sums.get(key, 0.0) + reading.value
    return {key: (counts[key], sums[key]) for key in counts}


def stored_sums(centre: RunningCentre) -> Sums:
    """As `expected_sums`, without the readings that the centre takes of itself."""
    sql = (
        "SELECT measure, unit, sum(n)::BIGINT, sum(sum) FROM readings_minute "
        "WHERE measure NOT SIMILAR TO '(centre|alerts)[.].*' GROUP BY ALL"
    )
    return {(measure, unit): (int(n), float(total)) for measure, unit, n, total in ask_lab(centre, sql)}


def expected_cases(versions: Iterable[Case]) -> Cases:
    """By case: unit, status, time of the last version, time of closing (RFC 3339, UTC)."""
    latest = {case.case_id: case for case in sorted(versions, key=lambda case: case.updated_at)}
    return {
        case_id: (case.unit, case.status, rfc3339(case.updated_at), rfc3339(case.closed_at) if case.closed_at else None)
        for case_id, case in latest.items()
    }


def stored_cases(centre: RunningCentre) -> Cases:
    """As `expected_cases`."""
    written = "strftime({} AT TIME ZONE 'Asia/Ho_Chi_Minh' AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"
    times = ", ".join(written.format(name) for name in ("updated_at", "closed_at"))
    rows = ask_lab(centre, f"SELECT case_id, unit, status, {times} FROM cases")
    return {case_id: (unit, status, updated, closed) for case_id, unit, status, updated, closed in rows}
