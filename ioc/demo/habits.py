"""Bad habits of sector systems, each on purpose and named, so that late, repeated and unfit records can be seen.

Apart from `LosesPower` they add records to what is true, or shift them; they never take a true one away. How often
each strikes is a function of the seed and the time, as everything here.
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

    place: int = 4
    probability: float = 0.5

    def is_out(self, world: World, place: Ints, day: Ints, hour: Floats) -> npt.NDArray[np.bool_]:
        begins = 6 + 14 * noise.uniform(world.seed, "power cut", day)
        today = noise.hit(world.seed, "power cut day", self.probability, day)
        return np.asarray((place == self.place) & today & (hour >= begins) & (hour < begins + 1))


@dataclass(frozen=True)
class ClockAhead:
    """Station AQ-11 sends every quarter of an hour, with a clock 10 minutes ahead: refused as in the future."""

    place: int = STATIONS - 1
    every_ms: int = 15 * MS_A_MINUTE
    ahead_ms: int = 10 * MS_A_MINUTE

    def shifted(self, readings: Readings) -> Readings:
        return replace(readings, time_ms=readings.time_ms + self.ahead_ms)


@dataclass(frozen=True)
class FaultCode:
    """Station AQ-03 sends -999 beside a true reading when its pump fails, about once an hour: out of range."""

    value: float = -999.0
    place: int = 2
    probability: float = 1 / 360

    def beside(self, world: World, record: Record, from_ms: int) -> list[Record]:
        own = record.get("subject") == station(self.place) and record["measure"] == "air.pm10"
        fails = own and noise.hit(world.seed, "pump", self.probability, from_ms // 1000)
        return [{**record, "value": self.value}] if fails else []


@dataclass(frozen=True)
class SendsAgain:
    """A traffic counter that missed the acknowledgement sends the same message again, some ten times an hour: known
    by its key, dropped as a duplicate."""

    probability: float = 1 / 1300

    def again(self, world: World, place: int, from_ms: int) -> bool:
        return bool(noise.hit(world.seed, "sends again", self.probability, place, from_ms // 1000))


@dataclass(frozen=True)
class PushesTwice:
    """The LGSP gateway posts the same body with the same `Idempotency-Key` again, four times an hour: answered from
    memory, not counted again."""

    probability: float = 1 / 180

    def twice(self, world: World, from_ms: int) -> bool:
        return bool(noise.hit(world.seed, "pushes twice", self.probability, from_ms // 1000))


@dataclass(frozen=True)
class TextForNumber:
    """The LGSP gateway writes `n/a` where a node has not answered, twice an hour: refused as of a wrong type."""

    probability: float = 1 / 360

    def beside(self, world: World, record: Mapping[str, object], from_ms: int) -> list[Record]:
        strikes = noise.hit(world.seed, "n/a", self.probability, from_ms // 1000)
        return [{**record, "value": "n/a"}] if strikes else []


@dataclass(frozen=True)
class ImpossibleDate:
    """One CSV file in six has a line dated 31 February: refused, its neighbours count."""

    text: str = "31/02/2026 08:00"
    probability: float = 1 / 6

    def strikes(self, world: World, from_ms: int) -> bool:
        return bool(noise.hit(world.seed, "impossible date", self.probability, from_ms // MS_A_MINUTE))


@dataclass(frozen=True)
class FormerUnit:
    """The one-stop system sends one version in 200 once more under the code of a commune abolished on 1 July 2025:
    refused as of an unknown unit."""

    code: str = "19756"
    probability: float = 1 / 200

    def again(self, world: World, unit: int, updated_ms: int) -> bool:
        return bool(noise.hit(world.seed, "former unit", self.probability, unit, updated_ms // 1000))


@dataclass(frozen=True)
class RunsLate:
    """The petition system hears of each step 20 to 40 minutes later; the late version lands at its own time."""

    least_s: int = 20 * 60
    most_s: int = 40 * 60

    def seen_after_ms(self, world: World, cases: Cases) -> Ints:
        chance = noise.uniform(world.seed, "runs late", cases.unit, cases.day, cases.number)
        return np.asarray((self.least_s + chance * (self.most_s - self.least_s)).astype(np.int64) * 1000)


@dataclass(frozen=True)
class RepeatsRecords:
    """In every fifth minute the petition system gives what it gave in the last eight minutes once more: known by its
    content, dropped as a duplicate."""

    every_minutes: int = 5
    overlap_ms: int = 8 * MS_A_MINUTE

    def since_ms(self, asked_ms: int, now_ms: int) -> int:
        repeats = now_ms // MS_A_MINUTE % self.every_minutes == 0
        return asked_ms - self.overlap_ms if repeats else asked_ms
