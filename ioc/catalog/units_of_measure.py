"""Units of measure in English. Definitions write them in Vietnamese; symbols (%, km/h, µg/m³) are the same in both."""

import csv
from functools import cache
from importlib.resources import files


@cache
def _translations() -> dict[str, str]:
    lines = files("ioc.catalog").joinpath("units_of_measure.csv").read_text(encoding="utf-8").splitlines()
    return {row["vi"]: row["en"] for row in csv.DictReader(lines)}


def in_english(unit_of_measure: str) -> str:
    """Return the English word; the unit itself where `units_of_measure.csv` has none."""
    return _translations().get(unit_of_measure, unit_of_measure)
