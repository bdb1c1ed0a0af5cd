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
    """A field of the province's life; `order` is its place in lists."""

    id: str
    name: dict[str, str]
    order: int


@dataclass(frozen=True)
class Catalog:
    """`province` is the unit whose centre this is; `vocabulary.units` are it and its communes.

    `kpis` are in an order in which each formula stands behind its parts; `constants` are
    figures that formulas name; `decisions` say which days are worked. `faults` are those of the province's files that
    gave way to their last good version (ioc/catalog/last_good.py).
    """

    province: Unit
    vocabulary: Vocabulary
    sectors: Mapping[str, Sector] = field(default_factory=dict)
    kpis: Mapping[str, KpiDefinition] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    faults: tuple[DefinitionFault, ...] = ()
