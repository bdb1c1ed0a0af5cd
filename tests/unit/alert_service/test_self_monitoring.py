"""The figures that the centre measures of itself, as its rules see them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ioc.alert_service import actions
from ioc.catalog.catalog import centre_kpis
from ioc.model.ledger import Ledger
from ioc.model.source import SourceCondition, SourceState
from ioc.server import self_monitoring
from ioc.server.self_monitoring import SelfMonitoring
from tests.support.alert_requests import tick_later
from tests.support.fake_centre import NOW, FakeParts, ledger, source_state


@pytest.fixture
def parts(tmp_path: Path) -> FakeParts:
    return FakeParts(tmp_path)


def figures_of(parts: FakeParts, states: Sequence[SourceState], account: Ledger) -> dict[str, float]:
    watch = SelfMonitoring("46", parts.data_dir, lambda: states, lambda: account, parts.alerting.service)
    return {figure: float(values.value[0]) for figure, values in watch.values(NOW).items()}


def test_every_figure_is_given(parts: FakeParts) -> None:
    assert figures_of(parts, [], ledger()).keys() == centre_kpis(parts.catalog).keys()


def test_how_good_the_alerts_are_is_told_where_there_were_any(parts: FakeParts) -> None:
    watch = SelfMonitoring("46", parts.data_dir, list, ledger, parts.alerting.service)
    watch.values(NOW)
    quiet = watch.figures(NOW)
    assert {"alerts.per_operator_day": 0, "alerts.flood_share": 0}.items() <= quiet.items()
    assert not quiet.keys() & {"alerts.share_critical", "alerts.top_ten_share", "alerts.acknowledged_after_s"}
    tick_later(parts, disk_free=1, stalled_s=0)
    [full] = [one for one in parts.alerting.service.state.alerts if one.startswith("disk-full")]
    tick_later(parts, 40, disk_free=1, stalled_s=0)
    actions.acknowledge(parts.alerting.service, [full], "lan", "")
    told_of = watch.figures(parts.clock.now() + timedelta(seconds=1))
    assert {"alerts.per_operator_day": 1, "alerts.share_critical": 100, "alerts.top_ten_share": 100}.items() <= (
        told_of.items()
    )
    assert told_of["alerts.acknowledged_after_s"] == 40
    assert told_of["alerts.per_operator_10m"] == pytest.approx(1 / 144)


def test_sources_ledger_and_log(parts: FakeParts) -> None:
    conditions = (SourceCondition.UNAVAILABLE, SourceCondition.LATE, SourceCondition.LIVE, SourceCondition.FAILING)
    states = [source_state(condition.value, condition=condition) for condition in conditions]
    figures = figures_of(parts, states, ledger("One fault."))
    assert (figures["centre.sources_silent"], figures["centre.sources_late"]) == (2, 1)
    assert (figures["centre.ledger_faults"], figures["centre.lag"]) == (1, 3)
    assert 0 < figures["centre.disk_free"] <= 100


def test_a_connector_of_the_future_shows_that_the_clock_is_off(parts: FakeParts) -> None:
    ahead = source_state(reported_at=NOW + timedelta(seconds=30))
    assert figures_of(parts, [ahead], ledger())["centre.clock_off_s"] == 30
    assert figures_of(parts, [source_state()], ledger())["centre.clock_off_s"] < 1


def test_refused_records_and_a_log_that_stands_still_count_over_time(
    parts: FakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_s = [100.0]
    monkeypatch.setattr(self_monitoring.time, "monotonic", lambda: steady_s[0])  # type: ignore[attr-defined]
    account = [ledger()]
    watch = SelfMonitoring("46", parts.data_dir, list, lambda: account[0], parts.alerting.service)
    watch.values(NOW)
    steady_s[0] += 40
    [source] = account[0].sources
    account[0] = replace(account[0], sources=(replace(source, rejected={"not_finite": 151}),))
    values = watch.values(NOW + timedelta(seconds=40))
    assert values["centre.rejected_10m"].value[0] == 150
    assert values["centre.stalled_s"].value[0] == 40
