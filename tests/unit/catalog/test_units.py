"""Units: the country with its islands, agencies, codes of before July 2025."""

from pathlib import Path

import pytest

from ioc.api.units import Level, units_of
from ioc.catalog import load
from ioc.catalog.coverage import unfed
from ioc.catalog.new_pack import new_pack
from ioc.catalog.units import all_units, former_units, province_units, unit_successors
from ioc.errors import ConfigurationInvalid
from ioc.model.unit import UnitLevel
from tests.catalogs import hue


def test_the_country_always_has_hoang_sa_and_truong_sa() -> None:
    country = {unit.name: unit for unit in units_of(Level.COUNTRY, province_units("46"))}
    assert sum(not unit.parent for unit in country.values()) == 34
    assert all_units()[country["Đặc khu Hoàng Sa"].parent].name == "Thành phố Đà Nẵng"
    assert all_units()[country["Đặc khu Trường Sa"].parent].name == "Tỉnh Khánh Hòa"


@pytest.mark.parametrize(
    ("level", "count"),
    [
        pytest.param(Level.PROVINCE, 1, id="the province"),
        pytest.param(Level.COMMUNE, 40, id="its communes"),
        pytest.param(Level.DEPARTMENT, 17, id="its agencies"),
        pytest.param(None, 58, id="all of it"),
    ],
)
def test_levels_of_the_centre(level: Level | None, count: int) -> None:
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
    with pytest.raises(ConfigurationInvalid, match="line 2: the code '19753' is another unit's"):
        province_units("46", tmp_path)


def test_a_new_pack_passes_the_check_and_is_not_fed(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(new_pack("water"), encoding="utf-8")
    catalog = load("46", tmp_path)
    everything = [*catalog.vocabulary.measures, *catalog.vocabulary.case_types]
    fed = {"push": [word for word in everything if not word.startswith("water")], "station": ["water.*"]}
    assert {kpi.kpi: kpi.missing for kpi in unfed(catalog, fed)} == {
        kpi_id: ("water_case",) for kpi_id in catalog.kpis if kpi_id.startswith(("water.settled", "water.on_time"))
    }
