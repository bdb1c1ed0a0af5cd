"""Named curves over the hours of a day, and the storms that rain, rivers and outages follow."""

from collections.abc import Callable

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.calendar import MS_AN_HOUR
from ioc.demo.noise import Floats, Ints
from ioc.demo.shapes import Table

Curve = Callable[[Ints, Floats], Floats]
"""Returns the level at a local day and hour."""

_CLINIC: Table = (
    (0, 0.04),
    (5.5, 0.06),
    (7, 0.8),
    (8.5, 1),
    (10.5, 0.9),
    (11.5, 0.35),
    (13.5, 0.55),
    (15, 0.6),
    (24, 0.04),
)
_EVENING: Table = ((0, 0.2), (4, 0.08), (7, 0.4), (12, 0.55), (17, 0.8), (20, 1), (22, 0.8), (24, 0.2))
_POWER: Table = (
    *((0, 0.62), (4, 0.55), (7, 0.75), (10, 0.93), (12, 0.88), (14, 0.96), (17, 0.95), (19, 1), (22, 0.85), (24, 0.62)),
)
_WATER: Table = ((0, 0.35), (4, 0.3), (6.5, 1), (8, 0.85), (11, 0.9), (14, 0.6), (18, 1), (21, 0.7), (24, 0.35))
_SUN: Table = ((0, 0), (5.5, 0), (9, 0.6), (12, 1), (15, 0.65), (18, 0), (24, 0))
_NIGHT: Table = ((0, 1), (4, 1), (6, 0.3), (8, 0.1), (18, 0.15), (21, 0.6), (24, 1))
_SCHOOL: Table = ((0, 0), (6.5, 0), (7.2, 1), (11, 1), (11.5, 0.2), (13.3, 0.9), (16.5, 0.8), (17.5, 0), (24, 0))


def _all_week(table: Table) -> Curve:
    return lambda _day, hour: shapes.level(table, hour)


def _school(day: Ints, hour: Floats) -> Floats:
    """Return the level of schools: nothing on free days and from June to August."""
    holidays = np.isin(calendar.month(day), (6, 7, 8))
    return np.asarray(np.where(holidays, 0.0, shapes.by_weekday(_SCHOOL, 0.0, day, hour)))


CURVES: dict[str, Curve] = {
    "flat": lambda _day, hour: np.ones_like(np.asarray(hour, np.float64)),
    "office": shapes.office,
    "online": lambda day, hour: shapes.by_weekday(shapes.ONLINE, 0.3, day, hour),
    "two_peaks": lambda day, hour: shapes.by_weekday(shapes.TRAFFIC, shapes.TRAFFIC_WEEKEND, day, hour),
    "platform": lambda day, hour: shapes.by_weekday(shapes.LGSP, shapes.LGSP_WEEKEND, day, hour),
    "dust": _all_week(shapes.DUST),
    "clinic": lambda day, hour: shapes.by_weekday(_CLINIC, 0.35, day, hour),
    "evening": _all_week(_EVENING),
    "electricity": lambda day, hour: shapes.by_weekday(_POWER, 0.9, day, hour),
    "water": _all_week(_WATER),
    "sun": _all_week(_SUN),
    "night": _all_week(_NIGHT),
    "school": _school,
}
DAY = np.arange(0, 24, 1 / 12)

_BLOCK_MS = 5 * 24 * MS_AN_HOUR
_STORM_CHANCE = np.array([0.12, 0.04, 0.04, 0.06, 0.2, 0.15, 0.12, 0.2, 0.45, 0.8, 0.75, 0.4])
"""Probability of a storm in five days, by month: Huế has its floods from October to December."""
_RISE_MS, _FALL_MS = 22 * MS_AN_HOUR, 34 * MS_AN_HOUR
_SHOWERS_AN_HOUR = 1.5


def storm_rain(seed: int, time_ms: Ints) -> Floats:
    """Return how hard it rains: 1 at the height of a strong storm, 0 most of the time."""
    return np.asarray(sum(_one_storm(seed, time_ms, back)[0] for back in (0, 1)))


def storm_flood(seed: int, time_ms: Ints) -> Floats:
    """Return how high rivers are because of storms: hours after the rain, falling over two days."""
    return np.asarray(sum(_one_storm(seed, time_ms, back)[1] for back in (0, 1, 2)))


def _one_storm(seed: int, time_ms: Ints, back: int) -> tuple[Floats, Floats]:
    """Return rain and flood of the storm that may have begun `back` blocks ago."""
    time_ms = np.asarray(time_ms, np.int64)
    block = time_ms // _BLOCK_MS - back
    chance = _STORM_CHANCE[calendar.month(block * 5) - 1]
    comes = noise.uniform(seed, "storm", block) < chance
    strength = 0.15 + 0.85 * noise.uniform(seed, "storm strength", block) ** 2
    begins = block * _BLOCK_MS + (noise.uniform(seed, "storm begins", block) * _BLOCK_MS * 0.9).astype(np.int64)
    passed = time_ms - begins
    bell = np.where((passed > 0) & (passed < _RISE_MS), np.sin(np.pi * passed / _RISE_MS) ** 2, 0.0)
    gusts = 1 + 0.5 * noise.drift(seed, "showers", time_ms / MS_AN_HOUR * _SHOWERS_AN_HOUR)
    rise = np.clip((passed - 4 * MS_AN_HOUR) / _RISE_MS, 0, 1)
    eased = rise * rise * (3 - 2 * rise)
    flood = np.where(passed > 0, eased * np.exp(-np.maximum(passed - _RISE_MS, 0) / _FALL_MS), 0.0)
    return (
        np.asarray(np.where(comes, strength * bell * gusts, 0.0)),
        np.asarray(np.where(comes, strength * flood, 0.0)),
    )
