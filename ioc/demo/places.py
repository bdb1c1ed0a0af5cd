"""The simulated world: its units with their sizes, and where devices are."""

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
    """The seed and the province's units; together with time they determine all simulated data.

    `units` are codes: the province, then its communes, then `offices` departments. Simulated tables refer to units by
    their index in these tuples.
    """

    seed: int
    zone: ZoneInfo
    units: tuple[str, ...]
    names: tuple[str, ...]
    wards: tuple[bool, ...]
    offices: int = 0

    @classmethod
    def of(cls, units: Mapping[str, Unit], zone: ZoneInfo, seed: int = SEED) -> "World":
        """Return the world of a province with its communes and departments; `units` has the province first."""
        own = sorted(units.values(), key=lambda unit: unit.kind == "department")
        return cls(
            seed,
            zone,
            tuple(unit.code for unit in own),
            tuple(unit.name for unit in own),
            tuple(unit.kind == "ward" for unit in own),
            sum(unit.kind == "department" for unit in own),
        )

    @cached_property
    def communes(self) -> Ints:
        """Indices of the communes in `units`."""
        return np.arange(1, len(self.units) - self.offices, dtype=np.int64)

    @cached_property
    def departments(self) -> Ints:
        """Indices of the departments in `units`; the province itself where none are known."""
        known = np.arange(len(self.units) - self.offices, len(self.units), dtype=np.int64)
        return known if len(known) else np.zeros(1, np.int64)

    @cached_property
    def size(self) -> Floats:
        """Size of each unit relative to the mean commune, 0.65 to 2; 0 for the province. Wards are larger.

        Departments are relative to the mean department.
        """
        index = np.arange(len(self.units), dtype=np.int64)
        drawn = 0.65 + noise.uniform(self.seed, "size", index) ** 2 * np.where(self.wards, 1.35, 0.6)
        drawn[0] = 0
        first_office = len(self.units) - self.offices
        drawn[1:first_office] /= drawn[1:first_office].mean()
        if self.offices:
            drawn[first_office:] /= drawn[first_office:].mean()
        return np.asarray(drawn)

    def weight(self, units: Ints) -> Floats:
        """Return the sizes of units, and 1 for the province."""
        return np.asarray(np.where(units == 0, 1.0, self.size[units]))

    @cached_property
    def towns(self) -> Ints:
        """Indices of the wards, or of all communes where there is no ward: devices are there."""
        wards = np.flatnonzero(np.array(self.wards)).astype(np.int64)
        return wards if len(wards) else self.communes

    def station_units(self) -> Ints:
        """Return the unit of each air-quality station, AQ-01 first."""
        return self.towns[np.arange(STATIONS) % len(self.towns)]

    def counting_point_units(self) -> Ints:
        """Return the unit of each traffic counting point, TC-01 first; the inner towns have two."""
        return self.towns[np.arange(COUNTING_POINTS) % min(9, len(self.towns))]


def station(number: int) -> str:
    """Return the name of an air-quality station, from 0."""
    return f"AQ-{number + 1:02d}"


def counting_point(number: int) -> str:
    """Return the name of a traffic counting point, from 0."""
    return f"TC-{number + 1:02d}"
