"""What the centre says of itself: the KPIs of the sector `centre`, always of the province.

They are KPIs as any other (ioc/catalog/sectors/centre.toml), fed by the source `centre`. Rules see them fresh from
inside the centre (ioc/server/self_monitoring.py), so that they hold also when no data come through.
"""

from ioc.catalog.catalog import Catalog
from ioc.model.kpi import KpiDefinition

SECTOR = "centre"


def own_figures(catalog: Catalog) -> dict[str, KpiDefinition]:
    """By id."""
    return {kpi.id: kpi for kpi in catalog.kpis.values() if kpi.sector == SECTOR}
