"""Units of measure have an English word; signs are the same in both languages."""

from ioc.catalog.units_of_measure import in_english
from tests.support.catalogs import hue

SIGNS = {"%", "MW", "MWh", "NTU", "bar", "km", "km/h", "ha", "m", "mg/l", "mm", "ms", "m³", "m³/s", "pH", "s", "t"}
SIGNS |= {"°C", "µg/m³", "GB", "kWh", "GWh", "l/s", "m/s"}


def test_every_unit_of_measure_has_an_english_word() -> None:
    catalog = hue()
    used = {kpi.unit_of_measure for kpi in catalog.kpis.values()}
    used |= {measure.unit_of_measure for measure in catalog.vocabulary.measures.values()}
    missing = sorted(unit for unit in used - SIGNS if in_english(unit) == unit)
    assert missing == [], "write them into ioc/catalog/units_of_measure.csv"
