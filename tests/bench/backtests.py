"""Backtests of 30 days in 168 units over a year of history: each kind of rule, history and replay.

.venv/bin/python -m tests.bench backtests

The store has data for the whole shipped catalogue (tests/bench/whole_catalogue.py), and of one measure every five
minutes, which takes a minute to fill. At the step that the API takes by itself.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import duckdb

from ioc.alert_service.kpi_history import KpiHistory, longest_change, own_step
from ioc.alerts.backtest import backtest_rule
from ioc.alerts.rule_arrays import units_of
from ioc.catalog import load
from ioc.catalog.rules import check_rule
from ioc.settings import VIETNAM
from ioc.store import Store, transaction
from ioc.store.case_clocks import Clocks, keep_clocks
from tests.bench.report import Table
from tests.bench.whole_catalogue import fill

PROVINCE = "79"  # 168 communes
NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
DAYS = timedelta(days=30)
MOST_S = 2.0
RULES: dict[str, dict[str, Any]] = {
    "threshold, panes of 24 hours": {"kpi": "air.pm25_mean_24h", "fires_above": 45},
    "threshold, panes of 15 minutes": {"kpi": "traffic.speed_slowest", "fires_below": 10},
    "change over a day": {"kpi": "air.pm25_mean_24h", "change": {"over": "1d", "fires_above": 10}},
    "deviation, panes, 4 weeks": {"kpi": "air.pm25_mean_24h", "deviation": {"weeks": 4, "fires_above": 3}},
    "deviation, panes of 15 minutes": {"kpi": "traffic.speed_slowest", "deviation": {"weeks": 4, "fires_below": -3}},
    "all of two": {
        "all": [{"kpi": "air.pm25_mean_24h", "fires_above": 45}, {"kpi": "traffic.speed_mean", "fires_below": 20}]
    },
    "missing data": {"kpi": "air.pm25_mean_24h", "missing": True},
    "cases: open and overdue": {"kpi": "dossier.overdue_now", "fires_above": 20},
    "cases: overdue by working days": {"kpi": "dossier.overdue_10_days", "fires_above": 5},
    "cases: received today": {"kpi": "dossier.received_today", "fires_above": 100},
    "cases: on-time rate of the month": {"kpi": "dossier.on_time_rate", "fires_below": 90},
    "cases: petitions overdue": {"kpi": "petition.overdue_now", "fires_above": 5},
    "cases: deviation, 4 weeks": {"kpi": "dossier.received_today", "deviation": {"weeks": 4, "fires_above": 3}},
    "cases: target missed": {"kpi": "dossier.on_time_rate", "target_missed": True},
}


def _every_five_minutes(cursor: duckdb.DuckDBPyConnection, measure: str, units: int) -> None:
    """In place of what the store has of the measure."""
    [(code,)] = cursor.execute("SELECT code FROM measure_codes WHERE id = ?", [measure]).fetchall()
    end = int(NOW.timestamp() // 60)
    cursor.execute(f"DELETE FROM kept_minute_panes WHERE measure = {code}")
    cursor.execute(
        f"INSERT INTO kept_minute_panes SELECT {code}, u, 0, minute, 10, 500 + random(), 26000, 1, 99, "
        "minute * 60000::BIGINT, 1, minute * 60000::BIGINT + 59000, 99 "
        f"FROM range({end - 43_200}, {end}, 5) a(minute), range(1, {units + 1}) b(u)"
    )


def run() -> None:
    catalog = load(PROVINCE)
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    table = Table("Backtest of 30 days x 168 units", ("rule", "step min", "processor s", "wall s", "firings"))
    too_slow: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "ioc.duckdb", Path(folder) / "archive", zone=VIETNAM)
        fill(store, catalog, NOW)
        with store.cursor() as cursor, transaction(cursor, store.path):
            _every_five_minutes(cursor, "traffic.speed", len(catalog.vocabulary.units))
            keep_clocks(cursor, Clocks.of_catalog(catalog), 7)
        past = KpiHistory(store, VIETNAM)
        for name, fields in RULES.items():
            whole = {"id": "b", "name": {"vi": "b", "en": "b"}, "severity": "low", "units": "communes", **fields}
            rule = check_rule(catalog, {}, whole)
            step = own_step([rule], DAYS)
            units = units_of(rule, catalog.vocabulary.units)
            began, cost = perf_counter(), process_time()
            start = NOW - DAYS - longest_change([rule])
            found = backtest_rule(rule, past.history(catalog, [rule], units, start, NOW, step), targets, VIETNAM)
            took, used = perf_counter() - began, process_time() - cost
            minutes = step // timedelta(minutes=1)
            table.add(name, str(minutes), f"{used:.2f}", f"{took:.2f}", str(found.count))
            if took > MOST_S:
                too_slow[name] = took
        store.close()
    table.print()
    assert not too_slow, f"longer than {MOST_S} s: {too_slow}"
