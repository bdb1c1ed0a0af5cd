"""The store of record: DuckDB with its historian, ledger, archive and retention. One process owns it."""

from ioc.store.apply import apply_cases, apply_panes
from ioc.store.store import Store, transaction

__all__ = ["Store", "apply_cases", "apply_panes", "transaction"]
