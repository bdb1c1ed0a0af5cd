"""Write two tables from the `vietnamadminunits` package (MIT): `ioc/catalog/units.csv`, 34 provinces and their 3,321
communes, and `ioc/catalog/former_units.csv`, the units of before 1 July 2025 with those in their place.

Run again when the package follows a new resolution of the National Assembly Standing Committee:
    python tools/units_table.py
"""

import csv
import json
import sqlite3
import sys
from collections import defaultdict
from pathlib import Path

import vietnamadminunits

PACKAGE = Path(vietnamadminunits.__file__).parent
CATALOG = Path(__file__).parents[1] / "ioc" / "catalog"
COLUMNS = ("code", "name", "short_name", "kind", "parent", "latitude", "longitude", "area_km2", "valid_from")
KINDS = {"Phường": "ward", "Xã": "commune", "Đặc khu": "special_zone"}
TWO_LEVELS_SINCE = "2025-07-01"
FORMER_COLUMNS = ("code", "name", "kind", "within", "new_codes")


def rows() -> list[tuple[object, ...]]:
    """Provinces first, then communes, both by code; areas of provinces are the sums of their communes'."""
    with sqlite3.connect(PACKAGE / "data" / "dataset.db") as connection:
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


def former_rows() -> list[tuple[str, ...]]:
    """Former provinces, districts and communes by code; `new_codes` parted by blanks, of a divided commune the one that
    took most of it first, of a district all that its communes became."""
    with sqlite3.connect(PACKAGE / "data" / "dataset.db") as connection:
        new = connection.execute("SELECT provinceKey, provinceCode, wardKey, wardCode FROM admin_units").fetchall()
        former = connection.execute(
            "SELECT provinceKey, province, provinceCode, districtKey, district, districtCode, wardKey, ward, wardCode "
            "FROM admin_units_legacy ORDER BY wardCode"
        ).fetchall()
    provinces = {key: code for key, code, _, _ in new}
    wards = {(province, ward): code for province, _, ward, code in new}
    converter = json.loads((PACKAGE / "data" / "converter_2025.json").read_text(encoding="utf-8"))
    province_of = {old: new for new, olds in converter["DICT_PROVINCE"].items() for old in olds}
    became: dict[str, list[str]] = defaultdict(list)
    for province, places in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in places.items():
            for old in olds:
                became[old].append(wards[province, ward])
    for province, places in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in places.items():
            parts = sorted(parts, key=lambda part: not part["isDefaultNewWard"])
            became[old] += [wards[province, part["newWardKey"]] for part in parts]
    table: dict[tuple[str, str], tuple[str, str, list[str]]] = {}
    for province_key, province, province_code, district_key, district, district_code, ward_key, ward, code in former:
        codes = became[f"{province_key}_{district_key}_{ward_key or ''}"]
        table["province", province_code] = (province, "", [provinces[province_of[province_key]]])
        table.setdefault(("district", district_code), (district, province, []))[2].extend(codes)
        if code:
            table["commune", code] = (ward, f"{district}, {province}", codes)
    return [
        (code, name, kind, within, " ".join(dict.fromkeys(codes)))
        for (kind, code), (name, within, codes) in sorted(table.items(), key=lambda row: (len(row[0][1]), row[0][1]))
        if codes
    ]


def main() -> int:
    for name, columns, table in (
        ("units.csv", COLUMNS, rows()),
        ("former_units.csv", FORMER_COLUMNS, former_rows()),
    ):
        with (CATALOG / name).open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(table)
        print(f"{CATALOG / name}: {len(table)} units")
    return 0


if __name__ == "__main__":
    sys.exit(main())
