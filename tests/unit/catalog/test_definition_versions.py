"""Versions of definitions are hashes of their content, and stored figures refer to them.

A renamed class or field in `ioc.model.kpi` or `ioc.model.rule` would change every version, and with it restate every
closed period. So one definition of each kind is pinned; edit a pin only together with its definition.
"""

import pytest

from ioc.catalog.rules import load_rules
from tests.support.catalogs import hue

KPIS = [
    pytest.param("centre.sources_silent", "328451f1", id="aggregate of a measure"),
    pytest.param("document.electronic_share", "77afdac4", id="formula"),
    pytest.param("document.in_waiting", "be1cdb55", id="count of cases"),
    pytest.param("document.incoming_refused_share", "c4a2e758", id="ratio of cases"),
    pytest.param("document.process_hours_month", "4f8cd424", id="sum over cases"),
    pytest.param("outage.restoring", "136a9157", id="time of cases"),
    pytest.param("service.partial_with_dossiers", "17257a1d", id="distinct values of cases"),
]


@pytest.mark.parametrize(("kpi", "version"), KPIS)
def test_a_kpi_keeps_its_version(kpi: str, version: str) -> None:
    assert hue().kpis[kpi].version == version


@pytest.mark.parametrize(
    ("rule", "version"),
    [
        pytest.param("source-silent", "d9ef9fe5", id="Threshold"),
        pytest.param("air-missing", "8850ce1e", id="AnyOf"),
        pytest.param("lgsp-fallen", "ac27d04d", id="AllOf"),
        pytest.param("petitions-rising", "70bdf557", id="Change"),
        pytest.param("on-time-target-missed", "fb6671ef", id="TargetMissed"),
        pytest.param("dossiers-unusual", "410ba7b3", id="Deviation"),
    ],
)
def test_a_rule_keeps_its_version(rule: str, version: str) -> None:
    assert load_rules(hue(), None).rules[rule].version == version
