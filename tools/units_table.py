"""Write `ioc/catalog/units.csv` from the `vietnamadminunits` package (MIT): 34 provinces and their 3,321 communes.

Run again when the package follows a new resolution of the National Assembly Standing Committee:
    python tools/units_table.py
"""

import csv
import sqlite3
import sys
from pathlib import Path

import vietnamadminunits

TABLE = Path(__file__).parents[1] / "ioc" / "catalog" / "units.csv"
COLUMNS = ("code", "name", "short_name", "kind", "parent", "latitude", "longitude", "area_km2", "valid_from")
KINDS = {"Phường": "ward", "Xã": "commune", "Đặc khu": "special_zone"}
TWO_LEVELS_SINCE = "2025-07-01"


def rows() -> list[tuple[object, ...]]:
    """Provinces first, then communes, both by code; areas of provinces are the sums of their communes'."""
    database = Path(vietnamadminunits.__file__).parent / "data" / "dataset.db"
    with sqlite3.connect(database) as connection:
        units = connection.execute(
            "SELECT DISTINCT province, provinceShort, provinceCode, provinceLat, provinceLon,"
            " ward, wardShort, wardType, wardCode, wardLat, wardLon, wardAreaKm2 FROM admin_units"
        ).fetchall()
    provinces: dict[str, list[object]] = {}
    communes: list[tuple[object, ...]] = []
    for province, short, code, lat, lon, ward, ward_short, ward_type, ward_code, ward_lat, ward_lon, area in units:
        kind = "city" if province.startswith("Thành phố") else "province"
        row = provinces.setdefault(code, [code, province, short, kind, "", lat, lon, 0.0, TWO_LEVELS_SINCE])
        row[7] = round(float(str(row[7])) + (area or 0.0), 2)
        communes.append(
            (ward_code, ward, ward_short, KINDS[ward_type], code, ward_lat, ward_lon, area, TWO_LEVELS_SINCE)
        )
    return [tuple(provinces[code]) for code in sorted(provinces)] + sorted(set(communes), key=lambda row: str(row[0]))


def main() -> int:
    table = rows()
    with TABLE.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)
    print(f"{TABLE}: {len(table)} units")
    return 0


if __name__ == "__main__":
    sys.exit(main())
