"""An alert service over a real store that a test can close and open again."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np

from ioc.alert_service import definitions
from ioc.alert_service.definitions import AlertServiceConfig
from ioc.alert_service.service import AlertService
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.clock import FixedClock, from_ms, to_ms
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.support.catalogs import hue
from tests.support.fake_centre import quick_rules

START_MS = 1_795_392_000_000


HOUR_MS = 3_600_000


class RestartableAlertService:
    """A store and a service on it, which can be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(from_ms(START_MS))
        self.store: Store | None = None
        self.service = self.open()

    def open(self) -> AlertService:
        if self.store is not None:
            self.store.close()
        self.store = Store.open(self.folder / "ioc.duckdb", self.folder / "archive", zone=VIETNAM)
        opened = AlertServiceConfig(self.folder / "catalog", self.folder / "channels.toml", VIETNAM, "")
        with patch.object(definitions, "load_rules", quick_rules):
            self.service = AlertService(self.store, hue(), opened, self.clock)
        return self.service

    def tick(self, seconds: float, **figures: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)
        live = np.array([DataState.LIVE], np.int8)
        values = {
            f"centre.{name}": Values(("46",), np.array([value]), np.ones(1, np.int64), live)
            for name, value in figures.items()
        }
        self.service.tick(Inputs(to_ms(self.clock.moment), values))

    @property
    def alerts(self) -> dict[str, tuple[str, str, bool]]:
        """Rule to (condition, handling, quiet)."""
        listed = self.service.state.alerts.values()
        return {one.rule: (one.condition.value, one.handling.value, one.is_quiet) for one in listed}

    def one(self, rule: str) -> str:
        return next(one.id for one in self.service.state.alerts.values() if one.rule == rule)
