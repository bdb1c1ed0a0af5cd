"""A tick of the alert service as the centre runs it: 500 rules x 168 units, stored, with notifications planned.

.venv/bin/python -m tests.bench alert_ticks
"""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from unittest.mock import patch

from ioc.alert_service import service as service_module
from ioc.alert_service.alert_state import AlertState
from ioc.alert_service.definitions import AlertDefinitions, AlertServiceConfig
from ioc.alert_service.notification_text import NotificationWriter
from ioc.alert_service.service import AlertService
from ioc.alerts.inputs import Needs
from ioc.catalog import load
from ioc.catalog.catalog import Catalog
from ioc.catalog.channels import load_channels
from ioc.catalog.routing import load_routing
from ioc.catalog.rules import Rules
from ioc.clock import FixedClock, from_ms
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.bench.alerting import RULES, START_MS, UNITS, _rule_arrays, _Ticks
from tests.bench.report import Table

MOST_TICK_MS = 100


def _definitions(_config: AlertServiceConfig, catalog: Catalog, _changed: object) -> AlertDefinitions:
    """Return definitions with the bench's rules in place of the catalogue's."""
    channels, alerting = load_channels(Path("none")), load_routing()
    listed = Rules({rule.id: rule for rule in _rule_arrays().rules}, {}, {})
    writer = NotificationWriter(catalog, listed, alerting, VIETNAM, "")
    return AlertDefinitions(catalog, listed, alerting, channels, Needs.of(listed.rules.values()), writer)


def run() -> None:
    plan = _rule_arrays()
    table = Table(f"AlertService: {RULES} rules x {UNITS} units, written", ("tick", "ms", "transitions", "alerts"))
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "ioc.duckdb", Path(folder) / "archive", zone=VIETNAM)
        clock = FixedClock(from_ms(START_MS))
        config = AlertServiceConfig(None, Path("none"), VIETNAM, "")
        with patch.object(service_module, "last_good_definitions", _definitions):
            service = AlertService(store, load("46"), config, clock)
        service.state = AlertState.initial(plan)
        ticks = _Ticks(plan)
        service.tick(ticks.inputs(1, 0))
        for name, share, above, most in (
            ("nothing moves", 0.0, 0.0, MOST_TICK_MS),
            ("1 % of values move, 1 % of them beyond", 0.01, 0.01, MOST_TICK_MS),
            ("a storm: all move, 6 % beyond", 1.0, 0.06, None),
        ):
            times, moved = [], 0
            for _ in range(8):
                given = ticks.inputs(share, above)
                clock.moment = from_ms(given.now_ms)
                began = process_time()
                change = service.tick(given)
                times.append((process_time() - began) * 1000)
                moved = len(change.transitions) if change else 0
            table.add(name, f"{median(times):.1f}", str(moved), str(len(service.state.alerts)))
            assert most is None or median(times) <= most, f"{name}: {median(times):.0f} ms is above {most} ms"
        store.close()
    table.print()
