"""What the catalogue's language can say, and what it refuses: constants, families, divisions, bands, levels."""

from datetime import date
from pathlib import Path

import pytest

from ioc.catalog import Catalog, CatalogInvalid, load
from ioc.model.kpi import Formula
from ioc.model.unit import UnitLevel
from tests.support.catalog_toml import COUNT, MEASURES, SECTOR, kpi

CONSTANT = """
[[constant]]
id = "own.share"
name = { vi = "Tỷ lệ", en = "Share" }
values = [VALUES]
"""
TWO = '{ from = "2022-06-23", value = 0.8, basis = "QĐ 766" }, { from = "2027-01-01", value = 0.9, basis = "QĐ 1" }'
FAMILY = 'window = ["month", "year"]'


def loaded(folder: Path, text: str) -> Catalog:
    (folder / "own.toml").write_text(SECTOR + MEASURES + text, encoding="utf-8")
    return load("46", folder)


def constant(values: str = TWO) -> str:
    return CONSTANT.replace("VALUES", values)


def family(kpi_id: str, expression: str, *lines: str) -> str:
    return kpi(*lines, kpi_id=kpi_id, expression=expression).replace('window = "today"', FAMILY)


def formula(text: str, more: str = "") -> str:
    return f'formula = {{ text = "{text}"{more} }}'


@pytest.mark.parametrize(
    ("text", "subject", "field", "words"),
    [
        pytest.param(
            constant('{ from = "2022-01-01", until = "2024-01-01", value = 1, basis = "a" }, '
                     '{ from = "2023-01-01", value = 2, basis = "b" }'),
            "constant own.share", "values", "Two values hold on 2023-01-01", id="overlapping validity",
        ),
        pytest.param(
            constant('{ from = "2022-01-01", value = 1, basis = "a" }, '
                     '{ from = "2022-01-01", value = 2, basis = "b" }'),
            "constant own.share", "values", "Two values hold", id="two values from one day",
        ),
        pytest.param(
            constant('{ from = "2022-01-01", until = "2022-06-01", value = 1, basis = "a" }, '
                     '{ from = "2023-01-01", value = 2, basis = "b" }'),
            "constant own.share", "values", "No value holds from 2022-06-01", id="gap in the validity",
        ),
        pytest.param(
            constant('{ from = "2022-01-01", value = 1 }'),
            "constant own.share", "values[0].basis", "missing", id="constant without basis",
        ),
        pytest.param(
            constant('{ from = "1/1/2022", value = 1, basis = "a" }'),
            "constant own.share", "values[0].from", "is not a day", id="day written otherwise",
        ),
        pytest.param(
            constant() + kpi(kpi_id="own.share"), "constant own.share", "id", "rename one", id="KPI of the same id",
        ),
        pytest.param(
            kpi() + kpi(kpi_id="own.f", expression=formula("1 / own.kpi")),
            "own.f", "formula.when_zero", "no_data", id="division that can be zero without a rule",
        ),
        pytest.param(
            kpi() + kpi(kpi_id="own.f", expression=formula("own.kpi / 0")),
            "own.f", "formula.text", "divides by 0", id="division by the number zero",
        ),
        pytest.param(
            constant('{ from = "2022-01-01", value = 0, basis = "a" }')
            + kpi() + kpi(kpi_id="own.f", expression=formula("own.kpi / own.share")),
            "own.f", "formula.text", "0 from 2022-01-01", id="division by a constant that is zero",
        ),
        pytest.param(
            kpi() + kpi(kpi_id="own.f", expression=formula("1 / own.kpi", ', when_zero = "none"')),
            "own.f", "formula.when_zero", "one of no_data", id="rule of another word",
        ),
        pytest.param(
            constant() + kpi(kpi_id="own.f", expression=formula("own.share * 2")),
            "own.f", "formula", "only constants", id="formula without a KPI",
        ),
        pytest.param(
            kpi(kpi_id="own.a", expression=formula("own.b")) + kpi(kpi_id="own.b", expression=formula("own.a")),
            "own.b", "formula", "own.a → own.b → own.a", id="cycle of formulas",
        ),
        pytest.param(
            family("own.n", COUNT) + kpi(kpi_id="own.f", expression=formula("own.n")),
            "own.f", "formula", "own.n.month, own.n.year", id="family without the formula's window",
        ),
        pytest.param(
            kpi('bands = [{ name = { vi = "a", en = "a" } }, { at_least = 1, name = { vi = "b", en = "b" } }]'),
            "own.kpi", "bands", "has no bound", id="open band above a bound",
        ),
        pytest.param(
            kpi('bands = [{ at_least = 1, name = { vi = "a", en = "a" } }, '
                '{ at_least = 2, name = { vi = "b", en = "b" } }, { name = { vi = "c", en = "c" } }]'),
            "own.kpi", "bands", "highest bound down", id="bands upside down",
        ),
        pytest.param(
            kpi('bands = [{ name = { vi = "a" } }]'),
            "own.kpi", "bands[0].name.en", "en text is missing", id="band without a translation",
        ),
        pytest.param(
            kpi('reference = [{ name = { vi = "Cả nước", en = "Country" }, value = 1, basis = "a" }]'),
            "own.kpi", "reference[0].at", "missing", id="reference without its day",
        ),
        pytest.param(kpi('per = ["district"]'), "own.kpi", "per", "one of province", id="level that is none"),
        pytest.param(kpi("per = []"), "own.kpi", "per", "names no level", id="no level"),
        pytest.param(
            kpi("target = [{ at_least = 3 }]"),
            "own.kpi", "target[0].year", "holds for a year", id="target without year",
        ),
    ],
)  # fmt: skip
def test_refused_with_file_kpi_field_and_mend(tmp_path: Path, text: str, subject: str, field: str, words: str) -> None:
    with pytest.raises(CatalogInvalid) as raised:
        loaded(tmp_path, text)
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.kpi, fault.field) == (str(tmp_path / "own.toml"), subject, field)


def test_a_family_has_a_kpi_for_each_window_with_names_that_say_it(tmp_path: Path) -> None:
    text = family("own.n", COUNT, "digits = 0") + family("own.r", formula("100 * own.n / 7"))
    text += '[[kpi]]\nid = "own.n.year"\ntarget = [{ year = 2026, at_least = 5 }]\n'
    kpis = loaded(tmp_path, text).kpis
    month, year = kpis["own.n.month"], kpis["own.n.year"]
    assert (month.name["vi"], month.name["en"]) == ("Chỉ tiêu trong tháng", "KPI this month")
    assert (year.name["vi"], year.window_text, year.family) == ("Chỉ tiêu trong năm", "year", "own.n")
    assert (len(year.targets), len(month.targets)) == (1, 0), "an entry with the id of a member refines it alone"
    assert "own.n" not in kpis
    part = kpis["own.r.year"].expression
    assert isinstance(part, Formula)
    assert (part.text, part.parts) == ("100 * own.n.year / 7", ("own.n.year",))


def test_the_version_moves_with_a_constant_of_the_formula(tmp_path: Path) -> None:
    text = kpi() + kpi(kpi_id="own.f", expression=formula("own.kpi / own.share"))
    before = loaded(tmp_path, constant() + text).kpis
    after = loaded(tmp_path, constant(TWO.replace("0.9", "0.95")) + text).kpis
    assert before["own.f"].version != after["own.f"].version
    assert before["own.kpi"].version == after["own.kpi"].version


@pytest.mark.parametrize(
    ("day", "value"),
    [
        pytest.param("2022-06-22", None, id="the day before it begins"),
        pytest.param("2022-06-23", 0.8, id="its first day"),
        pytest.param("2026-12-31", 0.8, id="the last day of a value"),
        pytest.param("2027-01-01", 0.9, id="the next value's first day"),
    ],
)
def test_the_value_of_a_constant_in_force(tmp_path: Path, day: str, value: float | None) -> None:
    assert loaded(tmp_path, constant()).constants["own.share"].at(date.fromisoformat(day)) == value


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param(90.0, "A", id="at least includes its bound"),
        pytest.param(89.99999999999999, "A", id="a sum of parts that is 90 but for its last bit"),
        pytest.param(89.9, "B", id="below"),
        pytest.param(50.0, "C", id="over leaves its bound out"),
        pytest.param(-1.0, "C", id="lowest band"),
    ],
)
def test_band_of_a_value(tmp_path: Path, value: float, word: str) -> None:
    bands = 'bands = [{ at_least = 90, name = { vi = "A", en = "A" } }, { over = 50, name = { vi = "B", en = "B" } }, '
    definition = loaded(tmp_path, kpi(bands + '{ name = { vi = "C", en = "C" } }]')).kpis["own.kpi"]
    band = definition.band_of(value)
    assert band is not None
    assert band.name["vi"] == word


def test_levels_of_units_are_those_named(tmp_path: Path) -> None:
    kpis = loaded(tmp_path, kpi('per = ["department"]') + kpi(kpi_id="own.b")).kpis
    assert kpis["own.kpi"].per == (UnitLevel.DEPARTMENT,)
    assert kpis["own.b"].per == (UnitLevel.PROVINCE, UnitLevel.COMMUNE)
