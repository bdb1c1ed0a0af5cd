"""A year of history, so that the wall has months to show at the first start."""

from ioc.demo.history.load import HistoryWriter, load

__all__ = ["HistoryWriter", "load"]
