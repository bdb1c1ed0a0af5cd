"""Typical faults of sector systems, simulated so that late, repeated and unfit records can be seen.

Apart from `LosesPower` they add records to the true ones, or shift them; they never remove a true one. How often each
occurs is a function of the seed and the time, like all simulated data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ioc.demo import noise
from ioc.demo.calendar import MS_A_MINUTE
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import STATIONS, World, station
from ioc.demo.world.cases import Cases
from ioc.demo.world.readings import Readings

Record = dict[str, object]


@dataclass(frozen=True)
class LosesPower:
    """Station AQ-05 drops out for an hour on every other day, between 6:00 and 21:00."""

    station_index: int = 4
    probability: float = 0.5

    def is_out(self, world: World, station_index: Ints, day: Ints, hour: Floats) -> npt.NDArray[np.bool_]:
        """Return where stations have no power at a local day and hour."""
        begins = 6 + 14 * noise.uniform(world.seed, "power cut", day)
        today = noise.hit(world.seed, "power cut day", self.probability, day)
        return np.asarray((station_index == self.station_index) & today & (hour >= begins) & (hour < begins + 1))


@dataclass(frozen=True)
class ClockAhead:
    """Station AQ-11 sends every quarter of an hour, with a clock 10 minutes ahead: refused as in the future."""

    station_index: int = STATIONS - 1
    every_ms: int = 15 * MS_A_MINUTE
    ahead_ms: int = 10 * MS_A_MINUTE

    def shifted(self, readings: Readings) -> Readings:
        """Return the readings with the wrong time."""
        return replace(readings, time_ms=readings.time_ms + self.ahead_ms)


@dataclass(frozen=True)
class FaultCode:
    """Station AQ-03 sends -999 beside a true reading when its pump fails, about once an hour: out of range."""

    value: float = -999.0
    station_index: int = 2
    probability: float = 1 / 360

    def added(self, world: World, record: Record, from_ms: int) -> list[Record]:
        """Return the wrong records that are sent in addition to a true one."""
        own = record.get("subject") == station(self.station_index) and record["measure"] == "air.pm10"
        fails = own and noise.hit(world.seed, "pump", self.probability, from_ms // 1000)
        return [{**record, "value": self.value}] if fails else []


@dataclass(frozen=True)
class SendsAgain:
    """A traffic counter that missed the acknowledgement sends the same message again, some ten times an hour.

    It is recognised by its key and dropped as a duplicate.
    """

    probability: float = 1 / 1300

    def again(self, world: World, counter: int, from_ms: int) -> bool:
        """Whether the message of a counter is sent twice."""
        return bool(noise.hit(world.seed, "sends again", self.probability, counter, from_ms // 1000))


@dataclass(frozen=True)
class PushesTwice:
    """The LGSP gateway posts the same body with the same `Idempotency-Key` again, four times an hour.

    It gets the remembered answer and is not counted again.
    """

    probability: float = 1 / 180

    def twice(self, world: World, from_ms: int) -> bool:
        """Whether the push of this interval is sent twice."""
        return bool(noise.hit(world.seed, "pushes twice", self.probability, from_ms // 1000))


@dataclass(frozen=True)
class TextForNumber:
    """The LGSP gateway writes `n/a` where a node has not answered, twice an hour: refused because of its type."""

    probability: float = 1 / 360

    def added(self, world: World, record: Mapping[str, object], from_ms: int) -> list[Record]:
        """Return the wrong records that are sent in addition to a true one."""
        strikes = noise.hit(world.seed, "n/a", self.probability, from_ms // 1000)
        return [{**record, "value": "n/a"}] if strikes else []


@dataclass(frozen=True)
class ImpossibleDate:
    """One CSV file in six has a line dated 31 February: the line is refused, the others count."""

    text: str = "31/02/2026 08:00"
    probability: float = 1 / 6

    def strikes(self, world: World, from_ms: int) -> bool:
        """Whether the file of this interval has the line."""
        return bool(noise.hit(world.seed, "impossible date", self.probability, from_ms // MS_A_MINUTE))


@dataclass(frozen=True)
class FormerUnit:
    """The one-stop system sends one version in 200 again with the code of a commune abolished on 1 July 2025.

    It is refused because its unit is unknown.
    """

    code: str = "19756"
    probability: float = 1 / 200

    def again(self, world: World, unit: int, updated_ms: int) -> bool:
        """Whether the version is sent again with the former code."""
        return bool(noise.hit(world.seed, "former unit", self.probability, unit, updated_ms // 1000))


@dataclass(frozen=True)
class RunsLate:
    """The petition system learns of each step 20 to 40 minutes later; the late version counts at its own time."""

    min_s: int = 20 * 60
    max_s: int = 40 * 60

    def seen_after_ms(self, world: World, cases: Cases) -> Ints:
        """Return for each case the delay in ms with which its steps are seen."""
        chance = noise.uniform(world.seed, "runs late", cases.unit, cases.day, cases.number)
        return np.asarray((self.min_s + chance * (self.max_s - self.min_s)).astype(np.int64) * 1000)


@dataclass(frozen=True)
class RepeatsRecords:
    """In every fifth minute the petition system returns again what it returned in the last eight minutes.

    The records are recognised by their content and dropped as duplicates.
    """

    every_minutes: int = 5
    overlap_ms: int = 8 * MS_A_MINUTE

    def since_ms(self, asked_ms: int, now_ms: int) -> int:
        """Return the time from which the system returns versions when it is asked from `asked_ms` on."""
        repeats = now_ms // MS_A_MINUTE % self.every_minutes == 0
        return asked_ms - self.overlap_ms if repeats else asked_ms
