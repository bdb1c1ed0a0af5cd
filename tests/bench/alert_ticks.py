"""A tick of the alert service as the centre runs it: 500 rules x 168 units, written to the store, who is told planned.

.venv/bin/python -m tests.bench alert_ticks
"""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from ioc.alert_service.alert_state import AlertState
from ioc.alert_service.notification_text import NotificationWriter
from ioc.alert_service.service import AlertDefinitions, AlertService, AlertServiceConfig
from ioc.alerts.inputs import Needs
from ioc.catalog import load
from ioc.catalog.channels import load_channels
from ioc.catalog.routing import load_routing
from ioc.catalog.rules import Rules
from ioc.clock import FixedClock, from_ms
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.bench.alerting import RULES, START_MS, UNITS, _plan, _Ticks
from tests.bench.report import Table

MOST_TICK_MS = 100


class _BenchDesk(AlertService):
    """With the bench's rules in place of the catalogue's."""

    def definitions(self, catalog, changed):  # type: ignore[no-untyped-def]
        channels, alerting = load_channels(Path("none")), load_routing()
        listed = Rules({rule.id: rule for rule in _plan().rules}, {}, {})
        wording = NotificationWriter(catalog, listed, alerting, VIETNAM, "")
        return AlertDefinitions(catalog, listed, alerting, channels, Needs.of(listed.rules.values()), wording)


def run() -> None:
    plan = _plan()
    table = Table(f"AlertService: {RULES} rules x {UNITS} units, written", ("tick", "ms", "transitions", "alerts"))
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "ioc.duckdb", Path(folder) / "archive", zone=VIETNAM)
        clock = FixedClock(from_ms(START_MS))
        service = _BenchDesk(store, load("46"), AlertServiceConfig(None, Path("none"), VIETNAM, ""), clock)
        service.state = AlertState.initial(plan)
        ticks = _Ticks(plan)
        service.tick(ticks.told(1, 0))
        for name, share, above, most in (
            ("nothing moves", 0.0, 0.0, MOST_TICK_MS),
            ("1 % of values move, 1 % of them beyond", 0.01, 0.01, MOST_TICK_MS),
            ("a storm: all move, 6 % beyond", 1.0, 0.06, None),
        ):
            times, moved = [], 0
            for _ in range(8):
                told = ticks.told(share, above)
                clock.moment = from_ms(told.now_ms)
                began = process_time()
                change = service.tick(told)
                times.append((process_time() - began) * 1000)
                moved = len(change.transitions) if change else 0
            table.add(name, f"{median(times):.1f}", str(moved), str(len(service.state.alerts)))
            assert most is None or median(times) <= most, f"{name}: {median(times):.0f} ms is above {most} ms"
        store.close()
    table.print()
