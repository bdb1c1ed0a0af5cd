"""The score of QĐ 766 through store and evaluator, against worksheets computed by hand."""

from __future__ import annotations

import pytest

from ioc.catalog import Catalog
from ioc.model.kpi import Formula, KpiValue
from tests.integration.catalog.worksheets import (
    AT_EVERY_CAP,
    CAPS,
    NO_DOSSIERS,
    NO_FEES,
    NO_PETITIONS,
    NOW,
    SHEETS,
    Worksheet,
    cases,
    readings,
)
from tests.support.catalogs import hue
from tests.support.evaluation_centre import PROVINCE, MakeCentre

Values = dict[tuple[str, str], KpiValue]


def told(centre_of: MakeCentre, overlay: str = "") -> Values:
    centre = centre_of("qd766", overlay)
    for sheet in SHEETS:
        centre.read(*readings(sheet), now=NOW)
        centre.hear(*cases(sheet))
    return centre.anew(NOW)


@pytest.fixture(scope="module")
def values(centre_of: MakeCentre) -> Values:
    """Values of all worksheets together."""
    return told(centre_of)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return hue()


def number(values: Values, kpi: str, unit: str) -> float:
    value = values[kpi, unit]
    assert value.value is not None, (kpi, unit, value.freshness)
    return value.value


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param(NO_PETITIONS, id="commune without petitions"),
        pytest.param(NO_FEES, id="commune without dossiers that have a fee"),
        pytest.param(AT_EVERY_CAP, id="department at every cap"),
        pytest.param(NO_DOSSIERS, id="commune without dossiers"),
    ],
)
def test_worksheet(values: Values, sheet: Worksheet) -> None:
    assert sheet.points.keys() == CAPS.keys()
    points = {name: number(values, f"qd766.{name}.month", sheet.unit) for name in CAPS}
    assert points == pytest.approx(dict(sheet.points))
    lost = {name: number(values, f"qd766.lost.{name}.month", sheet.unit) for name in CAPS}
    assert lost == pytest.approx({name: CAPS[name] - points for name, points in sheet.points.items()})
    if sheet.costliest:
        assert max(lost, key=lost.__getitem__) == sheet.costliest
    groups = {name: number(values, f"qd766.{name}.month", sheet.unit) for name in sheet.groups}
    assert groups == pytest.approx(dict(sheet.groups))
    assert number(values, "qd766.total.month", sheet.unit) == pytest.approx(sheet.total)
    for kpi, value in sheet.other_windows.items():
        assert number(values, kpi, sheet.unit) == pytest.approx(value)


def test_a_commune_that_never_reported_has_no_score(values: Values) -> None:
    """Full marks for having no late dossier would put it first."""
    total = values["qd766.total.month", "20137"]
    assert (total.value, total.reported) == (None, False)
    assert values["qd766.progress.on_time.month", "20137"].value is None


@pytest.mark.parametrize(
    ("score", "band"),
    [
        pytest.param(100, "Excellent", id="all points"),
        pytest.param(90, "Excellent", id="90 is excellent"),
        pytest.param(89.99, "Good", id="below 90"),
        pytest.param(80, "Good", id="80 is good"),
        pytest.param(70, "Fair", id="70 is fair"),
        pytest.param(69.99, "Average", id="below 70"),
        pytest.param(50, "Average", id="50 is average"),
        pytest.param(49.99, "Weak", id="below 50"),
    ],
)
def test_bands(catalog: Catalog, score: float, band: str) -> None:
    for window in ("month", "quarter", "year"):
        found = catalog.kpis[f"qd766.total.{window}"].band_of(score)
        assert found is not None
        assert found.name["en"] == band


def test_the_worksheets_bands(catalog: Catalog) -> None:
    total = catalog.kpis["qd766.total.month"]
    for sheet in SHEETS:
        band = total.band_of(sheet.total)
        assert band is not None
        assert band.name["en"] == sheet.band


def test_the_province_is_counted_from_all_its_units(values: Values) -> None:
    # 17 + 8 + 10 in time of 20 + 10 + 10 dossiers.
    assert number(values, "qd766.progress.on_time.month", PROVINCE) == pytest.approx(20 * 35 / 40)
    # 4 + 2 + 2 services used of 8 + 4 + 2 + 5 offered: the same service counts in each unit that offers it.
    assert number(values, "qd766.online.used.month", PROVINCE) == pytest.approx(4 * 8 / 19)
    # 2 + 2 in time of 3 + 2 petitions.
    assert number(values, "qd766.satisfaction.petitions_on_time.month", PROVINCE) == pytest.approx(6 * 4 / 5)


def test_whether_unfinished_dossiers_count_is_configuration(centre_of: MakeCentre) -> None:
    values = told(
        centre_of,
        '[[constant]]\nid = "qd766.progress.counts_not_due"\n'
        'values = [{ from = "2022-06-23", value = 1, basis = "cũ" }, '
        '{ from = "2026-11-20", value = 0, basis = "mới" }]\n',
    )
    assert number(values, "qd766.progress.on_time.month", NO_PETITIONS.unit) == pytest.approx(15)


def test_a_zero_divisor_gives_the_whole_cap_or_nothing(catalog: Catalog) -> None:
    ruled = 0
    for kpi in catalog.kpis.values():
        if (
            not isinstance(kpi.expression, Formula)
            or not kpi.id.startswith("qd766.")
            or kpi.id.startswith("qd766.lost.")
        ):
            continue
        name = kpi.id.removeprefix("qd766.").removesuffix(f".{kpi.window_text}")
        if name in CAPS:
            ruled += 1
            caps = [value.value for value in catalog.constants[f"qd766.cap.{name}"].values]
            assert caps == [CAPS[name]]
            assert kpi.expression.when_zero in (0, *caps)
    assert ruled == 3 * len(CAPS)
    assert sum(CAPS.values()) == 100


def test_every_constant_of_the_score_says_since_when_and_why(catalog: Catalog) -> None:
    constants = [one for one in catalog.constants.values() if one.id.startswith("qd766.")]
    assert len(constants) == len(CAPS) + 7
    for constant in constants:
        assert all(value.basis and value.valid_from.isoformat() == "2022-06-23" for value in constant.values)


def test_a_unit_that_nothing_is_known_of_has_no_score(values: Values) -> None:
    assert values["qd766.total.month", "19789"].value is None
