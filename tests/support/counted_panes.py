"""Panes counted one reading at a time, and the same columns read from the store."""

from __future__ import annotations

from typing import Any

import pytest

from ioc.store import Store
from tests.support.store_batches import NOW, Reading

BEGIN_MS = round(NOW.timestamp() * 1000)


DAY_MS = 86_400_000


SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))]


def counted(readings: list[Reading], unit_ms: int, shift_ms: int = 0) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The panes of a level, counted one reading at a time."""
    groups: dict[tuple[Any, ...], list[Reading]] = {}
    for r in readings:
        groups.setdefault((r.measure, r.unit, r.subject, (r.at_ms + shift_ms) // unit_ms), []).append(r)
    return {
        key: (
            len(group),
            sum(r.value for r in group),
            sum(r.value**2 for r in group),
            min(r.value for r in group),
            max(r.value for r in group),
            *min((r.at_ms, r.value) for r in group),
            *max((r.at_ms, r.value) for r in group),
        )
        for key, group in groups.items()
    }


def stored(store: Store, level: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    query = f"""
        SELECT m.id, u.id, s.id, {level}, sum(n)::BIGINT, sum(sum), sum(sum_squares), min(least), max(most),
            min((first_at, first)), max((last_at, last))
        FROM {level}_panes p JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
        LEFT JOIN subject_codes s ON s.code = p.subject GROUP BY ALL"""
    with store.cursor() as cursor:
        rows = cursor.execute(query).fetchall()
    return {row[:4]: (*row[4:9], *row[9], *row[10]) for row in rows}
