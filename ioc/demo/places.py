"""Where the demonstration's devices stand and how large its communes are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from ioc.demo import noise
from ioc.demo.noise import Floats, Ints
from ioc.model.unit import Unit

STATIONS = 11
COUNTING_POINTS = 18
SEED = 46_2026

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class World:
    """What everything simulated is a function of, together with time: the seed and the province's communes.

    `units` are codes, the province first; the codes of the tables below are places in these tuples.
    """

    seed: int
    zone: ZoneInfo
    units: tuple[str, ...]
    names: tuple[str, ...]
    wards: tuple[bool, ...]

    @classmethod
    def of(cls, units: Mapping[str, Unit], zone: ZoneInfo, seed: int = SEED) -> "World":
        """Of a province and its communes, the province first."""
        own = list(units.values())
        return cls(
            seed,
            zone,
            tuple(unit.code for unit in own),
            tuple(unit.name for unit in own),
            tuple(unit.kind == "ward" for unit in own),
        )

    @cached_property
    def communes(self) -> Ints:
        """Places of the communes in `units`."""
        return np.arange(1, len(self.units), dtype=np.int64)

    @cached_property
    def size(self) -> Floats:
        """Size of each unit against the mean commune, 0.65 to 2; the province's own entry is 0. Wards are larger."""
        place = np.arange(len(self.units), dtype=np.int64)
        drawn = 0.65 + noise.uniform(self.seed, "size", place) ** 2 * np.where(self.wards, 1.35, 0.6)
        drawn[0] = 0
        return np.asarray(drawn / drawn[1:].mean())

    @cached_property
    def towns(self) -> Ints:
        """Places of the wards, or of all communes where there is no ward: devices stand there."""
        wards = np.flatnonzero(np.array(self.wards)).astype(np.int64)
        return wards if len(wards) else self.communes

    def station_units(self) -> Ints:
        """Place of the unit of each air-quality station, AQ-01 first."""
        return self.towns[np.arange(STATIONS) % len(self.towns)]

    def counting_point_units(self) -> Ints:
        """Place of the unit of each traffic counting point, TC-01 first; the inner towns have two."""
        return self.towns[np.arange(COUNTING_POINTS) % min(9, len(self.towns))]


def station(number: int) -> str:
    return f"AQ-{number + 1:02d}"


def counting_point(number: int) -> str:
    return f"TC-{number + 1:02d}"
