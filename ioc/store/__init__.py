"""The store of record: DuckDB with its historian, ledger, archive and retention. One process owns it."""

from ioc.store.apply import apply_cases, apply_panes
from ioc.store.case_clocks import Clocks
from ioc.store.commit_tick import Commit
from ioc.store.historian import Historian, HistorianCondition, HistorianState
from ioc.store.ledger import read_ledger
from ioc.store.maintenance import Maintenance
from ioc.store.store import Store, transaction

__all__ = [
    "Clocks",
    "Commit",
    "Historian",
    "HistorianCondition",
    "HistorianState",
    "Maintenance",
    "Store",
    "apply_cases",
    "apply_panes",
    "read_ledger",
    "transaction",
]
