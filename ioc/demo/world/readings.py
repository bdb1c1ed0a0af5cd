"""Tables of simulated readings, and their grid of times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ioc.clock import from_ms, rfc3339
from ioc.demo.calendar import MS_A_DAY, MS_AN_HOUR
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import COUNTING_POINTS, STATIONS, World, counting_point, station
from ioc.demo.world.profile_files import profiles

_PROFILED = [reading for profile in profiles() for reading in profile.readings]
MEASURES = tuple(
    dict.fromkeys(
        (
            *("lgsp.transactions", "lgsp.failures", "lgsp.latency"),
            *("document.sent", "document.sent_electronic", "document.refused"),
            *("air.pm25", "air.pm10", "traffic.vehicles", "traffic.speed"),
            *(reading.measure for reading in _PROFILED),
        )
    )
)
DEPARTMENTS = tuple(f"PB-{number + 1:02d}" for number in range(16))
SUBJECTS = tuple(
    dict.fromkeys(
        (
            *(station(number) for number in range(STATIONS)),
            *(counting_point(number) for number in range(COUNTING_POINTS)),
            *DEPARTMENTS,
            *(subject for reading in _PROFILED for subject in reading.subjects),
        )
    )
)
NO_SUBJECT = -1


@dataclass(frozen=True)
class Readings:
    """Columns of equal length: indices in MEASURES, in `World.units` and in SUBJECTS (or NO_SUBJECT), time, value."""

    measure: Ints
    unit: Ints
    subject: Ints
    time_ms: Ints
    value: Floats

    @classmethod
    def of(cls, measure: str, unit: Ints, time_ms: Ints, value: Floats | Ints, subject: str | Ints = "") -> "Readings":
        """Return readings of one measure; `unit`, `time_ms`, `value` and `subject` are broadcast together."""
        first = SUBJECTS.index(subject) if isinstance(subject, str) and subject else NO_SUBJECT
        places = first if isinstance(subject, str) else subject
        columns = np.broadcast_arrays(unit, places, time_ms, value)
        unit_, subject_, time_, value_ = (column.ravel() for column in columns)
        return cls(
            np.full(len(unit_), MEASURES.index(measure), np.int64),
            unit_.astype(np.int64),
            subject_.astype(np.int64),
            time_.astype(np.int64),
            value_.astype(np.float64),
        )

    @classmethod
    def joined(cls, parts: Sequence["Readings"]) -> "Readings":
        """Return the readings of all parts, one after the other."""
        return cls(*(np.concatenate(columns) for columns in zip(*(part.columns() for part in parts), strict=True)))

    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Floats]:
        """Return all columns, in the order of the fields."""
        return self.measure, self.unit, self.subject, self.time_ms, self.value

    def where(self, kept: np.ndarray) -> "Readings":
        """Return the readings for which `kept` is true."""
        return Readings(*(column[kept] for column in self.columns()))

    def __len__(self) -> int:
        return len(self.value)

    def records(self, world: World) -> Iterator[dict[str, object]]:
        """Yield the readings as JSON objects, as they are pushed."""
        for measure, unit, subject, time_ms, value in zip(*(c.tolist() for c in self.columns()), strict=True):
            record: dict[str, object] = {
                "measure": MEASURES[measure],
                "unit": world.units[unit],
                "time": rfc3339(from_ms(time_ms)),
                "value": value,
            }
            if subject != NO_SUBJECT:
                record["subject"] = SUBJECTS[subject]
            yield record


def slots(from_ms: int, to_ms: int, step_ms: int) -> Ints:
    """Return the beginnings of steps (counted from 1970 UTC) in [from_ms, to_ms)."""
    first = -(-from_ms // step_ms) * step_ms
    return np.arange(first, to_ms, step_ms, dtype=np.int64)


def offset_ms(world: World) -> int:
    """Return the province's offset from UTC; Viet Nam has no summer time."""
    offset = datetime(2026, 1, 1, tzinfo=world.zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)


def local(world: World, time_ms: Ints) -> tuple[Ints, Floats]:
    """Return the day since 1970 and the hour of the day (with a fraction) in the province's zone."""
    own = np.asarray(time_ms) + offset_ms(world)
    return np.asarray(own // MS_A_DAY), np.asarray(own % MS_A_DAY / MS_AN_HOUR)


def moment_ms(world: World, day: Ints, hour: Floats) -> Ints:
    """Return milliseconds since 1970 UTC of an hour of a local day, to the whole second."""
    second = np.floor(np.asarray(hour) * 3600)
    return np.asarray(np.asarray(day) * MS_A_DAY + second.astype(np.int64) * 1000 - offset_ms(world))


def midnight_ms(world: World, day: int) -> int:
    """Return milliseconds since 1970 UTC of the beginning of a local day."""
    return day * MS_A_DAY - offset_ms(world)
