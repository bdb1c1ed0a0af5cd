"""Put together the parts of alerting: the service, its loop, what it sends, and the centre's own figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.writer import SourceWriter
from ioc import topics
from ioc.alert_service.context import AlertingContext
from ioc.alert_service.definitions import AlertServiceConfig
from ioc.alert_service.incident_store import IncidentStore
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertService
from ioc.evaluation.published_values import PublishedKpi
from ioc.people import People
from ioc.people.full_names import FullNames
from ioc.server.alert_loop import AlertInputs, AlertLoop, AlertOutputs
from ioc.server.context import ServerContext
from ioc.server.outbox_sender import OutboxSender
from ioc.server.self_monitoring import SelfMonitoring
from ioc.server.self_report import SelfReport
from ioc.server.topic_publishers import AlertPublisher, TopicPublisher
from ioc.settings import Settings


@dataclass(frozen=True)
class AlertingParts:
    """The parts of alerting; `context` is what the API needs of them."""

    service: AlertService
    loop: AlertLoop
    outbox: OutboxSender
    publisher: AlertPublisher
    self_report: SelfReport
    context: AlertingContext


def build_alerting(
    server: ServerContext,
    people: People,
    published: Callable[[], Mapping[str, PublishedKpi]],
    writer_of: Callable[[str], SourceWriter],
) -> AlertingParts:
    """Build the parts of alerting without starting them.

    `published` returns the published KPIs by id, `writer_of` the writer of a push source.
    Raises StoreUnavailable, CatalogInvalid.
    """
    settings, clock, faults = server.settings, server.clock, server.faults
    service = AlertService(server.store, server.catalog(), _config(settings), clock)
    service.full_name = FullNames(people.accounts.all, clock)
    outbox = OutboxSender(service.store, lambda: service.in_force.channels, clock, faults=faults)
    province = server.catalog().province.code
    monitoring = SelfMonitoring(province, settings.data_dir, server.sources, server.ledger, service)
    publisher = AlertPublisher(TopicPublisher(settings.bootstrap(), settings.security, topics.ALERTS), clock)
    past = KpiHistory(server.store, settings.zone)
    loop = AlertLoop(
        service,
        AlertInputs(published, monitoring.values, past),
        AlertOutputs(server.hub, publisher.publish, outbox.add),
        clock,
        faults,
    )
    incidents = IncidentStore(service.store, clock)
    return AlertingParts(
        service,
        loop,
        outbox,
        publisher,
        SelfReport(province, monitoring.figures, writer_of, clock, faults),
        AlertingContext(service, incidents, past, outbox.try_channel, outbox.retry, outbox.waits),
    )


def _config(settings: Settings) -> AlertServiceConfig:
    return AlertServiceConfig(
        settings.catalog_dir,
        settings.channels_path,
        settings.zone,
        f"{settings.outer_address}/ops",
        settings.kept_dir / "good",
    )
