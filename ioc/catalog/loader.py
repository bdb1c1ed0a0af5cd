"""Load the catalogue: read all packs and check everything."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ioc.catalog.calendar import read_decisions
from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.definitions import read_case_type, read_constant, read_kpi, read_measure, read_sector
from ioc.catalog.families import unfold
from ioc.catalog.formula_order import parts_first
from ioc.catalog.packs import Entry, read_packs, subject_of
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.catalog.units import former_units_of, province_units
from ioc.messages import Message
from ioc.model.case import CaseType
from ioc.model.kpi import Constant, KpiDefinition
from ioc.model.measure import Measure
from ioc.model.vocabulary import Vocabulary


def load(province: str, overlay: Path | None = None) -> Catalog:
    """Return the catalogue of a province: the package's packs with those of `overlay` over them.

    Raises CatalogInvalid with every fault found, and ConfigurationInvalid for a code that belongs to no province.
    """
    units = province_units(province, overlay)
    faults: list[DefinitionFault] = []
    entries = read_packs(province, overlay, faults).entries
    decisions = read_decisions(overlay, faults)
    sectors: dict[str, Sector] = {}
    for sector_id, entry in entries["sector"].items():
        sectors[sector_id] = read_sector(entry.row(subject_of("sector", sector_id), faults))
    measures: dict[str, Measure] = {}
    for measure_id, entry in entries["measure"].items():
        measures[measure_id] = read_measure(entry.row(subject_of("measure", measure_id), faults))
    case_types: dict[str, CaseType] = {}
    summed = _summed(entries["kpi"].values())
    for type_id, entry in entries["case_type"].items():
        row = entry.row(subject_of("case_type", type_id), faults)
        case_types[type_id] = read_case_type(row, summed[type_id])
    vocabulary = Vocabulary(measures, units, case_types, former_units_of(units))
    constants: dict[str, Constant] = {}
    for constant_id, entry in entries["constant"].items():
        row = entry.row(subject_of("constant", constant_id), faults)
        if constant_id in entries["kpi"]:
            row.fault("id", Message("kpi_same_id"))
        constants[constant_id] = read_constant(row)
    single, families = unfold(entries["kpi"], faults)
    kpis: dict[str, KpiDefinition] = {}
    for kpi_id, entry in single.items():
        row = entry.row(kpi_id, faults)
        if not entry.sector:
            row.fault("", Message("sector_missing"))
        family = kpi_id.rpartition(".")[0]
        definition = read_kpi(row, entry.sector, vocabulary, family if family in families else "")
        if definition is not None:
            kpis[kpi_id] = definition
    ordered = parts_first(kpis, single, constants, families, faults)
    if faults:
        raise CatalogInvalid(faults)
    return Catalog(units[province], vocabulary, sectors, ordered, constants, decisions)


def _summed(kpis: Iterable[Entry]) -> Mapping[str, set[str]]:
    """Return the attributes that KPIs sum up, by case type; empty for others."""
    summed: dict[str, set[str]] = defaultdict(set)
    for entry in kpis:
        given = entry.data.get("sum")
        if isinstance(given, dict) and isinstance(given.get("of"), str) and isinstance(given.get("field"), str):
            summed[given["of"]].add(given["field"])
    return summed
