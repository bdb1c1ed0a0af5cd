"""What all parts of `ioc serve` share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ioc.api.live.hub import Hub
from ioc.catalog import Catalog
from ioc.clock import Clock
from ioc.fault_register import FaultRegister
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.settings import Settings
from ioc.store import Store


@dataclass(frozen=True)
class ServerContext:
    """Settings, clock, faults, store and hub of the process, and its present catalogue, sources and ledger.

    `ledger` raises StoreUnavailable; it and `sources` may be called from any thread.
    """

    settings: Settings
    clock: Clock
    faults: FaultRegister
    store: Store
    hub: Hub
    catalog: Callable[[], Catalog]
    sources: Callable[[], Sequence[SourceState]]
    ledger: Callable[[], Ledger]

    def min_samples(self, kpi: str) -> int:
        """Return the minimum number of samples of a KPI; 1 for an unknown one."""
        return min_samples_of(self.catalog(), kpi)


def min_samples_of(catalog: Catalog, kpi: str) -> int:
    """Return the minimum number of samples of a KPI; 1 for an unknown one."""
    definition = catalog.kpis.get(kpi)
    return definition.min_samples if definition else 1
