"""The catalogue: every definition in force, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.catalog.calendar import Decisions
from ioc.catalog.toml_table import DefinitionFault
from ioc.model.kpi import Constant, KpiDefinition
from ioc.model.unit import Unit
from ioc.model.vocabulary import Vocabulary


@dataclass(frozen=True)
class Sector:
    """A field of work, such as environment or health; lists are sorted by `order`."""

    id: str
    name: dict[str, str]
    order: int


@dataclass(frozen=True)
class Catalog:
    """All definitions in force.

    `province` is the unit whose centre this is; `vocabulary.units` are it, its communes and its agencies. In `kpis`
    each formula comes after its parts. `constants` are figures that formulas name. `decisions` say which days are
    worked. `faults` are those of the province's files whose last good version is in force (ioc/catalog/last_good.py).
    """

    province: Unit
    vocabulary: Vocabulary
    sectors: Mapping[str, Sector] = field(default_factory=dict)
    kpis: Mapping[str, KpiDefinition] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    faults: tuple[DefinitionFault, ...] = ()


CENTRE_SECTOR = "centre"
"""The sector of the KPIs in which the centre reports about itself (ioc/catalog/sectors/centre.toml)."""


def centre_kpis(catalog: Catalog) -> dict[str, KpiDefinition]:
    """Return by id the KPIs in which the centre reports about itself, always for the province.

    The source `centre` feeds them like any other. Rules see them fresh from inside the centre
    (ioc/server/self_monitoring.py), so that they hold also when no data arrives.
    """
    return {kpi.id: kpi for kpi in catalog.kpis.values() if kpi.sector == CENTRE_SECTOR}
