"""Plan the history as numbered batches: always the same ones for the same beginning."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from ioc.demo.calendar import MS_A_DAY, MS_A_MINUTE, MS_AN_HOUR
from ioc.demo.habits import RunsLate
from ioc.demo.history.columns import case_rows, reading_rows
from ioc.demo.places import World
from ioc.demo.world import air, documents, dossiers, lgsp, life_cycles, petitions, profiles, traffic
from ioc.demo.world.cases import NEVER, Cases, Versions
from ioc.demo.world.profile_files import profiles as profile_files
from ioc.demo.world.readings import Readings, local, midnight_ms

DAYS = 365
FINE_MS = MS_A_DAY
"""The time before the beginning for which the history is by the minute."""

_WEEK = 7


@dataclass(frozen=True)
class HistoryStep:
    """One batch of the history, made when it is its turn. `kind` is `readings` or `cases`."""

    kind: str
    make: Callable[[], pa.RecordBatch]


def plan(world: World, began_at_ms: int, days: int = DAYS) -> list[HistoryStep]:
    """Return all batches of the `days` before `began_at_ms`.

    The last day comes first, then weeks back in time, so that the wall has its data first. A batch has up to 70,000
    rows.
    """
    fine_from_ms = (began_at_ms - FINE_MS) // MS_AN_HOUR * MS_AN_HOUR
    steps = [
        HistoryStep("readings", partial(make, world, from_ms, min(from_ms + 6 * MS_AN_HOUR, began_at_ms)))
        for from_ms in range(fine_from_ms, began_at_ms, 6 * MS_AN_HOUR)
        for make in (_by_minute, _profiled)
    ]
    last_day = int(local(world, np.array([began_at_ms - 1]))[0][0]) + 1
    for weeks in range(-(-days // _WEEK)):
        to_day = last_day - weeks * _WEEK
        first_day = max(to_day - _WEEK, last_day - days)
        steps.append(HistoryStep("cases", partial(_cases, world, first_day, to_day, began_at_ms)))
        from_ms, to_ms = midnight_ms(world, first_day), min(midnight_ms(world, to_day), fine_from_ms)
        if from_ms < to_ms:
            steps.append(HistoryStep("readings", partial(_by_hour, world, from_ms, to_ms)))
            steps.append(HistoryStep("readings", partial(_profiled, world, from_ms, to_ms, MS_AN_HOUR)))
    return steps


def _by_minute(world: World, from_ms: int, to_ms: int) -> pa.RecordBatch:
    parts = [
        lgsp.readings(world, from_ms, to_ms, MS_A_MINUTE),
        air.readings(world, from_ms, to_ms, MS_A_MINUTE),
        traffic.readings(world, from_ms, to_ms, MS_A_MINUTE),
        documents.of_communes(world, from_ms, to_ms),
        *_department_days(world, from_ms, to_ms),
    ]
    return reading_rows(world, Readings.joined(parts))


def _by_hour(world: World, from_ms: int, to_ms: int) -> pa.RecordBatch:
    sent = documents.of_communes(world, from_ms, to_ms, MS_AN_HOUR)
    parts = [
        lgsp.readings(world, from_ms, to_ms, MS_AN_HOUR, samples=len(world.communes)),
        air.readings(world, from_ms, to_ms, MS_AN_HOUR),
        traffic.readings(world, from_ms, to_ms, MS_AN_HOUR),
        sent.where(sent.value > 0),
        *_department_days(world, from_ms, to_ms),
    ]
    return reading_rows(world, Readings.joined(parts))


def _profiled(world: World, from_ms: int, to_ms: int, coarse_ms: int = 0) -> pa.RecordBatch:
    """Return readings of all profiles but those whose file contains its own history."""
    parts = [
        profiles.readings(world, profile, from_ms, to_ms, coarse_ms)
        for profile in profile_files()
        if profile.kind != "year_file"
    ]
    return reading_rows(world, Readings.joined(parts))


def _department_days(world: World, from_ms: int, to_ms: int) -> list[Readings]:
    """Return the departments' days whose file was written in (from_ms, to_ms]; it is written at 17:00."""
    first, last = (int(day) for day in local(world, np.array([from_ms, to_ms]))[0])
    written = documents.DAY_FILE_HOUR * MS_AN_HOUR
    return [
        documents.of_departments(world, day)
        for day in range(first, last + 1)
        if from_ms < midnight_ms(world, day) + written <= to_ms
    ]


def _cases(world: World, first_day: int, last_day: int, began_at_ms: int) -> pa.RecordBatch:
    of_dossiers = dossiers.dossiers(world, first_day, last_day)
    of_petitions = petitions.petitions(world, first_day, last_day)
    delay_ms = RunsLate().seen_after_ms(world, of_petitions)
    parts = [
        first_and_last(of_dossiers, began_at_ms, 0, dossiers.PAUSES),
        first_and_last(of_petitions, began_at_ms, delay_ms, petitions.PAUSES),
    ]
    for profile in (case for file in profile_files() for case in file.cases):
        made = life_cycles.cases(world, profile, first_day, last_day)
        whole = profile.history == "all_steps"
        parts.append(made.versions(0, began_at_ms) if whole else first_and_last(made, began_at_ms, 0))
    return case_rows(world, parts)


def first_and_last(
    cases: Cases, before_ms: int, visible_after_ms: np.ndarray | int, also: tuple[int, ...] = ()
) -> Versions:
    """Return the first and the latest version of each case that could be seen before a moment.

    The steps `also`, in which the clock of a case stood still, are included; the other steps between are left out.
    """
    seen = cases.step_ms + np.asarray(visible_after_ms).reshape(-1, 1)
    visible = (cases.step_ms != NEVER) & (seen < before_ms)
    first = visible[:, 0]
    latest = np.where(visible, np.arange(visible.shape[1]), -1).max(axis=1)
    chosen = np.zeros_like(visible)
    chosen[first, 0] = True
    chosen[:, also] = visible[:, also]
    chosen[latest >= 0, latest[latest >= 0]] = True
    rows, steps = np.nonzero(chosen)
    return Versions(cases, rows, steps, seen[rows, steps])
