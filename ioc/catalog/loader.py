"""Read the packs, check everything, and order the KPIs so that formulas stand behind their parts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.definitions import read_case_type, read_kpi, read_measure, read_sector, version
from ioc.catalog.faults import CatalogInvalid, Fault
from ioc.catalog.packs import Entry, read_packs, subject_of
from ioc.catalog.rows import nearest
from ioc.catalog.units import province_units
from ioc.model.case import CaseType
from ioc.model.kpi import Formula, KpiDefinition
from ioc.model.measure import Measure
from ioc.model.vocabulary import Vocabulary


def load(province: str, overlay: Path | None = None) -> Catalog:
    """The package's packs with those of `overlay` laid over. Raises CatalogInvalid with every fault found, and
    ConfigurationInvalid for a code that is no province's."""
    units = province_units(province)
    faults: list[Fault] = []
    entries = read_packs(overlay, faults).entries
    sectors: dict[str, Sector] = {}
    for sector_id, entry in entries["sector"].items():
        sectors[sector_id] = read_sector(entry.row(subject_of("sector", sector_id), faults))
    measures: dict[str, Measure] = {}
    for measure_id, entry in entries["measure"].items():
        measures[measure_id] = read_measure(entry.row(subject_of("measure", measure_id), faults))
    case_types: dict[str, CaseType] = {}
    for type_id, entry in entries["case_type"].items():
        case_types[type_id] = read_case_type(entry.row(subject_of("case_type", type_id), faults))
    vocabulary = Vocabulary(measures, units, case_types)
    kpis: dict[str, KpiDefinition] = {}
    for kpi_id, entry in entries["kpi"].items():
        row = entry.row(kpi_id, faults)
        if not entry.sector:
            row.fault("", "The file of a new KPI needs a [sector] with its id.")
        definition = read_kpi(row, entry.sector, vocabulary)
        if definition is not None:
            kpis[kpi_id] = definition
    ordered = _in_order(kpis, entries["kpi"], faults)
    if faults:
        raise CatalogInvalid(faults)
    return Catalog(units[province], vocabulary, sectors, ordered)


def _in_order(
    kpis: Mapping[str, KpiDefinition], entries: Mapping[str, Entry], faults: list[Fault]
) -> dict[str, KpiDefinition]:
    """Each formula behind its parts, its version grown from theirs. Unknown parts and cycles are faults."""
    ordered: dict[str, KpiDefinition] = {}
    path: list[str] = []

    def visit(kpi_id: str) -> None:
        if kpi_id in ordered or kpi_id not in kpis:
            return
        definition = kpis[kpi_id]
        path.append(kpi_id)
        if isinstance(definition.expression, Formula):
            row = entries[kpi_id].row(kpi_id, faults)
            for part in definition.expression.parts:
                if part not in entries:
                    row.fault("formula", f"No KPI is called {part!r}{nearest(part, entries)}.")
                elif part in path:
                    circle = " → ".join([*path[path.index(part) :], part])
                    row.fault("formula", f"The formula depends on itself: {circle}.")
                else:
                    visit(part)
            parts = [ordered[part].version for part in definition.expression.parts if part in ordered]
            definition = replace(definition, version=version(definition.version, *parts))
        path.pop()
        ordered[kpi_id] = definition

    for kpi_id in kpis:
        visit(kpi_id)
    return ordered
