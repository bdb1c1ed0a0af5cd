"""A centre of plain values: the API answers from fields that a test sets."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import cast
from unittest.mock import patch

import duckdb

from ioc.alert_service import definitions
from ioc.alert_service.context import AlertingContext
from ioc.alert_service.definitions import AlertServiceConfig
from ioc.alert_service.incident_store import IncidentStore
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertService
from ioc.api.context import ApiContext
from ioc.api.live.hub import Hub
from ioc.catalog import Catalog
from ioc.catalog.rules import Rules, load_rules
from ioc.clock import Clock, FixedClock
from ioc.evaluation.provenance import Explanation
from ioc.model.fault import Fault
from ioc.model.kpi import Freshness, KpiValue
from ioc.model.ledger import Ledger, PartitionAccount, SourceAccount
from ioc.model.rejection import Rejection
from ioc.model.source import SourceCondition, SourceState
from ioc.people import People
from ioc.server.outbox_sender import OutboxSender
from ioc.settings import VIETNAM, Settings
from ioc.store.store import Store
from tests.support.catalogs import hue, rules_of_hue

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
ADMIN = "admin-token-of-the-tests"
PUSH_SOURCE = "demo-push"
PUSH_TOKEN = "push-token-of-the-tests"


def quick_rules(catalog: Catalog, overlay: Path | None = None, changed: object = None) -> Rules:
    """Reading all packs takes half a second; a centre without changes shares what was read."""
    if catalog is hue() and not changed and not (overlay and any(overlay.glob("*.toml"))):
        return rules_of_hue()
    return load_rules(catalog, overlay, changed or {})  # type: ignore[arg-type]


class MemoryStore:
    """The store's tables and views in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "memory.duckdb"
        self.archive_dir = folder
        self.zone_hours = 7
        self.connection = duckdb.connect()
        for name in ("schema.sql", "views.sql"):
            sql = (Path(__file__).parents[2] / "ioc" / "store" / name).read_text(encoding="utf-8")
            self.connection.execute(sql.format(zone_hours=7) if name == "views.sql" else sql)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()


def kpi_value(
    kpi: str = "dossier.overdue_now", unit: str = "46", value: float | None = 12.0, **more: object
) -> KpiValue:
    plain = KpiValue(
        id=kpi,
        unit=unit,
        value=value,
        unit_of_measure="hồ sơ",
        as_of=None if value is None else NOW,
        window_from=NOW - timedelta(hours=1),
        window_to=NOW,
        samples=0 if value is None else 30,
        freshness=Freshness.NO_DATA if value is None else Freshness.LIVE,
        target=None,
        definition_version="v1",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def source_state(source: str = PUSH_SOURCE, received: int = 10, **more: object) -> SourceState:
    plain = SourceState(
        source=source,
        kind="http_push",
        name={"vi": "Đẩy thử", "en": "Trial push"},
        condition=SourceCondition.LIVE,
        generation=1,
        received=received,
        rejected=1,
        duplicate=2,
        buffered=0,
        rate_per_s=0.5,
        lag_s=1.0,
        last_success=NOW,
        expected_every_s=600.0,
        error="",
        reported_at=NOW,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def ledger(*faults: str) -> Ledger:
    source = SourceAccount(PUSH_SOURCE, received=10, applied=6, duplicate=2, rejected={"not_finite": 1}, in_flight=1)
    partition = PartitionAccount("ioc.readings.v1", 0, next_offset=41, end_offset=44, gaps=((41, 42),))
    coded = tuple(Fault.of("rows_miscounted", NOW, reason=fault) for fault in faults)
    return Ledger((source,), (partition,), (), coded)


@dataclass
class FakeKpis:
    present: list[KpiValue] = field(default_factory=list)
    points: list[tuple[datetime, float | None, int]] = field(default_factory=list)
    asked: list[tuple[str, str, datetime, datetime, timedelta]] = field(default_factory=list)
    takes_s: float = 0.0
    fault: Exception | None = None

    def values(self) -> Sequence[KpiValue]:
        if self.fault is not None:
            raise self.fault
        return self.present

    def history(
        self, kpi: str, unit: str, begins: datetime, ends: datetime, step: timedelta, gone: Event
    ) -> Sequence[tuple[datetime, float | None, int]]:
        self.asked.append((kpi, unit, begins, ends, step))
        time.sleep(self.takes_s)
        return self.points

    def explain(self, _kpi: str, unit: str, *_more: object) -> Explanation:
        """No pair has values here; what is told of one that has is tested with a real evaluation."""
        raise KeyError(unit)


@dataclass
class FakeAnswer:
    accepted: int
    rejected: Sequence[Rejection] = ()
    duplicate: int = 0

    @property
    def rejected_count(self) -> int:
        return len(self.rejected)


@dataclass
class FakePush:
    """Keeps the bodies it receives; raises `fault` instead when it is set."""

    pushed: list[tuple[str, bytes, str, str]] = field(default_factory=list)
    rejected: Sequence[Rejection] = ()
    fault: Exception | None = None

    async def ingest(self, source: str, content: bytes, content_type: str, idempotency_key: str) -> FakeAnswer:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.pushed.append((source, content, content_type, idempotency_key))
        return FakeAnswer(2, self.rejected)


@dataclass
class FakeParts:
    """What stands behind a centre; `centre()` puts it together over a DuckDB in memory with the store's tables."""

    data_dir: Path
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    catalog: Catalog = field(default_factory=hue)
    kpis: FakeKpis = field(default_factory=FakeKpis)
    push: FakePush = field(default_factory=FakePush)
    ledger: Ledger = field(default_factory=ledger)
    states: list[SourceState] = field(default_factory=lambda: [source_state()])
    reload_fault: Exception | None = None
    faults: tuple[Fault, ...] = ()
    starting: Fault | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.data_dir)
        self.duckdb = self.store.connection
        self.tried: list[tuple[str, str]] = []
        self.people = People.open(self.data_dir / "people.db", self.clock)
        self.hub = Hub(self.clock, self.min_samples, epoch="e1")

    @cached_property
    def alerting(self) -> AlertingContext:
        place = AlertServiceConfig(
            self.data_dir / "catalog", self.data_dir / "channels.toml", VIETNAM, "http://centre/ops"
        )
        with patch.object(definitions, "load_rules", quick_rules):
            service = AlertService(self.store, self.catalog, place, self.clock)
        past = KpiHistory(cast(Store, self.store), VIETNAM)
        deliveries = OutboxSender(service.store, lambda: service.in_force.channels, self.clock)
        incidents = IncidentStore(service.store, self.clock)
        return AlertingContext(service, incidents, past, lambda *sent: self.tried.append(sent), deliveries.retry)

    def min_samples(self, kpi: str) -> int:
        definition = self.catalog.kpis.get(kpi)
        return definition.min_samples if definition else 1

    def reload(self) -> Catalog:
        if self.reload_fault is not None:
            raise self.reload_fault
        return self.catalog

    def centre(self) -> ApiContext:
        return ApiContext(
            settings=Settings(self.data_dir, demonstration=True),
            admin_token=ADMIN,
            people=self.people,
            hub=self.hub,
            kpis=self.kpis,
            catalog=lambda: self.catalog,
            reload_catalog=self.reload,
            sources=lambda: self.states,
            ledger=lambda: self.ledger,
            cursor=self.duckdb.cursor,
            push=self.push,
            source_token={PUSH_SOURCE: PUSH_TOKEN}.get,
            alerting=self.alerting,
            faults=lambda: self.faults,
            starting=lambda: self.starting,
            clock=self.clock,
        )
