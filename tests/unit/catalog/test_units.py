"""Units: the country with its islands, agencies, codes of before July 2025."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ioc.api.routes.units import UnitSelection, units_of
from ioc.catalog import CatalogInvalid, load
from ioc.catalog.coverage import unfed
from ioc.catalog.new_pack import new_pack
from ioc.catalog.units import all_units, former_units, province_units, unit_successors
from ioc.model.unit import UnitLevel
from tests.support.catalogs import hue


def test_the_country_always_has_hoang_sa_and_truong_sa() -> None:
    country = {unit.name: unit for unit in units_of(UnitSelection.COUNTRY, province_units("46"))}
    assert sum(not unit.parent for unit in country.values()) == 34
    assert all_units()[country["Đặc khu Hoàng Sa"].parent].name == "Thành phố Đà Nẵng"
    assert all_units()[country["Đặc khu Trường Sa"].parent].name == "Tỉnh Khánh Hòa"


@pytest.mark.parametrize(
    ("level", "count"),
    [
        pytest.param(UnitSelection.PROVINCE, 1, id="the province"),
        pytest.param(UnitSelection.COMMUNE, 40, id="its communes"),
        pytest.param(UnitSelection.DEPARTMENT, 17, id="its agencies"),
        pytest.param(None, 58, id="all of it"),
    ],
)
def test_levels_of_the_centre(level: UnitSelection | None, count: int) -> None:
    assert len(list(units_of(level, province_units("46")))) == count


@pytest.mark.parametrize(
    ("code", "new"),
    [
        pytest.param("19750", ("19753",), id="Tây Lộc went into Phú Xuân"),
        pytest.param("498", ("20333",), id="Hoàng Sa, once a district"),
        pytest.param("49", ("48",), id="Quảng Nam went into Đà Nẵng"),
    ],
)
def test_former_units(code: str, new: tuple[str, ...]) -> None:
    assert former_units()[code] == new
    assert unit_successors()[code] == new[0]


def test_a_district_of_several_communes_has_no_successor() -> None:
    assert len(former_units()["476"]) == 5
    assert "476" not in unit_successors()


def test_the_refusal_of_a_former_code_names_the_new_one() -> None:
    vocabulary = hue().vocabulary
    assert "now it is 19753 (Phường Phú Xuân)" in vocabulary.unknown_unit("19750")
    assert "now it is" not in vocabulary.unknown_unit("99999")


def test_the_province_s_own_agencies_take_the_place_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "agencies.csv"
    path.write_text("province,code,name,short_name,valid_from\n46,H57.99,Sở Thử,Sở Thử,2025-03-01\n", encoding="utf-8")
    agencies = [unit for unit in province_units("46", tmp_path).values() if unit.level is UnitLevel.DEPARTMENT]
    assert [(unit.code, str(unit.valid_from)) for unit in agencies] == [("H57.99", "2025-03-01")]
    path.write_text("province,code,name,short_name\n46,19753,Sở Thử,Sở Thử\n", encoding="utf-8")
    with pytest.raises(CatalogInvalid, match="line 2 · code · The code '19753' is another unit's"):
        province_units("46", tmp_path)


def test_a_new_pack_passes_the_check_and_is_not_fed(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(new_pack("water"), encoding="utf-8")
    catalog = load("46", tmp_path)
    everything = [*catalog.vocabulary.measures, *catalog.vocabulary.case_types]
    fed = {"push": [word for word in everything if not word.startswith("water")], "station": ["water.*"]}
    assert {kpi.kpi: kpi.missing for kpi in unfed(catalog, fed)} == {
        kpi_id: ("water_case",) for kpi_id in catalog.kpis if kpi_id.startswith(("water.settled", "water.on_time"))
    }


UNITS_HEAD = "code,name,short_name,kind,parent,latitude,longitude,area_km2,valid_from,valid_to\n"
MERGED = "19753,,,,,,,,,2027-01-01\n19754,Phường Phú Xuân Mới,Phú Xuân Mới,ward,46,16.47,107.57,20.5,2027-01-01,\n"


def test_a_commune_merged_later_is_laid_over_and_its_history_stays(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(UNITS_HEAD + MERGED + "01234,Xã khác,Khác,commune,48,16,108,1,2027-01-01,\n")
    units = load("46", tmp_path).vocabulary.units
    assert (units["19753"].name, str(units["19753"].valid_to)) == ("Phường Phú Xuân", "2027-01-01")
    assert (units["19754"].parent, units["19754"].level) == ("46", UnitLevel.COMMUNE)
    assert "01234" not in units
    day = date(2026, 12, 31)
    assert [units[code].is_in_being(day) for code in ("19753", "19754")] == [True, False]
    assert [units[code].is_in_being(day + timedelta(days=1)) for code in ("19753", "19754")] == [False, True]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param("19754,Mới,,ward,46,16,107,1,2027-01-01,", "short_name is missing", id="a new one lacks a name"),
        pytest.param("19753,,,,,,,,,1/1/2027", "not a day such as", id="a day in another form"),
        pytest.param("19753,,,,,,,,,2020-01-01", "before it begins", id="ended before it began"),
        pytest.param("19753,,,xa,,,,,,", "is not one of", id="an unknown kind"),
        pytest.param("19753,,,,,north,,,,", "is not a number", id="a place that is no number"),
        pytest.param(",,,,,,,,,2027-01-01", "The code is missing", id="no code"),
    ],
)
def test_a_faulty_row_of_units_is_named(row: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(UNITS_HEAD + row + "\n")
    with pytest.raises(CatalogInvalid, match=fault) as refused:
        load("46", tmp_path)
    assert refused.value.faults[0].kpi == "line 2"
