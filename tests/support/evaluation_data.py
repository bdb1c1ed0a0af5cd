"""Readings and cases by seed: over minutes, hours and months before a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from ioc.model.case import Case
from ioc.model.reading import Reading

AGES = (
    timedelta(minutes=1),
    timedelta(minutes=4),
    timedelta(minutes=50),
    timedelta(hours=7),
    timedelta(hours=26),
    timedelta(days=8),
    timedelta(days=40),
    timedelta(days=300),
)


def before(chance: Random, now: datetime) -> datetime:
    """A moment before now, near or far, whole milliseconds."""
    age = chance.choice(AGES) * chance.random()
    return now - timedelta(milliseconds=age // timedelta(milliseconds=1))


def readings(chance: Random, units: Sequence[str], now: datetime, count: int) -> list[Reading]:
    made = []
    for _ in range(count):
        measure = chance.choice(["t.level", "t.count"])
        # Eighths add up exactly in any order, so that equal means equal.
        value = chance.randrange(-80, 800) / 8 if measure == "t.level" else float(chance.randrange(0, 50))
        subject = f"S-{chance.randrange(4)}"
        made.append(Reading(measure, chance.choice(units), before(chance, now), value, subject))
    return made


def cases(chance: Random, units: Sequence[str], now: datetime, count: int, *, first: int = 0) -> list[Case]:
    """All versions of `count` cases, each of another millisecond; some go to another unit, some are never closed."""
    made = []
    for number in range(first, first + count):
        received = before(chance, now)
        due = received + timedelta(hours=chance.randrange(1, 400)) if chance.random() < 0.8 else None
        attributes: dict[str, str | float | bool] = {"cost": chance.randrange(100) / 4}
        if chance.random() < 0.5:
            attributes["urgent"] = chance.random() < 0.5
        case = Case(
            "job", f"J-{number}", chance.choice(units), "open", received, received, "", "", due, None, attributes
        )
        made.append(case)
        moved = _later(chance, received, now)
        unit = chance.choice([case.unit, chance.choice(units)])
        made.append(replace(case, unit=unit, updated_at=moved))
        if chance.random() < 0.7:
            closed = _later(chance, moved, now)
            status = chance.choice(["done", "dropped"])
            made.append(replace(case, unit=unit, status=status, updated_at=closed, closed_at=closed))
    return made


def _later(chance: Random, moment: datetime, now: datetime) -> datetime:
    """Between a moment and now, at least a millisecond later."""
    ms = max((now - moment) // timedelta(milliseconds=1), 1)
    return moment + timedelta(milliseconds=chance.randint(1, ms))
