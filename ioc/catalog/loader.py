"""Read the packs and check everything."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.units import province_units
from ioc.model.case import CaseType
from ioc.model.measure import Measure, MeasureKind
from ioc.model.vocabulary import Vocabulary


def load(province: str, overlay: Path | None = None) -> Catalog:
    """The package's packs, with those of `overlay` laid over. Raises CatalogInvalid with every fault found."""
    paths = [Path(str(p)) for p in files("ioc.catalog").joinpath("sectors").iterdir() if p.name.endswith(".toml")]
    if overlay is not None and overlay.is_dir():
        paths += sorted(overlay.glob("*.toml"))
    measures: dict[str, Measure] = {}
    case_types: dict[str, CaseType] = {}
    sectors: dict[str, Sector] = {}
    for path in paths:
        pack: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        sectors[pack["sector"]["id"]] = Sector(**pack["sector"])
        for row in pack.get("measure", []):
            measures[row["id"]] = Measure(**{**row, "kind": MeasureKind(row["kind"])})
        for row in pack.get("case_type", []):
            lists = {name: tuple(row.get(name, ())) for name in ("statuses", "attributes")}
            case_types[row["id"]] = CaseType(id=row["id"], name=row["name"], **lists)
    units = province_units(province)
    return Catalog(units[province], Vocabulary(measures, units, case_types), sectors)
