"""Report definitions: the shipped ones are valid, faults name file, table and field, the province's override them."""

from pathlib import Path

import pytest

from ioc.catalog import Catalog
from ioc.catalog.toml_table import CatalogInvalid
from ioc.reports.loader import load_reports
from ioc.reports.periods import PeriodLength
from tests.support.catalogs import hue

HEAD = 'id = "mine"\ntitle = { vi = "Của tỉnh", en = "Ours" }\nperiod = "month"\n'
KPIS = f'{HEAD}[[block]]\nkind = "kpis"\nid = "t"\ntitle = {{ vi = "a", en = "b" }}\n'
TEXT = '[[block]]\nkind = "text"\nid = "words"\ntext = { vi = "a", en = "b" }\n'


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return hue()


def faults_of(catalog: Catalog, folder: Path, text: str) -> list[str]:
    (folder / "reports").mkdir()
    (folder / "reports" / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogInvalid) as refused:
        load_reports(catalog, folder)
    assert all(fault.file.endswith("mine.toml") for fault in refused.value.faults)
    return [f"{fault.kpi}: {fault.field}: {fault.message}" for fault in refused.value.faults]


def test_ours(catalog: Catalog) -> None:
    reports = load_reports(catalog)
    assert {report.id: report.length for report in reports.values()} == {
        "online_services": PeriodLength.MONTH,
        "qd766.month": PeriodLength.MONTH,
        "qd766.quarter": PeriodLength.QUARTER,
        "morning_brief": PeriodLength.WEEK,
        "alarm_audit": PeriodLength.MONTH,
    }
    assert all(report.schedule is not None for report in reports.values())
    assert reports["morning_brief"].one_page


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            f'{KPIS}kpis = ["dossier.recieved"]\n',
            "block[0].kpis: No KPI is called 'dossier.recieved'; did you mean 'dossier.received'?.",
            id="unknown KPI",
        ),
        pytest.param(
            f'{KPIS}kpis = ["dossier.received_today"]\n',
            "report mine · table t: block[0].kpis: dossier.received_today does not fit a report of a month: "
            "its window today is not about a month.",
            id="wrong window",
        ),
        pytest.param(
            f'{KPIS}unit = "99"\nkpis = ["dossier.open"]\n',
            "report mine · table t: block[0].unit: '99' is not a unit of Thành phố Huế.",
            id="unknown unit",
        ),
        pytest.param(
            f'{HEAD}[[block]]\nkind = "units"\nid = "t"\ntitle = {{ vi = "a", en = "b" }}\nrows = ["communes"]\n'
            'columns = [{ kpi = "budget.revenue_rate" }]\n',
            "report mine · table t: block[0].columns[0].kpi: budget.revenue_rate has no values of these units; "
            "it has them of province.",
            id="a KPI of other units",
        ),
        pytest.param(
            f'{HEAD}[[block]]\nkind = "text"\nid = "t"\ntext = {{ vi = "{{kpi:nope}}", en = "b" }}\n',
            "report mine · table t: block[0].text.vi: No KPI is called 'nope'.",
            id="unknown KPI in a text",
        ),
        pytest.param(
            f'{HEAD}[[block]]\nkind = "text"\nid = "t"\ntext = {{ vi = "{{when}}", en = "b" }}\n',
            "report mine · table t: block[0].text.vi: {when} means nothing; write {kpi:ID} or one of period, "
            "period_before, province.",
            id="a place that means nothing",
        ),
        pytest.param(f"{HEAD}", "report mine: block: A report has at least one [[block]].", id="nothing in it"),
        pytest.param(
            f"{HEAD}{TEXT}{TEXT}", "table words: block[1].id: Another block is called 'words'.", id="twice"
        ),
        pytest.param(
            f'{HEAD}schedule = {{ after = "soon" }}\n{TEXT}',
            "report mine: schedule.after: 'soon' is not a duration; write it as 30s, 15m, 24h or 7d.",
            id="schedule",
        ),
        pytest.param(
            f'{HEAD.replace("month", "fortnight")}{TEXT}',
            "report mine: period: 'fortnight' is not one of week, month, quarter, year.",
            id="period",
        ),
        pytest.param("id = [", ": : This is not TOML: Invalid value (at end of document).", id="no TOML"),
    ],
)  # fmt: skip
def test_a_fault_is_named(catalog: Catalog, tmp_path: Path, text: str, fault: str) -> None:
    assert any(found.endswith(fault) for found in faults_of(catalog, tmp_path, text))


def test_the_province_replaces_fields_of_ours(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    text = 'id = "alarm_audit"\nschedule = { after = "3d", channels = ["mail"] }\n'
    (tmp_path / "reports" / "ours.toml").write_text(text, encoding="utf-8")
    ours, theirs = load_reports(catalog)["alarm_audit"], load_reports(catalog, tmp_path)["alarm_audit"]
    assert theirs.schedule is not None
    assert theirs.schedule.channels == ("mail",)
    assert (theirs.blocks, theirs.version) == (ours.blocks, ours.version)
