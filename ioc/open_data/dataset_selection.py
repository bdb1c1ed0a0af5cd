"""Read and check which KPIs are open, so that nothing published lets hidden values be calculated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ioc.catalog import Catalog
from ioc.catalog.packs import read_toml
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable, closest
from ioc.evaluation.periods import KIND_OF
from ioc.messages import Message
from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime, Formula, KpiDefinition

THEMES = ("AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "INTR", "JUST", "REGI", "SOCI", "TECH", "TRAN")
"""Codes of the EU authority table data-theme, which DCAT-AP uses."""
_DATASET_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_PERIODS = ("day", "month", "quarter", "year")
_OVER_CASES = (CaseCount, CaseSum, CaseDistinct, CaseRatio, CaseTime)


@dataclass(frozen=True)
class OpenKpi:
    """An open KPI; `case_types` are those behind its values, empty for one over readings alone."""

    definition: KpiDefinition
    case_types: frozenset[str]


@dataclass(frozen=True)
class Dataset:
    """A dataset: values of one `period` length.

    `title`, `description` and `keywords` are by language, `theme` is one of THEMES.
    """

    id: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    theme: str
    period: str
    kpis: tuple[OpenKpi, ...]
    keywords: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class OpenData:
    """All datasets; publisher, homepage and contact are empty while the province has not set them."""

    publisher: Mapping[str, str]
    homepage: str
    contact_name: str
    contact_email: str
    licence_name: str
    licence_url: str
    datasets: tuple[Dataset, ...]


def load_open_data(catalog: Catalog, overlay: Path | None = None) -> OpenData:
    """Return the package's selection, overridden by `overlay/open/open.toml`.

    Raises CatalogInvalid.
    """
    faults: list[DefinitionFault] = []
    package = Path(str(files("ioc.open_data") / "open.toml"))
    data, origins = dict(read_toml(package, faults)), {}
    if overlay is not None and (own := overlay / "open" / "open.toml").is_file():
        given = read_toml(own, faults)
        data |= given
        origins = dict.fromkeys(given, str(own))
    row = TomlTable("", data, origins, str(package), faults)
    contact, licence = row.table("contact") if row.has("contact") else None, row.table("licence")
    datasets = [_dataset(entry, catalog) for entry in row.tables("dataset")]
    found = OpenData(
        row.names("publisher", required=False),
        row.text("homepage", ""),
        contact.text("name") if contact else "",
        contact.text("email") if contact else "",
        licence.text("name"),
        licence.text("url"),
        tuple(datasets),
    )
    for inner in (contact, licence, row):
        if inner is not None:
            inner.finish()
    _check_apart(row, found.datasets)
    if faults:
        raise CatalogInvalid(faults)
    return found


def _dataset(row: TomlTable, catalog: Catalog) -> Dataset:
    dataset_id = row.text("id")
    if dataset_id and not _DATASET_ID.fullmatch(dataset_id):
        row.fault("id", Message("dataset_address", given=dataset_id))
    period = row.choice("period", _PERIODS)
    kpis = [found for kpi in row.texts("kpis", required=True) if (found := _kpi(row, kpi, period, catalog))]
    keywords = row.table("keywords") if row.has("keywords") else None
    dataset = Dataset(
        dataset_id,
        row.names("title"),
        row.names("description"),
        row.choice("theme", THEMES),
        period,
        tuple(kpis),
        {tongue: keywords.texts(tongue, required=False) for tongue in ("vi", "en")} if keywords else {},
    )
    if keywords is not None:
        keywords.finish()
    row.finish()
    return dataset


def _kpi(row: TomlTable, kpi: str, period: str, catalog: Catalog) -> OpenKpi | None:
    definition = catalog.kpis.get(kpi)
    if definition is None:
        row.fault("kpis", Message("unknown_kpi", nearest=closest(kpi, catalog.kpis), given=kpi))
        return None
    closed = KIND_OF.get(definition.window.kind)
    if closed is None or closed.value != period:
        has = Message("kpi_of_period", period=closed.value) if closed else Message("kpi_of_no_period")
        row.fault("kpis", Message("dataset_window", kpi=kpi, has=has, period=period))
        return None
    return OpenKpi(definition, case_types_of(definition, catalog))


def case_types_of(definition: KpiDefinition, catalog: Catalog) -> frozenset[str]:
    """Return the case types behind a KPI's values, through formulas."""
    expression = definition.expression
    if isinstance(expression, Formula):
        parts = [case_types_of(catalog.kpis[part], catalog) for part in expression.parts]
        return frozenset().union(*parts)
    return frozenset({expression.of}) if isinstance(expression, _OVER_CASES) else frozenset()


def _check_apart(row: TomlTable, datasets: tuple[Dataset, ...]) -> None:
    """Check that a KPI occurs once, and that a case type has one count or sum.

    A total and all but one of its parts would reveal the last part.
    """
    seen: set[str] = set()
    counted: dict[str, str] = {}
    for dataset in datasets:
        if [other.id for other in datasets].count(dataset.id) > 1:
            row.fault("dataset", Message("dataset_twice", given=dataset.id))
            return
        for kpi in dataset.kpis:
            name, expression = kpi.definition.id, kpi.definition.expression
            family = kpi.definition.family or name
            if family in seen:
                row.fault("dataset", Message("open_twice", given=name))
            seen.add(family)
            if isinstance(expression, Formula) and kpi.case_types:
                row.fault("dataset", Message("open_formula", given=name))
            if isinstance(expression, CaseCount | CaseSum | CaseDistinct):
                first = counted.setdefault(expression.of, name)
                if first != name:
                    row.fault(
                        "dataset",
                        Message("open_same_cases", given=name, other=first, case=expression.of),
                    )
